"""Elements of charts: well-formed, escaped, and taken by a template as they are."""

from xml.etree import ElementTree

from jinja2 import Environment

from autolearn.markup import svg
from autolearn.markup.elements import join

HOSTILE = '<script>"&{x}$`'


def chart():
    parts = [
        svg.line((0, 1), (2, 3.25), "al-rule"),
        svg.polyline([(0, 0), (1, 2)], "al-path"),
        svg.circle((4, 5), 6, "al-dot"),
        svg.rectangle((1, 2), 3, 4, "al-bar"),
        svg.word(HOSTILE, (7, 8), "end"),
    ]
    return svg.picture(join(parts), 100, 50, HOSTILE, "al-figure")


def test_a_chart_has_its_elements_at_their_places():
    root = ElementTree.fromstring(chart())
    assert root.get("viewBox") == "0 0 100 50"
    elements = {element.tag: dict(element.attrib) for element in root}
    assert elements["line"]["x2"] == "2.0"
    assert elements["polyline"]["points"] == "0.0,0.0 1.0,2.0"
    assert (elements["circle"]["cx"], elements["circle"]["r"]) == ("4.0", "6")
    assert (elements["rect"]["width"], elements["rect"]["height"]) == ("3.0", "4")
    assert elements["text"]["text-anchor"] == "end"


def test_texts_are_escaped_once_also_in_a_template_that_escapes():
    template = Environment(autoescape=True).from_string("{{ chart }}{{ text }}")
    rendered = template.render(chart=chart(), text="<b>")
    assert rendered == f"{chart()}&lt;b&gt;"
    assert "<script" not in rendered
    root = ElementTree.fromstring(chart())
    texts = [element.text for element in root if element.tag in ("title", "text")]
    assert texts == [HOSTILE, HOSTILE]
    assert root.get("aria-label") == HOSTILE

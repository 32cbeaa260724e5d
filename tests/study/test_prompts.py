from pathlib import Path

import pytest

from autolearn.core.errors import PromptError
from autolearn.study import prompts

GOOD = "<!-- why -->\n## system\n\nBe brief.\n\n## user\n\n$passage\n\nAsk $n.\n"


def test_every_shipped_prompt_is_well_formed_and_cites_its_source():
    assert {"ask", "open_book", "closed_book", "feedback", "refine"} <= set(
        prompts.names()
    )
    for name in prompts.names():
        file = prompts.load(name)
        assert file.system
        assert file.variables


def test_render_fills_in_and_strips_the_values():
    prompt = prompts.parse("x", GOOD).render(passage=" A text.\n\n", n=3)
    assert prompt.chat[1].content == "A text.\n\nAsk 3."
    assert prompt.chat[0].content == "Be brief."


def test_a_dollar_in_a_value_is_only_text():
    prompt = prompts.parse("x", GOOD).render(passage="It costs $n or ${n}.", n=1)
    assert prompt.chat[1].content.startswith("It costs $n or ${n}.")


@pytest.mark.parametrize("values", [{"n": 1}, {"n": 1, "passage": "p", "other": 1}])
def test_missing_and_unknown_variables_are_refused(values):
    with pytest.raises(PromptError, match="'x'"):
        prompts.parse("x", GOOD).render(**values)


@pytest.mark.parametrize(
    "text", ["no parts", "## system\nx\n", "## system\nx\n## user\nIt costs $ 5\n"]
)
def test_a_malformed_file_is_refused(text):
    with pytest.raises(PromptError):
        prompts.parse("x", text)


def test_the_digest_changes_with_the_text():
    other = GOOD.replace("brief", "long")
    assert prompts.parse("x", GOOD).digest != prompts.parse("x", other).digest


def test_an_unknown_prompt_is_refused_by_name():
    with pytest.raises(PromptError, match="'nothing'"):
        prompts.load("nothing")


@pytest.fixture
def folder(tmp_path):
    """The folder of changed prompts that this process looks into."""
    folder = tmp_path / "prompts"
    folder.mkdir()
    prompts.use(folder)
    yield folder
    prompts.use(None)


def changed(name, old, new):
    text = prompts.default_text(name)
    assert old in text
    return text.replace(old, new)


def test_a_changed_prompt_takes_the_place_of_the_default_and_has_its_own_digest(folder):
    default = prompts.load("closed_book")
    text = changed("closed_book", "one full sentence", "one word")
    (folder / "closed_book.md").write_text(text)
    prompt = prompts.load("closed_book")
    assert "one word" in prompt.render(question="Who?").chat[0].content
    assert prompt.digest == prompts.parse("closed_book", text).digest
    assert prompt.digest != default.digest
    assert prompts.load("ask") == prompts.load_default("ask")
    (folder / "closed_book.md").unlink()
    assert prompts.load("closed_book") == default


def test_a_run_keeps_the_prompts_that_it_was_queued_with(folder):
    path = folder / "closed_book.md"
    path.write_text(changed("closed_book", "one full sentence", "one word"))
    settings = prompts.of_run()
    prompt = prompts.load("closed_book")
    assert settings["prompts"]["closed_book"] == prompt.digest
    assert settings["prompts"].keys() == set(prompts.names())
    path.write_text(changed("closed_book", "one full sentence", "two words"))
    with prompts.fixed(settings[prompts.CHANGED]):
        assert prompts.load("closed_book") == prompt
        path.unlink()
        assert prompts.load("closed_book") == prompt
    assert prompts.load("closed_book") == prompts.load_default("closed_book")
    with prompts.fixed({}):
        path.write_text(changed("closed_book", "one full sentence", "one word"))
        assert prompts.load("closed_book") == prompts.load_default("closed_book")


EXAMPLE = "## example\n\n### user\nWho?\n### assistant\nBo.\n"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("closed_book", "no parts", "needs the parts"),
        ("closed_book", changed("closed_book", "$question", "Who?"), "needs \\$quest"),
        ("ask", changed("ask", "$n", "$number"), "has \\$number, \\$passage"),
        ("verdict", changed("verdict", "## begin\n\nVerdict:", ""), "## begin"),
        ("ask", f"{prompts.default_text('ask')}\n## begin\n\n1.", "cannot have a part"),
        ("ask", f"{prompts.default_text('ask')}\n{EXAMPLE}", "without worked examples"),
        ("mend", changed("mend", "## example de", "## example it"), "'it'; known are"),
        ("mend", changed("mend", "## example de", "## exmaple"), "unknown part"),
        ("ask", changed("ask", "## system", "## user\nOld.\n## system"), "twice"),
        ("ask", f"Read this.\n{prompts.default_text('ask')}", "before its first part"),
    ],
)
def test_a_text_that_cannot_replace_the_default_is_refused(name, text, says):
    with pytest.raises(PromptError, match=says):
        prompts.check(name, text)


def test_a_file_broken_by_hand_is_named_with_a_way_out(folder):
    (folder / "ask.md").write_text("## system\nx\n")
    with pytest.raises(PromptError, match=r"'ask' needs .* reset it to its default"):
        prompts.load("ask")
    with pytest.raises(PromptError, match="reset it to its default"):
        prompts.of_run()
    (folder / "ask.md").write_bytes(b"\xff\xfe")
    with pytest.raises(PromptError, match=r"ask\.md cannot be read"):
        prompts.of_run()


def test_an_unknown_prompt_file_is_refused_when_a_run_is_queued(folder):
    (folder / "asks.md").write_text(prompts.default_text("ask"))
    with pytest.raises(PromptError, match=r"asks\.md is not a prompt"):
        prompts.of_run()


def test_every_default_passes_the_check_of_a_changed_prompt():
    assert prompts.names()
    for name in prompts.names():
        assert prompts.check(name, prompts.default_text(name)).name == name


def test_every_prompt_file_has_its_usage():
    files = Path(prompts.__file__).parent.glob("*.md")
    assert {file.stem for file in files} == set(prompts.names())

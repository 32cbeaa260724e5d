import pytest

from autolearn.errors import PromptError
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

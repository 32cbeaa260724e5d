"""A grammar allows what its constraint allows, and nothing else."""

import re

import pytest
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper
from llguidance.gbnf_to_lark import gbnf_to_lark

from autolearn.core.constraints import LINE, Excerpt, OneOf, Pattern
from autolearn.core.errors import InputError
from autolearn.endpoints.grammar import to_grammar
from autolearn.endpoints.matching import longest_match
from autolearn.study.fact_questions import QUESTION


class _Bytes:
    """A tokenizer whose tokens are bytes."""

    eos_token_id, bos_token_id = 256, None

    def __init__(self):
        self.tokens = [bytes([i]) for i in range(256)] + [b"<end>"]
        self.special_token_ids = [256]

    def __call__(self, text):
        return list(text if isinstance(text, bytes) else text.encode())


@pytest.fixture(scope="module")
def tokenizer():
    return LLTokenizer(TokenizerWrapper(_Bytes()))


def _allows(tokenizer, constraint, text):
    """Return whether an independent reader of the grammar accepts the text."""
    matcher = LLMatcher(tokenizer, gbnf_to_lark(to_grammar(constraint)), log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    ids = list(text.encode())
    return matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()


SOURCE = 'The "Żuraw" crane, 29.5 m high,\nburned in 1945 (and 1945 again).'
STRETCHES = [
    "The",
    '"Żuraw" crane',
    "29.5 m high,\nburned",
    "1945",
    "1945 (and 1945 again).",
    SOURCE,
]
OTHERS = ["", "Th", "he", "crane ", " crane", "crane, 29 m", "19", "high, burned"]


@pytest.mark.parametrize("text", STRETCHES + OTHERS)
def test_an_excerpt_is_a_stretch_that_cuts_no_word(tokenizer, text):
    excerpt = Excerpt(SOURCE)
    assert excerpt.allows(text) == (text in STRETCHES)
    assert _allows(tokenizer, (excerpt,), text) == excerpt.allows(text)
    whole = bool(text) and longest_match((excerpt, "|"), f"{text}|") == f"{text}|"
    assert whole == excerpt.allows(text)


@pytest.mark.parametrize(
    ("source", "whole", "cut"),
    [
        ("It has 1,200 lanterns.", "1,200 lanterns", "200 lanterns"),
        ("It weighs 3.5 kg.", "3.5", "3"),
        ("At 10:30 it was -5 degrees.", "-5 degrees", "5 degrees"),
        ("Sie kostet 1\u202f200 Kronen.", "1\u202f200", "200"),
        ("It came on 2019-03-14.", "2019-03-14", "2019"),
        ("It came on 14 March 2019.", "14 March", "14"),
        ("It came on 14 March 2019.", "2019", "March 2019"),
        ("It came on March 14, 2019.", "March 14, 2019", "14"),
        ("Sie kam am 14. März.", "14. März", "14"),
        ("Llegó el 14 de marzo.", "14 de marzo", "14"),
        ("It had 14 rooms from 1914-1918.", "14", "4"),
        ("It lasted from 1914-1918.", "1914", "19"),
    ],
)
def test_an_excerpt_cuts_no_number_and_no_day(tokenizer, source, whole, cut):
    """Of 1,200 lanterns, the short answer was 200 lanterns."""
    excerpt = Excerpt(source)
    assert "".join(excerpt.chunks) == source
    for text in (whole, cut):
        assert excerpt.allows(text) == (text == whole)
        assert _allows(tokenizer, (excerpt,), text) == (text == whole)
        match = longest_match((excerpt, "|"), f"{text}|")
        assert (match == f"{text}|") == (text == whole)


def test_an_excerpt_of_a_script_without_spaces_ends_after_any_sign(tokenizer):
    excerpt = Excerpt("東京は1868年に首都。", "none")
    for text in ("東", "京は1868", "首都。", "none", "186", "non"):
        assert _allows(tokenizer, (excerpt,), text) == excerpt.allows(text)


def test_the_grammar_of_an_excerpt_grows_linearly():
    sizes = [
        len(to_grammar((Excerpt(" ".join(f"w{i}" for i in range(n))),)))
        for n in (500, 1000, 2000)
    ]
    assert sizes[2] - sizes[1] < 2.3 * (sizes[1] - sizes[0])


def test_the_parts_of_an_answer_follow_each_other(tokenizer):
    form = (" ", OneOf(("yes", 'no "\\"')), "\nAnswer: ", LINE)
    assert _allows(tokenizer, form, ' no "\\"\nAnswer: It is so.')
    assert not _allows(tokenizer, form, " maybe\nAnswer: It is so.")
    assert not _allows(tokenizer, form, " yes\nAnswer: ")
    assert not _allows(tokenizer, form, " yes\nAnswer: a\nb")


@pytest.mark.parametrize(
    "regex", [r"a|bc?", r"(?:x\d{2,3})+\.", r"[^\s\]-]+[-+]?", "."]
)
@pytest.mark.parametrize(
    "text", ["a", "bc", "x12.", "x12x123.", "k-", "]", "x1.", "\n"]
)
def test_a_pattern_is_translated(tokenizer, regex, text):
    expected = re.fullmatch(regex, text) is not None
    assert _allows(tokenizer, (Pattern(regex),), text) == expected


@pytest.mark.parametrize(
    "text", ["What is it?", "Wer?", "a\nbcde?", "何時にそれは?", "no"]
)
def test_the_form_of_a_question_is_translated(tokenizer, text):
    expected = re.fullmatch(QUESTION.regex, text) is not None
    assert _allows(tokenizer, (QUESTION,), text) == expected


@pytest.mark.parametrize(
    "regex", ["(?=a)", r"\bx", "a*?", "[a", "(a", "a)", "^a", "\\"]
)
def test_a_pattern_without_a_translation_is_refused(regex):
    with pytest.raises(InputError, match="cannot be translated"):
        to_grammar((Pattern(regex),))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" in Rome\nAnswer: In Rome.\nQuestion: x", " in Rome\nAnswer: In Rome."),
        (" Romeo\nAnswer: x", None),
        ("in Rome", None),
    ],
)
def test_what_follows_the_form_is_cut_off(text, expected):
    form = (" ", Excerpt("It is in Rome."), "\nAnswer: ", LINE)
    assert longest_match(form, text) == expected


@pytest.mark.parametrize("text", ["a", "a b\nc", " a", "\n", "", "\u2028a"])
def test_each_beginning_of_a_line_is_a_line(text):
    ends = [n for n in range(len(text) + 1) if re.fullmatch(LINE.regex, text[:n])]
    assert longest_match((LINE,), text) == (text[: max(ends)] if ends else None)


def test_a_line_of_a_mebibyte_is_matched():
    """Each of its beginnings was matched, which took time in the square of it."""
    line = " " + "x" * (1 << 20)
    assert longest_match((" ", LINE), f"{line}\nmore") == line


def test_a_label_is_no_beginning_of_another_word():
    form = (OneOf((" correct", " incorrect")),)
    assert longest_match(form, " correct.") == " correct"
    assert longest_match(form, " correctly") is None

# ruff: noqa: RUF001
"""Code, tables, sentence ends of many scripts, and where long sentences are divided."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolearn.text import breaks, chunking, sentences, units


def tokens(text):
    return len(text) // 4 + 1


def passages(text, most, **options):
    return list(chunking.chunks([(text, False)], tokens, most, **options))


TABLE = "| Mill | Built |\n| :-- | --: |\n" + "".join(
    f"| Mill {n} of Brenn | {1700 + n} |\n" for n in range(40)
)


def test_every_passage_of_a_table_begins_with_its_header():
    text = f"Before it.\n\n{TABLE}\nAfter it.\n"
    chunks = passages(text, 40)
    assert len(chunks) > 5
    rows = [chunk for chunk in chunks if "Mill 39" in chunk.passage.text]
    assert rows
    for chunk in chunks[1:-1]:
        assert chunk.passage.text.startswith("| Mill | Built |\n| :-- | --: |\n| Mill ")
    own = "".join(chunk.passage.text[chunk.n_repeated :] for chunk in chunks)
    assert own == text
    assert [c.passage.start for c in chunks[1:]] == [c.passage.end for c in chunks[:-1]]
    assert all(chunk.passage.n_tokens <= 40 for chunk in chunks)


def test_a_header_that_says_nothing_or_is_too_long_is_not_repeated():
    for header in ("|  |  |", "| " + "name " * 40 + "| b |"):
        text = f"{header}\n| --- | --- |\n" + "| some | values |\n" * 60
        chunks = passages(text, 40)
        assert len(chunks) > 3
        assert not any(chunk.n_repeated for chunk in chunks)


CODE = "```sh\n# first, stop it\nkill 12\n\n# then start\n  run --port 80\n```\n"


def test_a_code_block_is_one_passage_and_has_no_headings():
    text = f"# Use\n\n{'It is said so. ' * 12}\n\n{CODE}\nDone.\n"
    texts = [chunk.passage.text for chunk in passages(text, 60)]
    assert sum(CODE in text for text in texts) == 1
    assert {chunk.passage.heading for chunk in passages(text, 60)} == {"Use"}


def test_a_long_code_block_is_cut_between_lines_below_its_first_line():
    lines = [f"    step({n})  # number {n}\n" for n in range(60)]
    chunks = passages(f"```py\n{''.join(lines)}```\n", 50)
    assert len(chunks) > 3
    assert all(chunk.passage.text.startswith("```py\n") for chunk in chunks)
    own = "".join(chunk.passage.text[chunk.n_repeated :] for chunk in chunks)
    assert own == f"```py\n{''.join(lines)}```\n"
    assert all(sum(line in c.passage.text for c in chunks) == 1 for line in lines)


def test_in_plain_text_a_hash_begins_no_heading():
    text = "The port is 80.\n# restarted\nIt is 90.\n#7 was removed.\n"
    (chunk,) = passages(text, 200, headings=False)
    assert chunk.passage.heading == ""
    assert len(passages(text, 200)) == 2


def test_a_formula_of_several_lines_has_no_headings():
    text = "# A\n\n$$\n# A = 5\n$$\n\n# B\n\n$$ x\n\n# C\n\nIt is old.\n"
    kinds = [(unit.kind, unit.text.strip()) for unit in units.of([(text, False)], 99)]
    assert [text for kind, text in kinds if kind == "heading"] == [
        "# A",
        "# B",
        "# C",
    ]  # the second formula has no end


@pytest.mark.parametrize("size", [1, 7, 50])
def test_blocks_can_end_anywhere(size):
    text = f"# Mills\n\nIt is old.\n\n{TABLE}\n{CODE}\nEnd."
    blocks = [(text[i : i + size], False) for i in range(0, len(text), size)]
    whole = list(units.of([(text, False)], 10_000))
    assert list(units.of(blocks, 10_000)) == whole
    assert {unit.kind for unit in whole} == {
        "prose",
        "heading",
        "fence",
        "code",
        "header",
        "row",
    }


SIGNS = "ab 12,.|-#`$\n~:!?。，一二年าก ।"


@given(st.text(SIGNS, max_size=400), st.integers(4, 40))
def test_any_text_is_covered_but_for_what_is_repeated(text, most):
    chunks = passages(text, most)
    assert "".join(c.passage.text[c.n_repeated :] for c in chunks) == text
    assert [c.passage.start for c in chunks] == [
        0,
        *(c.passage.end for c in chunks[:-1]),
    ][: len(chunks)]
    assert all(c.passage.n_tokens <= most for c in chunks)


@pytest.mark.parametrize(
    "parts",
    [
        ["नदी उत्तर में है। ", "यह पुरानी है॥ ", "कब बनी?"],
        ["متى بُني الجسر؟ ", "بُني قبل قرن. ", "نعم!"],
        ["یہ پل پرانا ہے۔", "یہ شہر نیا ہے۔ ", "کب؟"],
        ["တံတားသည် ဟောင်းသည်။ ", "မြစ်သည် ရှည်သည်။"],
        ["ድልድዩ አሮጌ ነው። ", "መቼ ተሠራ፧ ", "አላውቅም።"],
        ["ស្ពាននេះចាស់។", "ទន្លេវែង។"],
        ["Կամուրջը հին է։ ", "Երբ՞ կառուցվեց։"],
        ["สะพานนี้เก่ามาก ", "แม่น้ำยาว 12 กิโลเมตร"],
        ["桥建于1712年,长84米.", "河很长.", "很老!"],
        ["「橋は古い。」", "川は長い。"],
        ["Πότε χτίστηκε; ", "Πριν από αιώνες."],
        ["The mill of Dr. Kell is old. ", "It has 1.5 wheels."],
    ],
)
def test_sentences_end_where_their_script_ends_them(parts):
    assert [text for text, _ in chunking.sentences("".join(parts))] == parts


def test_chinese_with_ascii_commas_is_cut_into_facts():
    sentence = (
        "磨坊建于一七一二年,位于城市的北面,有九个轮子,1904年着火,"
        "后来由镇上的人重新建造并且一直使用到今天."
    )
    facts = sentences.facts(sentence)
    assert len(facts) > 1
    assert "".join(facts) == sentence
    assert all(fact.endswith((",", ".")) for fact in facts)


@pytest.mark.parametrize(
    "text",
    [
        "The town paid 12 345 678 crowns and 9,876,543.21 more for 84 km of road " * 9,
        "这座城市建于1712年有三万二千五百四十人河流长一千八百公里" * 12,
        "この町は1830年に作られました東京タワーの高さは三百三十三メートルです" * 12,
        "a" * 60 + "1234567890" + "b" * 60,
    ],
)
def test_a_passage_never_ends_inside_a_number(text):
    parts = [chunk.passage.text for chunk in passages(text, 12)]
    assert "".join(parts) == text
    assert len(parts) > 3
    for before, after in pairwise(parts):
        border = before[-2:] + after[:2]
        assert not re.search(r"\d[\s,.]?$", before) or not re.match(
            r"[\s,.]?\d", after
        ), border
        numerals = "一二三四五六七八九十百千万"
        assert not (before[-1] in numerals and after[0] in numerals), border


def test_a_number_alone_that_is_too_long_is_still_cut():
    assert 0 < breaks.middle("1" * 100) < 100
    assert 0 < breaks.last("1" * 100, 0, 40) <= 40


def test_the_number_of_a_list_item_stays_with_it():
    text = "1. The mill is old.\n2. It burned down.\n"
    assert [unit for unit, _ in chunking.sentences(text)] == [
        "1. The mill is old.\n",
        "2. It burned down.\n",
    ]

import csv
import io
import json
import random

import pytest

from autolearn.core.errors import InputError
from autolearn.core.reading import Column, ColumnUse
from autolearn.ingest.readers import rows
from tests.support.row_files import read, uses, written


def test_further_columns_are_lines_of_their_own(tmp_path):
    path = written(
        tmp_path,
        "a.csv",
        "Name|Body|Founded|Row_ID\nAvel|Old town.|1711|a7\nOrlo|By the sea.||b8\n",
    )
    text, out, _, source = read(path)
    assert text == "## Avel\n\nFounded: 1711\n\nOld town.\n\n## Orlo\n\nBy the sea.\n\n"
    assert out == [("column left out", "Row_ID: a7\nRow_ID: b8", "row 2 to row 3")]
    chosen_columns = {"Name": "title", "Body": "text", "Founded": "named"}
    assert uses(source) == chosen_columns | {"Row_ID": "left out"}


def test_an_index_that_is_a_measure_is_no_identifier(tmp_path):
    rows = "index,Body,Human Development Index,Row index\n1,Old town.,0.95,7\n"
    text, _, _, source = read(written(tmp_path, "a.csv", rows))
    assert text == "Human Development Index: 0.95\n\nOld town.\n\n"
    left_out = {name for name, use in uses(source).items() if use == "left out"}
    assert left_out == {"index", "Row index"}


def test_a_person_decides_what_becomes_of_columns(tmp_path):
    path = written(tmp_path, "a.tsv", "a\tb\tc\nOne\ttwo, and\tthree\n")
    columns = (Column("b", "text"), Column("a", "title"), Column("c", "left out"))
    text, out, _, source = read(path, columns=columns)
    assert text == "## One\n\ntwo, and\n\n"
    assert out == [("column left out", "c: three", "row 2")]
    assert [column.name for column in source.columns] == ["a", "b", "c"]
    with pytest.raises(InputError, match=r"a\.tsv has no row with a text\. 1 row"):
        read(path, columns=[Column(name, "left out") for name in "abc"])


def test_a_column_of_long_texts_is_the_text_whatever_its_name(tmp_path):
    rows = [{"Beschreibung": f"{n} Der Turm ist alt. " * 4, "Jahr": n} for n in (1, 2)]
    text, _, _, source = read(written(tmp_path, "a.json", json.dumps(rows)))
    assert uses(source) == {"Beschreibung": "text", "Jahr": "named"}
    assert text.startswith("Jahr: 1\n\n1 Der Turm")


def test_rows_without_texts_are_read_as_names_and_values(tmp_path):
    path = written(tmp_path, "a.csv", "town,people\nAvel,340\nOrlo,85\n")
    assert read(path)[0] == "town: Avel\npeople: 340\n\ntown: Orlo\npeople: 85\n\n"


def test_a_table_without_names_loses_no_row(tmp_path):
    path = written(tmp_path, "a.csv", "1712,The bridge.\n1877,The mill.\n")
    text, _, _, source = read(path)
    assert "column 1: 1712\ncolumn 2: The bridge." in text
    assert list(uses(source)) == ["column 1", "column 2"]


def test_cells_beyond_the_names_and_names_that_occur_twice_are_kept(tmp_path):
    path = written(tmp_path, "a.csv", "text,note,note,\nOne.,b,c,d,e\n")
    assert read(path)[0] == "note: b\nnote 3: c\ncolumn 4: d\ncolumn 5: e\n\nOne.\n\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            "Rain of Oden,,\nMade,2020-01-01,\n,,\nplace,mm,days\nTarn,5,6\nOden,7,8\n",
            ["Rain of Oden\nMade, 2020-01-01", "place: Tarn\nmm: 5\ndays: 6"],
        ),
        (
            "# Unit: mm\n,1990,1991\nTarn,5,6\nOden,7,8\n",
            ["# Unit: mm", "column 1: Tarn\n1990: 5\n1991: 6"],
        ),
        ("place;mm\n\nTarn;5\n;6\n", ["place: Tarn\nmm: 5"]),
        ("place\nTarn, 5\n", ["place: Tarn\ncolumn 2: 5"]),
    ],
)
def test_rows_above_the_names_are_a_text_of_their_own(tmp_path, data, expected):
    text, *_ = read(written(tmp_path, "a.csv", data))
    assert text.split("\n\n")[: len(expected)] == expected


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ("Land,2021\nTarn,67\nOden,1950\nUlm,59\n", ["Land", "2021"]),
        (",2021\nTarn,67\nOden,47\n", ["column 1", "2021"]),
        ("# Share\n,2021\nTarn,67\nOden,47\n", ["column 1", "2021"]),
        ("Bridge,1712\nMill,not known\nGate,1801\n", ["column 1", "column 2"]),
        ("Tarn,1200\nOden,340\nUlm,950\n", ["column 1", "column 2"]),
    ],
)
def test_a_single_year_names_a_column_of_other_numbers(tmp_path, data, names):
    *_, source = read(written(tmp_path, "a.csv", data))
    assert list(uses(source)) == names


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.tsv", 'at\tsize\nA\t"wide\nB\t5" pipe\n', ['at: A\nsize: "wide',
                                                     'at: B\nsize: 5" pipe']),
        ("a.csv", r'''at,said
A,"he said \"no\", then C:\new"
B,x
''', ['at: A\nsaid: he said "no", then C:\\new', "at: B\nsaid: x"]),
        ("a.csv", 'at, size\nA, "1, 2"\nB, "3"\n', ["at: A\nsize: 1, 2",
                                                   "at: B\nsize: 3"]),
        ("a.csv", 'at,said\nA,"two\nlines, not one"\n', ["at: A\nsaid: two\n"
                                                        "lines, not one"]),
        ("a.csv", 'at;path\nA;"C:\\"\nB;"D"\n', ["at: A\npath: C:\\",
                                                 "at: B\npath: D"]),
    ],
)  # fmt: skip
def test_quotation_marks_are_read_as_the_file_uses_them(tmp_path, name, data, expected):
    text, *_ = read(written(tmp_path, name, data))
    assert text.strip().split("\n\n") == expected


def test_no_two_columns_have_one_name(tmp_path):
    path = written(tmp_path, "a.csv", "column 2,,column 5,text\na,b,c,One.,d\n")
    lines = read(path)[0].splitlines()
    assert lines[:4] == ["column 2: a", "column 3: b", "column 5: c", "column 6: d"]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("null", "row whose text is null"),
        ("7", "row whose text is a number"),
        ("1.5", "row whose text is a number"),
        ("true", "row whose text is true or false"),
        ('["a"]', "row whose text is a list"),
        ('{"a": "b"}', "row whose text is an object"),
        ('" "', "blank row"),
    ],
)
def test_a_row_with_an_odd_text_is_named_and_the_others_come_in(tmp_path, cell, reason):
    good = '{"text": "Avel."}'
    path = written(tmp_path, "a.jsonl", f'{good}\n{{"text": {cell}}}\n{good}\n')
    text, out, notes, _ = read(path)
    assert text == "Avel.\n\nAvel.\n\n"
    assert [(why, place) for why, _, place in out] == [(reason, "line 2")]
    assert notes == [f"1 row was skipped: {reason} (line 2)"]


def test_lines_that_are_no_rows_are_counted(tmp_path):
    lines = ["7", "[]", "null", '"Avel."', "nonsense", '{"text": "Orlo."', "{}"]
    text, out, notes, _ = read(written(tmp_path, "a.jsonl", "\n".join(lines)))
    assert text == "Avel.\n\n"
    assert [place for *_, place in out] == [f"line {n}" for n in (1, 2, 3, 5, 6, 7)]
    assert out[3] == ("row that is not JSON", "nonsense", "line 5")
    assert notes[0].startswith("6 rows were skipped: row that is a number (line 1), ")
    assert "row that is not JSON (line 5, line 6)" in notes[0]


def test_many_rows_of_a_kind_are_counted_not_listed(tmp_path):
    lines = "\n".join(["Avel.", *[" "] * 40])
    _, _, notes, _ = read(written(tmp_path, "a.csv", f"text\n{lines}\n"))
    assert notes[0].startswith("40 rows were skipped: blank row (row 3, row 4, ")
    assert notes[0].endswith("row 10, … 40 in all)")


def test_nested_values_are_lines_or_exclusions(tmp_path):
    row = {
        "text": "Avel.",
        "meta": {"source": {"page": 7}, "tags": ["old", "town"], "none": None},
        "vector": [0.5] * 40,
        "spans": [{"from": 1}],
    }
    text, out, _, _ = read(written(tmp_path, "a.json", json.dumps([row])))
    assert text == "meta.source.page: 7\nmeta.tags: old, town\n\nAvel.\n\n"
    (rest,) = out
    assert rest[0] == "nested value"
    assert 'spans: [{"from": 1}]' in rest[1]


@pytest.mark.parametrize(
    "text",
    [
        '[{"text": "Avel."}, "Orlo."]',
        '[\n  {\n    "text": "Avel."\n  },\n  "Orlo."\n]',
        '{"version": 2, "data": [{"text": "Avel."}, {"text": "Orlo."}]}',
        '{"text": "Avel."}\n"Orlo."',
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_json_is_recognised_by_its_content(tmp_path, name, text):
    assert read(written(tmp_path, name, text))[0] == "Avel.\n\nOrlo.\n\n"


def test_what_is_beside_the_rows_of_json_is_listed(tmp_path):
    value = {
        "unit": "thousand tonnes",
        "meta": {"year": 1990, "spans": [[1]]},
        "data": [{"text": "Avel."}],
    }
    text, out, _, _ = read(written(tmp_path, "a.json", json.dumps(value)))
    assert text == "Avel.\n\n"
    lines = "unit: thousand tonnes\nmeta.year: 1990\nmeta.spans: [[1]]"
    assert out == [("beside the rows", lines, "")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"name": "left-pad", "version": 1}', "is not a list of rows"),
        ("[]", "is not a list of rows"),
        ('[{"text": "Avel."},', "is not valid JSON in line 1"),
        ("[" * 50_000, "nested too deeply|no valid JSON"),
        ('[{"text": " "}, 7]', "no row with a text. 2 rows were skipped: blank row"),
    ],
)
def test_json_without_texts_is_refused(tmp_path, text, says):
    with pytest.raises(InputError, match=says) as refusal:
        read(written(tmp_path, "a.json", text))
    assert str(refusal.value).startswith("a.json ")


def test_the_examples_of_columns_show_how_rows_are_read():
    columns = (
        Column("title", "title", ("Avel", "Orlo")),
        Column("text", "text", ("Old.", "")),
        Column("year", "named", ("1711",)),
    )
    assert rows.preview(columns) == "## Avel\n\nyear: 1711\n\nOld."
    assert (
        rows.preview((Column("a", "left out", ("x",)),))
        == "No row has a text with these choices."
    )


NAMES = ("text", "Title", "year", "doc id", "Author, first", "a|b", "Größe")
CELLS = (
    "",
    " ",
    "plain",
    'with "quotes"',
    "semi;colon, comma\ttab | bar",
    "two\nlines",
    "two\r\n\r\nparagraphs",
    "# no heading",
    "Größe 5 €",
    "1712",
    "a" * 300,
    "ends with a backslash \\",
)
ODD_CELLS: tuple[object, ...] = (
    None,
    7,
    2.5,
    False,
    [],
    ["a", "b"],
    {"x": {"y": "deep"}},
    [{"z": "low"}],
)


def words_of(value):
    """Return the words of a cell, whatever its type."""
    if isinstance(value, dict):
        return [word for inner in value.values() for word in words_of(inner)]
    if isinstance(value, list):
        return [word for inner in value for word in words_of(inner)]
    if value is None:
        return []
    return value.split() if isinstance(value, str) else [json.dumps(value)]


def table(rng, *, with_odd):
    names = rng.sample(NAMES, rng.randint(1, len(NAMES)))
    cells = CELLS + (ODD_CELLS if with_odd else ())
    return [
        {name: rng.choice(cells) for name in names} for _ in range(rng.randint(1, 12))
    ]


def file_of(kind, records):
    if kind in ("csv", "tsv"):
        buffer = io.StringIO()
        delimiter = "\t" if kind == "tsv" else ","
        writer = csv.DictWriter(buffer, list(records[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(records)
        return buffer.getvalue()
    if kind == "json":
        return json.dumps(records)
    return "\n".join(json.dumps(record) for record in records)


def kept_of(path, columns):
    """Return what is read of a file and what is left out; skip one without texts."""
    try:
        text, out, _, _ = read(path, columns=columns)
    except InputError as refused:
        if "has no row with a text" in str(refused):
            pytest.skip("no row has a text with these columns")
        raise
    return f"{text} {' '.join(part for _, part, _ in out)}"


@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "jsonl"])
@pytest.mark.parametrize("seed", range(30))
def test_every_cell_is_text_or_listed_as_left_out(tmp_path, kind, seed):
    rng = random.Random(seed)
    records = table(rng, with_odd=kind.startswith("json"))
    path = tmp_path / f"a.{kind}"
    path.write_bytes(file_of(kind, records).encode())
    chosen_columns = rng.sample(list(records[0]), rng.randint(0, len(records[0])))
    uses: tuple[ColumnUse, ...] = ("text", "title", "named", "left out")
    columns = tuple(Column(name, rng.choice(uses)) for name in chosen_columns)
    values_kept = kept_of(path, columns)
    for record in records:
        for value in record.values():
            for word in words_of(value):
                literal = json.dumps(word, ensure_ascii=False)[1:-1]
                assert word in values_kept or literal in values_kept

"""Hostile files end in time with one sentence, and the page answers meanwhile."""

import pytest

from autolearn.containment import Child, Limits
from autolearn.ingest.parsing import contained_parser
from autolearn.models.files import BUILT_IN
from autolearn.store import Store
from benchmarks.hostile import documents, folders, outcomes

SECONDS = 2.0
"""Computing time of a file. The benchmark takes the limits of the app."""
LIMITS = Limits(SECONDS, 1 << 30)
PAGE_SECONDS = 1.5
"""Longest time of a look; a page that waited for the file would take longer."""
DOCUMENTS = (
    "less-than.html", "open-quotes.html", "deep-div.html", "pre-one-line.html",
    "newlines.txt", "one-letter.txt", "open-quote.csv", "same-columns.csv",
    "deep-list.json", "groups.rtf", "mutual.tex", "styles.docx", "entities.docx",
    "zip-bomb.docx", "far-cell.xlsx", "columns.ods", "spaces.odt", "less-than.epub",
    "form-draws-itself.pdf", "doubling-forms.pdf", "kids-loop.pdf", "pipe.txt",
    "device.csv",
)  # fmt: skip
FOLDERS = (
    "config-deep", "index-many", "tensors-huge", "header-endless", "pipe-weights",
    "device-config", "tokenizer-bad-pattern", "tokenizer-growing", "folder-config",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def parser(place):
    """A parser whose child goes on to the next file, or is replaced."""
    with (
        Store.open(place / "workspace") as store,
        contained_parser(store, BUILT_IN, 320, lambda size: LIMITS) as parser,
    ):
        yield parser


def is_one_sentence(text):
    return text.endswith(".") and "\n" not in text and "Traceback" not in text


def test_the_generator_makes_enough():
    assert len(documents.ALL) >= 100
    assert len(folders.SEEN) + len(folders.LOADED) >= 40
    special = {"pipe.txt", "device.csv", "pipe-weights", "device-config"}
    assert {*DOCUMENTS} - documents.ALL.keys() <= special
    assert {*FOLDERS} - folders.SEEN.keys() <= special


@pytest.mark.parametrize("name", [n for n in DOCUMENTS if n in documents.ALL])
def test_a_document_ends_in_time(parser, place, name):
    path = place / name
    documents.ALL[name](path)
    outcome = outcomes.of_document(parser, path)
    path.unlink()
    assert outcome.sentence == "" or is_one_sentence(outcome.sentence)
    assert outcome.sentence == "" or outcome.sentence.startswith(name)
    assert outcome.seconds < 3 * SECONDS + 16
    assert outcome.peak_mib < 1300
    assert outcome.cancel_seconds is None or outcome.cancel_seconds < SECONDS


@pytest.mark.parametrize("name", [n for n in FOLDERS if n in folders.SEEN])
def test_a_folder_ends_in_time(tmp_path, name):
    folder = tmp_path / name
    folders.make(folder)
    folders.SEEN[name](folder)
    outcome = outcomes.of_folder(folder)
    assert is_one_sentence(outcome.sentence)
    assert outcome.seconds < 100


def test_the_page_answers_while_a_file_fills_the_memory(parser, place):
    path = place / "bomb.html"
    documents.ALL["pre.html"](path)
    with outcomes.page(place / "workspace") as page:
        outcomes.of_document(parser, path)
    assert 0 < page.slowest < PAGE_SECONDS


@pytest.fixture(scope="module")
def engine_child():
    with Child() as child:
        yield child


@pytest.mark.parametrize(
    "name", ["template-loops", "template-memory", "weights-not-numbers"]
)
def test_a_model_that_cannot_be_trusted_is_not_loaded(tmp_path, name, engine_child):
    folder = tmp_path / name
    folders.make(folder)
    folders.LOADED[name](folder)
    outcome = outcomes.of_loading(engine_child, folder, Limits(10.0, 1 << 30))
    assert outcome.sentence
    assert "\n" not in outcome.sentence


def test_a_plain_model_passes_the_same_trial(tmp_path, engine_child):
    folder = tmp_path / "plain"
    folders.make(folder)
    outcome = outcomes.of_loading(engine_child, folder, Limits(30.0, 1 << 30))
    assert outcome.sentence == ""
    assert outcomes.of_folder(folder).sentence == ""

"""Texts come in whole or not at all: in process, and by a real reader."""

import json
import os
import random
import re
import signal

import pytest

from autolearn.core.errors import ModelNotFound
from autolearn.core.ports import Cancelled
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.ingest import dedup, importer
from autolearn.ingest.parsing import LocalParser
from autolearn.models import files as model_files
from autolearn.models import token_counting
from autolearn.runs import queues, run_control, worker_locks, worker_processes
from autolearn.services import actions
from autolearn.store import Store
from autolearn.ui.session import Session
from autolearn.ui.tabs import skills
from tests.support import files
from tests.support.pages import until
from tests.support.texts import put, put_passages

LONG = "Avel was founded in 1830 by weavers who had come over the hills from Boro. "
LATIN = "abcdIJKL0123456789.,;:!?()[]{}'\"&<>*_#`~^|\\/+-=@$%éüßñÀ"
SIGNS = LATIN, LATIN + "“”—…日本語。Ωжאب🙂e\u0301\u00adﬁ\ufeff"
"""Signs that every font has, and others."""


def whole(store, document):
    """Return a text with everything that was left out of it, put back in its place."""
    text = "".join(p.text for p in store.library.stretch(document.id, 0, 10_000))
    for out in reversed(store.library.exclusions(document.id)):
        text = f"{text[: out.at]} {out.text} {text[out.at :]}"
    return text


def test_a_text_becomes_passages_that_are_measured_in_the_models_tokens(
    store, tmp_path
):
    (tmp_path / "avel.md").write_text(
        "# Towns\n\n## Avel\n\nAvel was founded in 1711.\n"
    )
    assert put(store, tmp_path / "avel.md") == []
    (passage,) = store.library.passages()
    assert passage.heading == "Avel"
    assert passage.n_tokens > 8
    (document,) = store.library.documents()
    assert (document.name, document.media_type) == ("avel.md", "text/markdown")
    assert document.n_characters == passage.end == len(passage.text)


def test_a_model_without_a_corpus_is_taught_from_the_built_in_one(tmp_path):
    """“Teach these skills” asked for a corpus, which is elsewhere and folded."""
    session = Session(tmp_path / "lab")
    run = skills._teach(session, 0, session.store, ModelSettings())
    (corpus,) = session.store.corpora.all()
    assert TrainRunSettings.of(run).corpus_ids == (corpus.id,)
    folder = session.store.folder
    assert worker_processes.stop_worker(folder, queue=queues.IMPORT_QUEUE)
    session.store.close()


def test_one_bad_file_does_not_keep_the_others_out(store, tmp_path):
    bad = {"empty.txt": b" \n", "binary.txt": b"\x00\x01", "cut.pdf": b"%PDF-1.7"}
    for name, data in {**bad, "good.txt": b"Avel is old."}.items():
        (tmp_path / name).write_bytes(data)
    reasons = put(store, tmp_path / "none.txt", *sorted(tmp_path.glob("*.*")))
    assert [d.name for d in store.library.documents()] == ["good.txt"]
    assert len(reasons) == 4
    assert all(reason.count("\n") == 0 for reason in reasons)


def test_a_text_is_not_added_twice_whatever_its_name_and_kind(store, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"One.\r\n\r\nTwo.\n\n")
    (tmp_path / "b.jsonl").write_text('{"text": "One.\\n\\nTwo."}')
    put(store, tmp_path / "a.txt")
    (reason,) = put(store, tmp_path / "b.jsonl")
    assert reason == "b.jsonl is already in the library, as a.txt."
    assert len(store.library.documents()) == 1


def signs(rng, kind):
    """Return a paragraph of any characters that a document of this kind can hold."""
    words = (rng.choices(SIGNS[kind != "pdf"], k=rng.randint(1, 9)) for _ in range(20))
    return " ".join(map("".join, words))


@pytest.mark.parametrize("kind", files.KINDS)
def test_every_character_is_in_one_passage_or_in_a_listed_exclusion(
    store, tmp_path, kind
):
    for seed in range(3):
        rng = random.Random(f"{kind} {seed}")
        paragraphs = [signs(rng, kind) for _ in range(rng.randint(1, 20))]
        paragraphs.append(LONG * rng.randint(1, 9))
        path = tmp_path / f"{seed}.{kind}"
        files.write(path, paragraphs, "Report of Avel")
        assert put(store, path) == []
        document = store.library.documents()[-1]
        passages = store.library.stretch(document.id, 0, 10_000)
        assert [p.start for p in passages] == [0, *(p.end for p in passages[:-1])]
        coverage = len(passages), document.n_characters
        assert store.library.coverage(document.id) == coverage
        assert max(p.n_tokens for p in passages) <= 320
        rest = iter(whole(store, document))
        # Invisible characters, such as a soft hyphen, are not part of a text.
        text = re.sub("[\u00ad\u200b\u2060\ufeff]", "", "".join(paragraphs))
        assert all(sign in rest for sign in text if not sign.isspace())


def test_a_file_that_changes_while_it_is_read_is_refused(store, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(LONG * 50_000)

    def touch(stage, n_done, total):
        if n_done:
            path.write_text("Other.")

    count = token_counting.token_counter(model_files.BUILT_IN)
    intake = importer.TextImporter(store, LocalParser(count, 320), progress=touch)
    (refusal,) = intake.import_files([importer.ImportFile(path, "a.txt")])
    assert refusal.sentence == "a.txt has changed while it was read; add it again."
    assert store.library.documents() == []


def test_a_stop_keeps_what_came_in_before_and_nothing_of_the_rest(store, tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(f"{name} {LONG * 50_000}")
    calls: list[tuple[str, int, int]] = []
    intake = importer.TextImporter(
        store,
        LocalParser(len, 10_000),
        stop=lambda: any(
            "b.txt" in stage and n_done for stage, n_done, _ in calls[-1:]
        ),
        progress=lambda *counts: calls.append(counts),
    )
    with pytest.raises(Cancelled):
        intake.import_files(
            [importer.ImportFile(tmp_path / f"{n}.txt", f"{n}.txt") for n in "ab"]
        )
    assert [d.name for d in store.library.documents()] == ["a.txt"]
    assert [n_done for _, n_done, _ in calls] == sorted(
        n_done for _, n_done, _ in calls
    )


def test_repeats_are_marked_and_only_those_word_for_word_left_out(store):
    def text(year, town="Avel"):
        return f"{town} was founded in {year} by weavers. " + LONG * 4

    first = put_passages(store, "a", [text(1830), "Short one."])
    second = put_passages(
        store,
        "b",
        [f"  {text(1830)}\n", text(1831), "Short one.", "Something else. " * 9],
    )
    numbers = {p.document_id for p in second}
    assert dedup.mark(store, numbers, lambda: False, lambda _: None) == 2
    same, near, short, other = store.library.stretch(second[0].document_id, 0, 9)
    assert (same.repeats_id, same.excluded) == (first[0].id, True)
    assert near.repeats_id in (first[0].id, same.id)
    assert not near.excluded, "the year is the fact to be learned"
    assert (short.repeats_id, other.repeats_id) == (None, None)
    assert dedup.mark(store, numbers, lambda: False, lambda _: None) == 2, (
        "may be done again"
    )


def test_texts_without_spaces_between_words_are_compared_too(store):
    text = "この町は千八百三十年に織物職人によって作られました。とても古い町です。"
    put_passages(store, "a", [text])
    (again,) = put_passages(store, "b", [text + "終わり。"])
    assert dedup.mark(store, {again.document_id}, lambda: False, lambda _: None) == 1


@pytest.fixture
def lab(tmp_path):
    """A workspace with a reader of its own."""
    with Store.open(tmp_path / "lab") as store:
        yield store
        assert worker_processes.stop_worker(store.folder, queue=queues.IMPORT_QUEUE)


def read(store, *paths, **more):
    run = actions.add_texts(store, paths, "built-in", 320, **more)
    worker_processes.ensure_workers(store)
    return run


def test_the_reader_works_beside_a_worker_and_cleans_up(lab, tmp_path):
    (tmp_path / "a.txt").write_text("Avel is old.")
    with worker_locks.worker_lock(lab.folder):
        waiting = lab.runs.create("study", {})
        run = read(
            lab,
            tmp_path / "a.txt",
            uploads=actions.Uploads((), ("b.md", "Boro is new.")),
        )
        last = run_control.wait(lab, run.id)
    assert last.state == "done", last.error
    assert last.result == {"documents": 2, "refusals": [], "others": [], "repeats": 0}
    assert [d.name for d in lab.library.brought_by(run.id)] == ["a.txt", "b.md"]
    assert list((lab.folder / "incoming").iterdir()) == []
    assert lab.runs.get(waiting.id).state == "queued"


def test_an_import_of_which_nothing_can_be_read_fails_and_says_why(lab, tmp_path):
    last = run_control.wait(lab, read(lab, tmp_path / "none.txt").id)
    assert (last.state, last.error) == (
        "failed",
        "There is no file none.txt; check the path.",
    )


def test_a_killed_import_leaves_nothing_half_and_continues(lab, tmp_path):
    (tmp_path / "a.txt").write_text("Avel is old.")
    big = tmp_path / "big.jsonl"
    rows = (json.dumps({"text": f"{n} {LONG * 3}"}) for n in range(20_000))
    big.write_text("\n".join(rows))
    run = read(lab, tmp_path / "a.txt", big)
    until(lambda: lab.runs.get(run.id).done, lambda n: n >= 100)
    os.kill(lab.runs.get(run.id).pid, signal.SIGKILL)
    until(lambda: queues.IMPORT_QUEUE not in worker_locks.recover(lab))
    assert lab.runs.get(run.id).state == "interrupted"
    assert [d.name for d in lab.library.documents()] == ["a.txt"]
    big.write_text(big.read_text()[:100_000].rpartition("\n")[0])
    run_control.resume(lab, run.id)
    worker_processes.ensure_workers(lab)
    assert run_control.wait(lab, run.id).state == "done"
    assert [d.name for d in lab.library.documents()] == ["a.txt", "big.jsonl"]


def test_a_model_that_is_not_there_counts_no_tokens(store, tmp_path):
    with pytest.raises(ModelNotFound, match="There is no folder"):
        actions.add_texts(store, [tmp_path], "/nowhere", 320)

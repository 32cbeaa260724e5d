"""Measure the review with 100,000 samples: python -m benchmarks.review."""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autolearn.core.flags import Flag
from autolearn.core.model_calls import (
    Completion,
    Generation,
    Message,
    ModelIdentity,
    Prompt,
    Request,
    Sampling,
)
from autolearn.core.records import (
    Answer,
    AnswerKind,
    Decision,
    Document,
    Feedback,
    Passage,
    Question,
    Sample,
)
from autolearn.services import actions
from autolearn.store import SampleFilter, Store
from autolearn.store.encoding import to_row
from autolearn.store.search import index_samples
from autolearn.ui.views import review, sample

DOCUMENTS, PASSAGES = 200, 5
FLAGS: tuple[Flag, ...] = (
    "disputed",
    "contradicts_open_book",
    "check_failed",
    "same_fact",
    "no_evidence",
)
SYLLABLES = ("ka", "lo", "mi", "ren", "tu", "vas", "el", "po", "sha", "din")


def main() -> int:
    """Build the samples in a temporary folder, measure, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.review")
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=15)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        start = time.perf_counter()
        fill(store, flags.samples)
        _say(f"{flags.samples} samples, built in {time.perf_counter() - start:.0f} s")
        heads = ("median", "least", "most", "of CPU")
        _say(f"{'milliseconds':44}" + "".join(f"{head:>9}" for head in heads))
        for name, act in measured(store, flags.samples):
            _measure(name, act, flags.repeats)
        _bulk(store)
    return 0


def fill(store: Store, n_samples: int, n_documents: int = DOCUMENTS) -> None:
    """Insert samples with all records that they refer to."""
    draw = random.Random(0)
    words = ["".join(draw.choices(SYLLABLES, k=3)) for _ in range(2000)]
    passages = _library(store, draw, words, n_documents)
    run = store.runs.create("study", {"study": {}})
    for first in range(0, n_samples, 5000):
        with store.db.atomic():
            n = min(5000, n_samples - first)
            _some_samples(store, run.id, draw, words, draw.choices(passages, k=n))


def _library(
    store: Store, draw: random.Random, words: list[str], n_documents: int
) -> list[Passage]:
    all_passages: list[Passage] = []
    for number in range(n_documents):
        texts = [" ".join(draw.choices(words, k=150)) + "." for _ in range(PASSAGES)]
        place, passages = 0, []
        for position, text in enumerate(texts):
            end = place + len(text)
            passages.append(Passage(0, position, place, end, text, 200))
            place = end
        document = Document(f"text {number}.txt", str(number), place)
        record = store.library.add_document(document, passages)
        all_passages += store.library.passages([record.id])
    return all_passages


def _some_samples(
    store: Store,
    run_id: int,
    draw: random.Random,
    words: list[str],
    places: Sequence[Passage],
) -> None:
    def say(n: int) -> str:
        return " ".join(draw.choices(words, k=n))

    def insert(table: str, records: Sequence[Any]) -> list[int]:
        return store.db.insert(table, [to_row(r) | {"run_id": run_id} for r in records])

    question_records = [
        Question(f"what is {say(5)}?", "study", "model", p.id) for p in places
    ]
    questions = insert("questions", question_records)
    generations = [_generation(say(300), say(12)) for _ in range(3)]
    ids = insert("generations", generations)
    saved_generations = [
        _with_id(generation, number)
        for generation, number in zip(generations, ids, strict=True)
    ]
    kinds: tuple[AnswerKind, ...] = ("closed_book", "open_book", "refined")
    closed_ids, open_ids, refined_ids = (
        insert("answers", [Answer(q, kind, say(12), generation=g) for q in questions])
        for kind, g in zip(kinds, saved_generations, strict=True)
    )
    critiques, checks = (
        insert("feedback", [_feedback(draw, a, say(15), purpose) for a in answers])
        for answers, purpose in ((closed_ids, "critique"), (refined_ids, "check"))
    )
    rows = zip(
        question_records,
        questions,
        places,
        open_ids,
        closed_ids,
        critiques,
        refined_ids,
        checks,
        strict=True,
    )
    samples = [_sample(draw, say, row) for row in rows]
    index_samples(store.db, insert("samples", samples))


def _generation(prompt: str, text: str) -> Generation:
    chat = (Message("system", "Answer."), Message("user", prompt))
    return Generation(
        Request(Prompt("closed_book", "d", chat), Sampling()),
        Completion(text, "stop", 300, 12),
        ModelIdentity("benchmark", "d", "nf4", "float32", "cpu"),
    )


def _with_id(generation: Generation, number: int) -> Generation:
    return Generation(
        generation.request, generation.completion, generation.model, number
    )


def _feedback(draw: random.Random, answer_id: int, text: str, purpose: Any) -> Feedback:
    verdict: Any = draw.choice(("correct", "incorrect"))
    return Feedback(answer_id, purpose, text, verdict, draw.random())


def _sample(
    draw: random.Random, say: Callable[[int], str], row: tuple[Any, ...]
) -> Sample:
    question, number, passage, *rest = row
    open_id, closed_id, critique, refined_id, check = rest
    return Sample(
        number,
        question.text,
        chosen=say(12),
        rejected=say(12),
        gap=draw.random() < 0.7,
        gap_probability=draw.random(),
        passage_id=passage.id,
        open_answer_id=open_id,
        closed_answer_id=closed_id,
        critique_id=critique,
        refined_answer_id=refined_id,
        check_id=check,
        flags=tuple(flag for flag in FLAGS if draw.random() < 0.08),
        state="pending" if draw.random() < 0.9 else "approved",
    )


def measured(store: Store, n_samples: int) -> list[tuple[str, Callable[[int], object]]]:
    """Return what is measured; each function gets the number of earlier calls."""
    samples, is_pending = store.samples, SampleFilter(state="pending")

    def card(call: int, selection: SampleFilter) -> None:
        neighbour = 1 + call * 7919 % n_samples
        sample_id = samples.next_id(selection, beside=neighbour) or samples.next_id(
            selection
        )
        if sample_id:
            sample.card(samples.view(sample_id))

    def look(selection: SampleFilter) -> Callable[[int], None]:
        return lambda call: card(call, selection)

    rare = SampleFilter(state="pending", text="kaloka mimimi")
    with_flag = SampleFilter(
        state="pending", flag="contradicts_open_book", document_id=7
    )
    common, with_verdict = SampleFilter(text="what"), SampleFilter(verdict="correct")
    unclear = SampleFilter(verdict="unclear")
    return [
        ("next card, pending", look(is_pending)),
        ("next card, flag and document", look(with_flag)),
        ("next card, a verdict that none has", look(unclear)),
        ("next card, search of a common word", look(common)),
        ("next card, search of two rare words", look(rare)),
        (
            "search, 50 samples with a rare word",
            lambda _: samples.find(SampleFilter(text="kaloka"), limit=50),
        ),
        (
            "page of 50 by id",
            lambda _: samples.find(is_pending, limit=50, after_id=5000),
        ),
        ("counts of all", lambda _: samples.counts()),
        ("counts, flag and document", lambda _: samples.counts(with_flag)),
        ("ids of all that are pending", lambda _: samples.ids(is_pending)),
        ("counts, verdict", lambda _: samples.counts(with_verdict)),
        ("counts, search of a common word", lambda _: samples.counts(common)),
        ("progress and agreement", lambda _: review.progress(store)),
    ]


def _bulk(store: Store) -> None:
    """Measure approving all pending samples, and the undo, once each."""
    decision = Decision(0, "approve", "person")
    ids = store.samples.ids(SampleFilter(state="pending"))
    _measure(f"approve {len(ids)}", lambda _: actions.decide(store, ids, decision), 1)
    _measure("the last decision of these", lambda _: store.decisions.last(), 5)
    _measure("progress after these", lambda _: review.progress(store), 5)
    last = store.decisions.last()
    assert last is not None
    _measure("undo of these", lambda _: store.decisions.undo_batch(last.id), 1)


def _measure(name: str, act: Callable[[int], object], repeats: int) -> None:
    wall_times, cpu_times = [], []
    for call in range(repeats):
        started_at, work = time.perf_counter(), time.process_time()
        act(call)
        wall_times.append(1000 * (time.perf_counter() - started_at))
        cpu_times.append(1000 * (time.process_time() - work))
    middle = statistics.median(wall_times)
    row = (middle, min(wall_times), max(wall_times), statistics.median(cpu_times))
    _say(f"{name:44}" + "".join(f"{value:9.1f}" for value in row))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""The loop on a scripted model: gaps, evidence, the second check, and its steps."""

import itertools
from dataclasses import replace

import pytest

from autolearn.core.ports import Cancelled
from autolearn.core.records import Answer, Feedback, Sample
from autolearn.study.loop import STAGES, Study
from tests.support.journals import MemoryJournal
from tests.support.scripted_backend import ScriptedBackend
from tests.support.studies import SETTINGS, model, passages, study, sure

N_TIMED = len(STAGES) - 1
"""Stages that take time: samples are only put together."""


def test_what_is_known_is_no_gap_and_what_is_not_is_learned():
    journal, _, _ = study()
    gap, no_gap = journal.all(Sample)
    assert (gap.prompt, gap.gap) == ("When was Avel founded?", True)
    assert gap.chosen == "Avel was founded in 1711."
    assert gap.rejected == "Avel was founded in 1699."
    assert gap.gap_probability == pytest.approx(0.9)
    assert gap.flags == ()
    assert (no_gap.prompt, no_gap.gap, no_gap.gap_probability) == (
        "Who leads Avel?",
        False,
        0.0,
    )


def test_evidence_is_placed_in_the_document():
    journal, _, _ = study(n=2)
    spans = [(a.start, a.end) for a in journal.all(Answer) if a.kind == "open_book"]
    assert (0, 25) in spans
    assert (100, 125) in spans


def test_the_second_check_is_of_the_refinement():
    journal, _, _ = study()
    critique, check = journal.all(Feedback)
    assert (critique.purpose, critique.verdict) == ("critique", "incorrect")
    assert (check.purpose, check.verdict) == ("check", "correct")


def test_a_refinement_that_fails_its_check_is_flagged():
    def stubborn(request):
        if request.prompt.name == "refine":
            return "Answer: Avel was founded in 1700."
        return model(request)

    journal, _, _ = study(stubborn)
    flags = set(journal.all(Sample)[0].flags)
    assert {"check_failed", "contradicts_open_book", "not_open_book"} <= flags


def test_a_refinement_in_other_words_does_not_stray():
    def wordy(request):
        if request.prompt.name == "refine":
            return "Answer: The town of Avel began in 1711."
        return model(request)

    journal, _, _ = study(wordy)
    flags = set(journal.all(Sample)[0].flags)
    assert "not_open_book" in flags
    assert "contradicts_open_book" not in flags


@pytest.mark.parametrize(
    ("evidence", "answer", "flags"),
    [
        ("Avel was founded in 1711.", "Avel was founded in 1711.", ()),
        ("In 1711 Avel was founded.", "Avel began in 1711.", ("reworded_quote",)),
        ("Avel was founded in 1711.", "Avel was founded in 1712.", ("no_evidence",)),
        ("Bo is a small fish.", "Avel was founded in 1711.", ("no_evidence",)),
        ("none", "The text does not say.", ("no_evidence", "unanswerable")),
    ],
)
def test_evidence_must_support_the_answer(evidence, answer, flags):
    def reads(request):
        if request.prompt.name == "open_book":
            return f"Evidence: {evidence}\nAnswer: {answer}"
        return model(request)

    journal, _, _ = study(reads)
    open_book = next(a for a in journal.all(Answer) if a.kind == "open_book")
    assert open_book.flags == flags
    assert (open_book.start is None) is ("no_evidence" in flags)


def test_further_closed_book_samples_are_drawn_and_kept():
    journal, backend, _ = study(settings=replace(SETTINGS, closed_book_samples=2))
    answers = [a for a in journal.all(Answer) if a.kind == "closed_book"]
    assert sorted(a.sample_index for a in answers) == [0, 0, 1, 1, 2, 2]
    requests = [r for r in backend.history if r.prompt.name == "closed_book"]
    assert len({r.sampling.seed for r in requests}) == len(requests)
    assert len(journal.all(Sample)) == 2


def test_a_study_continues_where_it_was_stopped_and_ends_the_same():
    whole, _, _ = study(n=4)
    assert whole.kept
    for n_done in range(len(whole.kept)):
        steps = dict(itertools.islice(whole.kept.items(), n_done))
        second, _, _ = study(n=4, journal=MemoryJournal(steps))
        assert list(second.kept) == list(whole.kept)
        texts = [(s.prompt, s.chosen, s.flags) for s in second.all(Sample)]
        assert texts == [(s.prompt, s.chosen, s.flags) for s in whole.all(Sample)]


def test_what_was_done_is_not_done_again():
    whole, _, _ = study(n=2)
    _, backend, _ = study(n=2, journal=whole)
    assert backend.history == []


def test_cancelling_keeps_finished_steps_and_nothing_of_the_open_one():
    journal = MemoryJournal()
    backend = ScriptedBackend(model, judge=sure)

    def stop():
        return len(backend.history) >= 2

    with pytest.raises(Cancelled):
        Study(backend, journal, SETTINGS, stop, lambda *_: None).run(passages(2))
    assert list(journal.kept) == ["passages 1-2: questions"]


def asked_again(request):
    """Ask nothing of any passage, so that each is asked again."""
    return "I have no idea." if request.prompt.name == "ask" else model(request)


@pytest.mark.parametrize("script", [model, asked_again])
def test_progress_rises_to_its_total(script):
    _, _, calls = study(script, n=3)
    counts = [d for _, d, _ in calls]
    assert counts == sorted(counts)
    total = 3 * N_TIMED
    assert calls[-1] == ("samples", total, total)


def test_a_quick_study_counts_only_what_it_asks():
    _, _, calls = study(settings=replace(SETTINGS, quick=True))
    asked = [(n, total) for stage, n, total in calls if stage == STAGES[2]]
    assert asked[-1] == (3, 3)


def test_what_was_stored_before_is_not_counted_as_fast_work():
    """The time left of a resumed study began at seconds and climbed for hours."""
    whole, _, _ = study(n=4)
    stored = dict(itertools.islice(whole.kept.items(), len(STAGES)))
    _, _, calls = study(n=4, journal=MemoryJournal(stored))
    assert calls[0] == (STAGES[0], 2 * N_TIMED, 4 * N_TIMED)

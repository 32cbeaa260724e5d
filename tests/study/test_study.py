"""The loop on a scripted model: what it asks, in which order, and what comes of it."""

import itertools
from dataclasses import replace

import pytest

from autolearn.core.ports import Cancelled
from autolearn.core.records import Answer, Feedback, Passage, Question, Sample, Skip
from autolearn.core.settings import StudySettings
from autolearn.evaluation.skill_items import texts
from autolearn.study.loop import EVOLUTION, STAGES, Study
from autolearn.study.questions import how_many
from autolearn.study.rules import RULES
from tests.support.journals import MemoryJournal
from tests.support.scripted_backend import ScriptedBackend
from tests.support.skill_models import Perfect

TEXT = "Avel was founded in 1711. Ada leads Avel."
SETTINGS = StudySettings(
    ask_rounds=1, paraphrases=1, quiz_share=0.0, passages_per_step=2
)


def model(request):
    """Knows who leads Avel, guesses the year, reads and mends well."""
    name, user = request.prompt.name, request.prompt.chat[-1].content
    leads = "leads" in user.split("Question:")[-1].split("Answer:")[0]
    if name == "ask":
        return "When was Avel founded?\nWho leads Avel?"
    if name == "closed_book":
        return "Ada leads Avel." if leads else "Avel was founded in 1699."
    if name == "open_book":
        if leads:
            return "Evidence: Ada leads Avel.\nAnswer: Ada leads Avel."
        year = "Avel was founded in 1711."
        return f"Evidence: {year}\nAnswer: {year}"
    if name == "feedback":
        right = "Answer: Avel was founded in 1711." in user.split("Text answer:")[1]
        return f"Compared.\nVerdict: {'correct' if right else 'incorrect'}"
    if name == "refine":
        return "Answer: Avel was founded in 1711."
    return "In which year was Avel founded?"


def sure(chat, prefill):
    right = chat[-1].content.count("1711") == 3
    return (0.9, 0.1) if right else (0.2, 0.8)


def passages(n=1):
    return [
        Passage(1, i, 100 * i, 100 * i + len(TEXT), TEXT, 9, id=i + 1) for i in range(n)
    ]


def study(script=model, n=1, settings=SETTINGS, journal=None, **more):
    journal = journal or MemoryJournal()
    backend = ScriptedBackend(script, judge=sure, **more)
    calls = []
    Study(backend, journal, settings, lambda: False, lambda *p: calls.append(p)).run(
        passages(n)
    )
    return journal, backend, calls


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
    assert {"check_failed", "strays", "not_open_book"} <= flags


def test_a_refinement_in_other_words_does_not_stray():
    def wordy(request):
        if request.prompt.name == "refine":
            return "Answer: The town of Avel began in 1711."
        return model(request)

    journal, _, _ = study(wordy)
    flags = set(journal.all(Sample)[0].flags)
    assert "not_open_book" in flags
    assert "strays" not in flags


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


def test_a_wording_that_changes_the_meaning_is_flagged():
    def slips(request):
        if request.prompt.name == "paraphrase":
            return "By which town was Avel founded?"
        if "By which town" in request.prompt.chat[-1].content:
            return "Evidence: Ada leads Avel.\nAnswer: By Ada."
        return model(request)

    journal, _, _ = study(slips)
    changes = [a for a in journal.all(Answer) if "other_meaning" in a.flags]
    assert len(changes) == 1


def test_wordings_go_to_the_quiz_by_share():
    journal, _, _ = study(settings=replace(SETTINGS, quiz_share=1.0))
    wordings = [q for q in journal.all(Question) if q.origin == "paraphrase"]
    assert [q.split for q in wordings] == ["quiz"]
    assert all(q.split == "study" for q in journal.all(Question) if q.origin == "model")


def test_the_quiz_is_chosen_whatever_the_model_knows():
    wordings = {
        "When was Avel": "Avel was founded when?",
        "Who leads": "Ada leads what?",
    }

    def rewords(request):
        user = request.prompt.chat[-1].content
        if request.prompt.name == "paraphrase":
            return next(text for begun, text in wordings.items() if begun in user)
        return model(request)

    def knowing(request):
        if request.prompt.name == "closed_book":
            leads = "leads" in request.prompt.chat[-1].content
            return "Ada leads Avel." if leads else "Avel was founded in 1711."
        return rewords(request)

    settings = replace(SETTINGS, quiz_share=1.0, paraphrases=2)
    quizzes = []
    for script in (rewords, knowing):
        journal, _, _ = study(script, settings=settings)
        worded = [q for q in journal.all(Question) if q.origin == "paraphrase"]
        quizzes.append({q.text for q in worded if q.split == "quiz"})
    assert quizzes[0] == quizzes[1] == set(wordings.values())


def test_what_is_known_gives_a_wording_to_the_quiz_and_none_to_learn():
    count = itertools.count()

    def rewords(request):
        if request.prompt.name == "paraphrase":
            return f"Which matter {next(count)} is asked for?"
        return model(request)

    settings = replace(SETTINGS, quiz_share=1.0, paraphrases=3)
    journal, _, _ = study(rewords, settings=settings)
    known = next(s for s in journal.all(Sample) if not s.gap)
    splits = [
        q.split for q in journal.all(Question) if q.parent_id == known.question_id
    ]
    assert splits == ["quiz"]
    learned = next(s for s in journal.all(Sample) if s.gap)
    splits = [
        q.split for q in journal.all(Question) if q.parent_id == learned.question_id
    ]
    assert splits == ["quiz", "study", "study"]


def test_wordings_are_drawn_one_list_at_a_time_since_lists_repeat_themselves():
    draws = iter(["When did Avel begin?", "When was Avel founded?", "Avel began when?"])

    def repeats(request):
        if request.prompt.name == "paraphrase":
            line = next(draws)
            return f"{line}\n{line}"
        return model(request)

    journal, _, _ = study(repeats, settings=replace(SETTINGS, paraphrases=3))
    wordings = [q.text for q in journal.all(Question) if q.origin == "paraphrase"]
    assert wordings == ["When did Avel begin?", "Avel began when?"]


def test_a_question_that_could_not_be_reworded_is_reported():
    def stubborn(request):
        if request.prompt.name == "paraphrase":
            return "When was Avel founded?"
        return model(request)

    journal, _, _ = study(stubborn)
    assert [s.reason for s in journal.all(Skip)] == ["no new wording was found"]


@pytest.mark.parametrize(("sentences", "asked"), [(2, 3), (5, 5), (40, 6)])
def test_a_list_asks_more_of_a_passage_that_says_more(sentences, asked):
    settings = replace(SETTINGS, questions_per_passage=3)
    assert how_many(settings, "Ada leads Avel. " * sentences) == asked


def test_a_passage_without_a_question_is_asked_again_and_then_reported():
    journal, backend, _ = study(lambda request: "I have no idea.")
    assert [r.prompt.name for r in backend.history] == ["ask", "ask"]
    assert [s.reason for s in journal.all(Skip)] == ["no question could be read"] * 2


def test_a_passage_that_does_not_fit_the_context_is_reported():
    journal, backend, _ = study(context_length=20)
    assert backend.history == []
    assert all("do not fit the context" in s.reason for s in journal.all(Skip))


def test_near_repeats_are_flagged_and_not_worked_on():
    def repeats(request):
        if request.prompt.name == "ask":
            return "When was Avel founded?\nWhen was the Avel founded?"
        return model(request)

    journal, _, _ = study(repeats)
    assert [q.flags for q in journal.all(Question)[:2]] == [(), ("duplicate",)]
    assert len(journal.all(Sample)) == 1


def test_further_closed_book_samples_are_drawn_and_kept():
    journal, backend, _ = study(settings=replace(SETTINGS, closed_book_samples=2))
    answers = [a for a in journal.all(Answer) if a.kind == "closed_book"]
    assert sorted(a.sample_index for a in answers) == [0, 0, 1, 1, 2, 2]
    requests = [r for r in backend.history if r.prompt.name == "closed_book"]
    assert len({r.sampling.seed for r in requests}) == len(requests)
    assert len(journal.all(Sample)) == 2


def test_a_study_goes_on_where_it_was_stopped_and_ends_the_same():
    whole, _, _ = study(n=4)
    assert whole.kept
    for n_done in range(len(whole.kept)):
        steps = dict(itertools.islice(whole.kept.items(), n_done))
        second, _, _ = study(n=4, journal=MemoryJournal(steps))
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


def test_progress_rises_to_its_total():
    _, _, calls = study(n=3)
    counts = [d for _, d, _ in calls]
    assert counts == sorted(counts)
    assert calls[-1] == ("samples", 3 * len(STAGES), 3 * len(STAGES))


def test_excluded_passages_are_not_read():
    journal, backend = MemoryJournal(), ScriptedBackend(model, judge=sure)
    passage = replace(passages()[0], excluded=True)
    Study(backend, journal, SETTINGS, lambda: False, lambda *_: None).run([passage])
    assert backend.history == []


def solver(request):
    """Adds wrongly, finds that out, and mends it; but is sure that 3 + 3 is 6."""
    name, user = request.prompt.name, request.prompt.chat[-1].content
    if name == "closed_book":
        return "Six." if "3 + 3" in user else "It is 5."
    if name == "feedback_free":
        return f"Added.\nVerdict: {'incorrect' if 'It is 5.' in user else 'correct'}"
    assert name == "refine_free", name
    assert "Verdict: incorrect" in user
    return "Answer: It is 4."


def test_instructions_are_answered_criticised_and_refined_without_a_text():
    instructions = [
        Question("What is 2 + 2?", "study", "person", id=1),
        Question("What is 3 + 3?", "study", "person", id=2),
    ]
    journal, calls = MemoryJournal(), []
    backend = ScriptedBackend(solver, judge=lambda chat, prefill: (0.2, 0.8))
    Study(backend, journal, SETTINGS, lambda: False, lambda *p: calls.append(p)).evolve(
        instructions
    )
    wrong, right = journal.all(Sample)
    assert (wrong.chosen, wrong.rejected) == ("It is 4.", "It is 5.")
    assert (wrong.gap, wrong.flags) == (True, ())
    assert wrong.gap_probability == pytest.approx(0.8)
    assert (right.gap, right.chosen) == (False, "Six.")
    assert right.open_answer_id is wrong.passage_id is None
    assert list(journal.kept) == [f"instructions 1-2: {stage}" for stage in EVOLUTION]
    assert calls[-1] == ("samples", 10, 10)
    assert all(f.reference_id is None for f in journal.all(Feedback))
    assert [s.id for s in (wrong, right) if RULES["default"].accepts(s)] == [wrong.id]


def test_an_unchanged_refinement_gives_nothing_to_learn():
    def stubborn(request):
        answer = solver(request)
        return "Answer: It is 5." if request.prompt.name == "refine_free" else answer

    journal = MemoryJournal()
    instructions = [Question("What is 2 + 2?", "study", "person", id=1)]
    study = Study(
        ScriptedBackend(stubborn), journal, SETTINGS, lambda: False, lambda *_: None
    )
    study.evolve(instructions)
    (sample,) = journal.all(Sample)
    assert "no_refinement" in sample.flags
    assert not RULES["default"].accepts(sample)


def guided_study(uses_verdicts, threshold=0.5):
    script, judgements = Perfect(), []

    def judge(chat, prefill):
        judgements.append(prefill)
        return (0.3, 0.7)

    backend = ScriptedBackend(script, judge=judge, protocol="guided")
    journal = MemoryJournal()
    Study(
        backend,
        journal,
        SETTINGS,
        lambda: False,
        lambda *_: None,
        verdict_threshold=threshold,
        uses_verdicts=uses_verdicts,
    ).run([texts()[0].passage])
    return journal, judgements


def test_a_model_whose_verdicts_do_not_count_is_asked_for_none():
    journal, judgements = guided_study(uses_verdicts=False)
    assert not judgements
    feedback_records = journal.all(Feedback)
    assert {(f.verdict, f.probability, f.generation) for f in feedback_records} == {
        ("unclear", None, None)
    }
    assert all(f.text.startswith("The text says: It says:") for f in feedback_records)
    assert not any("Verdict" in f.text or "Reason" in f.text for f in feedback_records)
    samples = journal.all(Sample)
    assert samples
    flags = {flag for sample in samples for flag in sample.flags}
    assert not flags & {"disputed", "check_failed", "from_open_book"}
    assert all(sample.gap and RULES["default"].accepts(sample) for sample in samples)


def test_a_verdict_is_read_from_the_threshold_of_the_model():
    strict, judgements = guided_study(uses_verdicts=True)
    assert judgements
    assert {f.verdict for f in strict.all(Feedback)} == {"incorrect"}
    mild, _ = guided_study(uses_verdicts=True, threshold=0.25)
    assert {f.verdict for f in mild.all(Feedback)} == {"correct"}

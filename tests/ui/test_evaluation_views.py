"""The evaluation: what a round changed, with its intervals; keep and roll back."""

import html
import re
from dataclasses import replace

import pytest

from autolearn.core.errors import InputError, JobError
from autolearn.core.model_calls import ModelIdentity
from autolearn.core.quiz_records import QuizMode, QuizResult
from autolearn.core.records import Answer, Question, Round
from autolearn.core.run_settings import QuizRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.evaluation import quiz_versions, statistics
from autolearn.evaluation.paired_quizzes import RoundComparison
from autolearn.models import files as model_files
from autolearn.runs.model_choice import choose_model, chosen_model
from autolearn.services import (
    actions,
    quiz_actions,
    quiz_runs,
    reading_actions,
    round_actions,
)
from autolearn.services.estimates import durations, replay_writing
from autolearn.store import QuestionFilter, Store
from autolearn.ui.session import Session
from autolearn.ui.tabs import evaluation
from autolearn.ui.views import evaluation as views
from tests.support.texts import put_passages

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"
MODEL = ModelSettings()
DIGEST = model_files.digest(model_files.BUILT_IN)


def one_round(store, parent_id=None):
    run = store.runs.create("train", {})
    identity = ModelIdentity("built-in", DIGEST, "nf4", "", "")
    new = Round(
        "join",
        run.id,
        {"model": MODEL.as_dict()},
        identity,
        parent_id,
        state="trained",
        adapter=f"adapters/round-{run.id}",
        scores={"forgetting_kl": 0.0238, "scale": 0.85, "validation": 0.9},
    )
    return store.rounds.create(new, [])


@pytest.fixture
def questions(store):
    round_ = [
        Question(f"{HOSTILE} {i}?", split, "gold", gold_answer="In 1711.")
        for split in ("quiz", "control")
        for i in range(10)
    ]
    return store.library.add_questions(round_)


def take(
    store,
    questions,
    right,
    round_id=None,
    *,
    open_book=False,
    prompt=None,
    quantization="nf4",
):
    """Keep a quiz in which so many of the first questions of each split are right."""
    modes: list[QuizMode]
    modes = ["closed_book", "open_book"] if open_book else ["closed_book"]
    counts = {
        "model": replace(MODEL, round_id=round_id, quantization=quantization).as_dict(),
        "model_digest": DIGEST,
        "parts": [["quiz", mode] for mode in modes],
    }
    if prompt:
        counts["prompts"] = {"closed_book": prompt}
    run = store.runs.create("quiz", counts)
    results = [
        QuizResult(q.id, mode, HOSTILE, i % 10 < right, False, 0.5, round_id)
        for mode in modes
        for i, q in enumerate(questions)
    ]
    store.journal(run.id).step("take", lambda: results)
    return store.runs.finish(run.id, "done")


def compared(
    store: Store, round_id: int, before_id: int | None = None
) -> RoundComparison:
    """Return what a round changed, once both quizzes were run."""
    comparison = quiz_runs.compare(store, round_id, before_id)
    assert comparison is not None
    return comparison


def shown_of(store, round_id, before_id):
    return "".join(views.result(store, round_id, before_id))


def test_without_a_round_or_a_take_it_says_what_to_do(store, questions):
    assert "Train one first" in shown_of(store, 0, None)
    assert views.rounds(store) == ""
    round_ = one_round(store)
    markup = shown_of(store, round_.id, None)
    assert "base model, round 1" in markup
    assert "Run the quiz" in markup


def test_without_a_round_nothing_can_be_done_with_it(store, questions):
    """All three buttons were active, and only refused."""
    session = Session(store.folder)
    for is_there in (False, True):
        if is_there:
            one_round(store)
        _, _, _, *buttons = evaluation._result(
            session, evaluation.NEWEST, evaluation.BASE
        )
        assert [button.interactive for button in buttons] == [is_there] * 3


def test_the_time_of_a_quiz_is_told_before_it_begins(store, questions, monkeypatch):
    """The questions of both models are counted, here at three seconds each."""
    round_ = one_round(store)
    monkeypatch.setattr(durations, "first_text_seconds", lambda _: None)
    assert "to compare.</p>" in shown_of(store, round_.id, None)
    monkeypatch.setattr(durations, "first_text_seconds", lambda _: 3.0)
    assert "It takes roughly 2 min." in shown_of(store, round_.id, None)
    monkeypatch.setattr(replay_writing, "seconds_per_text", lambda *_: 6.0)
    assert "It takes roughly 4 min." in shown_of(store, round_.id, None)


def test_only_the_quiz_that_is_missing_is_said_to_be_coming(store, questions):
    """The quiz of another round was, and one in the queue was said to be running."""
    round_, other = one_round(store), one_round(store)
    for round_id in (None, other.id):
        quiz_of(store, round_id)
    assert "No quiz yet for: base model, round 1." in shown_of(store, round_.id, None)
    quiz_of(store, round_.id)
    assert "The quiz is queued; the result" in shown_of(store, round_.id, None)
    store.runs.claim(1, ["quiz"])
    assert "The quiz is running; the result" in shown_of(store, round_.id, None)


def test_a_change_is_told_with_its_interval_and_every_flip(store, questions):
    round_ = one_round(store)
    take(store, questions, 2, open_book=True)
    take(store, questions, 9, round_.id)
    comparison = compared(store, round_.id)
    gold = comparison.parts["gold"]
    assert (gold.n, gold.right_before, gold.right_after) == (10, 2, 9)
    assert len(gold.newly_right) == 7
    assert len(gold.still_wrong) == 1
    summary = comparison.summary()
    assert summary.gold is not None
    assert summary.gold.closed_book_after == 0.9
    assert summary.self_made is None
    markup = shown_of(store, round_.id, None)
    assert "Gold quiz: the round answers more questions" in markup
    assert "+70 points" in markup
    assert "Newly right, gold quiz: 7" in markup
    assert "Wrong before and after, gold quiz: 1" in markup
    assert "0.0238" in markup
    for hostile in ("<img", "${", "{{"):
        assert hostile not in markup


@pytest.mark.parametrize(
    ("n", "right", "is_shown"), [(20, 9, True), (20, 3, False), (10, 9, False)]
)
def test_the_gap_closed_is_shown_only_where_it_says_something(
    store, n, right, is_shown
):
    """All of it was closed by two answers of five, a change that is not significant."""
    about = [Question(f"When {i}?", "quiz", "gold", gold_answer="1") for i in range(n)]
    questions, round_ = store.library.add_questions(about), one_round(store)
    take(store, questions, 2, open_book=True)
    take(store, questions, right, round_.id)
    markup = shown_of(store, round_.id, None)
    assert "Gold quiz: base model with the passage in view (upper bound)" in markup
    assert ("gap to that upper bound closed" in markup) == is_shown


def test_what_got_lost_is_said(store, questions):
    round_ = one_round(store)
    take(store, questions, 9)
    take(store, questions, 8, round_.id)
    markup = shown_of(store, round_.id, None)
    assert "not statistically significant" in markup
    assert "1 of 10 control answers is now wrong" in markup
    assert "Newly wrong, gold quiz: 1" in markup


def test_a_control_set_without_a_quiz_leaves_no_empty_card(store, questions):
    round_, control = one_round(store), questions[10:]
    take(store, control, 9)
    take(store, control, 8, round_.id)
    markup = shown_of(store, round_.id, None)
    assert "Control, closed-book" in markup
    assert re.search(r"<dl[^>]*></dl>", markup) is None


def test_only_what_both_were_asked_counts(store, questions):
    round_ = one_round(store)
    take(store, questions[2:], 5)
    take(store, questions, 9, round_.id)
    comparison = compared(store, round_.id)
    assert (comparison.parts["gold"].n, comparison.left_out) == (8, 2)
    assert "Asked in one of the two runs only, not counted: 2 questions" in shown_of(
        store, round_.id, None
    )


def test_a_result_stays_when_the_document_is_deleted(store):
    (passage,) = put_passages(store, "a.md", ["Avel was founded in 1711."])
    about = [
        Question(f"When {i}?", "quiz", "gold", passage.id, gold_answer="In 1711.")
        for i in range(10)
    ]
    questions = store.library.add_questions(about)
    round_ = one_round(store)
    take(store, questions, 2)
    take(store, questions, 9, round_.id)
    before = shown_of(store, round_.id, None)
    reading_actions.remove(store, passage.document_id)
    assert shown_of(store, round_.id, None) == before
    quiz_actions.accept(store, questions[9].id, "In the year 1711")
    with pytest.raises(InputError, match="no question 99"):
        quiz_actions.accept(store, 99, "In the year 1711")


def test_questions_that_only_one_was_asked_may_be_about_deleted_documents(
    store, questions
):
    """Their number stood there without a reason."""
    (passage,) = put_passages(store, "a.md", ["Avel was founded in 1711."])
    about = Question("When?", "quiz", "gold", passage.id, gold_answer="In 1711.")
    (question,) = store.library.add_questions([about])
    round_ = one_round(store)
    take(store, [*questions, question], 5)
    take(store, questions[1:], 9, round_.id)
    assert "not counted: 2 questions." in shown_of(store, round_.id, None)
    reading_actions.remove(store, passage.document_id)
    markup = shown_of(store, round_.id, None)
    assert "not counted: 2 questions (1 about deleted documents)." in markup


def right_before(store, comparison, before_id):
    return compared(store, comparison.id, before_id).parts["gold"].right_before


def test_a_round_can_be_compared_with_its_parent(store, questions):
    first = one_round(store)
    second = one_round(store, first.id)
    take(store, questions, 1, open_book=True)
    take(store, questions, 5, first.id)
    take(store, questions, 9, second.id)
    assert right_before(store, second, first.id) == 5
    assert right_before(store, second, None) == 1


def test_the_quiz_is_ordered_for_who_has_not_taken_it(store, questions):
    round_ = one_round(store)
    runs = quiz_runs.queue_quizzes(store, round_.id, None)
    settings = [QuizRunSettings.of(run) for run in runs]
    assert [each.model.round_id for each in settings] == [None, round_.id]
    assert ("quiz", "closed_book") in settings[0].parts
    with pytest.raises(JobError, match="does exactly this and is queued"):
        quiz_runs.queue_quizzes(store, round_.id, None)  # the button, pressed twice
    store.runs.finish(runs[1].id, "cancelled")
    (run,) = quiz_runs.queue_quizzes(store, round_.id, None)
    for each in (runs[0], run):
        store.runs.finish(each.id, "cancelled")
    take(store, questions, 3)
    (run,) = quiz_runs.queue_quizzes(store, round_.id, None)
    store.runs.finish(run.id, "cancelled")
    store.library.add_questions([Question("New?", "quiz", "gold", gold_answer="Yes.")])
    assert len(quiz_runs.queue_quizzes(store, round_.id, None)) == 2


def test_a_base_that_was_not_asked_open_book_is_asked_again(store):
    """After the quiz of an evolution, the bound of its rounds stayed unknown."""
    (passage,) = put_passages(store, "a.md", ["Avel was founded in 1711."])
    question = Question("When?", "quiz", "gold", passage.id, gold_answer="In 1711.")
    questions = store.library.add_questions([question])
    first = one_round(store)
    second = one_round(store, first.id)
    take(store, questions, 0)
    take(store, questions, 0, first.id)
    assert len(quiz_runs.queue_quizzes(store, second.id, first.id)) == 1
    base, _ = quiz_runs.queue_quizzes(store, first.id, None)
    assert ("quiz", "open_book") in QuizRunSettings.of(base).parts
    for run in store.runs.in_state("queued"):
        store.runs.finish(run.id, "cancelled")
    take(store, questions, 0, open_book=True)
    assert len(quiz_runs.queue_quizzes(store, first.id, None)) == 1


def test_a_quiz_asks_only_about_documents_that_its_model_has_studied(store):
    """103 questions of the demo were asked beside the 8 about a user's own text."""
    own, other = (
        put_passages(store, name, [f"{name} was founded in 1711."])[0]
        for name in ("own.md", "other.md")
    )
    new = [
        Question(f"When {i}?", "quiz", "gold", passage_id, gold_answer="In 1711.")
        for i, passage_id in enumerate((None, own.id, other.id))
    ]
    questions = store.library.add_questions(new)
    round_ = one_round(store)

    def study(passage, digest=DIGEST):
        run = store.runs.create("study", {"model_digest": digest})
        question = Question("Who?", "study", "model", passage.id)
        store.journal(run.id).step("ask", lambda: [question])
        store.runs.finish(run.id, "done")

    def asked_by_both():
        """Queue the quizzes that are missing; return what each asks."""
        runs = quiz_runs.queue_quizzes(store, round_.id, None)
        for run in runs:
            store.runs.finish(run.id, "cancelled")
        return [
            quiz_versions.questions_of(store, QuizRunSettings.of(run), "quiz")
            for run in runs
        ]

    study(own, "another model")
    assert [len(asked) for asked in asked_by_both()] == [3, 3]
    study(own)
    assert [len(asked) for asked in asked_by_both()] == [2, 2]
    note = "Gold quiz: 2. 1 more is about documents that this model has not studied."
    assert note in views.lock(store)
    take(store, questions[:2], 1, open_book=True)
    assert [len(asked) for asked in asked_by_both()] == [2], "the base is up to date"
    study(other)
    assert [len(asked) for asked in asked_by_both()] == [3, 3]
    assert "has not studied" not in views.lock(store)
    reading_actions.remove(store, own.document_id)
    reading_actions.remove(store, other.document_id)
    put_passages(store, "new.md", ["New was founded in 1711."])
    assert QuizRunSettings.of(actions.quiz(store, MODEL)).documents is None


def test_a_locked_quiz_asks_about_documents_that_were_not_studied_too(store):
    (passage,) = put_passages(store, "a.md", ["Avel was founded in 1711."])
    question = Question("When?", "quiz", "gold", passage.id, gold_answer="In 1711.")
    store.library.add_questions([question])
    (studied,) = put_passages(store, "b.md", ["Boro was founded in 1712."])
    run = store.runs.create("study", {"model_digest": DIGEST})
    own = Question("Who?", "study", "model", studied.id)
    store.journal(run.id).step("ask", lambda: [own])
    with pytest.raises(JobError, match="no quiz about what this model has studied"):
        actions.quiz(store, MODEL)
    quiz_actions.set_locked(store, locked=True)
    assert QuizRunSettings.of(actions.quiz(store, MODEL)).documents is None


def test_a_kept_round_is_in_use_and_a_rolled_back_one_is_not(store):
    first = one_round(store)
    second = one_round(store, first.id)
    assert round_actions.keep(store, second.id).state == "kept"
    assert chosen_model(store).round_id == second.id
    assert round_actions.roll_back(store, second.id).state == "rolled_back"
    assert chosen_model(store).round_id == first.id
    round_actions.roll_back(store, second.id)
    assert chosen_model(store).round_id == first.id
    markup = views.rounds(store)
    assert "rolled back" in markup
    assert "0.0238" in markup


@pytest.mark.parametrize(
    ("action", "state"),
    [(round_actions.keep, "kept"), (round_actions.roll_back, "rolled_back")],
)
def test_a_quiz_that_ends_while_a_round_is_kept_does_not_lose_its_scores(
    store, monkeypatch, action, state
):
    """The round was written back whole, as it had been read before."""
    round_ = one_round(store)
    scores = {"gold_closed_book": {"n": 9, "right": 1.0, "exact": 1.0, "f1": 1.0}}

    def choose_as_a_quiz_ends(*_):
        store.rounds.add_scores(round_.id, scores)

    choose_model(store, replace(MODEL, round_id=round_.id))
    monkeypatch.setattr(round_actions, "choose_model", choose_as_a_quiz_ends)
    decided = action(store, round_.id)
    assert decided == replace(round_, state=state, scores=round_.scores | scores)


def test_the_round_that_was_shown_is_rolled_back(store):
    """A newer one ends between the sight of its result and the click."""
    session, first = Session(store.folder), one_round(store)
    panel, _, shown_id, *_ = evaluation._result(
        session, evaluation.NEWEST, evaluation.BASE
    )
    newer = one_round(store)
    assert f"Round {first.id}:" in panel
    assert evaluation._roll_back(session, shown_id).startswith(f"Round {first.id} is")
    assert store.rounds.get(first.id).state == "rolled_back"
    assert store.rounds.get(newer.id) == newer


def test_intervals_are_those_of_the_textbook():
    low, high = statistics.wilson(20, 32)
    assert (round(low, 3), round(high, 3)) == (0.453, 0.771)
    assert statistics.wilson(0, 0) == (0.0, 1.0)
    assert statistics.wilson(10, 10)[1] == pytest.approx(1)
    assert statistics.mcnemar(0, 0) == 1.0
    assert statistics.mcnemar(7, 0) == 2 / 2**7
    assert statistics.mcnemar(3, 3) == 1.0
    low, high = statistics.paired(7, 0, 10)
    assert 0 < low < 0.7 < high <= 1.0


def test_gold_and_self_made_questions_are_never_counted_together(store, questions):
    run = store.runs.create("study", {})
    (source,) = store.journal(run.id).step(
        "q", lambda: [Question("Who?", "study", "model")]
    )
    own = store.journal(run.id).step(
        "w",
        lambda: [
            Question(f"Who is {i}?", "quiz", "paraphrase", parent_id=source.id)
            for i in range(4)
        ],
    )
    answers = [Answer(q.id, "open_book", "Ada.") for q in (source, *own)]
    store.journal(run.id).step("a", lambda: answers)
    round_ = one_round(store)
    take(store, [*questions, *own], 2, open_book=True)
    take(store, [*questions, *own], 9, round_.id)
    comparison = compared(store, round_.id)
    assert {part: change.n for part, change in comparison.parts.items()} == {
        "gold": 10,
        "self_made": 4,
        "control": 10,
    }
    markup = shown_of(store, round_.id, None)
    for title in ("Gold quiz, closed-book", "Self-made quiz, closed-book"):
        assert title in markup
    assert "Self-made quiz: base model with the passage in view" in markup
    assert "self-made and self-graded question; contains" in markup


def test_an_answer_can_be_accepted_and_then_counts_before_and_after(store):
    questions = store.library.add_questions(
        [Question(f"Who is {i}?", "quiz", "gold", gold_answer="Ada") for i in range(3)]
    )
    round_ = one_round(store)
    for round_id, text in ((None, "Bo"), (round_.id, "Countess Lum")):
        run = quiz_of(store, round_id)
        results = [
            QuizResult(q.id, "closed_book", text, False, False, 0.0, round_id)
            for q in questions
        ]
        store.journal(run.id).step("take", lambda rows=results: rows)
        store.runs.finish(run.id, "done")
    markup = shown_of(store, round_.id, None)
    assert markup.count("Accept the new answer as right") == 3
    version = quiz_actions.accept(store, questions[0].id, " Countess  Lum ")
    assert version.version == 2
    comparison = compared(store, round_.id).parts["gold"]
    assert (comparison.n, comparison.right_before, comparison.right_after) == (3, 0, 1)
    assert "Also right" in shown_of(store, round_.id, None)
    with pytest.raises(InputError, match="no question 99"):
        quiz_actions.accept(store, 99, "x")
    with pytest.raises(InputError, match="empty"):
        quiz_actions.accept(store, questions[0].id, "  ")


def test_the_answer_that_was_shown_is_accepted(store, questions):
    """A quiz that ends between the sight of an answer and the click changes nothing."""
    round_ = one_round(store)
    take(store, questions[:1], 0)
    take(store, questions[:1], 0, round_.id)
    shown = shown_of(store, round_.id, None)
    (key,) = re.findall(f'data-pick="({views.ACCEPT}.*?)"', shown)
    later = quiz_of(store, round_.id)
    result = QuizResult(1, "closed_book", "Nobody.", False, False, 0.0, round_.id)
    store.journal(later.id).step("take", lambda: [result])
    store.runs.finish(later.id, "done")
    assert "now version 2" in evaluation._accept(store, html.unescape(key))
    question = store.library.questions(QuestionFilter(split="quiz"))[0]
    assert question.aliases == (HOSTILE,)


def quiz_of(store, round_id):
    run = actions.quiz(store, replace(MODEL, round_id=round_id))
    return store.runs.get(run.id)


def test_a_cut_off_answer_is_told(store, questions):
    round_ = one_round(store)
    take(store, questions, 2)
    run = quiz_of(store, round_.id)
    results = [
        QuizResult(
            q.id, "closed_book", "x", False, False, 0.0, round_.id, truncated=i < 3
        )
        for i, q in enumerate(questions)
    ]
    store.journal(run.id).step("take", lambda: results)
    store.runs.finish(run.id, "done")
    assert "too long for the model: 3 answers" in shown_of(store, round_.id, None)
    assert store.runs.quiz_results(run.id)[0].truncated


def test_the_lock_is_shown_with_what_it_locks(store, questions):
    assert "Each run of the quiz freezes" in views.lock(store)
    quiz_actions.set_locked(store, locked=True)
    markup = views.lock(store)
    assert "Quiz version 1, locked. Gold quiz: 10, Control: 10" in markup
    assert "Unlock the quiz" in markup


def test_an_imported_quiz_is_shown_before_there_is_a_round(store):
    """Evaluation did not mention it, although the import said that it is asked."""
    assert "the quiz asks" not in views.lock(store)
    gold = Question("When was Avel founded?", "quiz", "gold", gold_answer="1711")
    store.library.add_questions([gold])
    told = "Gold quiz: 1. Once a round is trained, the quiz asks it and the base model."
    assert told in views.lock(store)


@pytest.mark.parametrize(
    ("before", "after", "warns"),
    [("a", "b", True), ("a", "a", False), (None, "b", False), (None, None, False)],
)
def test_quizzes_by_different_prompts_are_compared_with_a_warning(
    store, questions, before, after, warns
):
    round_ = one_round(store)
    take(store, questions, 2, prompt=before)
    take(store, questions, 9, round_.id, prompt=after)
    assert compared(store, round_.id).asked_alike != warns
    panel, _ = views.result(store, round_.id, None)
    assert ("used different prompts" in panel) == warns


def test_a_base_that_was_loaded_otherwise_is_told_and_asked_again(store, questions):
    """The effect of rounding to 4 bit was shown as that of the round."""
    round_ = one_round(store)
    take(store, questions, 2, quantization="none")
    take(store, questions, 9, round_.id)
    panel, _ = views.result(store, round_.id, None)
    assert "quantisation" in panel
    runs = quiz_runs.queue_quizzes(store, round_.id, None)
    settings = [QuizRunSettings.of(run).model for run in runs]
    assert settings == [MODEL, replace(MODEL, round_id=round_.id)]

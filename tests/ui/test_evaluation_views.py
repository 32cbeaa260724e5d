"""The evaluation: what a round changed, with its intervals."""

import re

import pytest

from autolearn.core.errors import InputError
from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import Answer, Question
from autolearn.services import quiz_actions, reading_actions
from autolearn.services.estimates import durations, replay_writing
from autolearn.ui.session import Session
from autolearn.ui.tabs import evaluation
from autolearn.ui.views import evaluation as views
from autolearn.ui.views import quiz_due
from tests.support.evaluations import compared, one_round, quiz_of, shown_of, take
from tests.support.texts import put_passages


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
        _, _, _, _, *buttons = evaluation._result(
            session, evaluation.NEWEST, evaluation.BASE
        )
        assert [button.interactive for button in buttons] == [is_there] * 3


def test_the_time_of_a_quiz_is_told_before_it_begins(store, questions, monkeypatch):
    """The questions of both models are counted, here at three seconds each."""
    assert quiz_due.effort(store, 0, None) == ""
    round_ = one_round(store)
    both = "“Run the quiz” asks 20 questions of base model (also open-book) and round 1"
    monkeypatch.setattr(durations, "first_text_seconds", lambda _: None)
    assert f"{both}.</p>" in quiz_due.effort(store, round_.id, None)
    monkeypatch.setattr(durations, "first_text_seconds", lambda _: 3.0)
    expected = f"{both}; it takes roughly 2 min."
    assert expected in quiz_due.effort(store, round_.id, None)
    monkeypatch.setattr(replay_writing, "seconds_per_answer", lambda *_: 6.0)
    assert "roughly 4 min." in quiz_due.effort(store, round_.id, None)


def test_the_time_of_a_quiz_is_told_once_there_is_a_result(
    store, questions, monkeypatch
):
    """It was told only for the first comparison; the base is not asked again then."""
    monkeypatch.setattr(durations, "first_text_seconds", lambda _: 3.0)
    round_ = one_round(store)
    take(store, questions, 2, open_book=True)
    take(store, questions, 5, round_.id)
    assert "Before" in shown_of(store, round_.id, None)
    note = quiz_due.effort(store, round_.id, None)
    assert "asks 20 questions of round 1; it takes roughly 60 s." in note


def test_a_quiz_is_told_as_long_as_what_is_asked_takes(store, questions, monkeypatch):
    """Questions about documents that the model has not studied were counted."""
    round_ = one_round(store)
    monkeypatch.setattr(durations, "first_text_seconds", lambda _: 3.0)
    (studied,) = put_passages(store, "a.txt", ["Ada leads the town."])
    (other,) = put_passages(store, "b.txt", ["Bo leads the city."])
    new = [
        Question(f"What is {i}?", "quiz", "gold", other.id, gold_answer="Bo.")
        for i in range(40)
    ]
    store.library.add_questions(new)
    monkeypatch.setattr(
        type(store.quizzes), "studied_documents", lambda *_: [studied.document_id]
    )
    assert "roughly 2 min." in quiz_due.effort(store, round_.id, None)


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
    assert "only questions whose answer the round was trained on (n = 0)" in markup
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
    take(store, questions, 4, open_book=True)
    take(store, questions, 2)
    take(store, questions, right, round_.id)
    markup = shown_of(store, round_.id, None)
    assert "Gold quiz: base model with the passage in view, for comparison" in markup
    assert ("share of the gap to it closed" in markup) == is_shown


@pytest.mark.parametrize(("before", "is_shown"), [(2, True), (4, False)])
def test_a_round_may_exceed_the_base_model_with_the_passage_in_view(
    store, before, is_shown
):
    """An "upper bound" of 20 % stood beside 60 %; without a gap, a dash was shown."""
    about = [Question(f"When {i}?", "quiz", "gold", gold_answer="1") for i in range(40)]
    questions, round_ = store.library.add_questions(about), one_round(store)
    take(store, questions, 4, open_book=True)
    take(store, questions, before)
    take(store, questions, 9, round_.id)
    markup = shown_of(store, round_.id, None)
    assert "upper bound" not in markup
    assert ("share of the gap to it closed" in markup) == is_shown
    assert ("all (the round answers more questions" in markup) == is_shown


@pytest.mark.parametrize(
    ("n", "before", "after", "says"),
    [
        (4, 0, 4, "Gold quiz: with 4 questions no change can be told from chance"),
        (10, 0, 5, "Gold quiz: 5 changed answers cannot be told from chance"),
        (10, 0, 6, None),
    ],
)
def test_no_change_is_claimed_that_few_questions_cannot_show(
    store, questions, n, before, after, says
):
    """Three of three new answers were called a success; McNemar's p was 0.25."""
    round_ = one_round(store)
    take(store, questions[:n], before)
    take(store, questions[:n], after, round_.id)
    markup = shown_of(store, round_.id, None)
    assert ("told from chance" in markup) == (says is not None)
    assert ("the round answers more questions" in markup) == (says is None)
    assert says is None or says in markup


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

"""A quiz by clicks: an answer is accepted as right, and the quiz is locked."""

import pytest
from playwright.sync_api import expect

from autolearn.core.model_calls import ModelIdentity
from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import Question, Round
from autolearn.core.run_settings import QuizRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.evaluation import quiz_versions
from autolearn.runs import run_control
from autolearn.store import Store
from tests.support.pages import PATIENCE, open_tab
from tests.support.rounds import own_digest
from tests.support.texts import put_text

pytestmark = pytest.mark.torch_model

expect.set_options(timeout=PATIENCE)
HOSTILE = "Countess <b>Lum</b> ${x}"


def answered(store, question, text, round_id):
    """Keep a finished quiz with one answer."""
    settings = QuizRunSettings(
        model=ModelSettings(round_id=round_id),
        model_digest=own_digest(),
        parts=(("quiz", "closed_book"),),
        version=quiz_versions.freeze(store).version,
    )
    run = run_control.submit(store, settings)
    result = QuizResult(question.id, "closed_book", text, False, False, 0.0, round_id)
    store.journal(run.id).step("quiz", lambda: [result])
    store.runs.finish(run.id, "done")


@pytest.fixture
def folder(tmp_path):
    """A workspace with a round whose answer is right in other words."""
    folder = tmp_path / "workspace"
    with Store.open(folder) as store:
        put_text(store, "avel.md", "Ada Lum leads Avel.")
        question = Question("Who leads Avel?", "quiz", "gold", gold_answer="Ada Lum")
        (question,) = store.library.add_questions([question])
        identity = ModelIdentity("built-in", own_digest(), "nf4", "", "")
        settings: dict[str, object] = {"model": ModelSettings().as_dict()}
        train = store.runs.create("train", settings)
        store.runs.finish(train.id, "done")
        round_ = store.rounds.create(
            Round(
                "join",
                train.id,
                settings,
                identity,
                state="trained",
                adapter="adapters/round-1",
            ),
            [],
        )
        answered(store, question, "Nobody.", None)
        answered(store, question, HOSTILE, round_.id)
    return folder


def test_an_answer_is_accepted_and_the_quiz_is_locked(start, visit, folder):
    app = start(folder)
    page = visit(app)
    open_tab(page, "Evaluation")
    result = page.locator("#evaluation-result")
    expect(result).to_contain_text("Gold quiz, closed-book")
    expect(result).to_contain_text("not statistically significant")
    questions = page.locator("#evaluation-questions")
    questions.get_by_text("Wrong before and after, gold quiz: 1").click()
    expect(questions).to_contain_text("gold question; contains")
    questions.get_by_text("Accept the new answer as right").click()
    expect(page.locator("#notice")).to_contain_text("now version 2")
    expect(questions).to_contain_text("Newly right, gold quiz: 1")
    expect(questions).to_contain_text(HOSTILE)
    version = page.locator("#evaluation-version")
    expect(version).to_contain_text("Quiz version 2, open")
    version.get_by_text("Lock the quiz").click()
    expect(version).to_contain_text("locked")
    assert locked(app)


def test_a_question_is_typed_excluded_and_included(start, visit, folder):
    """Without a file, a text of one's own had no gold question."""
    app = start(folder)
    page = visit(app)
    open_tab(page, "Evaluation")
    part = page.locator("#quiz-questions")
    part.get_by_text("Questions of the quiz").click()
    question = part.get_by_label("Question of your own")
    answer = part.get_by_label("Right answer")
    question.fill("Who leads Avel?")
    answer.fill("Ada")
    answer.press("Enter")
    expect(page.locator("#notice")).to_contain_text("asked already")
    expect(question).to_have_value("Who leads Avel?")
    question.fill("Which town does Ada Lum lead?")
    answer.fill("Avel")
    answer.press("Enter")
    listing = page.locator("#quiz-list")
    expect(listing).to_contain_text("Gold quiz: 2 questions")
    expect(question).to_have_value("")
    expect(question).to_be_focused()
    expect(listing.locator("tbody tr").first).to_contain_text("avel.md")
    listing.get_by_role("button", name="Exclude: Which town").click()
    expect(listing).to_contain_text("Gold quiz: 1 question, 1 excluded")
    listing.get_by_role("button", name="Include: Which town").click()
    expect(listing).to_contain_text("Gold quiz: 2 questions")
    part.get_by_label("Find a question").fill("which")
    expect(listing.locator("tbody tr")).to_have_count(1)


def locked(app):
    with app.store() as store:
        return store.quizzes.newest().locked

"""Which quiz a comparison lacks, and what running the quiz takes."""

from autolearn.core.errors import AutolearnError
from autolearn.core.records import ACTIVE_STATES, Round
from autolearn.core.run_settings import TrainRunSettings
from autolearn.evaluation import quiz_versions
from autolearn.services import quiz_runs
from autolearn.services.estimates import durations
from autolearn.store import RunFilter, Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels


def missing(store: Store, round_: Round, before_id: int | None) -> Html:
    """Return which quiz run is missing, and what to do."""
    numbers = [
        number
        for number in (before_id, round_.id)
        if quiz_runs.latest_quiz(store, round_, number) is None
    ]
    quizzes = RunFilter(("quiz",), ACTIVE_STATES, model_digest=round_.model.digest)
    states = {run.round_id: run.state for run in store.runs.find(quizzes)}
    if states.keys() >= set(numbers):
        is_running = any(states[number] == "running" for number in numbers)
        state = "running" if is_running else "queued"
        return html.note(f"The quiz is {state}; the result will appear here.")
    names = ", ".join(map(labels.adapter, numbers))
    return html.note(f"No quiz yet for: {names}. Press “Run the quiz” to compare.")


def effort(store: Store, round_id: int, before_id: int | None) -> Html:
    """Return which models "Run the quiz" asks, and how long that takes if known."""
    if not round_id:
        return Html("")
    round_ = store.rounds.get(round_id)
    model = TrainRunSettings.of(round_).model
    questions = quiz_versions.asked_now(store, model, round_.model.digest)
    if not questions:
        return Html("")
    due = quiz_runs.due(store, round_, before_id)
    n = len(questions) * len(due)
    names = [labels.adapter(number) for number in due]
    if None in due:
        n += sum(bool(q.passage) for q in questions if q.question.split == "quiz")
        names[0] += " (also open-book)"
    asks = f"“Run the quiz” asks {html.count(len(questions), 'question')} of "
    asks += " and ".join(names)
    try:
        seconds = durations.quiz_seconds(store, model, n)
    except (AutolearnError, OSError):  # The button says what is wrong with the model.
        seconds = None
    time = f"; it takes roughly {html.rough_duration(seconds)}" if seconds else ""
    return html.note(f"{asks}{time}.")

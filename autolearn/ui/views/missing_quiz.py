"""Which quiz a comparison lacks, and how long it takes."""

from collections.abc import Collection

from autolearn.core.errors import AutolearnError
from autolearn.core.records import ACTIVE_STATES, Round
from autolearn.core.run_settings import TrainRunSettings
from autolearn.evaluation import quiz_versions
from autolearn.services import quiz_runs
from autolearn.services.estimates import durations
from autolearn.store import RunFilter, Store
from autolearn.ui import html
from autolearn.ui.html import Html


def draw(store: Store, round_: Round, before_id: int | None) -> Html:
    """Return which quiz run is missing, and what to do."""
    name = "base model" if before_id is None else f"round {before_id}"
    models = {name: before_id, f"round {round_.id}": round_.id}
    missing = {
        who: number
        for who, number in models.items()
        if quiz_runs.latest_quiz(store, round_, number) is None
    }
    quizzes = RunFilter(("quiz",), ACTIVE_STATES, model_digest=round_.model.digest)
    states = {run.round_id: run.state for run in store.runs.find(quizzes)}
    if states.keys() >= set(missing.values()):
        is_running = any(states[number] == "running" for number in missing.values())
        state = "running" if is_running else "queued"
        return html.note(f"The quiz is {state}; the result will appear here.")
    time = _time(store, round_, missing.values())
    return html.note(
        f"No quiz yet for: {', '.join(missing)}. Press “Run the quiz” to compare.{time}"
    )


def _time(store: Store, round_: Round, round_ids: Collection[int | None]) -> str:
    """Return how long the quizzes of these weights take, if that is known."""
    model = TrainRunSettings.of(round_).model
    questions = quiz_versions.asked_now(store, model, round_.model.digest)
    n = len(questions) * len({*round_ids, round_.id})  # The round is asked each time.
    if None in round_ids:  # The base model is also asked open-book.
        n += sum(bool(q.passage) for q in questions if q.question.split == "quiz")
    try:
        seconds = durations.quiz_seconds(store, model, n)
    except (AutolearnError, OSError):  # The button says what is wrong with the model.
        return ""
    return f" It takes roughly {html.rough_duration(seconds)}." if seconds else ""

"""A whole round above the tabs: its stages while it runs, its result at the end."""

from autolearn.core.quiz_records import QuizPart
from autolearn.core.records import ACTIVE_STATES, Run
from autolearn.core.server_addresses import is_server
from autolearn.evaluation.paired_quizzes import RoundComparison
from autolearn.runs import run_control
from autolearn.runs.model_choice import chosen_model
from autolearn.services import round_progress
from autolearn.services.round_progress import RoundOutcome, RoundProgress, Stage
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels
from autolearn.ui.views.links import TAB

CLOSE, DISMISS, RESUME, GO = "close", "dismiss-", "resume-", "go-"
"""Keys of clicks: close the question, dismiss the result of a round with the id of its
last run, resume a run, start a long round.
"""
ON_A_SERVER = (
    "The model in use is on a server, so it cannot be trained here. For a whole round, "
    "choose a model on this computer under Model."
)
ABOUT = "Studies the texts, approves by a rule, trains, and runs the quiz."
FROM_BASE = "It begins with the base model."
LONG_SECONDS = 3600.0
"""A round that takes longer is started only after a question."""
CLOSED = "closed_round"
"""The choice that stores which result was dismissed: the id of its last run."""
NEXT_TABS = (
    ("Chat", "Ask it a question"),
    ("Evaluation", "See each quiz question"),
    ("Review", "See its samples"),
)


def draw(store: Store) -> Html:
    """Return the newest whole round; nothing once its result was dismissed."""
    progress = round_progress.newest(store)
    if progress is None:
        return Html("")
    if progress.is_active:  # though it was dismissed before it was resumed
        return _strip(progress, _rest(store, progress))
    if store.choices.get(CLOSED) == progress.runs[-1].id:
        return Html("")
    if not progress.is_done:
        return _strip(progress, _stopped(progress.runs[-1]))
    outcome = round_progress.outcome(store, progress)
    return _result(progress, outcome) if outcome else Html("")


def asked(store: Store) -> str:
    """Return the key of a click that starts the round that is asked about."""
    return f"{GO}{round_progress.n_passages(store)} {chosen_model(store).model}"


def question(store: Store) -> Html:
    """Return the question before a round that takes long; nothing before a short one.

    Raises:
        AutolearnError: The model cannot be used.
    """
    model = chosen_model(store)
    n = round_progress.n_passages(store)
    seconds = round_progress.seconds_of_all(store, model, n) if n else None
    if seconds is None or seconds < LONG_SECONDS:
        return Html("")
    words = (
        f"A whole round studies all {html.count(n, 'passage')} of the library; with "
        f"{labels.model(model.model)} it takes about {html.rough_duration(seconds)} "
        "(rough). You can also begin with a few documents under Study."
    )
    buttons = (
        html.pick(html.text("Start it"), asked(store), "al-go")
        + html.pick(html.text("Choose documents"), f"{TAB}Study", "al-go")
        + html.pick(html.text("Not now"), CLOSE, "al-link al-close")
    )
    return html.tag(
        "section",
        html.tag("p", html.text(words)) + html.tag("div", buttons, "al-picks"),
        "al-round-strip",
        role="alert",
        aria_label="A long whole round",
    )


def why_disabled(store: Store) -> Html:
    """Return why no whole round can begin now; nothing if one can."""
    if is_server(chosen_model(store).model):
        sentence = ON_A_SERVER
    elif run := run_control.current(store):
        state = f"{labels.run(run)} is {run.state}"
        sentence = f"{state}. A whole round can begin after it."
    else:
        return Html("")
    return html.tag("p", html.text(sentence), "al-faint")


def below_button(store: Store, why_disabled: Html) -> Html:
    """Return what the sidebar says below the button: why it is disabled, or its use."""
    begins = f" {FROM_BASE}" if chosen_model(store).round_id else ""
    words = why_disabled or html.tag("p", html.text(f"{ABOUT}{begins}"), "al-faint")
    return html.tag("div", words, "al-below-button")


def _strip(progress: RoundProgress, beside: Html) -> Html:
    n = len(progress.stages)
    head = html.tag("strong", html.text(f"Whole round: step {progress.number} of {n}"))
    items = html.join(_stage(i, stage) for i, stage in enumerate(progress.stages, 1))
    return html.tag(
        "section",
        html.tag("header", head + beside, "al-spread")
        + html.tag("ol", items, "al-stages"),
        "al-round-strip",
        aria_label="Whole round",
    )


def _stage(number: int, stage: Stage) -> Html:
    """Return a stage with its state, and its own time once it has ended."""
    run = stage.run
    sign, state, classes = str(number), "to come", "al-stage"
    note = ""
    if run and run.state == "done":
        sign, state, classes = "✓", "done", "al-stage al-stage-done"
        note = html.duration(run.seconds)
    elif run and run.state in ACTIVE_STATES:
        state, classes = "now", "al-stage al-stage-now"
        note = labels.stage(run)
    elif run:
        sign, state, classes = "✗", run.state, "al-stage al-stage-failed"
        note = run.state
    body = html.tag("span", html.text(sign), "al-stage-sign", aria_hidden="true")
    body += html.tag("span", html.text(stage.title))
    body += html.tag("span", html.text(note), "al-faint") if note else Html("")
    if run and state == "now":
        body += html.bar(run.done, run.total, f"{stage.title}: {note}")
    current = "step" if state == "now" else None
    label = f"{stage.title}: {state}"
    return html.tag("li", body, classes, aria_current=current, aria_label=label)


def _rest(store: Store, progress: RoundProgress) -> Html:
    seconds = round_progress.seconds_left(store, progress)
    if seconds is None:
        return html.tag("span", "Estimating the time left", "al-faint")
    words = f"About {html.rough_duration(seconds)} left in all"
    if round_progress.is_rough(store, progress):
        words += " (rough: the first round with this model)"
    return html.tag("span", html.text(words), "al-faint")


def _stopped(run: Run) -> Html:
    """Return why a round does not continue; Resume only after a run that can be."""
    if run.state == "done":
        return html.tag("span", html.text(f"{run.error or ''} ") + _dismiss(run))
    words = html.text(f"{labels.run(run)} {run.state}. {run.error or ''} ")
    resume = html.pick(html.text("Resume"), f"{RESUME}{run.id}", "al-go")
    return html.tag("span", words + resume + _dismiss(run))


def _dismiss(run: Run) -> Html:
    return html.pick(html.text("Close"), f"{DISMISS}{run.id}", "al-link al-close")


def _result(progress: RoundProgress, outcome: RoundOutcome) -> Html:
    """Return the result of a round in one line of figures, and where to go next."""
    model = labels.model(progress.model.model)
    title = f"Round {outcome.round_id} of {model} is finished"
    head = html.tag("strong", html.text(title)) + _dismiss(progress.runs[-1])
    figures = html.join(_figures(outcome.comparison))
    learned = "sample learned" if outcome.n_learned == 1 else "samples learned"
    figures += _figure(f"{outcome.n_learned:,}", learned)
    figures += _figure(html.duration(progress.seconds), "in all")
    links = html.join(
        html.pick(html.text(words), f"{TAB}{tab}", "al-go") for tab, words in NEXT_TABS
    )
    return html.tag(
        "section",
        html.tag("header", head, "al-spread")
        + html.tag("div", figures + html.tag("div", links, "al-picks"), "al-figures")
        + _notes(outcome.comparison),
        "al-round-strip al-round-result",
        aria_label="Result of the whole round",
    )


def _notes(comparison: RoundComparison) -> Html:
    """Return where too few answers changed."""
    return html.join(
        html.tag("p", html.text(few), "al-faint")
        for few in labels.few_changed_in(comparison)
    )


def _figures(comparison: RoundComparison) -> list[Html]:
    """Return the shares of right answers, before and after, of each set asked."""
    names: dict[QuizPart, str] = {
        "gold": "quiz",
        "self_made": "self-made quiz",
        "control": "control",
    }
    return [
        _figure(
            f"{100 * change.right_before / change.n:.0f} % → "
            f"{100 * change.right_after / change.n:.0f} %",
            f"{name}, {html.count(change.n, 'question')}",
        )
        for part, name in names.items()
        if (change := comparison.parts[part]).n
    ]


def _figure(value: str, name: str) -> Html:
    body = html.tag("strong", html.text(value)) + html.tag(
        "span", html.text(name), "al-faint"
    )
    return html.tag("div", body, "al-figure-of-round")

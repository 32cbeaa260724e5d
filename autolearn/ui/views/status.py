"""The sidebar: what is loaded, what is running, what failed last."""

from autolearn.core.records import ACTIVE_STATES, Run
from autolearn.core.run_kinds import QueueName
from autolearn.core.run_settings import SkillRunSettings
from autolearn.models import hardware
from autolearn.runs import queues, worker_processes
from autolearn.runs.model_choice import chosen_model
from autolearn.services import model_scope
from autolearn.services.estimates import durations
from autolearn.services.model_scope import shown_digest
from autolearn.store import SampleFilter, Store, layout
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels

ALL_MODELS, ONE_MODEL = "all-models", "one-model"
"""The keys of clicks that show the data of all models, or of one again."""
BESIDE = 18
"""Most characters of a name that fit beside its label."""


def draw(store: Store) -> Html:
    """Return the whole sidebar."""
    active = store.runs.in_state(*ACTIVE_STATES)
    parts = [_spoken(active), _place(store), _counts(store)]
    parts += [_activity(store, active), _last_error(store)]
    return html.tag("div", html.join(parts), "al-status")


def _activity(store: Store, active: list[Run]) -> Html:
    """Return what runs and what waits; its place is kept while there is nothing."""
    waiting = [run for run in active if run.state == "queued"]
    parts = [_running(store, run) for run in active if run.state == "running"]
    if waiting:
        parts.append(_waiting(store, waiting))
    if not active:
        parts.append(_idle(store))
    return html.tag("div", html.join(parts), "al-activity")


def _idle(store: Store) -> Html:
    """Return that nothing runs, and what ended last."""
    words = html.note("Nothing is running.")
    if last := store.runs.last_ended():
        when = labels.local_time(last.finished_at)
        sentence = f"Last: {labels.run(last)}, {last.state}, {when}"
        words += html.tag("div", html.text(sentence), "al-faint")
    return html.tag("div", words, "al-box")


def _spoken(active: list[Run]) -> Html:
    """Return what screen readers read when it changes, unlike the progress."""
    names = [f"{labels.run(run)} is {run.state}." for run in active]
    words = html.text(" ".join(names) or "Nothing is running.")
    return html.tag("p", words, "al-unseen", role="status")


def _place(store: Store) -> Html:
    model = chosen_model(store)
    card, worker_bytes = (
        hardware.gpu(),
        hardware.worker_memory(store.folder / queues.MODEL_QUEUE.pid_file),
    )
    rows = {
        "Workspace": html.tag(
            "span", html.text(store.folder.absolute().name), title=store.folder
        ),
        "Model": _model(model.model),
        "Precision": html.text(
            "4 bit" if model.quantization == "nf4" else "16 or 32 bit"
        ),
        "Adapter": html.text(labels.adapter(model.round_id)),
        "Device": html.text(card.name if card else "CPU"),
        "Memory now": _memory(worker_bytes),
    }
    if card:
        device_memory = f"{html.size(card.used)} of {html.size(card.total)}"
        rows["Device memory"] = html.text(device_memory)
    return html.tag("div", html.pairs(rows), "al-box")


def _memory(worker_bytes: int | None) -> Html:
    """Return the memory of the worker, or that there is none, and so no model."""
    if worker_bytes is None:
        about = "No worker process: it ends when idle, and a run starts it again."
        return html.tag("span", "not loaded", title=about)
    about = "The whole worker process: the model and what its runs have left in memory."
    return html.tag("span", html.text(html.size(worker_bytes)), title=about)


def _model(name: str) -> Html:
    """Return the name of the model; a long one gets a line of its own."""
    short = labels.model(name)
    classes = "al-wide" if len(short) > BESIDE else ""
    return html.tag("span", html.text(short), classes, title=name)


def _counts(store: Store) -> Html:
    digest = shown_digest(store)
    counts = store.samples.counts(SampleFilter(model_digest=digest))
    rows = {
        "To review": html.number(counts["pending"]),
        "Approved": html.number(counts["approved"]),
        "Rejected": html.number(counts["rejected"]),
    }
    return html.tag("div", html.pairs(rows) + _models(store, digest), "al-box")


def _models(store: Store, digest: str | None) -> Html:
    """Return whose data are shown if several models have some, and the switch."""
    others = model_scope.other_models(store)
    if not others:
        return Html("")
    if model_scope.chosen_digest(store) is None:
        words = "The model in use is unavailable, so the data of all models are shown."
        return html.tag("div", html.text(words), "al-faint")
    names = ", ".join(map(labels.model, others))
    words, label, key = f"Data of {names} are hidden.", "Show all models", ALL_MODELS
    if digest is None:
        words, label = "Data of all models are shown.", "Show the model in use only"
        key = ONE_MODEL
    button = html.pick(html.text(label), key, "al-link")
    return html.tag("div", html.text(f"{words} ") + button, "al-faint")


def _running(store: Store, run: Run) -> Html:
    title = labels.run(run)
    stage = labels.stage(run)
    model = Html("")
    if run.model:
        weights = f", round {run.round_id}" if run.round_id else ""
        words = html.text(f"with {labels.model(run.model)}{weights}")
        model = html.tag("div", words, "al-faint")
    if run.total:
        stage += f": {labels.progress(run)}"
    return html.tag(
        "div",
        html.tag("strong", html.text(title))
        + model
        + html.tag("div", html.text(stage))
        + html.bar(run.done, run.total, title)
        + html.tag("div", html.text(_pace(store, run)), "al-faint"),
        "al-box al-running",
    )


def _pace(store: Store, run: Run) -> str:
    """Return the time left, or how long the last check of skills took."""
    if run.cancel_requested:
        return "stopping"
    if end := labels.stage_end(run):
        return end
    if run.eta_seconds is not None:
        return f"{labels.time_left_name(run)}: {html.time_left(run.eta_seconds)}"
    if run.kind == "skills":
        model = SkillRunSettings.of(run).model
        if seconds := durations.check_seconds(store, model):
            return f"about {html.rough_duration(seconds)} in all, as the last one took"
    return "estimating the time left"


def _waiting(store: Store, runs: list[Run]) -> Html:
    """Return what waits, and why no worker takes it, if workers end at once."""
    names = (labels.run(run) for run in runs)
    rows = html.join(html.tag("li", html.text(name)) for name in names)
    title = html.tag("strong", "Queued")
    waited_for = {queues.queue_of(run.kind).name for run in runs}
    problems = html.join(_not_started(store, name) for name in sorted(waited_for))
    return html.tag("div", title + html.tag("ul", rows) + problems, "al-box")


def _not_started(store: Store, name: QueueName) -> Html:
    """Return how the last process of a queue ended, if with an error."""
    error = worker_processes.why_ended(store, queues.QUEUES[name])
    if not error:
        return Html("")
    place = layout.worker_log(store.folder, name)
    return html.problem(
        f"The {name} process ended with an error: {error}. It is started again every "
        "few seconds. “Check this computer” under Model may show what is missing; "
        f"details are in {place}."
    )


def _last_error(store: Store) -> Html:
    """Return why the run that ended last failed, if it did."""
    run = store.runs.last_ended()
    if not run or not run.error:
        return Html("")
    queue = queues.queue_of(run.kind)
    hint = f"Details are in {layout.worker_log(store.folder, queue.name)}."
    if run.state != "done" and run.kind != "chat":
        hint = f"It can be resumed under History. {hint}"
    return html.tag(
        "div",
        html.tag("strong", html.text(f"{labels.run(run)} {run.state}"))
        + html.problem(run.error)
        + html.tag("div", html.text(hint), "al-faint"),
        "al-box al-failed",
    )

"""The sidebar: what is loaded, what goes on, what went wrong last."""

from autolearn.records import Run
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html

TITLES = {
    "study": "Study",
    "train": "Training",
    "quiz": "Quiz",
    "chat": "Answer",
    "export": "Export",
}


def draw(store: Store) -> Html:
    """Return the whole sidebar."""
    active = store.runs.in_state("running", "queued")
    running = [run for run in active if run.state == "running"]
    waiting = [run for run in active if run.state == "queued"]
    parts = [_place(store), _counts(store)]
    parts += [_running(run) for run in running] or [
        html.tag("div", html.note("Nothing is running."), "al-box")
    ]
    if waiting:
        parts.append(_waiting(waiting))
    parts.append(_last_error(store))
    return html.tag("div", html.join(parts), "al-status", aria_live="polite")


def _place(store: Store) -> Html:
    newest = next((r for r in store.runs.newest(20) if "model" in r.settings), None)
    model = newest.settings["model"] if newest else {"model": "built-in"}
    chosen = model.get("round_id")
    shown = {
        "Workspace": html.tag("span", html.text(store.folder.name), title=store.folder),
        "Model": html.text(model["model"]),
        "Adapter": html.text(f"round {chosen}" if chosen else "none (base model)"),
    }
    return html.tag("div", html.pairs(shown), "al-box")


def _counts(store: Store) -> Html:
    counts = store.samples.counts()
    shown = {
        "To review": html.number(counts["pending"]),
        "Approved": html.number(counts["approved"]),
        "Rejected": html.number(counts["rejected"]),
    }
    return html.tag("div", html.pairs(shown), "al-box")


def _running(run: Run) -> Html:
    title = f"{TITLES[run.kind]} (run {run.id})"
    told = f"{run.stage or 'starting'}: {run.done} of {run.total}"
    pace = f"{run.rate:.1f} a second, {html.duration(run.eta_seconds)} left"
    if run.cancel_requested:
        pace = "stopping at the next checkpoint"
    return html.tag(
        "div",
        html.tag("strong", html.text(title))
        + html.tag("div", html.text(told))
        + html.bar(run.done, run.total, title)
        + html.tag("div", html.text(pace), "al-faint"),
        "al-box al-running",
    )


def _waiting(runs: list[Run]) -> Html:
    names = (f"{TITLES[run.kind]} (run {run.id})" for run in runs)
    rows = html.join(html.tag("li", html.text(name)) for name in names)
    title = html.tag("strong", "Waiting")
    return html.tag("div", title + html.tag("ul", rows), "al-box")


def _last_error(store: Store) -> Html:
    """Return why the newest ended run failed, unless a later one went well."""
    ended = [r for r in store.runs.newest(20) if r.state not in ("running", "queued")]
    if not ended or not ended[0].error:
        return Html("")
    run = ended[0]
    log = f"Details are in {store.folder / 'logs' / 'worker.log'}."
    return html.tag(
        "div",
        html.tag("strong", html.text(f"{TITLES[run.kind]} (run {run.id}) {run.state}"))
        + html.problem(run.error or "")
        + html.tag("div", html.text(log), "al-faint"),
        "al-box al-failed",
    )

"""The history: rounds with their lineage, runs, exports."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from autolearn.core.methods import method_title
from autolearn.core.records import END_STATES, Round, Run
from autolearn.core.run_results import (
    ExportResult,
    QuizRunResult,
    QuizScores,
    RoundScores,
)
from autolearn.core.run_settings import ExportRunSettings, TrainRunSettings
from autolearn.export import formats
from autolearn.export.handover.folder import TOOLS
from autolearn.runs.server_adapters import LoadedAdapter
from autolearn.services import prices, quiz_runs, round_actions
from autolearn.services.model_scope import shown_digest
from autolearn.store import RunFilter, Store, layout
from autolearn.ui import html
from autolearn.ui.drawer import drawer
from autolearn.ui.html import Html
from autolearn.ui.views import curve, labels

RUNS_A_PAGE = 50
LOG_LINES = 100
_LOG_BYTES = 1 << 16
ROUND, RUN = "round-", "run-"
"""How the key of a click begins that shows a round or a run; its id follows. In the
details of a run, its key resumes it.
"""
_LONGEST = 300
"""Characters of a setting that are shown."""
EXPORT_NAMES = {
    "chat": "chats (SFT)",
    "preference": "preference pairs",
    "meta": "meta-skill items",
    "text": "raw texts",
    "adapter": "adapter",
    "merged": "merged model in 16 bit",
    "gguf": "GGUF for llama.cpp",
    **{name: f"folder for {tool.title}" for name, tool in TOOLS.items()},
}
"""The names of what can be exported."""

# --- rounds -------------------------------------------------------------------


def lineage(store: Store) -> Html:
    """Return all rounds below those that they continue; a click on one chooses it."""
    rounds = labels.rounds(store, shown_digest(store))
    if not rounds:
        return html.note(
            f"No round{labels.of_model(store)} yet. Approve samples under Review and "
            "train under Train, or press “Run a whole round”."
        )
    by_model: defaultdict[str, list[Round]] = defaultdict(list)
    for round_ in rounds:
        by_model[round_.model.digest].append(round_)
    trees = (_tree(store, of_one) for of_one in by_model.values())
    return html.tag("div", html.join(trees), "al-lineage")


def _tree(store: Store, rounds: Sequence[Round]) -> Html:
    """Return the rounds of one model below it."""
    children: defaultdict[int | None, list[Round]] = defaultdict(list)
    for round_ in rounds:
        children[round_.parent_id].append(round_)
    name = f"base model: {labels.model(rounds[0].model.name)}"
    base = html.tag("div", html.text(name), "al-card al-base")
    draw = partial(_branch, store, children, _base_scores(store, rounds[0]))
    return base + html.tag("ul", html.join(map(draw, children[None])))


def _branch(
    store: Store,
    children: Mapping[int | None, Sequence[Round]],
    of_base: Mapping[str, float | None],
    round_: Round,
) -> Html:
    """Return a round, compared with the base model, and those that continue it."""
    scores = _right(RoundScores.of(round_))
    title = html.tag(
        "strong", html.text(f"round {round_.id}: {labels.method(round_.method)} ")
    )
    content = title + labels.state(round_actions.state_of(store, round_))
    shares = [
        f"{name} {html.percent(of_base.get(name))} (base) → {html.percent(share)}"
        for name, share in scores.items()
    ]
    if shares:
        content += html.tag("div", Html(", ".join(shares)), "al-faint")
    below = html.join(
        _branch(store, children, of_base, child)
        for child in children.get(round_.id, ())
    )
    lower = html.tag("ul", below) if below else Html("")
    return html.tag(
        "li", html.pick(content, f"{ROUND}{round_.id}", "al-card al-round") + lower
    )


def _right(scores: QuizScores) -> dict[str, float | None]:
    """Return the shares of right closed-book answers among the scores of a quiz."""
    return {name: score.right for name, score in scores.closed_book().items()}


def _base_scores(store: Store, round_: Round) -> dict[str, float | None]:
    """Return the same shares of the base model of a round, from its newest quiz."""
    quiz = quiz_runs.latest_quiz(store, round_, None)
    return _right(QuizRunResult.of(quiz) if quiz else QuizScores())


def details(store: Store, key: str) -> Html:
    """Return everything about the round or run of a key; nothing for an empty one."""
    if key.startswith(ROUND):
        return round_details(store, int(key.removeprefix(ROUND)))
    return run_details(store, int(key.removeprefix(RUN))) if key else Html("")


def round_details(store: Store, round_id: int) -> Html:
    """Return everything about one round."""
    round_ = store.rounds.get(round_id)
    counts = Counter(item.kind for item in store.rounds.items(round_id))
    state = labels.state(round_actions.state_of(store, round_))
    head = html.tag("h3", html.text(f"Round {round_.id}")) + state
    items = ", ".join(f"{n} {kind}" for kind, n in counts.items())
    facts = {
        "Method": html.text(method_title(round_.method)),
        "Base": html.text(round_.model.name),
        "Digest of the base": html.text(round_.model.digest[:12]),
        "Started from": html.text(labels.adapter(round_.parent_id)),
        "Run": html.text(round_.run_id),
        "Steps": html.text(round_.n_steps),
        "Items": html.text(items or html.DASH),
        "Adapter": html.text(round_.adapter or "not finished"),
    }
    body = (
        html.pairs(facts)
        + _details("Scores", round_.scores)
        + _details("Settings", TrainRunSettings.of(round_).train.as_dict())
    )
    return drawer(html.card(head, body), f"Round {round_id}")


def _details(title: str, values: Mapping[str, Any]) -> Html:
    return html.details(html.text(title), settings_table(values, title))


# --- runs ---------------------------------------------------------------------


def page(store: Store, before_id: int, *, with_chats: bool = True) -> list[Run]:
    """Return one page of runs, the newest first; 0 begins at the newest."""
    criteria = RunFilter(
        model_digest=shown_digest(store),
        before_id=before_id or None,
        chats=None if with_chats else False,
    )
    return store.runs.find(criteria, RUNS_A_PAGE)


def runs(store: Store, before_id: int, *, with_chats: bool = True) -> Html:
    """Return one page of runs; a click on one chooses it."""
    records = page(store, before_id, with_chats=with_chats)
    if not records:
        return html.note(_no_runs(store, before_id, with_chats=with_chats))
    rows = [
        (
            html.pick(html.text(labels.run(run)), f"{RUN}{run.id}", "al-link"),
            labels.state(run.state),
            html.text(html.duration(run.seconds)),
            html.text(labels.local_time(run.started_at)),
        )
        for run in records
    ]
    return html.table(("Run", "State", "Took", "Started"), rows, "Runs")


def _no_runs(store: Store, before_id: int, *, with_chats: bool) -> str:
    """Return why no run is listed."""
    if before_id:
        return "No older run."
    if not with_chats and page(store, 0):
        return "There are only chats yet; “Show chats” lists them."
    return f"No runs{labels.of_model(store)} yet. Start with Study."


def run_details(store: Store, run_id: int) -> Html:
    """Return one run with its settings, its result and its log, and a way to resume."""
    run = store.runs.get(run_id)
    head = html.tag("h3", html.text(labels.run(run))) + labels.state(run.state)
    log = html.tag("pre", html.text(log_tail(store.folder, run_id)), "al-log")
    body = (
        (html.problem(run.error) if run.error else Html(""))
        + _resume(run)
        + _tokens(store, run)
        + _details("Result", run.result)
        + _details("Settings", run.settings)
        + _details("Versions", run.versions)
        + html.details(html.text("Log"), log)
    )
    return drawer(html.card(head, body), labels.run(run))


def _tokens(store: Store, run: Run) -> Html:
    """Return the tokens and the cost of a run on a server; nothing for other runs."""
    counted = prices.tokens(store, run)
    if counted is None:
        return Html("")
    prompt, answer = counted
    sentence = f"{prompt:,} tokens in prompts, {answer:,} in answers"
    if cost := prices.run_cost(store, run):
        sentence += f"; cost {cost}"
    return html.tag("p", html.text(f"{sentence}."), "al-faint")


def _resume(run: Run) -> Html:
    if run.state not in END_STATES or run.state == "done":
        return Html("")
    label = html.text("Resume this run")
    return html.tag("p", html.pick(label, f"{RUN}{run.id}", "al-go"))


def log_tail(folder: Path, run_id: int) -> str:
    """Return the last lines of the log of a run."""
    path = layout.run_log(folder, run_id)
    if not path.is_file():
        return "This run has no log."
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LOG_BYTES))
        tail = file.read().decode("utf-8", "replace")
    return "\n".join(tail.splitlines()[-LOG_LINES:]) or "The log is empty."


def choices(store: Store) -> list[tuple[str, int]]:
    """Return the newest runs to choose from."""
    return [(f"{labels.run(run)}, {run.state}", run.id) for run in page(store, 0)]


# --- compare ------------------------------------------------------------------


def compare(store: Store, one_id: int, other_id: int) -> Html:
    """Return the settings and results in which two runs differ, and their losses."""
    if not one_id or not other_id or one_id == other_id:
        return html.note("Choose two different runs to compare.")
    first, second = store.runs.get(one_id), store.runs.get(other_id)
    content = _differences("Settings that differ", first, second, "settings")
    content += _differences("Results that differ", first, second, "result")
    if first.kind == second.kind == "train":
        losses = {
            f"run {r.id}": store.runs.metrics(r.id, "loss") for r in (first, second)
        }
        content += curve.draw("Loss", "nats per token", losses)
    return content


def _differences(title: str, first: Run, second: Run, field: str) -> Html:
    before, after = flat(getattr(first, field)), flat(getattr(second, field))
    names = [n for n in {**before, **after} if before.get(n) != after.get(n)]
    if not names:
        return html.note(f"{title}: none.")
    rows = [
        (html.text(n), *(html.text(side.get(n, html.DASH)) for side in (before, after)))
        for n in names
    ]
    heads = (title, f"run {first.id}", f"run {second.id}")
    return html.table(heads, rows, title)


def settings_table(values: Mapping[str, Any], title: str) -> Html:
    """Return values within values as lines of a table."""
    rows = [(html.text(name), html.text(value)) for name, value in flat(values).items()]
    if not rows:
        return html.note("Empty.")
    return html.table(("Name", "Value"), rows, title)


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Return values within values under names with dots, long ones cut."""
    entries: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            entries |= flat(value, f"{before}{name}.")
        else:
            entries[f"{before}{name}"] = _short_text(value)
    return entries


def _short_text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


# --- exports ------------------------------------------------------------------


def exports(store: Store) -> Html:
    """Return the exports, the newest first; a click on one fetches it."""
    records = store.runs.find(RunFilter(("export",)), limit=10)
    if not records:
        return html.note("No exports yet.")
    return html.join(_export(run) for run in records)


def loaded(adapter: LoadedAdapter) -> Html:
    """Return how a round that a server has loaded is chosen."""
    sentence = f"Loaded; to use it, enter this under Model: {adapter.address}"
    return html.join(map(html.note, filter(None, [sentence, adapter.note])))


def _export(run: Run) -> Html:
    settings, result = ExportRunSettings.of(run), ExportResult.of(run)
    about, n = settings.round_id, result.samples
    others = "a planned round" if settings.train else "samples"
    name = EXPORT_NAMES.get(settings.what, settings.what)
    title = f"{name} of " + (f"round {about}" if about else others)
    heading = html.tag("strong", html.text(title)) + labels.state(run.state)
    if run.state == "done" and settings.what not in formats.WHOLE:
        heading += html.pick(
            html.text("Download"), run.id, aria_label=f"Download: {title}"
        )
    body = html.tag("div", html.text(settings.target), "al-faint al-path")
    if n is not None:
        body += html.tag("div", html.text(html.count(n, "line")), "al-faint")
    if result.n_questions:
        counts = f"{result.n_same_answers} of {result.n_questions}"
        words = f"{counts} quiz answers match this workspace"
        body += html.tag("div", html.text(words), "al-faint")
    if run.error:
        body += html.problem(run.error)
    return html.card(heading, body)

"""What a round would train on and need, and the progress of a training."""

from collections.abc import Sequence

from autolearn.core.records import ACTIVE_STATES, Round, Run
from autolearn.core.run_kinds import stage_title
from autolearn.core.run_results import FailedResult, TrainResult
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import TrainSettings
from autolearn.models import hardware
from autolearn.runs.model_choice import chosen_model
from autolearn.services.estimates import durations, memory_needs
from autolearn.services.estimates.durations import TrainingEstimate
from autolearn.services.estimates.memory_needs import MemoryFit
from autolearn.services.estimates.round_contents import RoundContents
from autolearn.services.model_scope import shown_digest
from autolearn.services.token_preview import PreviewRow, TokenPreview
from autolearn.services.train_checks import can_train_more
from autolearn.store import RunFilter, Store, layout
from autolearn.training.dataset import FEWEST_VALIDATED
from autolearn.training.presets import Preset
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import corpora as corpus_views
from autolearn.ui.views import curve, labels, memory

CURVES = (
    ("loss", "Loss", "nats per token"),
    ("reward_margin", "DPO reward margin", "nats"),
    ("replay_kl", "KL to the base model on replay", "nats per token"),
    ("validation", "Validation (exact match)", "share"),
    ("learning_rate", "Learning rate", ""),
)
"""The numbers of a training that are drawn, with title and unit."""
NOISY = ("loss", "reward_margin", "replay_kl")
"""The numbers that differ from step to step by chance."""
SMOOTHING = 10
"""Points over which their curves are averaged."""
WHOLE_ROUND = (
    "A whole round is running: before its training, which starts automatically, a rule "
    "approves samples."
)
N_CHARACTERS = 120
"""Longer answers are cut where dropped items are listed."""


def intake(contents: RoundContents, settings: TrainSettings) -> Html:
    """Return the items of a round, and what is left out and why."""
    dataset = contents.dataset
    rows = {
        "Approved samples": html.number(contents.n_approved),
        "Used by this method": html.number(contents.for_method),
        "Excluded: the same question about the same passage": html.number(
            contents.repeated
        ),
        "Excluded: no gap": html.number(contents.without_gap),
        "Excluded: in quiz or control (wordings)": html.number(dataset.leaked),
        "Held out for validation (wordings)": html.number(len(dataset.validation)),
        "Samples to train on": html.number(contents.samples),
        "Training items (all wordings)": html.number(len(dataset.items)),
    }
    if settings.traits.uses_corpora:
        rows["Gold corpora"] = html.text(", ".join(contents.corpora) or "none yet")
    if settings.traits.teaches_skills:
        rows["Items by skill"] = corpus_views.skills(dataset.items)
    return _section("Training data", html.pairs(rows))


def preflight(problems: Sequence[str], warnings: Sequence[str]) -> Html:
    """Return what prevents the round, and notes on it."""
    items = [html.tag("li", html.problem(sentence)) for sentence in problems]
    items += [
        html.tag("li", html.badge("note", "gap") + html.text(sentence))
        for sentence in warnings
    ]
    if not problems:
        ready = html.tag("p", html.text("Ready to train."), "al-good")
        items.insert(0, html.tag("li", ready))
    return _section("Checks", html.tag("ul", html.join(items), "al-checks"))


def warnings(
    contents: RoundContents, settings: TrainSettings, usual: Preset
) -> list[str]:
    """Return warnings about a round with these items."""
    sentences = []
    if settings.peak_rate > usual.apply(settings).peak_rate:
        sentences.append(
            "The learning rate is higher than usual for a model of this size; the "
            f"fitting preset is “{usual.title}”."
        )
    if _lacks_validation(contents, settings):
        sentences.append(
            f"Validation needs {2 * FEWEST_VALIDATED} samples with a second wording. "
            "Without it the round cannot end early, and its adapter is not scaled down."
        )
    most = settings.max_tokens
    too_long = sum(n > most for n in contents.lengths(most))
    if too_long:
        verb = "is" if too_long == 1 else "are"
        sentences.append(
            f"About {html.count(too_long, 'item')} {verb} longer than "
            f"{most} tokens and will be dropped; raise “Max. tokens per item” to train "
            "on more."
        )
    if settings.max_steps and settings.max_steps < settings.warmup_steps:
        sentences.append(
            "The round ends during the warm-up; use more steps or less warm-up."
        )
    if not hardware.device().half:
        sentences.append(
            "This device has no fast 16-bit arithmetic, so the round computes in 32 "
            "bit: twice the memory, and slower."
        )
    if not settings.replays:
        sentences.append("Replay is off: the round may forget what the model knows.")
    return sentences


def _lacks_validation(contents: RoundContents, settings: TrainSettings) -> bool:
    """Return whether a round has too few wordings for the validation it is to have."""
    method, dataset = settings.traits, contents.dataset
    if not method.needs_samples or method.trains_preferences:
        return False  # methods that teach no answers have none
    is_wanted = bool(dataset.items and settings.validation_share)
    return is_wanted and not dataset.validation


def estimate(effort: TrainingEstimate, fit: MemoryFit) -> Html:
    """Return steps, time and memory; all of it is estimated and says so."""
    rows = _times(effort) | {
        "Optimiser steps, at most": html.number(effort.steps),
        "Tokens per step, about": html.number(effort.tokens_per_step),
    }
    rows |= memory.fit(fit)
    rows["Disk space for checkpoints and adapter"] = html.text(html.size(fit.disk))
    return _section("Estimate", html.pairs(rows))


def _times(effort: TrainingEstimate) -> dict[str, Html]:
    """Return the time in all, as far as it is known, then its parts."""
    before, seconds = effort.seconds_before, effort.seconds
    parts: dict[str, Html] = {}
    if before:
        name = "Time before the steps, to write the replay"
        parts[name] = html.text(html.duration(before))
    if seconds is None:
        return parts | {"Time of the steps": html.text("known after the first round")}
    basis = "the speed of this computer" if effort.is_first else "the last round"
    steps = html.text(html.duration(seconds))
    if before is None:  # it is not known how long the replay takes
        return {f"Time of the steps, estimated from {basis}": steps}
    whole = html.text(html.duration(before + seconds))
    total = {f"Time in all, estimated from {basis}": whole}
    return total | parts | {"Time of the steps": steps} if parts else total


def preview(tokens: TokenPreview) -> Html:
    """Return the first items token by token; the learned tokens are marked."""
    share = 100 * tokens.n_trained / max(1, tokens.tokens)
    sentence = (
        f"{tokens.n_trained:,} of {tokens.tokens:,} tokens are learned "
        f"({share:.0f} %), in {html.count(tokens.n_items, 'item')}. Dropped: "
        f"{tokens.too_long:,} longer than {tokens.longest} tokens, {tokens.empty:,} "
        f"without an answer. Each answer ends with the token “{tokens.end}”, which is "
        "learned too."
    )
    legend = html.tag("span", "Marked tokens", "al-learned") + html.text(
        " are learned; the others are context. The first "
        f"{html.count(len(tokens.items), 'item')} of the round:"
    )
    items = html.join(
        _item(number, rows) for number, rows in enumerate(tokens.items, start=1)
    )
    return (
        html.tag("p", html.text(sentence))
        + _dropped_items(tokens)
        + html.tag("p", legend)
        + items
    )


def _dropped_items(tokens: TokenPreview) -> Html:
    """Return the items that are dropped for their length."""
    if not tokens.dropped_items:
        return Html("")
    rows = [
        (html.number(n), html.beginning(text, N_CHARACTERS))
        for n, text in tokens.dropped_items
    ]
    name = "Dropped items (too long)"
    table = html.table(("Tokens", "Answer"), rows, name)
    return html.details(html.text(name), table)


def _item(number: int, rows: Sequence[PreviewRow]) -> Html:
    names = ("",) if len(rows) == 1 else (", chosen answer", ", rejected answer")
    return html.join(
        html.tag(
            "section",
            html.tag("header", _row_title(number, name, row), "al-faint")
            + html.tag("div", _tokens(row), "al-tokens"),
            "al-card",
        )
        for name, row in zip(names, rows, strict=True)
    )


def _row_title(number: int, name: str, row: PreviewRow) -> Html:
    n = len(row.ids)
    n_learned = n - row.n_prompt
    return html.text(f"Item {number}{name}: {n_learned} of {n} tokens are learned")


def _tokens(row: PreviewRow) -> Html:
    return html.join(
        html.tag(
            "span",
            html.text(piece),
            "al-token al-learned" if i >= row.n_prompt else "al-token",
            title=f"token {token}",
        )
        for i, (token, piece) in enumerate(zip(row.ids, row.pieces, strict=True))
    )


def trainings(store: Store) -> list[Run]:
    """Return the runs that train, the newest first."""
    return store.runs.find(RunFilter(("train",), model_digest=shown_digest(store)))


def title(run: Run) -> str:
    """Return the name of a training in a list."""
    method = labels.method(TrainRunSettings.of(run).train.method)
    return f"run {run.id}: {method}, {run.state}, {labels.local_time(run.created_at)}"


def live(store: Store, run: Run | None) -> Html:
    """Return the progress or the result of one training, with its settings."""
    if run is None:
        return html.note(
            "No round has been trained yet. Approve samples under Review, then train."
        )
    curves = html.join(
        curve.draw(
            title,
            unit,
            {"": store.runs.metrics(run.id, name)},
            smoothing=SMOOTHING if name in NOISY else 1,
        )
        for name, title, unit in CURVES
    )
    head = html.tag("h3", html.text(f"Training, run {run.id}"))
    return (
        html.tag("header", head + labels.state(run.state), "al-spread")
        + _progress(store, run)
        + html.tag("p", html.text(_next(store, run)), "al-faint")
        + html.tag("div", curves, "al-plots al-four")
        + _settings(run)
    )


def _progress(store: Store, run: Run) -> Html:
    speed = durations.latest_speed(store, run)
    rounds = store.rounds.all(run.id)
    stage = stage_title(run) or "waiting"
    rows = {
        "Round": html.text(rounds[0].id if rounds else html.DASH),
        stage.capitalize(): html.text(labels.progress(run)),
        "Tokens per second": html.number(speed),
        labels.time_left_name(run).capitalize(): html.text(
            labels.stage_end(run) or html.time_left(run.eta_seconds)
        ),
        "Memory": memory.peak(memory_needs.peak_of(store, run)),
        "On disk": html.text(_disk_use(store, rounds)),
    }
    body = html.pairs(rows) + html.bar(run.done, run.total, "Training")
    if run.error:
        body += html.problem(run.error)
    return html.tag("div", body, "al-box")


def _disk_use(store: Store, rounds: Sequence[Round]) -> str:
    """Return how much checkpoints and adapter of a round take."""
    if not rounds:
        return html.DASH
    newest = rounds[0]
    states = layout.checkpoints(store.folder, newest.id)
    if newest.adapter is None:
        n = len(list(states.glob("[!.]*")))
        n_bytes = hardware.size_on_disk(states)
        return f"{html.count(n, 'checkpoint')}, {html.size(n_bytes)}"
    size = hardware.size_on_disk(store.folder / newest.adapter)
    return f"adapter, {html.size(size)}"


def _next(store: Store, run: Run) -> str:
    """Return the possible actions on a run, or why there is none."""
    if run.state in ACTIVE_STATES:
        if run.cancel_requested:
            return "It stops after this step at the latest. You can resume it later."
        return "You can stop it at any time and resume it later."
    if run.state == "done":
        settings = TrainRunSettings.of(run)
        sentence = "It is finished."
        in_use = chosen_model(store).round_id
        is_used = in_use is not None and in_use == TrainResult.of(run).round
        if not settings.train.traits.teaches_facts and not is_used:
            sentence += " To study with it, choose it as adapter under Model."
        return sentence + " You can train more epochs." * can_train_more(settings)
    if changes := advice(run):
        return f"You can retry it with {changes}, or resume it unchanged."
    return "You can resume it where it stopped."


def advice(run: Run) -> str:
    """Return the settings with which a run that lacked memory would fit, if any."""
    advice = FailedResult.of(run).advice
    return " and ".join(
        f"“{labels.TRAIN_SETTINGS.get(name, name)}” {value}"
        for name, value in advice.items()
    )


def _settings(run: Run) -> Html:
    """Return the settings of a run; those that are not the default are marked."""
    usual = TrainSettings().as_dict()
    settings = TrainRunSettings.of(run)
    rows = {
        "Model": html.text(settings.model.model),
        "Started from": html.text(labels.adapter(settings.parent)),
    }
    for name, value in settings.train.as_dict().items():
        element = "strong" if value != usual.get(name) else "span"
        rows[labels.TRAIN_SETTINGS[name]] = html.tag(element, _word(value))
    hint = html.tag("p", "Bold: not the default.", "al-faint")
    title = html.text("Settings of this run")
    return html.details(title, hint + html.pairs(rows), "al-card")


def _word(value: object) -> Html:
    return html.text(f"{value:g}" if isinstance(value, float) else value)


def _section(title: str, content: Html) -> Html:
    return html.tag("section", html.tag("h4", html.text(title)) + content, "al-card")

"""The progress of the review, its text if there is nothing to decide, and its keys."""

from dataclasses import replace

from autolearn.core.records import ACTIVE_STATES, Decision, Run, SampleState
from autolearn.core.settings import ModelSettings
from autolearn.services import round_progress
from autolearn.services.model_scope import shown_digest
from autolearn.store import RunFilter, SampleFilter, Store
from autolearn.study import rules
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels

ENOUGH = 20
"""Fewest decisions of a person for which an agreement is shown."""
_NEWEST = 200
BY_RULE = "The whole round lets a rule decide the rest before its training"
N_BARS = 10
"""Bars of the histogram of gap probabilities."""


def empty(store: Store, criteria: SampleFilter) -> Html:
    """Return what to do when nothing passes the filter."""
    counts = _counts(store)
    if not any(counts.values()):
        return html.note(_nothing(store))
    if criteria == SampleFilter(state="pending", model_digest=criteria.model_digest):
        n, total = counts["approved"], sum(counts.values())
        train = " Train on these in the tab Train." if n else ""
        return html.note(
            f"All samples are decided, {n:,} of {total:,} approved.{train} Choose "
            "another state in the filter to see them again."
        )
    return html.note("No sample matches this filter; change or clear it.")


def _nothing(store: Store) -> str:
    """Return what to do while no sample is shown in any state."""
    words = f"Nothing to review{labels.of_model(store)} yet"
    digest = shown_digest(store)
    active = RunFilter(("study",), ACTIVE_STATES, model_digest=digest)
    if studies := store.runs.find(active, limit=1):
        return (
            f"{words}: the first samples of the study (run {studies[0].id}) come as "
            "soon as their passages have passed all stages."
        )
    words += ": study a text first, in the tab Study, or press “Run a whole round”."
    if store.samples.count(SampleFilter()):
        words += (
            " Samples of other models are hidden; “Show all models” in the sidebar "
            "shows them."
        )
    return words


def _counts(store: Store) -> dict[SampleState, int]:
    """Return how many of the shown samples are in each state."""
    return store.samples.counts(SampleFilter(model_digest=shown_digest(store)))


def progress(store: Store) -> Html:
    """Return how many samples are decided, and whom the decisions agree with."""
    counts = _counts(store)
    total = sum(counts.values())
    if not total:
        return Html("")
    n_decided = total - counts["pending"]
    beside = BY_RULE if _waits_for_rule(store) else _agreement(store)
    sentence = f"{n_decided} of {total} decided: {counts['approved']} approved, "
    sentence += f"{counts['rejected']} rejected, {counts['pending']} pending"
    return html.tag(
        "div",
        html.tag("span", html.text(sentence))
        + html.bar(n_decided, total, "Samples that are decided")
        + html.tag("span", html.text(beside), "al-faint"),
        "al-progress",
    )


def _waits_for_rule(store: Store) -> bool:
    """Return whether a whole round is in progress that has not approved samples yet."""
    progress = round_progress.newest(store)
    if progress is None or not progress.is_active:
        return False
    return any(stage.phase == "train" and not stage.run for stage in progress.stages)


def histogram(store: Store, criteria: SampleFilter) -> Html:
    """Return how sure the gaps of the wanted samples are; a click filters by a bar."""
    every_gap = replace(criteria, min_gap_probability=None, gap_probability_below=None)
    counts = store.samples.gap_histogram(every_gap, N_BARS)
    if not any(counts):
        return Html("")
    bars = html.join(_bar(i, n, max(counts)) for i, n in enumerate(counts))
    words = "P(gap), how likely there is a gap, of the filtered samples; click a bar"
    title = html.tag("span", words, "al-faint")
    return title + html.tag("div", bars, "al-histogram")


def _bar(i: int, n: int, most: int) -> Html:
    low, high = i / N_BARS, (i + 1) / N_BARS
    to = "to" if high == 1 else "to below"
    label = f"{html.count(n, 'sample')} with P(gap) from {low:.1f} {to} {high:.1f}"
    height = f"height:{round(58 * n / most) if n else 0}px"
    body = html.tag("span", "", style=height) + html.tag(
        "span", html.text(f"{low:.1f}")
    )
    return html.pick(body, f"{low:.1f}-{high:.1f}", title=label, aria_label=label)


def _agreement(store: Store) -> str:
    """Return how often rule and model would have decided as the person did.

    Nothing while there are fewer samples than decisions are needed.
    """
    newest: dict[int, Decision] = {}
    for decision in store.decisions.of_person(_NEWEST):
        newest.setdefault(decision.sample_id, decision)
    if len(newest) < ENOUGH:
        if store.samples.count(SampleFilter()) < ENOUGH:
            return ""
        n_missing = ENOUGH - len(newest)
        return (
            f"Agreement with the model: shown after {n_missing} more of your decisions"
        )
    samples = store.samples.find(SampleFilter(ids=list(newest)))
    approvals = {number: d.action == "approve" for number, d in newest.items()}
    accepts = rules.rule("default").accepts
    by_rule = [accepts(s) == approvals[s.id] for s in samples]
    verdicts = store.samples.verdicts([s.check_id for s in samples if s.check_id])
    by_check = [
        (verdicts[s.check_id] == "correct") == approvals[s.id]
        for s in samples
        if s.check_id
    ]
    sentence = f"Your decisions agree with the rule default: {_share(by_rule)}"
    return f"{sentence}, with the model's second check: {_share(by_check)}"


def _share(agreements: list[bool]) -> str:
    if not agreements:
        return html.DASH
    return f"{100 * sum(agreements) / len(agreements):.0f} % (n = {len(agreements)})"


def study_name(run: Run) -> str:
    """Return a study by the model that wrote its answers."""
    name = f"study {run.id}: {labels.model(run.model or ModelSettings.model)}"
    return f"{name} with round {run.round_id}" if run.round_id else name


KEYS = {
    "A": "approve",
    "O": "approve with the open-book answer",
    "E": "edit; Ctrl+Enter saves, Escape cancels",
    "R": "reject, with the selected reason",
    "S": "skip: decide later",
    "J": "next",
    "K": "previous",
    "U": "undo the last decision; a bulk decision is undone as a whole",
    "N": "add your own question and answer",
    "?": "show or hide this help",
}


def keys_help() -> Html:
    """Return a button and what it opens: the keys of this tab."""
    rows = {key: html.text(meaning) for key, meaning in KEYS.items()}
    box = html.tag(
        "div",
        html.tag("h4", "Keys, while “Shortcuts” is on") + html.pairs(rows),
        "al-card al-keys",
        id="review-help",
        popover="auto",
    )
    button = html.button(
        html.text("?"), popovertarget="review-help", title="Help", aria_label="Help"
    )
    return button + box

"""What the page shows of a prompt: when it is used, and what a model would see."""

from collections.abc import Sequence

from autolearn.core.model_calls import Message
from autolearn.services.prompt_editor import PromptPreview, PromptState
from autolearn.ui import html
from autolearn.ui.html import Html

WAYS = {
    "any": "Used by all protocols.",
    "guided": "Used by the protocols guided and taught.",
    "trained": "Used by the protocol trained.",
}


def about(states: Sequence[PromptState], name: str | None) -> Html:
    """Return when the chosen prompt is used and whether it is changed, or an overview.

    Prompts that are changed, or cannot be used, are named in any case.
    """
    chosen = next((one for one in states if one.name == name), None)
    parts = [_about(chosen)] if chosen else [_overview(states)]
    changed = [one.name for one in states if one.is_changed]
    if changed:
        told = f"Changed in this workspace: {', '.join(changed)}."
        parts.append(html.tag("p", html.text(told), "al-faint"))
    parts += [html.problem(one.problem) for one in states if one.problem]
    return html.join(parts)


def _mark(one: PromptState) -> Html:
    return html.badge("changed", "pending") if one.is_changed else html.badge("default")


def _about(one: PromptState) -> Html:
    told = f" {one.usage.purpose} {WAYS[one.usage.way]}"
    said = html.tag("p", _mark(one) + html.text(told))
    return said + (html.note(one.usage.caution) if one.usage.caution else Html(""))


def _overview(states: Sequence[PromptState]) -> Html:
    rows = [
        (html.text(one.name), html.text(one.usage.purpose), _mark(one))
        for one in states
    ]
    table = html.table(("Prompt", "When it is used", "State"), rows, "All prompts")
    return html.tag("details", html.tag("summary", "All prompts") + table)


def preview(made: PromptPreview, place: str) -> Html:
    """Return the turns that a model would be shown, one below the other."""
    told = [f"{place}, protocol {made.shown_by}, with the text above."]
    if made.shown_by != made.protocol:
        told.append(
            f"The chosen model uses the protocol {made.protocol}, which does not use "
            "this prompt."
        )
    if made.stand_ins:
        told.append(f"Known once the passage is studied: {', '.join(made.stand_ins)}.")
    n = len(made.chat)
    turns = [_turn(turn, is_last=i == n) for i, turn in enumerate(made.chat, 1)]
    return html.tag("p", html.text(" ".join(told)), "al-faint") + html.join(turns)


def _turn(turn: Message, *, is_last: bool) -> Html:
    is_begun = is_last and turn.role == "assistant"
    title = "beginning of the answer" if is_begun else turn.role
    shown = html.tag("pre", html.text(turn.content), "al-raw", tabindex=0)
    return html.tag("p", html.tag("strong", html.text(title))) + shown

"""A prompt on the page: when it is used, and what a model would see."""

from collections.abc import Sequence

from autolearn.core.model_calls import Message
from autolearn.services.prompt_editor import PromptPreview, PromptState
from autolearn.ui import html
from autolearn.ui.html import Html

WAYS = {
    "any": "Used in all prompting styles.",
    "guided": "Used in the prompting styles “guided” and “taught”.",
    "trained": "Used in the prompting style “trained”.",
}


def about(states: Sequence[PromptState], name: str | None) -> Html:
    """Return when the chosen prompt is used and whether it is changed, or an overview.

    Prompts that are changed, or cannot be used, are named in any case.
    """
    state = next((entry for entry in states if entry.name == name), None)
    parts = [_about(state)] if state else [_overview(states)]
    names = [entry.name for entry in states if entry.is_changed]
    if names:
        sentence = f"Changed in this workspace: {', '.join(names)}."
        parts.append(html.tag("p", html.text(sentence), "al-faint"))
    parts += [html.problem(entry.problem) for entry in states if entry.problem]
    return html.join(parts)


def _mark(state: PromptState) -> Html:
    return (
        html.badge("changed", "pending") if state.is_changed else html.badge("default")
    )


def _about(state: PromptState) -> Html:
    purpose = f" {state.usage.purpose} {WAYS[state.usage.way]}"
    paragraph = html.tag("p", _mark(state) + html.text(purpose))
    return paragraph + (
        html.note(state.usage.caution) if state.usage.caution else Html("")
    )


def _overview(states: Sequence[PromptState]) -> Html:
    rows = [
        (html.text(state.name), html.text(state.usage.purpose), _mark(state))
        for state in states
    ]
    table = html.table(("Prompt", "When it is used", "State"), rows, "All prompts")
    return html.details(html.text("All prompts"), table)


def preview(prompt: PromptPreview, place: str) -> Html:
    """Return the turns that a model would be shown, one below the other."""
    sentences = [f"{place}, prompting style “{prompt.shown_by}”, with the text above."]
    if prompt.shown_by != prompt.protocol:
        sentences.append(
            f"The model in use is prompted in the style “{prompt.protocol}”, which "
            "does not use this prompt."
        )
    if prompt.stand_ins:
        sentences.append(
            f"Known once the passage is studied: {', '.join(prompt.stand_ins)}."
        )
    n = len(prompt.chat)
    turns = [_turn(turn, is_last=i == n) for i, turn in enumerate(prompt.chat, 1)]
    return html.tag("p", html.text(" ".join(sentences)), "al-faint") + html.join(turns)


def _turn(turn: Message, *, is_last: bool) -> Html:
    is_begun = is_last and turn.role == "assistant"
    title = "beginning of the answer" if is_begun else turn.role
    content = html.tag("pre", html.text(turn.content), "al-raw", tabindex=0)
    return html.tag("p", html.tag("strong", html.text(title))) + content

"""The README for another trainer: the content, and what the tool does differently."""

from autolearn.core.methods import method_title
from autolearn.export.handover.contents import Handover
from autolearn.export.handover.tools import DATA, OUTPUT, START, HandoverTool


def text(handover: Handover, tool: HandoverTool) -> str:
    """Return the README in Markdown."""
    parts = [
        f"# {handover.title} of autolearn for {tool.title}",
        _what(handover, tool),
        f"```\n{tool.command(handover)}\n```",
        _files(handover),
        f"## What {tool.title} does differently",
        "\n".join(f"- {line}" for line in _differences(handover, tool)),
        "## Afterwards",
        f"The folder `{OUTPUT}` is a PEFT adapter of the base model. To train another "
        "model, export chats or preference pairs instead: these are without tokens and "
        "chat template.",
    ]
    return "\n\n".join(parts) + "\n"


def _what(handover: Handover, tool: HandoverTool) -> str:
    model = handover.model
    precision = "4 bit (NF4, double quantisation)" if model.is_4_bit else model.dtype
    return (
        f"Method: {method_title(handover.settings.method)}. Base model: "
        f"`{model.path}`, loaded in {precision}. The settings are those of "
        f"{tool.title} {tool.version}. Run this in the folder:"
    )


def _files(handover: Handover) -> str:
    n, n_validation = len(handover.training), len(handover.validation)
    lines = [
        f"- `{DATA}/`: {n} items to train on and {n_validation} for validation, as "
        "the tool reads them: chat template and end of turn are included, prompts are "
        "not in the loss.",
        "- `items.jsonl`: all items of the round as texts, also those that are not "
        "trained, with their kind and weight.",
    ]
    if handover.start:
        lines.append(f"- `{START}/`: the adapter of the round that is continued.")
    return "\n".join(lines)


def _differences(handover: Handover, tool: HandoverTool) -> list[str]:
    return [
        *_of_data(handover, tool),
        *_of_training(handover),
        *tool.differences(handover),
    ]


def _of_data(handover: Handover, tool: HandoverTool) -> list[str]:
    lines = []
    if handover.replay:
        lines.append(
            f"Replay: autolearn holds the round near the base model by the KL "
            f"divergence on {_count(len(handover.replay), 'answer')} of the base "
            f"model (weight {handover.settings.replay_weight:g}). {tool.title} has no "
            "such loss, so none of these is used, and the model may forget more. "
            "They are in `items.jsonl` (kind `replay`)."
        )
    elif handover.n_steps_taken is None and handover.settings.replays:
        lines.append(
            "Replay: autolearn would let the base model write answers, and hold the "
            "round near them by their KL divergence. They are written when a round is "
            f"trained, so none is here, and {tool.title} has no such loss."
        )
    n_weighted = sum(entry.item.weight != 1 for entry in handover.training)
    if n_weighted:
        lines.append(
            f"Weights: the loss of autolearn gives {_count(n_weighted, 'item')} a "
            "weight other than 1 (`weight` in `items.jsonl`). Here all tokens count "
            "the same."
        )
    if handover.n_dropped:
        lines.append(
            f"Left out, as by autolearn: {_count(handover.n_dropped, 'item')} with "
            f"more than {handover.max_tokens} tokens or without an answer."
        )
    return [*lines, _tokens(handover, tool)]


def _tokens(handover: Handover, tool: HandoverTool) -> str:
    n = len(handover.training) + len(handover.validation)
    if tool.reads_tokens and not handover.is_preference:
        return f"Tokens: no difference, {_count(n, 'item')} given as tokens."
    if not handover.n_inexact:
        return "Tokens: no difference, each text becomes the tokens of autolearn."
    return (
        f"Tokens: the texts of {handover.n_inexact} of {_count(n, 'item')} become "
        "other tokens than in autolearn, mostly since control tokens in a text, or an "
        "end of turn that is not the end token of the tokenizer, are read differently."
    )


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _of_training(handover: Handover) -> list[str]:
    settings = handover.settings
    lines = [
        "Order and warm-up: items come in another order, and the warm-up begins at a "
        "learning rate of zero.",
    ]
    if handover.n_steps_taken and handover.n_steps < handover.n_planned_steps:
        lines.append(
            f"Steps: the round ended after {handover.n_steps} of "
            f"{handover.n_planned_steps} planned steps. `max_steps` is "
            f"{handover.n_steps}, and the learning rate falls to zero over these."
        )
    if handover.validation:
        lines.append(
            "Validation: it is the loss; autolearn counts the answers that are exact, "
            f"and ends a round by it (`stop_at` {settings.stop_at:g})."
        )
    if handover.best_at:
        lines.append(f"autolearn kept the adapter of step {handover.best_at}.")
    if handover.scale not in (None, 1.0):
        lines.append(
            f"Scaling: autolearn multiplied the adapter by {handover.scale:g}, so that "
            "it forgets less."
        )
    return lines

"""The settings of a chat: length, temperature and system prompt."""

import gradio as gr

from autolearn.services.conversations import ANSWER_TOKENS, REPEAT_TEMPERATURE


def lay_out() -> list[gr.Number | gr.Textbox]:
    """Lay out how answers are written: temperature, length and system prompt.

    Their ranges are checked with the question: a refusal by Gradio names no field.
    """
    return [
        gr.Number(
            0.0,
            label="Temperature",
            info="0: the likeliest answer; up to 2. “Regenerate” takes "
            f"{REPEAT_TEMPERATURE} for 0.",
            step=0.1,
            min_width=140,
            elem_id="chat-temperature",
        ),
        gr.Number(
            ANSWER_TOKENS,
            label="Length",
            info="New tokens at most.",
            precision=0,
            min_width=140,
            elem_id="chat-length",
        ),
        gr.Textbox(
            "",
            label="System prompt",
            info="For answers from memory. Empty: the one that rounds train with.",
            lines=2,
            elem_id="chat-system",
        ),
    ]

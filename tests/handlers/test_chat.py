"""Self-refinement in a chat, on a scripted model."""

from typing import cast

import pytest

from autolearn.core.errors import InputError
from autolearn.core.model_calls import Completion
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.handlers import chat
from autolearn.runs.context import RunContext
from tests.support.scripted_backend import ScriptedBackend
from tests.support.texts import put_passages


class Speaker(ScriptedBackend):
    """Writes its answers at once."""

    def stream(self, request, stop, hear):
        (completion,) = self.complete([request], stop)
        hear(completion.text)
        return completion


class Repeater(ScriptedBackend):
    """Writes the same word to the limit; if stopped, it keeps nothing, as a server."""

    def __init__(self):
        super().__init__([])
        self.n_written = 0

    def stream(self, request, stop, hear):
        limit = request.sampling.max_new_tokens
        while self.n_written < limit:
            if stop():
                hear("")
                return Completion("", "cancelled", 0, 0)
            self.n_written += 1
            hear("The " * self.n_written)
        return Completion("The " * limit, "length", 1, limit)


def context_of(store, settings):
    """Return the context of a chat with these settings."""
    run = store.runs.create("chat", settings)
    return RunContext(store, run, lambda: False, lambda stage, n_done, total: None)


@pytest.mark.parametrize(
    ("said", "refined"),
    [
        ("All is well.\nVerdict: correct", None),
        ("Verdict: The answer is correct.", None),
        ("It is 8.\nVerdict: incorrect", "Eight."),
        ("Verdict: The answer is not correct.", "Eight."),
        ("I do not know.", None),
    ],
)
def test_only_an_answer_that_is_called_incorrect_is_refined(store, said, refined):
    speaker = Speaker(["Seven.", said, "Answer: Eight."])
    settings = {
        "messages": [{"role": "user", "content": "Add 3 and 5."}],
        "refine": True,
        "sampling": {"max_new_tokens": 64},
    }
    context = context_of(store, settings)
    result = chat.answer(context, cast(HuggingFaceBackend, speaker))
    assert (result.answer, result.feedback, result.refined) == ("Seven.", said, refined)
    assert result.final == (refined or "Seven.")
    assert len(speaker.history) == (3 if refined else 2)
    # A worker that is killed now, before the end is written, makes nothing again.
    silent = cast(HuggingFaceBackend, Speaker([]))
    assert chat.answer(context, silent) == result


def test_what_is_gone_from_the_library_is_not_answered_from(store):
    """The model was shown an empty text, and answered from that."""
    (passage,) = put_passages(store, "avel.md", ["Avel was founded in 1711."])
    settings = {
        "messages": [{"role": "user", "content": "When was Avel founded?"}],
        "passages": [passage.id],
    }
    store.readings.remove(passage.document_id)
    context = context_of(store, settings)
    with pytest.raises(InputError, match="no longer in the library"):
        chat.answer(context, cast(HuggingFaceBackend, Speaker([])))


@pytest.mark.parametrize(("limit", "is_stopped"), [(500, True), (25, False), (9, None)])
def test_an_answer_that_repeats_itself_is_stopped_and_not_refined(
    store, limit, is_stopped
):
    """It was written to the limit, and the advice was to raise the limit."""
    settings = {
        "messages": [{"role": "user", "content": "Who leads Avel?"}],
        "refine": is_stopped is not None,
        "sampling": {"max_new_tokens": limit},
    }
    context, repeater = context_of(store, settings), Repeater()
    result = chat.answer(context, cast(HuggingFaceBackend, repeater))
    assert (repeater.n_written < limit) == bool(is_stopped)
    assert bool(result.repeats) == (is_stopped is not None)
    assert bool(result.truncated) == (not is_stopped)
    assert (result.answer or "").split() == ["The"] * repeater.n_written
    assert result.feedback is None
    silent = cast(HuggingFaceBackend, Speaker([]))
    assert chat.answer(context, silent) == result

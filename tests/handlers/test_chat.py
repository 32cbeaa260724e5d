"""Self-refinement in a chat, on a scripted model."""

from typing import cast

import pytest

from autolearn.core.errors import InputError
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
    run = store.runs.create("chat", settings)
    context = RunContext(store, run, lambda: False, lambda stage, n_done, total: None)
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
    run = store.runs.create("chat", settings)
    store.readings.remove(passage.document_id)
    context = RunContext(store, run, lambda: False, lambda stage, n_done, total: None)
    with pytest.raises(InputError, match="no longer in the library"):
        chat.answer(context, cast(HuggingFaceBackend, Speaker([])))

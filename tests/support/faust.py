"""A text, and what a model made of it."""

from autolearn.core.constraints import LINE, Excerpt
from autolearn.core.model_calls import (
    Completion,
    Generation,
    Message,
    ModelIdentity,
    Prompt,
    Request,
    Sampling,
)

MODEL = ModelIdentity("tiny", "d1", "nf4", "float32", "cpu")
CHAT = (Message("system", "Answer."), Message("user", "Who wrote „Faust“?"))
FORM = (" ", Excerpt("Who wrote „Faust“?", "none"), LINE)
TEXT = "Goethe wrote Faust. He lived in Weimar."


def generation(text="Goethe", seed=0):
    return Generation(
        Request(Prompt("closed_book", "p1", CHAT), Sampling(0.7, 0.9, 64, seed), FORM),
        Completion(text, "stop", 12, 3),
        MODEL,
    )

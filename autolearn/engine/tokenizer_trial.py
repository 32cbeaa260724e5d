"""Use a foreign tokenizer and its chat template on a few chats, in a child.

The child does without torch: it then starts in half the time and takes a quarter of the
memory. Tokenizers and templates do not need it.
"""

from pathlib import Path

from autolearn.core.errors import BackendError
from autolearn.core.heavy_imports import left_out
from autolearn.core.model_calls import Message
from autolearn.engine.chat import ChatFormat
from autolearn.models.token_counting import TRIAL

with left_out("torch"):
    from autolearn.engine.tokenizer import load_untried

MOST_TOKENS_PER_CHARACTER = 16
"""A tokenizer that makes more tokens of a character would exceed every context."""
MOST_TEMPLATE_TOKENS = 1 << 16
"""Most tokens that a template adds to a chat."""
_CHATS = (
    (Message("user", "?"),),
    (Message("user", TRIAL),),
    (Message("system", "Be brief."), Message("user", "Who?")),
    (Message("user", "Who?"), Message("assistant", "K."), Message("user", "When?")),
)


def try_out(folder: str) -> None:
    """Use tokenizer and template on a few chats.

    Raises:
        BackendError: They turn a text into far too many tokens.
    """
    chat = ChatFormat(load_untried(Path(folder)))
    for turns in _CHATS:
        n_characters = sum(len(turn.content) for turn in turns)
        n_tokens = len(chat.prompt(turns)) - MOST_TEMPLATE_TOKENS
        if n_tokens > MOST_TOKENS_PER_CHARACTER * n_characters:
            raise BackendError(
                f"The chat template in {folder} adds more than {MOST_TEMPLATE_TOKENS} "
                "tokens to a chat; choose another model."
            )
    if len(chat.encode(TRIAL)) > MOST_TOKENS_PER_CHARACTER * len(TRIAL):
        raise BackendError(
            f"The tokenizer in {folder} makes more than {MOST_TOKENS_PER_CHARACTER} "
            "tokens of a character; choose another model."
        )

"""Load the tokenizer of a model, and try a foreign one in a child first.

Tokenizer and chat template come with the model. A template can loop without end or ask
for gigabytes, a tokenizer can expand a text or panic. Both therefore do their work on a
few chats in a child before the worker trusts them.
"""

from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from autolearn.containment import Limits, run
from autolearn.core.errors import BackendError, ChildFailed
from autolearn.engine.chat import ChatFormat, context_length, eos_ids
from autolearn.models.chat_templates import legacy_template
from autolearn.models.foreign import BUILT_IN
from autolearn.models.protocols import is_bare
from autolearn.models.token_counting import bound_words

LIMITS = Limits(seconds=90.0, memory=4 << 30)
"""Limits for loading a tokenizer and the trial."""


def load(folder: Path) -> Any:
    """Return the tokenizer in a folder.

    Raises:
        BackendError: A foreign one does not pass the trial.
        OSError, ValueError: It cannot be loaded.
    """
    if folder != BUILT_IN:
        _try_in_child(folder)
    return load_untried(folder)


def _try_in_child(folder: Path) -> None:
    try:
        run("autolearn.engine.tokenizer_trial:try_out", folder, limits=LIMITS)
    except ChildFailed as error:
        raise BackendError(
            f"The tokenizer or chat template in {folder} {error}; choose another model."
        ) from error


def load_untried(folder: Path) -> Any:
    """Return the tokenizer in a folder without a trial first; for use in a child."""
    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    if tokenizer.chat_template is None:
        tokenizer.chat_template = legacy_template(folder) or None
    if tokenizer.is_fast:
        bound_words(tokenizer.backend_tokenizer)
    return tokenizer


def chat_format(folder: Path, tokenizer: Any) -> tuple[ChatFormat, int]:
    """Return the chat format of a model without its weights, and its context length."""
    config = AutoConfig.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    generation = _generation_config(folder, config)
    return chat_format_from(folder, tokenizer, config, generation)


def chat_format_from(
    folder: Path, tokenizer: Any, config: Any, generation: Any
) -> tuple[ChatFormat, int]:
    """Return the chat format of a model and its context length, by its settings."""
    chat = ChatFormat(tokenizer, eos_ids(generation), drops_system=is_bare(folder))
    return chat, context_length(config, tokenizer)


def _generation_config(folder: Path, config: Any) -> Any:
    try:
        return GenerationConfig.from_pretrained(folder, local_files_only=True)
    except OSError:
        return GenerationConfig.from_model_config(config)

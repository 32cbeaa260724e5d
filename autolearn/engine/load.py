"""Load a model and its tokenizer from a folder, in 4 bit or whole.

Only safetensors, never code from a model's folder, never the network.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from bitsandbytes.nn.modules import Linear4bit
from safetensors import SafetensorError
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoTokenizer,
    BitsAndBytesConfig,
)
from transformers.utils import logging as library_log

from autolearn.core.errors import BackendError, OutOfMemory
from autolearn.core.model_calls import Message, ModelIdentity
from autolearn.core.settings import ModelSettings
from autolearn.engine import device_memory
from autolearn.engine.chat import ChatFormat, context_length, eos_ids
from autolearn.engine.decoding import attention
from autolearn.engine.decoding.constraints import Grammars
from autolearn.engine.decoding.packed_linear import PackedLinears
from autolearn.engine.decoding.prefix_cache import PrefixCache
from autolearn.models import files as model_files
from autolearn.models import memory
from autolearn.models import shape as model_shape
from autolearn.models.memory import MemoryEstimator

log = logging.getLogger(__name__)


@dataclass
class Loaded:
    """A model in memory; ``model`` is the base, wrapped by peft while adapted."""

    model: Any
    tokenizer: Any
    chat: ChatFormat
    identity: ModelIdentity
    context_length: int
    estimator: MemoryEstimator
    prefixes: PrefixCache = field(default_factory=PrefixCache)
    packed: PackedLinears = field(default_factory=PackedLinears)

    @property
    def device(self) -> torch.device:
        """Return where the model computes."""
        return torch.device(self.identity.device)

    @property
    def price(self) -> int:
        """Return to how many columns one may look for what a token costs in itself.

        About 24 d² multiplications a layer against 4 d for each column.
        """
        return 6 * int(self.model.config.get_text_config().hidden_size)

    @cached_property
    def grammars(self) -> Grammars:
        """What holds answers to a form, with this model's tokenizer."""
        n_logits = int(self.model.config.get_text_config().vocab_size)
        return Grammars(self.tokenizer, n_logits, self.chat.stop_ids)

    @property
    def pad_id(self) -> int:
        """Return an id to fill rows with; it is masked, so any known one does."""
        # Some tokenizers got a pad token that their model was never resized for.
        n_embedded = self.model.config.get_text_config().vocab_size
        own = self.tokenizer.pad_token_id
        known = [i for i in (own, *sorted(self.chat.stop_ids)) if i is not None]
        return next((i for i in known if 0 <= i < n_embedded), 0)


def load(settings: ModelSettings, folder: Path, gguf: Path | None = None) -> Loaded:
    """Return the model in ``folder`` as the settings say.

    ``gguf``: a file to take its weights from instead, to try them.

    Raises:
        BackendError: The files do not make a model of a known kind, or they are
            quantised and the settings say that they are not to be.
        InputError: Its weights are damaged.
        OutOfMemory: The device is too small.
    """
    if settings.quantization == "none" and model_files.packing(folder):
        raise BackendError(
            f"The weights in {folder} are in 4 bit already; load it in 4 bit, or give "
            "the folder of the original model."
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = compute_dtype(device)
    estimator = MemoryEstimator(
        model_shape.of(folder),
        settings.quantization,
        device_memory.device(device, dtype),
    )
    estimator = _with_room(estimator, settings.model)
    hush()
    with memory_guard(), _readable(folder):
        if gguf:
            model = _from_gguf(gguf, device, dtype)
        else:
            model = _weights(folder, estimator, dtype)
        # Other kinds of attention have something that this one does not know.
        if model.config.get_text_config()._attn_implementation == "sdpa":
            model.set_attn_implementation(attention.NAME)
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    identity = ModelIdentity(
        name=model_files.name_of(settings.model, folder),
        digest=model_files.digest(folder),
        quantization=settings.quantization,
        dtype=str(dtype).removeprefix("torch."),
        device=device,
    )
    log.info("loaded %s", identity)
    chat = ChatFormat(tokenizer, eos_ids(model.generation_config))
    _check_tokens(chat, model)
    context = context_length(model.config, tokenizer)
    return Loaded(model, tokenizer, chat, identity, context, estimator)


def _with_room(estimator: MemoryEstimator, name: str) -> MemoryEstimator:
    """Return how the weights fit into what is free, before they are read.

    Raises:
        OutOfMemory: They do not.
    """
    free = device_memory.free(torch.device(estimator.device.kind))
    fitting = estimator.within(free)
    if not memory.too_big(fitting.weights, free):
        return fitting
    smaller = estimator.least.weights < fitting.weights
    way = "load it in 4 bit" if smaller else "choose a smaller model"
    raise OutOfMemory(
        f"The weights of {name} need about {fitting.weights >> 20} MiB and "
        f"{free >> 20} are free; {way}, or close other programs."
    )


def hush() -> None:
    """Send what the libraries say to our log; progress bars are not for the person."""
    library_log.disable_progress_bar()  # type: ignore[no-untyped-call]
    library_log.disable_default_handler()
    library_log.enable_propagation()


def _check_tokens(chat: ChatFormat, model: Any) -> None:
    """Refuse a chat template with tokens that the model has no embedding for.

    Raises:
        BackendError: There are such tokens.
    """
    n_embedded = model.config.get_text_config().vocab_size
    turn = chat.prompt((Message("user", "?"),)) + chat.answer("?")
    if max(turn) >= n_embedded:
        raise BackendError(
            f"The tokenizer of this model writes token {max(turn)}, but its weights "
            f"know only {n_embedded}; give a folder whose tokenizer and weights belong "
            "together."
        )


def compute_dtype(device: str) -> torch.dtype:
    """Return bf16 where the hardware computes with it, fp32 elsewhere."""
    if device == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = torch.cpu.get_capabilities()
        native = bool(able.get("avx512_bf16") or able.get("amx_tile"))
    return torch.bfloat16 if native else torch.float32


@contextmanager
def memory_guard() -> Iterator[None]:
    """Turn the device's cry for memory into a sentence for the person."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and not _is_out_of_memory(error):
            raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise OutOfMemory(
            "The device has too little memory for this; choose a smaller model, keep "
            "4 bit on, or lower batch_size and max_tokens."
        ) from error


def _is_out_of_memory(error: RuntimeError) -> bool:
    # On the CPU, torch has no class of its own for it.
    on_cpu = "can't allocate memory" in str(error)
    return on_cpu or isinstance(error, torch.OutOfMemoryError)


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    wrong = (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError)
    try:
        yield
    except wrong as error:
        if isinstance(error, RuntimeError) and _is_out_of_memory(error):
            raise
        raise BackendError(
            f"The model in {folder} cannot be loaded; check that its files are "
            "complete and of a kind that transformers knows."
        ) from error


def _weights(folder: Path, estimator: MemoryEstimator, dtype: torch.dtype) -> Any:
    in_4_bit = estimator.quantization == "nf4"
    # Weights that are packed already come with a configuration of their own.
    pack = in_4_bit and not model_files.packing(folder)
    model = read_model(
        folder,
        dtype=dtype,
        device_map={"": estimator.device.kind},
        **({"quantization_config": _nf4(dtype)} if pack else {}),
    )
    if in_4_bit:
        model = _settle(model, estimator, dtype)
    return model.eval().requires_grad_(False)


def read_model(folder: Path, **options: Any) -> Any:
    """Return the model in a folder as transformers reads it with these options.

    Raises:
        BackendError: It writes no text, or some of its weights are missing.
    """
    safe = {"trust_remote_code": False, "local_files_only": True}
    config = AutoConfig.from_pretrained(folder, **safe)
    _drop_unknown_pad(config.get_text_config())
    model, seen = _class_for(config, folder).from_pretrained(
        folder,
        config=config,
        use_safetensors=True,
        output_loading_info=True,
        **safe,
        **options,
    )
    missing = sorted(seen["missing_keys"])
    if missing:
        # transformers only warns, and computes with random numbers in their place.
        raise BackendError(
            f"The weights in {folder} lack {len(missing)} parts of a "
            f"{type(model).__name__}, such as {missing[0]}; copy or download them "
            "again."
        )
    return model


def _drop_unknown_pad(config: Any) -> None:
    """Drop a pad token beyond the embedding, which torch refuses to build.

    It only names the row of the embedding that gets no gradient; no row gets one here.
    """
    pad = config.pad_token_id
    if pad is not None and not 0 <= pad < config.vocab_size:
        config.pad_token_id = None


def _class_for(config: Any, folder: Path) -> Any:
    """Return the class of transformers that reads a model.

    A model for images and text is read whole and given text alone.

    Raises:
        BackendError: There is none that writes text token by token.
    """
    if type(config) in MODEL_FOR_CAUSAL_LM_MAPPING:
        return AutoModelForCausalLM
    also_sees = type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
    if also_sees and not config.is_encoder_decoder:
        return AutoModelForImageTextToText
    kind = ", ".join(config.architectures or [config.model_type])
    raise BackendError(
        f"{folder} holds a {kind}, which does not write text token by token; choose a "
        "language model."
    )


def _from_gguf(gguf: Path, device: str, dtype: torch.dtype) -> Any:
    model: Any = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=dtype, local_files_only=True
    )
    return model.to(device).eval().requires_grad_(False)


def _nf4(dtype: torch.dtype) -> BitsAndBytesConfig:
    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def _settle(model: Any, estimator: MemoryEstimator, dtype: torch.dtype) -> Any:
    """Make a 4-bit model fit for generating and training in turn."""
    if estimator.unpacks:
        # The same 4-bit values, unpacked once instead of at every step: for a small
        # model on the CPU, unpacking costs about as much time as computing.
        return model.dequantize(dtype)
    for module in model.modules():
        if isinstance(module, Linear4bit):
            # On AVX-512-BF16, bitsandbytes 0.50 packs the weights of a layer at its
            # first generation in a way that has no gradient: later training would go
            # on with a plausible loss and learn nothing in the lower layers.
            module.support_avx512bf16_for_cpu = False
            module.compute_dtype = dtype  # else that of who packed the weights
    return model


def adapted(loaded: Loaded, round_id: int | None, digest: str | None) -> ModelIdentity:
    """Return the identity of the model with the adapter of a round, or without."""
    return replace(loaded.identity, round_id=round_id, adapter_digest=digest)

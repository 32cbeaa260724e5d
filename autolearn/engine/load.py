"""Load a model and its tokenizer from a folder, in 4 bit or in full precision.

Only safetensors are read. Code from the model's folder is never run, and the network is
never used.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from bitsandbytes.nn.modules import Linear4bit
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    BitsAndBytesConfig,
)
from transformers.utils import logging as library_log

from autolearn.core.errors import BackendError, OutOfMemory
from autolearn.core.model_calls import Message, ModelIdentity
from autolearn.core.settings import ModelSettings, Quantization
from autolearn.engine import device_memory, finite
from autolearn.engine.chat import ChatFormat
from autolearn.engine.decoding import attention
from autolearn.engine.decoding.constraints import Grammars
from autolearn.engine.decoding.layouts import Layouts, layouts_of
from autolearn.engine.decoding.packed_linear import PackedLinears
from autolearn.engine.decoding.prefix_cache import PrefixCache
from autolearn.engine.interruption import let_stop, stoppable_loading
from autolearn.engine.tokenizer import chat_format_from
from autolearn.engine.tokenizer import load as load_tokenizer
from autolearn.models import files as model_files
from autolearn.models import memory
from autolearn.models import shape as model_shape
from autolearn.models.memory import MemoryEstimator

log = logging.getLogger(__name__)

_OF_CODE = (
    *(ArithmeticError, AttributeError, LookupError),
    *(RuntimeError, TypeError, ValueError),
)
"""What the code of a model's class raises if settings or weights are not what it
expects."""


@dataclass
class LoadedModel:
    """A model in memory; ``model`` is wrapped by peft while it has an adapter."""

    model: Any
    tokenizer: Any
    chat: ChatFormat
    identity: ModelIdentity
    context_length: int
    estimator: MemoryEstimator
    layouts: Layouts
    prefixes: PrefixCache = field(default_factory=PrefixCache)
    packed_linears: PackedLinears = field(default_factory=PackedLinears)

    @property
    def device(self) -> torch.device:
        """Return the device of the weights."""
        return torch.device(self.identity.device)

    @property
    def token_cost(self) -> int:
        """Return the cost of a token in the linear layers, in attended columns.

        A layer takes about 24 d² multiplications per token and 4 d per attended column,
        so the ratio is 6 d.
        """
        return 6 * int(self.model.config.get_text_config().hidden_size)

    @cached_property
    def grammars(self) -> Grammars:
        """The constraint compiler for this model's tokenizer."""
        n_logits = int(self.model.config.get_text_config().vocab_size)
        return Grammars(self.tokenizer, n_logits, self.chat.stop_ids)

    @property
    def pad_id(self) -> int:
        """Return an id for padding. Padding is masked, so any embedded id will do."""
        # Some tokenizers have a pad token for which the embedding was never resized.
        n_embedded = self.model.config.get_text_config().vocab_size
        pad_id = self.tokenizer.pad_token_id
        candidates = [i for i in (pad_id, *sorted(self.chat.stop_ids)) if i is not None]
        return next((i for i in candidates if 0 <= i < n_embedded), 0)


def load(
    settings: ModelSettings, folder: Path, gguf: Path | None = None
) -> LoadedModel:
    """Load the model in ``folder`` as the settings say.

    Args:
        settings: Name and quantisation of the model.
        folder: Its files.
        gguf: A GGUF file to take the weights from instead, to try them.

    Raises:
        BackendError: The files are not a model of a known kind, or they are quantised
            and the settings ask for full precision.
        Cancelled: The run was stopped.
        InputError: The weights are damaged.
        OutOfMemory: The device has too little memory.
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
    # Fail before reading gigabytes that do not fit.
    estimator = _fit_weights(estimator, settings.model)
    quiet_libraries()
    with memory_guard(), _readable(folder), stoppable_loading():
        if gguf:
            model = _from_gguf(gguf, device, dtype)
        else:
            model = _weights(folder, estimator, dtype)
        # Models that use another implementation need features that ours does not have.
        if model.config.get_text_config()._attn_implementation == "sdpa":
            model.set_attn_implementation(attention.NAME)
        let_stop(model)
        layouts = _layouts(model, folder, settings.quantization)
        tokenizer = load_tokenizer(folder)
        if folder != model_files.BUILT_IN:
            finite.check(model_files.weight_files(folder))
    identity = _identity(settings, folder, dtype, device)
    log.info("loaded %s", identity)
    chat, context = chat_format_from(
        folder, tokenizer, model.config, model.generation_config
    )
    _check_tokens(chat, model)
    return LoadedModel(model, tokenizer, chat, identity, context, estimator, layouts)


def _identity(
    settings: ModelSettings, folder: Path, dtype: torch.dtype, device: str
) -> ModelIdentity:
    return ModelIdentity(
        name=model_files.name_of(settings.model, folder),
        digest=model_files.digest(folder),
        quantization=settings.quantization,
        dtype=str(dtype).removeprefix("torch."),
        device=device,
    )


def _fit_weights(estimator: MemoryEstimator, name: str) -> MemoryEstimator:
    """Return the estimator adapted to free memory, before any weights are read.

    Raises:
        OutOfMemory: The weights do not fit.
    """
    free = device_memory.free(torch.device(estimator.device.kind))
    adapted_estimator = estimator.within(free)
    if not memory.too_big(adapted_estimator.weights, free):
        return adapted_estimator
    fits_in_4_bit = estimator.least.weights < adapted_estimator.weights
    advice = "load it in 4 bit" if fits_in_4_bit else "choose a smaller model"
    raise OutOfMemory(
        f"The weights of {name} need about {adapted_estimator.weights >> 20} MiB and "
        f"{free >> 20} are free; {advice}, or close other programs."
    )


def quiet_libraries() -> None:
    """Send log messages of the libraries to our log, and hide their progress bars."""
    library_log.disable_progress_bar()  # type: ignore[no-untyped-call]
    library_log.disable_default_handler()
    library_log.enable_propagation()


def _check_tokens(chat: ChatFormat, model: Any) -> None:
    """Check that the model has embeddings for all tokens of its chat template.

    Raises:
        BackendError: Some are missing.
    """
    n_embedded = model.config.get_text_config().vocab_size
    # A short chat uses all control tokens of the template.
    turn = chat.prompt((Message("user", "?"),)) + chat.answer("?")
    if max(turn) >= n_embedded:
        raise BackendError(
            f"The tokenizer of this model writes token {max(turn)}, but its weights "
            f"know only {n_embedded}; give a folder whose tokenizer and weights belong "
            "together."
        )


def compute_dtype(device: str) -> torch.dtype:
    """Return bfloat16 if the hardware computes with it natively, else float32."""
    if device == "cuda":
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = torch.cpu.get_capabilities()
        has_bf16 = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_tile"))
    return torch.bfloat16 if has_bf16 else torch.float32


@contextmanager
def memory_guard() -> Iterator[None]:
    """Turn out-of-memory errors of the device into ``OutOfMemory`` with advice."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and not _is_out_of_memory(error):
            raise
        # Blocks that torch caches would make the next try fail as well.
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise OutOfMemory(
            "The device has too little memory for this; choose a smaller model, keep "
            "4 bit on, or train with fewer items per step (--batch-size) and fewer "
            "tokens per item (--max-tokens)."
        ) from error


def _is_out_of_memory(error: RuntimeError) -> bool:
    # On the CPU, torch raises a plain RuntimeError.
    on_cpu = "can't allocate memory" in str(error)
    return on_cpu or isinstance(error, torch.OutOfMemoryError)


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    causes = (OSError, ImportError, SafetensorError, StrictDataclassError)
    try:
        yield
    except (*causes, *_OF_CODE) as error:
        # Too little memory is not the fault of the files; memory_guard reports it.
        if isinstance(error, RuntimeError) and _is_out_of_memory(error):
            raise
        raise BackendError(
            f"The model in {folder} cannot be loaded; check that its files are "
            "complete and of a kind that transformers knows."
        ) from error


def _weights(folder: Path, estimator: MemoryEstimator, dtype: torch.dtype) -> Any:
    in_4_bit = estimator.quantization == "nf4"
    # Weights that are quantised already bring their own configuration.
    pack = in_4_bit and not model_files.packing(folder)
    model = read_model(
        folder,
        dtype=dtype,
        device_map={"": estimator.device.kind},
        **({"quantization_config": _nf4(dtype)} if pack else {}),
    )
    if in_4_bit:
        model = _prepare_4_bit(model, estimator, dtype)
    # Only adapters are trained; the base never needs a gradient.
    return model.eval().requires_grad_(False)


def read_model(folder: Path, **options: Any) -> Any:
    """Return the model in a folder as transformers reads it with these options.

    Raises:
        BackendError: It does not generate text, or some of its weights are missing.
    """
    restrictions = {"trust_remote_code": False, "local_files_only": True}
    config = AutoConfig.from_pretrained(folder, **restrictions)
    # The changed config is passed on, so the file on disk stays as it is.
    _drop_unknown_pad(config.get_text_config())
    model, loading_info = _class_for(config, folder).from_pretrained(
        folder,
        config=config,
        use_safetensors=True,
        output_loading_info=True,
        **restrictions,
        **options,
    )
    if lack := lacks(model, loading_info):
        raise BackendError(
            f"The weights in {folder} lack {lack}; copy or download them again."
        )
    return model


def lacks(model: Any, loading_info: Any) -> str:
    """Return which weights a model was loaded without; empty: none.

    transformers only warns, and fills missing weights with random numbers.
    """
    absent = sorted(loading_info["missing_keys"])
    kind = type(model).__name__
    return f"{len(absent)} parts of a {kind}, such as {absent[0]}" if absent else ""


def _drop_unknown_pad(config: Any) -> None:
    """Drop a pad token beyond the embedding, which torch refuses to build.

    The pad token only names the row of the embedding that gets no gradient. Here no row
    gets one.
    """
    pad = config.pad_token_id
    if pad is not None and not 0 <= pad < config.vocab_size:
        config.pad_token_id = None


def _class_for(config: Any, folder: Path) -> Any:
    """Return the class of transformers that reads a model.

    A model for images and text is loaded whole and given text only.

    Raises:
        BackendError: The model does not generate text token by token.
    """
    if type(config) in MODEL_FOR_CAUSAL_LM_MAPPING:
        return AutoModelForCausalLM
    reads_images = type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
    if reads_images and not config.is_encoder_decoder:
        return AutoModelForImageTextToText
    kind = ", ".join(config.architectures or [config.model_type])
    raise BackendError(
        f"{folder} holds a {kind}, which does not write text token by token; choose a "
        "language model."
    )


def _layouts(model: Any, folder: Path, quantization: Quantization) -> Layouts:
    """Return the layouts of texts that a model computes rightly.

    Raises:
        BackendError: None; classes with a state of their own, for instance.
    """
    try:
        return layouts_of(model)
    except _OF_CODE as error:
        if isinstance(error, RuntimeError) and _is_out_of_memory(error):
            raise
        otherwise = ", or load it without 4 bit" if quantization == "nf4" else ""
        raise BackendError(
            f"{folder} holds a {model.config.model_type}, which cannot write text here "
            f"token by token; choose another model{otherwise}."
        ) from error


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


def _prepare_4_bit(model: Any, estimator: MemoryEstimator, dtype: torch.dtype) -> Any:
    """Prepare a 4-bit model for generating and training in turn."""
    if estimator.unpacks:
        # Small models are dequantised once at load. On a CPU, dequantising at every
        # step costs about as much time as computing. The values are the same.
        return model.dequantize(dtype)
    for module in model.modules():
        if isinstance(module, Linear4bit):
            # On AVX-512-BF16, bitsandbytes 0.50 repacks the weights of a layer at its
            # first generation, and the packed form has no gradient. Later training
            # would report a plausible loss and learn nothing in the lower layers.
            module.support_avx512bf16_for_cpu = False
            # Pre-quantised weights bring the dtype of whoever quantised them.
            module.compute_dtype = dtype
    return model

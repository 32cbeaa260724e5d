"""Linear layers with few rows on a CPU, with weights that oneDNN packs once.

What: during generation a linear layer sees one row for each text, some ten to a
hundred. oneDNN stores each weight in the layout of its inner loop:
``_reorder_linear_weight`` packs it once, ``_linear_pointwise`` multiplies with it. The
values are the same, and so are the sums within float32 rounding.

Why: torch gives such a product to MKL, which packs the weight at every call and
discards the result. With few rows, packing takes as long as the product.

Gain: measured on an AMD EPYC with AVX2 (torch 2.13, one thread, a weight of 4864 x 896,
median of 30 runs), in ms:

    rows    1    4    16    64    128   256   1024
    plain   1.8  4.6  5.7   13.0  24.8  30.7  112
    packed  1.9  2.6  4.1   10.3  18.4  30.0  122

With one row and with more than 128 the plain weight is used. Two threads on cores that
other programs use gain more (16 rows: 7.7 ms instead of 12.7), since MKL waits for its
threads more often. 24 answers on 3 texts by Qwen2.5-0.5B took 38.9 s of processor time
instead of 56.5 (one profiled run each). 64 answers on 8 texts, with more rows in each
product, took 74 s instead of 80.

Cost: a second copy of the weights. The plain weights stay, since training and long
prompts multiply with them. The copy is made when enough tokens are to be generated and
memory allows (``MemoryEstimator.copies``), and dropped when a training begins.
"""

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

log = logging.getLogger(__name__)

LEAST_WEIGHT = 800_000
"""Smallest weight, in numbers, that is packed. Smaller ones are packed within the
caches: they lose 5 % or gain up to 30 %, depending on their shape."""
LEAST_TOKENS = 256
"""Fewest new tokens for which weights are packed. Packing half a billion parameters
takes about 2 s, as long as some four steps of 24 texts."""
_ROWS = range(2, 129)
"""Numbers of rows for which the packed weight is used."""
_BATCH_HINT = 64
"""Number of rows that oneDNN chooses the layout for; 16 and 128 gave the same times."""


class PackedLinears:
    """The linear layers of a model that have a packed copy of their weights."""

    def __init__(self) -> None:
        self._layers: list[nn.Linear] = []
        self.n_bytes = 0
        """Size of the copies in bytes, without the padding of oneDNN."""

    def __bool__(self) -> bool:
        """Return whether there are packed copies."""
        return bool(self._layers)

    def make(self, model: nn.Module) -> None:
        """Pack the weights of the linear layers of a model, without adapters.

        Attaching or detaching an adapter does not change them.
        """
        self.drop()
        for layer in packable(model):
            copy = torch.ops.mkldnn._reorder_linear_weight(
                layer.weight.detach(), _BATCH_HINT
            )
            # On the instance, so that deleting it restores the method of the class.
            layer.forward = partial(_product, layer, copy)  # type: ignore[method-assign]
            self._layers.append(layer)
            self.n_bytes += layer.weight.numel() * layer.weight.element_size()
        log.info(
            "%d weights packed for generation, %d MiB",
            len(self._layers),
            self.n_bytes >> 20,
        )

    def drop(self) -> None:
        """Drop the copies; from now on only the plain weights are used."""
        for layer in self._layers:
            del layer.forward
        self._layers.clear()
        self.n_bytes = 0


def packable(model: nn.Module) -> Iterator[nn.Linear]:
    """Yield the linear layers of a model whose weights can be packed.

    These are plain float32 layers on a CPU. Adapter layers are small, and they change.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return
    for name, layer in model.named_modules():
        # Subclasses, such as quantised layers, have other weights.
        if type(layer) is not nn.Linear or "lora_" in name:
            continue
        weight = layer.weight
        is_plain = weight.dtype == torch.float32 and weight.device.type == "cpu"
        if is_plain and weight.numel() >= LEAST_WEIGHT:
            yield layer


def _product(layer: nn.Linear, copy: Any, rows: Tensor) -> Tensor:
    """Return the output of the layer.

    Shapes:
        rows: (..., D) float32. returns: (..., out_features).
    """
    n_rows = rows.numel() // rows.shape[-1]
    # The packed product has no gradient.
    if n_rows not in _ROWS or torch.is_grad_enabled():
        return linear(rows, layer.weight, layer.bias)
    product: Tensor = torch.ops.mkldnn._linear_pointwise(
        rows, copy, layer.bias, "none", [], ""
    )
    return product

"""Products with few rows on a CPU, with weights that oneDNN has laid out beforehand.

While texts are written, a linear layer sees a row for each text: some ten to a hundred.
torch gives such a product to MKL, which brings the weight into the layout of its inner
loop at every call and throws that layout away. With few rows this takes as long as the
product itself. oneDNN can keep the layout: ``_reorder_linear_weight`` makes it once,
``_linear_pointwise`` multiplies with it. The values are the same, and so are the sums
within float32 rounding.

Measured on an AMD EPYC with AVX2 (torch 2.13, one thread, a weight of 4864 x 896, the
median of 30): 2.6 ms instead of 4.6 with 4 rows, 4.1 instead of 5.7 with 16, 10.3
instead of 13.0 with 64, 18.4 instead of 24.8 with 128. With one row the plain weight is
faster (1.8 ms, the copy 1.9), and with more than 128 rows the layout costs MKL next to
nothing (256 rows: 30.7 ms, the copy 30.0; 1024: 112, the copy 122), so both use the
plain weight. Two threads on cores that other programs use gain more (16 rows: 7.7 ms
instead of 12.7), since MKL waits for its threads more often. In all, 24 answers on
3 texts by Qwen2.5-0.5B took 38.9 s of the processor instead of 56.5 (one profiled run
of each), 64 on 8, with more rows in each product, 74 s by the clock instead of 80.

The plain weights stay, since training multiplies with them, and so do long prompts. So
the layout is a second copy: it is made when enough is to be written, where memory
allows (``MemoryEstimator.copies``), and dropped when a training begins.
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
"""Numbers of a weight from which a copy is made. Smaller ones gain less, since their
layout is made within the caches: 5 % are lost to 30 % gained, by their shape."""
LEAST_TOKENS = 256
"""Tokens to be written from which copies are made: making them takes as long as some
four steps of 24 texts with half a billion parameters, about 2 s."""
_ROWS = range(2, 129)
"""Rows of a product for which the copy is used."""
_BATCH_HINT = 64
"""Rows that oneDNN chooses the layout for; 16 and 128 gave the same times."""


class PackedLinears:
    """The linear layers of a model whose weights are laid out a second time."""

    def __init__(self) -> None:
        self._layers: list[nn.Linear] = []
        self.n_bytes = 0
        """What the copies take, without what oneDNN fills up."""

    def __bool__(self) -> bool:
        """Return whether there are copies."""
        return bool(self._layers)

    def make(self, model: nn.Module) -> None:
        """Copy the weights of the linear layers of a model, adapters left out.

        Attaching and detaching an adapter changes none of them.
        """
        self.drop()
        for layer in packable(model):
            copy = torch.ops.mkldnn._reorder_linear_weight(
                layer.weight.detach(), _BATCH_HINT
            )
            layer.forward = partial(_product, layer, copy)  # type: ignore[method-assign]
            self._layers.append(layer)
            self.n_bytes += layer.weight.numel() * layer.weight.element_size()
        log.info(
            "%d weights laid out again for writing, %d MiB",
            len(self._layers),
            self.n_bytes >> 20,
        )

    def drop(self) -> None:
        """Let go of the copies: from now on the plain weights alone are used."""
        for layer in self._layers:
            del layer.forward
        self._layers.clear()
        self.n_bytes = 0


def packable(model: nn.Module) -> Iterator[nn.Linear]:
    """Yield the linear layers of a model whose weights may be copied.

    Plain ones in float32 on a CPU. Those of an adapter are small, and change.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return
    for name, layer in model.named_modules():
        if type(layer) is not nn.Linear or "lora_" in name:
            continue
        weight = layer.weight
        is_plain = weight.dtype == torch.float32 and weight.device.type == "cpu"
        if is_plain and weight.numel() >= LEAST_WEIGHT:
            yield layer


def _product(layer: nn.Linear, copy: Any, rows: Tensor) -> Tensor:
    """Return what the layer makes of rows.

    Shapes:
        rows: (..., D) float32. returns: (..., the layer's outputs).
    """
    n_rows = rows.numel() // rows.shape[-1]
    # The product with the copy has no gradient.
    if n_rows not in _ROWS or torch.is_grad_enabled():
        return linear(rows, layer.weight, layer.bias)
    found: Tensor = torch.ops.mkldnn._linear_pointwise(
        rows, copy, layer.bias, "none", [], ""
    )
    return found

"""Let an adapter read only what is new: A frozen on chosen directions, B trained.

LoRA adds B A x to what a layer gives. Where A spans the directions of x that are large
on the new items and small on the model's own prompts, B can change little on the latter
whatever it learns: a fence beside the replay. An option; see ARCHITECTURE.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor

from autolearn.engine.batches import Example, micro_batches
from autolearn.engine.forward import Forward
from autolearn.errors import TrainingError

_EXAMPLES = 1000
"""Most examples of a kind that are looked at."""
_RIDGE = 1e-3
"""Added to the second moments of the own prompts, as a share of their mean diagonal."""

_Layers = Mapping[str, Any]


def freeze(model: Any) -> None:
    """Let B alone be trained."""
    for layer in _layers(model).values():
        layer.lora_A["default"].weight.requires_grad_(False)


@torch.no_grad()
def aim(
    model: Any, forward: Forward, new: Sequence[Example], own: Sequence[Example]
) -> None:
    """Set A of every layer to the directions of the new items that the own ones lack.

    Costs one forward pass over both, and for each layer an eigenproblem and two
    matrices of the square of its width.

    Raises:
        TrainingError: There are no own prompts to compare with.
    """
    if not own:
        raise TrainingError(
            "The model made up no prompts that a subspace could be compared with; "
            "train with the adapter 'lora'."
        )
    layers = _layers(model)
    wanted, avoided = (_moments(layers, forward, part) for part in (new, own))
    for name, layer in layers.items():
        weight = layer.lora_A["default"].weight
        found = directions(wanted.pop(name), avoided.pop(name), len(weight))
        weight.zero_()
        weight[: len(found)] = found.to(weight)


def directions(wanted: Tensor, avoided: Tensor, rank: int) -> Tensor:
    """Return the top generalised eigenvectors of two second moments as rows of an A.

    Each row is as long as one of a usual A at its start, on average: sqrt(1 / 3).

    Shapes:
        wanted, avoided: (D, D).
        returns: (min(rank, D), D) float64.
    """
    wanted, avoided = wanted.double().cpu(), avoided.double().cpu()
    ridge = _RIDGE * avoided.diagonal().mean()
    root = torch.linalg.cholesky(avoided + ridge * torch.eye(len(avoided)).double())
    # In coordinates in which what is avoided looks alike in all directions, the problem
    # is the usual one.
    half = torch.linalg.solve_triangular(root, wanted, upper=False)
    white = torch.linalg.solve_triangular(root, half.T, upper=False)
    _, vectors = torch.linalg.eigh((white + white.T) / 2)
    top = vectors.flip(1)[:, :rank]
    rows: Tensor = torch.linalg.solve_triangular(root.T, top, upper=True).T
    return rows.div(3**0.5 * rows.norm(dim=1, keepdim=True))


def _layers(model: Any) -> dict[str, Any]:
    return {n: m for n, m in model.named_modules() if isinstance(m, LoraLayer)}


def _moments(
    layers: _Layers, forward: Forward, examples: Iterable[Example]
) -> dict[str, Tensor]:
    """Return for each layer the mean of x x^T over the tokens, (D, D) float32."""
    sums: dict[str, Tensor] = {}
    n_tokens = 0
    for part in micro_batches(list(islice(examples, _EXAMPLES))):
        batch = forward.collate([example.chosen for example in part])
        n_tokens += int(batch.mask.sum())
        with _watched(layers, batch.mask.bool(), sums):
            forward.logits(batch)
    return {name: total / n_tokens for name, total in sums.items()}


@contextmanager
def _watched(layers: _Layers, mask: Tensor, sums: dict[str, Tensor]) -> Iterator[None]:
    """Add up what goes into each layer; padding is left out."""

    def hook(name: str) -> Any:
        def add(_: Any, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0][mask].float()
            sums[name] = sums.get(name, 0) + x.T @ x

        return add

    handles = [
        layer.register_forward_pre_hook(hook(name)) for name, layer in layers.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()

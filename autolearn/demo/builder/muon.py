"""Muon: momentum whose matrix is made orthogonal before each step (Keller Jordan).

In float32 and batched over matrices of one shape: the version in torch computes in
bfloat16, which processors without bfloat16 units do very slowly.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


def orthogonalized(matrices: Tensor) -> Tensor:
    """Return the nearest orthogonal matrices, roughly, by Newton-Schulz iteration.

    Shapes:
        matrices: (N, rows, columns). returns: the same.
    """
    a, b, c = COEFFICIENTS
    is_tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if is_tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = x.mT if is_tall else x
    return result


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum, for weight matrices only."""

    def __init__(
        self, params: Iterable[Tensor], lr: float, momentum: float = 0.95
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                by_shape[weight.shape].append(weight)
            for shape, weights in by_shape.items():
                updates = [self._momentum(w, group["momentum"]) for w in weights]
                scale = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                steps = orthogonalized(torch.stack(updates))
                for weight, step in zip(weights, steps, strict=True):
                    weight.sub_(step, alpha=scale)

    def _momentum(self, weight: Tensor, momentum: float) -> Tensor:
        assert weight.grad is not None
        state = self.state[weight]
        average = state.setdefault("average", torch.zeros_like(weight))
        average.lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(average, momentum)

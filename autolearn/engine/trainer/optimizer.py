"""The optimiser of the adapter weights."""

import torch
from bitsandbytes.optim.adamw import PagedAdamW8bit

from autolearn.core.settings import TrainSettings


def create(
    parameters: list[torch.nn.Parameter], settings: TrainSettings
) -> torch.optim.Optimizer:
    """Return AdamW for these parameters."""
    decay = settings.weight_decay
    if parameters[0].device.type == "cuda":
        # 8-bit moments, which move to main memory when GPU memory is short.
        return PagedAdamW8bit(  # type: ignore[no-untyped-call]
            parameters, lr=settings.peak_rate, weight_decay=decay
        )
    return torch.optim.AdamW(parameters, weight_decay=decay, fused=True)

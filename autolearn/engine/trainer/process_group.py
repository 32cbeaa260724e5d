"""The processes that train a round together, each on its own device.

What: each process has the whole base model and the same adapter. It computes its share
of each optimiser step. The gradients are added up over all processes before the step,
so that every process takes the same step.

Why: the loss of a step is a sum over its items, already divided by the weight of the
whole step. The sum over the shares is therefore the gradient of one process, whatever
the number of processes is.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, distributed
from torch.nn import Parameter

from autolearn.core.errors import TrainingError
from autolearn.engine.trainer.batches import Example
from autolearn.engine.trainer.shares import shares

_PATIENCE = timedelta(days=1)
"""How long a process waits for the others. The process that started them ends all as
soon as one has ended, so a process waits only for others that still compute.
"""
_BUCKET = 1 << 24
"""Most numbers that are added up at once, in a copy."""


class Processes(Protocol):
    """Communication between the processes of a training.

    All processes call the same methods in the same order, or they wait forever.
    """

    number: int
    """Of this process; the first is 0. Only the first one writes files."""
    n_on_device: int
    """How many processes share the memory of the device of this one."""

    def share(self, examples: Sequence[Example]) -> list[Example]:
        """Return the examples that this process computes."""

    def largest_share(self, n: int) -> int:
        """Return how many of ``n`` equal items one process computes at most."""

    def totals(self, numbers: Iterable[float]) -> list[float]:
        """Return the sums of some numbers over all processes."""

    def any(self, *conditions: bool) -> list[bool]:
        """Return for each condition whether it holds in any process."""

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes."""

    def add_up_gradients(self, parameters: Iterable[Parameter]) -> None:
        """Replace each gradient by its sum over all processes."""

    def check_equal(self, parameters: Iterable[Parameter]) -> None:
        """Check that all processes have the same parameters.

        Raises:
            TrainingError: They differ.
        """


class OneProcess:
    """A training in this process alone; each method returns its own part."""

    number = 0
    n_on_device = 1

    def share(self, examples: Sequence[Example]) -> list[Example]:
        """Return all examples."""
        return list(examples)

    def largest_share(self, n: int) -> int:
        """Return ``n``."""
        return n

    def totals(self, numbers: Iterable[float]) -> list[float]:
        """Return the numbers."""
        return list(numbers)

    def any(self, *conditions: bool) -> list[bool]:
        """Return the conditions."""
        return list(conditions)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Leave the tensors as they are."""

    def add_up_gradients(self, parameters: Iterable[Parameter]) -> None:
        """Leave the gradients as they are."""

    def check_equal(self, parameters: Iterable[Parameter]) -> None:
        """Accept the parameters: there are no others."""


ONE = OneProcess()


class ProcessGroup:
    """Processes that meet through a file and talk through torch.distributed.

    They use NCCL on GPUs and gloo on a CPU. See ``Processes`` for the methods.
    """

    def __init__(self, meeting_file: Path, number: int, size: int):
        """Join the group as process ``number`` of ``size``, and wait for the others."""
        self.number = number
        self._size = size
        on_gpu = torch.cuda.is_available()
        self._device = torch.device("cuda" if on_gpu else "cpu")
        self.n_on_device = 1 if on_gpu else size
        distributed.init_process_group(
            "nccl" if on_gpu else "gloo",
            # A file needs no port, to which others could connect.
            store=distributed.FileStore(str(meeting_file), size),  # type: ignore[attr-defined]
            rank=number,
            world_size=size,
            timeout=_PATIENCE,
        )

    def share(self, examples: Sequence[Example]) -> list[Example]:
        """Return the examples that this process computes."""
        return shares(examples, self._size)[self.number]

    def largest_share(self, n: int) -> int:
        """Return how many of ``n`` equal items one process computes at most."""
        return -(-n // self._size)

    def totals(self, numbers: Iterable[float]) -> list[float]:
        """Return the sums of some numbers over all processes."""
        values = torch.tensor(list(numbers), dtype=torch.float64, device=self._device)
        distributed.all_reduce(values)
        sums: list[float] = values.tolist()
        return sums

    def any(self, *conditions: bool) -> list[bool]:
        """Return for each condition whether it holds in any process."""
        return [n > 0 for n in self.totals(map(float, conditions))]

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes."""
        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            distributed.all_reduce(flat)
            sizes = [tensor.numel() for tensor in bucket]
            for tensor, part in zip(bucket, torch.split(flat, sizes), strict=True):
                tensor.copy_(part.view_as(tensor))

    def add_up_gradients(self, parameters: Iterable[Parameter]) -> None:
        """Replace each gradient by its sum over all processes."""
        gradients = []
        for parameter in parameters:
            if parameter.grad is None:  # an empty share has no gradient
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        self.add_up(gradients)

    def check_equal(self, parameters: Iterable[Parameter]) -> None:
        """Check that all processes have the same parameters.

        Raises:
            TrainingError: They differ.
        """
        digest = hashlib.sha256()
        for parameter in parameters:
            digest.update(parameter.detach().cpu().numpy().tobytes())
        own = list(digest.digest())
        first = self.totals(own if self.number == 0 else [0] * len(own))
        if first != own:
            raise TrainingError(
                f"The adapter of process {self.number + 1} is no longer that of the "
                "first one; train this round on one device (--devices 1)."
            )


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Yield tensors of one dtype together, up to ``_BUCKET`` numbers where possible."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        n = sum(t.numel() for t in bucket) + tensor.numel()
        if bucket and (tensor.dtype != bucket[0].dtype or n > _BUCKET):
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket

"""A device that is not there: tensors that say they are on it, computed on the CPU.

Tests run where no GPU is. What breaks first on one is a tensor that was made on the CPU
and meets one of the device: here that is refused as it would be there, and the numbers
are the CPU's. The kernels of a GPU, its memory and its 4-bit weights are not seen so.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from autolearn.engine import adapters
from autolearn.engine.load import LoadedModel
from autolearn.engine.trainer import optimizer
from autolearn.models.memory import Device

AWAY = torch.device("meta")
"""What such tensors say of themselves: any other device asks its driver first."""
CPU = torch.device("cpu")
SIZE = 80 << 30
"""Bytes of memory that the device would have."""

aten = torch.ops.aten
CROSSING = {aten._to_copy.default, aten.copy_.default, aten.to.device}
TAKING = {aten.index.Tensor, aten.index_put_.default}
"""These take their indices from the CPU too."""


class Away(Tensor):
    """A tensor that says it is on the device, and holds one of the CPU."""

    held: Tensor

    @staticmethod
    def __new__(cls, content: Tensor) -> "Away":
        assert content.device == CPU
        wrapper = Tensor._make_wrapper_subclass(
            cls, content.shape, content.stride(), dtype=content.dtype, device=AWAY
        )
        wrapper.held = content
        return wrapper

    __torch_function__: Any = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]  # torch calls it on the class
        cls, func, types, args=(), kwargs=None
    ):
        return _computed(func, args, kwargs or {})


def _is_there(device: Any) -> bool:
    return device is not None and torch.device(device).type in ("cuda", AWAY.type)


def _computed(func: Any, args: Any, kwargs: Any) -> Any:
    """Compute on the CPU what would be computed on the device."""
    leaves = tree_leaves((args, kwargs))
    away = {id(leaf.held): leaf for leaf in leaves if isinstance(leaf, Away)}
    if away and func not in CROSSING:
        tensors = tree_leaves((args[:1], args[2:])) if func in TAKING else leaves
        if any(
            isinstance(leaf, Tensor) and leaf.dim() and type(leaf) is not Away
            for leaf in tensors
        ):
            raise RuntimeError(f"{func}: tensors of the CPU and of the device meet")
    devices = [leaf for leaf in leaves if isinstance(leaf, torch.device)]
    outputs = func(*tree_map(_brought, args), **tree_map(_brought, kwargs))
    goes = _is_there(devices[0]) if devices else bool(away)
    if func is aten.copy_.default:
        goes = isinstance(args[0], Away)
    if not goes:
        return outputs

    def sent(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        # What was changed in place is the same tensor as before.
        return away[id(leaf)] if id(leaf) in away else Away(leaf)

    return tree_map(sent, outputs)


def _brought(leaf: Any) -> Any:
    if isinstance(leaf, torch.device):
        return CPU
    return leaf.held if isinstance(leaf, Away) else leaf


class _Operations(TorchDispatchMode):
    """Also those without any tensor among what they are given."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _computed(func, args, kwargs or {})


class _Makers(TorchFunctionMode):
    """What torch would make on the device without asking anybody."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name, first = getattr(func, "__name__", ""), args[0] if args else None
        if isinstance(first, Away):
            if name == "tolist":
                return first.held.tolist()
            if name in ("__getitem__", "__setitem__") and isinstance(args[1], list):
                args = (first, Away(torch.tensor(args[1])), *args[2:])
            if name == "new_tensor":
                return Away(torch.tensor(*args[1:], **{"dtype": first.dtype} | kwargs))
        elif name in ("tensor", "arange") and _is_there(kwargs.get("device")):
            return Away(func(*args, **kwargs | {"device": CPU}))
        return func(*args, **kwargs)


@contextmanager
def away(lm: LoadedModel) -> Iterator[LoadedModel]:
    """Give the same model as it would be on a GPU; what is done with it, is there."""
    estimator = replace(lm.estimator, device=Device("cuda", half=False, size=SIZE))
    identity = replace(lm.identity, device="cuda")
    moved_model = replace(lm, identity=identity, estimator=estimator)
    with pytest.MonkeyPatch.context() as patch:
        _without_driver(patch)
        _move(moved_model.model)
        with _Makers(), _Operations():
            yield moved_model


def _without_driver(patch: pytest.MonkeyPatch) -> None:
    """Answer for the driver of the GPU, and train with what needs none."""
    patch.setattr(torch.cuda, "mem_get_info", lambda *_: (SIZE // 2, SIZE))
    for name in ("memory_reserved", "memory_allocated", "max_memory_allocated"):
        patch.setattr(torch.cuda, name, lambda *_: 0)
    patch.setattr(torch.cuda, "reset_peak_memory_stats", lambda *_: None)
    patch.setattr(optimizer, "create", lambda some, _: torch.optim.AdamW(some))
    fresh: Callable[..., None] = adapters.attach_new

    def sent(lm: LoadedModel, *more: Any) -> None:
        fresh(lm, *more)
        _move(lm.model)

    patch.setattr(adapters, "attach_new", sent)


def _move(model: nn.Module) -> None:
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None and not isinstance(parameter, Away):
                new = nn.Parameter(Away(parameter.data), parameter.requires_grad)
                module._parameters[name] = new
        for name, buffer in module._buffers.items():
            if buffer is not None and not isinstance(buffer, Away):
                module._buffers[name] = Away(buffer)

"""Refuse weights that are not numbers.

A model with NaN or infinite weights loads without an error and answers with nothing.
The files are checked, since quantisation would turn NaN into some number.
"""

from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from autolearn.core.errors import BackendError


def check(files: Iterable[Path]) -> None:
    """Check that all weights of safetensors files are finite numbers.

    It takes about 0.1 s for each GiB that is in the page cache, as the files are when a
    model has just been loaded.

    Raises:
        BackendError: Some are not.
    """
    for path in files:
        try:
            name = _not_finite(path)
        except SafetensorError as error:
            raise BackendError(
                f"{path} is not a complete safetensors file; copy it again."
            ) from error
        if name is not None:
            raise BackendError(
                f"The weights in {path} are not all numbers ({name} has NaN or "
                "infinity); copy or download them again."
            )


def _not_finite(path: Path) -> str | None:
    """Return the name of the first tensor with NaN or infinity; None: all are numbers.

    Raises:
        SafetensorError: The file is damaged.
    """
    with safe_open(path, framework="pt") as weights:
        names = weights.keys()
        return next((n for n in names if not _is_finite(weights.get_tensor(n))), None)


def _is_finite(tensor: torch.Tensor) -> bool:
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    if tensor.element_size() == 1:  # 8-bit floats have no arithmetic
        tensor = tensor.to(torch.float32)
    # One pass, without a copy; NaN is passed on.
    least, greatest = torch.aminmax(tensor)
    return bool(torch.isfinite(least) & torch.isfinite(greatest))

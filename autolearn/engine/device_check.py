"""Describe the device and compute on it in 4 bit, for the doctor.

Run as ``python -m autolearn.engine.device_check``: torch takes seconds and memory to
load, and a broken library may end the whole process. It writes a line of JSON on the
device before it computes, and another one with the result.
"""

import json
import sys
from typing import Any

import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit


def main() -> None:
    """Write the device and its free memory, then the error of numbers in 4 bit."""
    has_gpu = torch.cuda.is_available()
    _write(
        device=torch.cuda.get_device_name() if has_gpu else "CPU",
        free=torch.cuda.mem_get_info()[0] if has_gpu else None,
        cuda=torch.version.cuda,
    )
    _write(error=_rounding_error("cuda" if has_gpu else "cpu"))


def _write(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _rounding_error(device: str) -> float:
    """Return the largest rounding error of NF4 for numbers between -1 and 1."""
    numbers = torch.linspace(-1, 1, 4096, device=device).view(64, 64)
    packed, state = quantize_4bit(numbers, quant_type="nf4", compress_statistics=True)
    return float((dequantize_4bit(packed, state) - numbers).abs().max())


if __name__ == "__main__":
    main()

"""Convert a model to GGUF with the converter of llama.cpp.

The converter knows the names, shapes and tokenizers of each model family and changes
with them, so it is not reimplemented here.
"""

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile

from autolearn.core.errors import BackendError, InputError
from autolearn.core.ports import Cancelled, Stop

FILE = "model.gguf"
"""Name of the file in the folder of an export."""

_CONVERTER = "convert_hf_to_gguf.py"
_VARIABLE = "LLAMA_CPP"
_POLL_SECONDS = 0.5
"""Seconds between checks for cancellation."""

log = logging.getLogger(__name__)


def converter() -> Path:
    """Return the path of the converter, in the folder of LLAMA_CPP or on the PATH.

    Raises:
        InputError: It is in neither.
    """
    place = os.environ.get(_VARIABLE)
    path = shutil.which(_CONVERTER, os.F_OK | os.R_OK, place or None)
    if path is None:
        location = f"{place}, as {_VARIABLE} says" if place else "the PATH"
        raise InputError(
            f"GGUF is written by llama.cpp's {_CONVERTER}, which is not in {location}; "
            f"set {_VARIABLE} to a checkout of llama.cpp, or export the merged model."
        )
    return Path(path).absolute()  # the worker may have another current folder


def convert(script: Path, model: Path, target: Path, stop: Stop) -> None:
    """Convert the model in a folder to GGUF in 16 bit with this script of llama.cpp.

    Raises:
        Cancelled: The user stopped the run.
        BackendError: The converter cannot convert this model.
    """
    # The same Python interpreter, since it has torch and transformers.
    command = [sys.executable, str(script), str(model)]
    command += ["--outfile", str(target), "--outtype", "bf16"]
    with TemporaryFile() as output:
        with subprocess.Popen(command, stdout=output, stderr=output) as process:
            while (code := _exit_code(process)) is None:
                if stop():
                    process.kill()
                    raise Cancelled
        output.seek(0)
        lines = output.read().decode(errors="replace").strip().splitlines()
    if code or not target.is_file():
        log.error("the converter said: %s", "\n".join(lines))
        last = lines[-1] if lines else f"it ended with {code} and said nothing"
        raise BackendError(
            f"llama.cpp cannot convert this model ({last}); export the merged model."
        )


def _exit_code(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None

"""Have llama.cpp's own converter write a model as GGUF.

It knows each family's names, shapes and tokenizers, and changes with them; nobody
else should try.
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
"""What is written in the folder of an export."""

_CONVERTER = "convert_hf_to_gguf.py"
_FOLDER = "LLAMA_CPP"
_LOOK = 0.5
"""Seconds between two looks at whether it should stop."""

log = logging.getLogger(__name__)


def converter() -> Path:
    """Return the converter, from the folder that LLAMA_CPP names or from the PATH.

    Raises:
        InputError: It is in neither.
    """
    place = os.environ.get(_FOLDER)
    found = shutil.which(_CONVERTER, os.F_OK | os.R_OK, place or None)
    if found is None:
        where = f"{place}, as {_FOLDER} says" if place else "the PATH"
        raise InputError(
            f"GGUF is written by llama.cpp's {_CONVERTER}, which is not in {where}; "
            f"set {_FOLDER} to a checkout of llama.cpp, or export the merged model."
        )
    return Path(found)


def convert(by: Path, model: Path, target: Path, stop: Stop) -> None:
    """Let the converter ``by`` write the model in a folder as GGUF in 16 bit.

    Raises:
        Cancelled: The person stopped the run.
        BackendError: The converter cannot convert this model.
    """
    # With this Python, which has torch and transformers.
    command = [sys.executable, str(by), str(model)]
    command += ["--outfile", str(target), "--outtype", "bf16"]
    with TemporaryFile() as said:
        with subprocess.Popen(command, stdout=said, stderr=said) as process:
            while (code := _waited(process)) is None:
                if stop():
                    process.kill()
                    raise Cancelled
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
    if code or not target.is_file():
        log.error("the converter said: %s", "\n".join(lines))
        last = lines[-1] if lines else f"it ended with {code} and said nothing"
        raise BackendError(f"llama.cpp cannot convert this model: {last}")


def _waited(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(_LOOK)
    except subprocess.TimeoutExpired:
        return None

r"""Run pandoc, which reads markup languages and formulas, as a separate process.

It runs in its sandbox: it reads no file but its input and opens no address, so
``include`` and ``\input`` have no effect. Time and memory are limited.
"""

import json
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pypandoc

from autolearn.core.errors import InputError

SECONDS = 300
"""Most seconds of a conversion."""
MEMORY = "1500m"
"""Most memory of a conversion, as an option of its runtime system."""
_OUT_OF_MEMORY = 251


def convert(
    data: bytes, source: str, target: str
) -> tuple[bytes, list[dict[str, Any]]]:
    """Return a converted document, and messages about parts that were not converted.

    Raises:
        InputError: It is malformed, or takes too much time or memory.
    """
    with TemporaryDirectory() as folder:
        log, file = Path(folder, "log"), Path(folder, "in")
        file.write_bytes(data)
        command = [pypandoc.get_pandoc_path(), "+RTS", f"-M{MEMORY}", "-RTS"]
        command += ["--sandbox", "--from", source, "--to", target, "--standalone"]
        command += ["--mathjax", "--wrap=none", "--verbose", f"--log={log}", str(file)]
        try:
            process = subprocess.run(
                command, capture_output=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise InputError(
                f"takes longer than {SECONDS} seconds to be parsed; save it as .txt."
            ) from None
        if process.returncode == _OUT_OF_MEMORY:
            raise InputError("takes too much memory to be parsed; save it as .txt.")
        if process.returncode:
            raise InputError(
                f"cannot be parsed: {_reason(process.stderr)}; save it as .txt."
            )
        messages = json.loads(log.read_bytes() or b"[]") if log.exists() else []
        return process.stdout, messages


def _reason(output: bytes) -> str:
    """Return the error of a failed conversion in one line."""
    text = output.decode(errors="replace")
    lines = [line for line in text.splitlines() if not line.startswith("[")]
    words = " ".join(" ".join(lines).split())
    words = re.sub(r'^Error at ".*?" \(line (\d+), column \d+\):', r"line \1:", words)
    return words[:200].rstrip(".^ ") or "it is malformed"

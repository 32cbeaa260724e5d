"""Renew the exact versions of all that autolearn installs: python .ci/lock.py.

The ranges in requirements*.in are resolved once for all systems and Pythons. It writes
requirements*.txt (versions), constraints-cuda.txt (versions of what torch needs only in
its CUDA builds, so that a CPU build does not install them) and requirements*.lock (all
of these with hashes). ``--upgrade-package NAME`` renews one package, keeps the others.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
UV = "uv==0.13.9"
LEVELS = ("requirements", "requirements-dev", "requirements-bench")
"""Each contains the one before it."""
CUDA = re.compile(r"nvidia-|cuda-|triton\b")
CONSTRAINTS = "constraints-cuda.txt"
HEADER = "# Written by .ci/lock.py from {source}; do not edit.\n"

Pins = Mapping[str, str]
"""Pin, such as ``numpy==2.4.6 ; python_version < '3.12'`` -> its hashes as options."""


def main() -> None:
    """Resolve and write all files."""
    parser = argparse.ArgumentParser(prog=".ci/lock.py", description=__doc__)
    parser.add_argument("--upgrade-package", action="append", metavar="NAME")
    names = parser.parse_args().upgrade_package
    with tempfile.TemporaryDirectory() as folder:
        uv = install_uv(Path(folder))
        for level, pins in zip(LEVELS, resolve(uv, Path(folder), names), strict=True):
            write(level, pins)


def install_uv(folder: Path) -> Path:
    """Install uv in a virtual environment of its own and return its path."""
    environment = folder / "venv"
    venv.create(environment, with_pip=True)
    scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
    python = str(scripts / "python")
    command = [python, "-m", "pip", "install", "--quiet", UV]
    subprocess.run(command, check=True)
    return scripts / "uv"


def resolve(uv: Path, folder: Path, names: Sequence[str] | None) -> Iterator[Pins]:
    """Yield what each level pins beyond the one before it.

    All levels have the versions of the largest one. Those of the present lock are kept
    where ``names`` are given, except for these.
    """
    largest = folder / "largest.txt"
    options = ["--upgrade"]
    if names:
        present = [(ROOT / f"{level}.lock").read_text() for level in LEVELS]
        largest.write_text("".join(re.sub(r"(?m)^-r.*", "", text) for text in present))
        options = [f"--upgrade-package={name}" for name in names]
    compile_pins(uv, LEVELS[-1], largest, options)
    smaller: set[str] = set()
    for level in LEVELS:
        output = folder / f"{level}.txt"
        compile_pins(uv, level, output, [f"--constraints={largest}"])
        pins = parse(output.read_text())
        yield {pin: hashes for pin, hashes in pins.items() if pin not in smaller}
        smaller |= pins.keys()


def compile_pins(uv: Path, level: str, output: Path, options: Sequence[str]) -> None:
    """Have uv resolve the ranges of a level; prefers the versions that output has.

    pip is left out: it is what installs, and on Windows it cannot replace itself.
    """
    command = [str(uv), "pip", "compile", "--quiet", "--no-config", "--universal"]
    command += [
        "--python-version=3.11",
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
    ]
    command += [
        "--system-certs",
        "--no-emit-package=pip",
        f"--output-file={output}",
        *options,
    ]
    subprocess.run([*command, f"{level}.in"], cwd=ROOT, check=True)


def parse(text: str) -> Pins:
    """Return the pins of a requirements file of uv."""
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", "")
    pairs = (line.partition(" --hash=") for line in lines.splitlines())
    return {
        pin.strip(): " \\\n".join(f"    {one}" for one in f"{mark}{hashes}".split())
        for pin, mark, hashes in pairs
    }


def write(level: str, pins: Pins) -> None:
    """Write the files of a level."""
    header = HEADER.format(source=f"{level}.in")
    position = LEVELS.index(level)
    smaller = LEVELS[position - 1] if position else None
    include = "-r {0}.{1}\n" if smaller else ""
    locked = [f"{pin} \\\n{hashes}\n" for pin, hashes in pins.items()]
    text = header + include.format(smaller, "lock") + "".join(locked)
    (ROOT / f"{level}.lock").write_text(text, encoding="utf-8")
    plain = [f"{pin}\n" for pin in pins if not CUDA.match(pin)]
    include = include or f"-c {CONSTRAINTS}\n"
    text = header + include.format(smaller, "txt") + "".join(plain)
    (ROOT / f"{level}.txt").write_text(text, encoding="utf-8")
    if not smaller:
        cuda = [f"{pin}\n" for pin in pins if CUDA.match(pin)]
        text = header + "# What torch needs only in its CUDA builds.\n" + "".join(cuda)
        (ROOT / CONSTRAINTS).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

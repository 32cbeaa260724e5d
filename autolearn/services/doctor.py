"""Check this computer, and report what would keep autolearn from working."""

import json
import os
import platform
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import Any

from autolearn.containment import child_environment
from autolearn.core.errors import AutolearnError
from autolearn.models import files as model_files
from autolearn.models import hardware
from autolearn.runs.versions import PACKAGES, versions
from autolearn.services.integrity import Finding
from autolearn.store import Store, copies, layout

_LARGEST_ROUNDING = 0.2
"""Largest error of numbers between -1 and 1 in NF4: half of its widest gap, and some.
"""


def examine(workspace: Path) -> list[Finding]:
    """Check Python, packages, device, memory, disk, workspace and built-in model."""
    installed_versions = versions()
    packages = [
        Finding(
            name,
            name in installed_versions,
            installed_versions.get(name, "missing; run the set-up again"),
        )
        for name in PACKAGES
    ]
    return [
        Finding("python", sys.version_info >= (3, 11), platform.python_version()),
        *packages,
        *_device(),
        _memory(),
        _disk(workspace),
        _workspace(workspace),
        _model(),
        _browser(),
    ]


def _device() -> list[Finding]:
    """Ask torch in a separate process: it takes seconds and memory to load."""
    process = subprocess.run(
        [sys.executable, "-m", "autolearn.engine.device_check"],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    reason = (process.stderr.strip().splitlines() or ["no output"])[-1]
    facts: dict[str, Any] = {}
    for line in process.stdout.splitlines():
        if line.startswith("{"):  # libraries may write other lines
            facts |= json.loads(line)
    if not facts:
        return [Finding("device", False, f"torch or bitsandbytes fails: {reason}")]
    free = f", {facts['free'] / 2**30:.1f} GiB free" if facts["free"] else ""
    build = f"torch for CUDA {facts['cuda']}" if facts["cuda"] else "torch for the CPU"
    return [
        Finding("device", True, f"{facts['device']}{free}, {build}"),
        _four_bit(facts.get("error"), reason),
    ]


def _four_bit(error: float | None, reason: str) -> Finding:
    """Report whether 4-bit numbers are close to the originals.

    If ``error`` is None, computing failed, for this reason.
    """
    if error is None:
        return Finding("4 bit", False, f"bitsandbytes fails: {reason}")
    return Finding(
        "4 bit",
        error < _LARGEST_ROUNDING,
        f"error up to {error:.2f} (limit {_LARGEST_ROUNDING:.2f})",
    )


def _browser() -> Finding:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return Finding("browser", False, "No browser found; open the address yourself.")
    return Finding("browser", True, getattr(browser, "name", type(browser).__name__))


def _memory() -> Finding:
    total = hardware.total_memory() / 2**30
    return Finding("memory", total >= 2, f"{total:.1f} GiB")


def _disk(workspace: Path) -> Finding:
    free = shutil.disk_usage(_nearest(workspace)).free / 2**30
    return Finding("disk", free >= 1, f"{free:.1f} GiB free")


def _nearest(place: Path) -> Path:
    """Return a place, or what there is of the folders that lead to it."""
    return next(p for p in (place.absolute(), *place.absolute().parents) if p.exists())


def _workspace(workspace: Path) -> Finding:
    place = _nearest(workspace)
    if place.is_dir() and not (workspace / layout.DATABASE).exists():
        if os.access(place, os.W_OK):
            return Finding("workspace", True, f"none yet in {workspace}")
        result = f"{place} cannot be written; choose another folder"
        return Finding("workspace", False, result)
    try:
        with Store.open(workspace) as store:
            problems = copies.problems(store.path)
    except AutolearnError as error:
        return Finding("workspace", False, str(error))
    if problems:
        return Finding("workspace", False, f"damaged: {problems[0]}; restore a backup")
    return Finding("workspace", True, str(workspace))


def _model() -> Finding:
    try:
        folder = model_files.locate("built-in")
    except AutolearnError as error:
        return Finding("built-in model", False, str(error))
    return Finding("built-in model", True, model_files.digest(folder)[:16])

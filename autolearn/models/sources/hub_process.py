"""Talk to the Hugging Face hub, in a separate process.

``hub`` starts it as ``python -m autolearn.models.sources.hub_process look|fetch NAME``.
Each line of output is one JSON value; the last one is the answer or an error. It is a
process for two reasons: a cancelled download must end at once even if the network
hangs, and huggingface_hub reads its environment when it is imported.

Resuming: huggingface_hub 2.4 removes a partial file when a download breaks off, since
another process could be writing to it. Weights are therefore fetched with its
``http_get``, which can start in the middle of a file, into a file with a fixed name
that is protected by a lock. They are then checked against the digest that the hub
announced and moved to where huggingface_hub looks for them. The library fetches small
files, without a check, so these are checked afterwards.
"""

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, hf_hub_url, snapshot_download
from huggingface_hub.file_download import http_get, repo_folder_name
from huggingface_hub.hf_api import ModelInfo, RepoSibling
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # both documented
    WeakFileLock,
    build_hf_headers,
)

from autolearn.core.errors import AutolearnError, BackendError
from autolearn.models import files as model_files
from autolearn.models.sources import hub_files
from autolearn.models.sources.hub import HubFile, Offer, nearest_folder
from autolearn.models.sources.hub_errors import in_words
from autolearn.models.sources.hub_files import ModelRequest

CHUNK = 256 << 10
"""Bytes per write. A kill loses less than two of them."""
REPORT_SECONDS = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Look up a model on the hub, or download it; return the exit code."""
    verb, name = arguments or sys.argv[1:]
    # With the library's chunks of 10 MiB, a slow download shows no progress for
    # minutes.
    constants.DOWNLOAD_CHUNK_SIZE = CHUNK
    try:
        request = hub_files.parse(name, constants.ENDPOINT)
        with in_words(request):
            if verb == "look":
                _print({"offer": asdict(look(request))})
            else:
                _print({"folder": str(fetch(request))})
    except AutolearnError as error:
        _print({"error": str(error)})
        return 1
    return 0


def look(request: ModelRequest) -> Offer:
    """Return what the hub says about a model. Nothing is downloaded."""
    return _offer(request, _info(request))


def fetch(request: ModelRequest) -> Path:
    """Download a model into the hub cache; return its folder, or its GGUF file.

    Bytes of an earlier try are not fetched again.
    """
    info = _info(request)
    offer = _offer(request, info)
    if not offer.fits:
        raise BackendError(offer.no_room())
    for part in offer.parts:
        if part.n_bytes > constants.MAX_HTTP_DOWNLOAD_SIZE:
            raise BackendError(
                f"{part.name} is larger than can be downloaded here; download it with "
                f"'hf download {request.repository}', then choose it under Model."
            )
    transfer = _Transfer(offer.n_bytes, offer.n_bytes - offer.bytes_missing)
    transfer.tell("small files")
    names = [part.name for part in offer.parts]
    siblings = [s for s in info.siblings or [] if s.rfilename in names]
    weights = [sibling for sibling in siblings if _is_weights(sibling)]
    small = [sibling for sibling in siblings if sibling not in weights]
    folder = _snapshot(info, [sibling.rfilename for sibling in small])
    for sibling in small:
        _check(folder / sibling.rfilename, sibling, transfer)
    if not request.gguf:
        # Reject unusable models before gigabytes are fetched.
        model_files.check_small_files(folder)
    for sibling in weights:
        _fetch_weights(info, sibling, transfer)
    folder = _snapshot(info, names)
    return folder / request.gguf if request.gguf else folder


def _is_weights(sibling: RepoSibling) -> bool:
    is_large = sibling.lfs is not None
    return is_large and sibling.rfilename.endswith((".safetensors", ".gguf"))


def _info(request: ModelRequest) -> ModelInfo:
    api = HfApi()
    revision = api.resolve_revision(request.repository)
    info = api.model_info(
        request.repository, revision=revision.resolved, files_metadata=True
    )
    if info.gated:  # the metadata of gated models are public, their files are not
        api.auth_check(request.repository)
    return info


def _offer(request: ModelRequest, info: ModelInfo) -> Offer:
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or []}
    names = hub_files.choose(request, list(siblings))
    parts = tuple(HubFile(name, siblings[name].size or 0) for name in names)
    cache = Path(constants.HF_HUB_CACHE)
    bytes_held = sum(_bytes_held(info, siblings[name]) for name in names)
    return Offer(
        name=request.name,
        found_as=replace(request, repository=info.id).name,
        commit=info.sha or "",
        licence=_licence(info),
        gated=bool(info.gated),
        parts=parts,
        bytes_missing=sum(part.n_bytes for part in parts) - bytes_held,
        bytes_free=shutil.disk_usage(nearest_folder(cache)).free,
        cache=str(cache),
        endpoint=constants.ENDPOINT,
    )


def _licence(info: ModelInfo) -> str | None:
    card: Any = info.card_data
    licence = (card.get("license_name") or card.get("license")) if card else None
    if isinstance(licence, list):
        licence = ", ".join(map(str, licence))
    from_tags = [tag[8:] for tag in info.tags or [] if tag.startswith("license:")]
    return str(licence) if licence else next(iter(from_tags), None)


def _snapshot(info: ModelInfo, names: Sequence[str]) -> Path:
    """Link files of a model into its snapshot folder; fetch those that are missing."""
    names = list(names)
    folder = Path(snapshot_download(info.id, revision=info.sha, allow_patterns=names))
    # If the network fails, the library returns an incomplete folder without an error.
    if missing_names := [name for name in names if not (folder / name).exists()]:
        raise BackendError(
            f"{info.id} was not downloaded completely ({missing_names[0]} is "
            "missing); resume the download."
        )
    return folder


def _check(file: Path, sibling: RepoSibling, transfer: "_Transfer") -> None:
    """Remove a file whose digest is not the announced one, and raise an error.

    A mirror of the hub may announce none for small files.
    """
    if not (sibling.lfs or sibling.blob_id):
        return
    checksum = hashlib.sha256()
    if not sibling.lfs:  # git's name for a file
        checksum = hashlib.sha1(f"blob {file.stat().st_size}\0".encode())
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            checksum.update(block)
            transfer.tell(f"checking {sibling.rfilename}")
    if checksum.hexdigest() != _etag(sibling):
        for path in (file.resolve(), file):  # the content, and the link to it
            path.unlink(missing_ok=True)
        raise BackendError(
            f"What came as {sibling.rfilename} is not what the hub announced, so it "
            "was removed; download it again."
        )


# --- weights ------------------------------------------------------------------


def _etag(sibling: RepoSibling) -> str:
    """Return the name of a file's content in the cache.

    It is the SHA-256 of large files and the git hash of small ones.
    """
    return str(sibling.lfs.sha256 if sibling.lfs else sibling.blob_id)


def _blob(info: ModelInfo, sibling: RepoSibling) -> Path:
    folder = repo_folder_name(repo_id=info.id, repo_type="model")
    return Path(constants.HF_HUB_CACHE) / folder / "blobs" / _etag(sibling)


def _incomplete(blob: Path) -> Path:
    return blob.with_name(f"{blob.name}.incomplete")


def _bytes_held(info: ModelInfo, sibling: RepoSibling) -> int:
    """Return how many bytes of a file are on this computer already."""
    blob = _blob(info, sibling)
    for path in (blob, _incomplete(blob)):
        if path.is_file():
            return min(path.stat().st_size, sibling.size or 0)
    return 0


def _fetch_weights(
    info: ModelInfo, sibling: RepoSibling, transfer: "_Transfer"
) -> None:
    blob, name = _blob(info, sibling), sibling.rfilename
    lock = blob.parents[2] / ".locks" / blob.parents[1].name / f"{blob.name}.lock"
    for folder in (lock.parent, blob.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        if blob.exists():
            return
        draft = _incomplete(blob)
        with draft.open("ab") as file:
            offset = file.tell()
            if offset > (sibling.size or 0):
                file.truncate(offset := 0)
            transfer.begin(name, offset)
            http_get(
                hf_hub_url(info.id, name, revision=info.sha),
                file,
                resume_size=offset,
                headers=build_hf_headers(),
                expected_size=sibling.size,
                tqdm_class=transfer.bar,  # type: ignore[arg-type]
            )
        _check(draft, sibling, transfer)
        draft.replace(blob)


class _Transfer:
    """Reports the progress over all files a few times per second."""

    def __init__(self, total: int, n_present: int) -> None:
        self._total, self._n_bytes_present = total, n_present
        self._name = ""
        self._n_bytes_before = 0
        self._last_report = ("", 0.0)

    def begin(self, name: str, n_present: int) -> None:
        """Set the current file, and how much of it is already here."""
        self._name, self._n_bytes_before = name, n_present
        self.tell(name)

    def bar(self, *, initial: int = 0, **_: Any) -> "_Bar":
        """Return the progress bar for ``http_get``."""
        # A server without range requests sends the whole file again.
        self._n_bytes_present -= self._n_bytes_before - initial
        return _Bar(self)

    def add(self, n_bytes: int) -> None:
        """Count received bytes."""
        self._n_bytes_present += n_bytes
        self.tell(self._name)

    def tell(self, stage: str) -> None:
        """Print the progress, at most every ``REPORT_SECONDS`` for one stage."""
        now = time.monotonic()
        last_stage, last_time = self._last_report
        if stage == last_stage and now - last_time < REPORT_SECONDS:
            return
        self._last_report = (stage, now)
        _print({"stage": stage, "done": self._n_bytes_present, "total": self._total})


class _Bar:
    """The part of tqdm's interface that ``http_get`` uses."""

    def __init__(self, transfer: _Transfer) -> None:
        self._transfer = transfer

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n_bytes: int | float | None = 1) -> None:
        """Count received bytes; negative if they were discarded."""
        self._transfer.add(int(n_bytes or 0))


def _print(value: object) -> None:
    # If the reading process was killed, this raises BrokenPipeError and ends us too.
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

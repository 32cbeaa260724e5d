"""Adapters are verified once, and again whenever their files are not the same."""

import os

import pytest

from autolearn.core.errors import InputError
from autolearn.models import files as model_files
from autolearn.rounds import adapters
from tests.support.rounds import approve, one_round

WEIGHTS = "adapter_model.safetensors"


@pytest.fixture
def trained(store):
    """A finished round and the folder of its adapter."""
    approve(store, [None] * 3)
    round_ = one_round(store, "refined_sft")
    folder = store.folder / round_.adapter
    folder.mkdir(parents=True)
    for name in model_files.ADAPTER_FILES:
        (folder / name).write_text(f"of {name}")
    digest = model_files.adapter_digest(folder)
    return store.rounds.finish(round_.id, round_.adapter, digest, 3), folder


@pytest.fixture
def hashed(monkeypatch):
    """How often an adapter was hashed."""
    folders = []

    def digest(folder, *largest):
        folders.append(folder)
        return plain(folder, *largest)

    plain = model_files.adapter_digest
    monkeypatch.setattr(model_files, "adapter_digest", digest)
    return folders


def test_an_adapter_is_hashed_once_as_long_as_its_files_stay(store, trained, hashed):
    round_, folder = trained
    assert {adapters.folder_of(store, round_) for _ in range(5)} == {folder}
    assert len(hashed) == 1
    # As a copy that was put back; it may be another one.
    for name in model_files.ADAPTER_FILES:
        (folder / name).write_text(f"of {name}")
    assert adapters.folder_of(store, round_) == folder
    assert len(hashed) == 2
    assert adapters.is_intact(store.folder, round_)
    assert len(hashed) == 3, "a check reads the files"


def overwrite(path, content):
    path.write_text(content)


def replace_by_a_copy(path, content):
    copy = path.with_name("copy")
    copy.write_text(content)
    copy.replace(path)


@pytest.mark.parametrize("change", [overwrite, replace_by_a_copy])
@pytest.mark.parametrize("name", model_files.ADAPTER_FILES)
def test_a_changed_file_of_the_same_size_and_time_is_noticed(
    store, trained, change, name
):
    round_, folder = trained
    assert adapters.folder_of(store, round_) == folder
    path = folder / name
    status = path.stat()
    change(path, path.read_text().upper())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    with pytest.raises(InputError, match="missing, damaged or changed"):
        adapters.folder_of(store, round_)


def test_an_adapter_that_is_gone_is_noticed(store, trained):
    round_, folder = trained
    adapters.folder_of(store, round_)
    (folder / WEIGHTS).unlink()
    with pytest.raises(InputError, match="missing, damaged or changed"):
        adapters.folder_of(store, round_)

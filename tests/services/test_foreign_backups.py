"""Backups by somebody else: nothing is written elsewhere, refusals have reasons."""

import json
import shutil
import zipfile
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from autolearn.core.errors import InputError
from autolearn.services import backups
from autolearn.store import Store, layout
from tests.support.texts import put

LINK = 0o120777 << 16


@pytest.fixture
def backup(store, tmp_path):
    """A sound backup as a zip file."""
    text = tmp_path / "avel.txt"
    text.write_text("Avel was founded in 1711.")
    assert put(store, text) == []
    return backups.back_up(store.folder, tmp_path / "sound.zip").place


def changed(backup, tmp_path, change):
    """Return a copy of a backup whose members were changed."""
    with ZipFile(backup) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    path = tmp_path / "changed.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in change(members).items():
            archive.writestr(name, content)
    return path


def with_manifest(edit):
    def change(members):
        values = json.loads(members[backups.MANIFEST])
        return members | {backups.MANIFEST: json.dumps(edit(values))}

    return change


def with_file(name):
    """Name a further file in the manifest, and have it in the zip file."""

    def change(members):
        values = json.loads(members[backups.MANIFEST])
        values["files"][name] = "0" * 64
        return members | {name: b"evil", backups.MANIFEST: json.dumps(values)}

    return change


def link(members):
    """Let the adapters be a link to a folder outside, and a file be below it."""
    info = ZipInfo("adapters")
    info.external_attr = LINK
    values = json.loads(members[backups.MANIFEST])
    values["files"]["adapters/evil"] = "0" * 64
    inside = {info: b"/tmp", "adapters/evil": b"evil"}
    return members | inside | {backups.MANIFEST: json.dumps(values)}


def refused(path, tmp_path):
    """Return why a backup is not restored, which leaves nothing."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError) as error:
        backups.restore_foreign(path, tmp_path / "new")
    assert sorted(tmp_path.rglob("*")) == before
    sentence = str(error.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_a_backup_is_restored_in_a_child(backup, tmp_path):
    result = backups.restore_foreign(backup, tmp_path / "new")
    assert result.place == tmp_path / "new"
    with Store.open(tmp_path / "new") as store:
        assert [document.name for document in store.library.documents()] == ["avel.txt"]


HOSTILE = {
    "out by dots": with_file("adapters/../../evil"),
    "out by a root": with_file("/tmp/evil"),
    "out by a drive": with_file("C:/evil"),
    "out by backslashes": with_file("..\\evil"),
    "a name with a zero": with_manifest(
        lambda values: values | {"files": values["files"] | {"adapters/\0": "0"}}
    ),
    "a link": link,
    "deep": lambda members: members | {backups.MANIFEST: "[" * 200_000},
    "a list": with_manifest(lambda values: [values]),
    "files as a list": with_manifest(lambda values: values | {"files": [1, [2]]}),
    "files as a number": with_manifest(lambda values: values | {"files": 7}),
    "nothing missing": with_manifest(lambda values: values | {"missing": 7}),
    "numbers as digests": with_manifest(
        lambda values: values | {"files": dict.fromkeys(values["files"], 7)}
    ),
    "no database": with_manifest(lambda values: values | {"files": {}}),
    "a database of zeros": lambda members: members | {layout.DATABASE: bytes(9999)},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_backup_is_refused_in_one_sentence(backup, tmp_path, change):
    refused(changed(backup, tmp_path, change), tmp_path)


def test_a_backup_that_unpacks_to_more_than_the_disk_has_is_refused(
    backup, tmp_path, monkeypatch
):
    path = changed(backup, tmp_path, lambda members: members | {"bomb": bytes(1 << 20)})
    content = path.read_bytes()
    size = (1 << 20).to_bytes(4, "little")
    # What the directory says is what is believed first.
    at = content.rindex(size)
    path.write_bytes(content[:at] + b"\xfe\xff\xff\xff" + content[at + 4 :])
    with monkeypatch.context() as patch:
        usage = shutil.disk_usage(tmp_path)._replace(free=1 << 30)
        patch.setattr(shutil, "disk_usage", lambda _: usage)
        with pytest.raises(InputError, match=r"needs 4,\d{3} MiB and 1,024 MiB are"):
            backups.restore(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("n", [0, 30, 2000])
def test_bytes_that_are_no_zip_file_are_refused(tmp_path, n):
    path = tmp_path / "noise.zip"
    path.write_bytes(b"PK\3\4" + bytes(range(256)) * n)
    assert "is damaged, or no backup" in refused(path, tmp_path)


def test_a_damaged_or_encrypted_zip_file_is_refused(backup, tmp_path):
    content = bytearray(backup.read_bytes())
    with ZipFile(backup) as archive:
        info = archive.getinfo(layout.DATABASE)
    start = info.header_offset + 200
    content[start : start + 200] = bytes(200)
    backup.write_bytes(content)
    assert "is damaged" in refused(backup, tmp_path)
    with ZipFile(backup, "a") as archive:
        archive.getinfo(layout.DATABASE).flag_bits |= 1
        archive.writestr("more", "makes the directory new")
    assert "is encrypted" in refused(backup, tmp_path)
    assert zipfile.is_zipfile(backup)

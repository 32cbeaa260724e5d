"""Office files that are zip packages of XML parts: Word, PowerPoint."""

import posixpath
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from autolearn.core.errors import InputError
from autolearn.ingest.readers.markup import check_size

MOST_TAGS = 2_000_000
"""Most tags of an XML part, which bounds time and memory of parsing it."""
_WIDE_ENCODINGS = ("utf-16-le", "utf-16-be")
_PASSWORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of an Office file that is encrypted, or of an older format."""


@dataclass(frozen=True)
class Relation:
    """A link from one part to another."""

    kind: str
    """The last part of its type, such as ``officeDocument``."""
    target: str
    """The name of the other part; empty if it is outside the package."""


def refuse_protected(path: Path) -> None:
    """Check that an Office file is not encrypted.

    Raises:
        InputError: It is.
    """
    with path.open("rb") as file:
        if file.read(8) == _PASSWORD:
            raise InputError("is protected by a password; save it without one.")


def main_part(archive: zipfile.ZipFile, default: str) -> str:
    """Return the name of the main part, which the package's relations name."""
    names = {
        relation.target
        for relation in relations(archive, "").values()
        if relation.kind == "officeDocument" and relation.target in archive.namelist()
    }
    return names.pop() if names else default


def relations(archive: zipfile.ZipFile, part: str) -> dict[str, Relation]:
    """Return the relations of a part, or of the package, by their ids."""
    folder, name = posixpath.split(part)
    place = posixpath.join(folder, "_rels", f"{name}.rels")
    if place not in archive.namelist():
        return {}
    return {
        item.get("Id", ""): Relation(
            item.get("Type", "").rpartition("/")[2], _target(folder, item)
        )
        for item in xml(archive, place)
    }


def _target(folder: str, item: Element) -> str:
    if item.get("TargetMode") == "External":
        return ""
    path = posixpath.join("/", folder, unquote(item.get("Target", "")))
    return posixpath.normpath(path).lstrip("/")


def xml(archive: zipfile.ZipFile, name: str) -> Element:
    """Return a parsed part. External entities are not resolved.

    Raises:
        InputError: It is damaged, or too large to be parsed.
    """
    check_size(archive.getinfo(name).file_size)
    data = archive.read(name)
    # Office files have no document type, and its entities could multiply.
    if any("<!DOCTYPE".encode(form) in data for form in ("ascii", *_WIDE_ENCODINGS)):
        raise InputError("is damaged; save it again.")
    if data.count(b"<") > MOST_TAGS or data.count(b"<\0") > MOST_TAGS:
        raise InputError("has too many parts to be parsed; save its text as .txt.")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError("is damaged; save it again.") from error


def tag(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def value(element: Element | None, name: str = "val") -> str:
    """Return an attribute in any namespace; empty if there is none."""
    if element is None:
        return ""
    return next(
        (text for key, text in element.items() if key.rpartition("}")[2] == name), ""
    )


def integer(text: str, default: int) -> int:
    """Return the number that an attribute is, or a default if it is none."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else default


def child(element: Element | None, *names: str) -> Element | None:
    """Return the element that a path of names leads to, in any namespace."""
    for name in names:
        if element is None:
            return None
        element = next((part for part in element if tag(part) == name), None)
    return element


def children(element: Element | None, *names: str) -> list[Element]:
    """Return the elements of some names directly within one, in any namespace."""
    if element is None:
        return []
    return [part for part in element if tag(part) in names]


def is_on(element: Element | None) -> bool:
    """Return whether a property is present and not switched off."""
    return element is not None and value(element) not in ("0", "false", "off", "none")

"""A hub on this computer: as much of its protocol as huggingface_hub speaks."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

LFS_FROM = 1 << 20
"""Bytes from which on a file is kept as the hub keeps large ones."""
SLICE = 64 << 10
NAME = "org/tiny-instruct"
"""The model of the tests."""
WEIGHTS = "model.safetensors"


@dataclass
class Repository:
    """A model on the hub."""

    files: dict[str, bytes]
    licence: str | None = "apache-2.0"
    gated: bool = False
    private: bool = False
    readers: tuple[str, ...] = ()
    """Tokens that may read a gated or private one."""
    commit: str = "a" * 40
    name: str = ""
    """Its present name, if that by which it is asked for is a former one."""


@dataclass
class Hub:
    """What the server offers, what it was asked, and how it misbehaves."""

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path and headers, by lower-case names, of each request."""
    bytes_sent: int = 0
    seconds_a_slice: float = 0.0
    """How long each 64 KiB of a large file take."""
    break_after: int | None = None
    """Bytes of a large file after which the connection is cut, once."""
    hang_after: int | None = None
    """Bytes of a large file after which nothing more comes."""
    damaged: str | None = None
    """The file of which the last byte is changed on its way."""
    ranges: bool = True
    """Whether it can begin in the middle of a file."""
    silent: bool = False
    """Whether it takes requests and never answers."""
    status: int | None = None
    """What it answers to everything."""

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]


def blob_id(content: bytes) -> str:
    """Return git's name for a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a model's folder."""
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file()}


@contextmanager
def serve() -> Iterator[Hub]:
    """Serve a hub; set its url as HF_ENDPOINT."""
    hub = Hub()

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Or a body may wait for the receipt of its header, 40 ms on a kept connection."""

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        path = unquote(urlsplit(self.path).path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.state.asked.append((self.command, path, headers))
        while self.state.silent:
            time.sleep(0.05)
        if self.state.status:
            self._refuse(self.state.status, "")
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/.*)?", path):
            self._about(match[1], match[2] or "")
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(match[1], match[3])
        elif match := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
            # Here a token has no business: it is another host in the world.
            content = self.state.repositories[match[1]].files[match[2]]
            etag = hashlib.sha256(content).hexdigest()
            self._content(self._arriving(match[2], content), etag)
        else:
            self._refuse(404, "")

    def _token(self) -> str:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def _repository(self, name: str) -> Repository | None:
        """Return a repository that may be seen; refuse it else, as the hub does."""
        repository = self.state.repositories.get(name)
        if self._token() == "expired":
            reason = "Invalid credentials in Authorization header"
            self._refuse(401, "", reason)
        elif repository is None or (
            repository.private and self._token() not in repository.readers
        ):
            self._refuse(404 if self._token() else 401, "RepoNotFound")
        else:
            return repository
        return None

    def _may_read(self, repository: Repository) -> bool:
        if repository.gated and self._token() not in repository.readers:
            self._refuse(403 if self._token() else 401, "GatedRepo")
            return False
        return True

    def _about(self, name: str, what: str) -> None:
        repository = self._repository(name)
        if repository is None:
            return
        if what == "/auth-check":
            if self._may_read(repository):
                self._json({})
        elif what.startswith("/tree/"):
            self._json([_entry(path, data) for path, data in repository.files.items()])
        else:
            self._json(
                {
                    "id": repository.name or name,
                    "sha": repository.commit,
                    "gated": "auto" if repository.gated else False,
                    "private": repository.private,
                    "tags": [f"license:{repository.licence}"]
                    if repository.licence
                    else [],
                    "cardData": {"license": repository.licence}
                    if repository.licence
                    else {},
                    "siblings": [_sibling(p, d) for p, d in repository.files.items()],
                }
            )

    def _file(self, name: str, path: str) -> None:
        repository = self._repository(name)
        if repository is None or not self._may_read(repository):
            return
        content = repository.files.get(path)
        if content is None:
            self._refuse(404, "EntryNotFound")
        elif len(content) < LFS_FROM:
            commit = {"X-Repo-Commit": repository.commit}
            etag = blob_id(content)
            self._content(self._arriving(path, content), etag, commit)
        else:
            elsewhere = self.state.url.replace("127.0.0.1", "localhost")
            headers = {
                "Location": f"{elsewhere}/cdn/{name}/{path}",
                "X-Repo-Commit": repository.commit,
                "X-Linked-Size": str(len(content)),
                "X-Linked-ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            }
            self._answer(302, b"", headers)

    def _arriving(self, name: str, content: bytes) -> bytes:
        return content[:-1] + b"?" if name == self.state.damaged else content

    def _content(
        self, content: bytes, etag: str, more: dict[str, str] | None = None
    ) -> None:
        headers = {"ETag": f'"{etag}"', "Accept-Ranges": "bytes", **(more or {})}
        byte_range = re.match(r"bytes=(\d+)-", self.headers.get("Range") or "")
        begin = int(byte_range[1]) if byte_range and self.state.ranges else 0
        if begin:
            span = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            headers["Content-Range"] = span
        self._answer(206 if begin else 200, content[begin:], headers)

    def _refuse(self, status: int, code: str, message: str = "") -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        self._answer(status, b"{}", {k: v for k, v in headers.items() if v})

    def _json(self, value: object) -> None:
        headers = {"Content-Type": "application/json"}
        self._answer(200, json.dumps(value).encode(), headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            self._send(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _send(self, body: bytes) -> None:
        hub, is_large = self.state, len(body) >= LFS_FROM
        for at in range(0, len(body), SLICE):
            if is_large and hub.break_after is not None and at >= hub.break_after:
                hub.break_after = None
                self.close_connection = True
                return
            while is_large and hub.hang_after is not None and at >= hub.hang_after:
                time.sleep(0.05)
                self.connection.getpeername()
            self.wfile.write(body[at : at + SLICE])
            hub.bytes_sent += len(body[at : at + SLICE])
            if is_large:
                time.sleep(hub.seconds_a_slice)


def _sibling(path: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "rfilename": path,
        "size": len(content),
        "blobId": blob_id(content),
    }
    if len(content) >= LFS_FROM:
        sha256 = hashlib.sha256(content).hexdigest()
        size = len(content)
        entry["lfs"] = {"sha256": sha256, "size": size, "pointerSize": 134}
    return entry


def _entry(path: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "type": "file",
        "path": path,
        "size": len(content),
        "oid": blob_id(content),
    }
    if len(content) >= LFS_FROM:
        oid = hashlib.sha256(content).hexdigest()
        entry["lfs"] = {"oid": oid, "size": len(content), "pointerSize": 134}
    return entry


def snapshot(cache: Path) -> Path:
    """Return the folder of the model in a cache."""
    (folder,) = (cache / "models--org--tiny-instruct" / "snapshots").iterdir()
    return folder


def incomplete(cache: Path) -> Path:
    """Return the file of which a part has come."""
    (path,) = (cache / "models--org--tiny-instruct" / "blobs").glob("*.incomplete")
    return path

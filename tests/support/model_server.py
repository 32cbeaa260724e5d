"""A server that speaks the protocol of OpenAI and answers by a script, over TCP."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import log
from typing import Any

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Raw:
    """An answer as it goes over the wire."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    announced: int | None = None
    """Bytes that the header promises; more than there are: the connection breaks."""


def reply(text: str | None, **more: Any) -> dict[str, Any]:
    """Return a chat completion; ``more`` goes into its choice."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    choice |= {"finish_reason": "stop", **more}
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    return {"object": "chat.completion", "choices": [choice], "usage": usage}


def streamed(*parts: str, finish: str = "stop") -> Raw:
    """Return a chat completion that is sent in parts, of five and three tokens."""
    events: list[dict[str, Any]] = [
        *({"choices": [{"delta": {"content": part}}]} for part in parts),
        {"choices": [{"delta": {}, "finish_reason": finish}]},
        {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}},
    ]
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    body = "".join([*lines, "data: [DONE]\n\n"]).encode()
    return Raw(200, body, {"Content-Type": "text/event-stream"})


def likeliest(**probabilities: float) -> dict[str, Any]:
    """Return the log-probabilities of a first token, as a choice has them."""
    rows = [{"token": token, "logprob": log(p)} for token, p in probabilities.items()]
    return {"content": [{"token": "x", "logprob": 0.0, "top_logprobs": rows}]}


Answer = dict[str, Any] | Raw


def scripted(answers: Iterable[Answer]) -> Callable[[Body], Answer]:
    """Return a script that gives these answers in turn, and then only text."""
    turns = iter(answers)
    return lambda body: next(turns, reply("Hello."))


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    """More than are sent at once: one that is left out is sent again after a second."""


class ModelServer:
    """A running server; ``chat`` answers each request to ``/chat/completions``."""

    def __init__(self, pages: Mapping[str, Any]) -> None:
        # A test may change them; others read ``PROGRAMS`` after it.
        self.pages = deepcopy(dict(pages))
        """The JSON values of other addresses; of a POST also how a body is answered."""
        self.chat: Callable[[Body], Answer] = lambda body: reply("Hello.")
        self.requests: list[dict[str, Any]] = []
        """The bodies of all requests to answer a chat."""
        self.keys: list[str | None] = []
        self.at_once = self.most_at_once = 0
        self.released = threading.Event()
        """What a stalled answer waits for."""
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,)).start()

    @property
    def address(self) -> str:
        """Return the address as a person types it, without a model."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def stop(self) -> None:
        """Close the port."""
        self.released.set()
        self._http.shutdown()
        self._http.server_close()

    def stalled(self, body: Body) -> Answer:
        """Answer when the server is stopped."""
        self.released.wait(30)
        return reply("late")

    def answer(self, body: dict[str, Any], key: str | None) -> Answer:
        """Return what the script says, and take note of the request."""
        with self._lock:
            self.requests.append(body)
            self.keys.append(key)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self.chat(body)
        finally:
            with self._lock:
                self.at_once -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = server.pages.get(self.path)
                missing = Raw(404, b'{"error": "not here"}')
                _send(self, missing if page is None else page)

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(length))
                if self.path == "/v1/chat/completions":
                    key = self.headers.get("Authorization")
                    _send(self, server.answer(body, key))
                else:
                    page = server.pages.get(self.path) or Raw(404)
                    _send(self, page(body) if callable(page) else page)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    if not isinstance(answer, Raw):
        answer = Raw(200, json.dumps(answer).encode())
    length = len(answer.body) if answer.announced is None else answer.announced
    headers = {"Content-Type": "application/json", "Content-Length": str(length)}
    try:
        handler.send_response(answer.status)
        for name, value in (headers | dict(answer.headers)).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answer.body)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the client has gone
    handler.close_connection = True


MODELS = {"/v1/models": {"data": [{"id": "tiny", "owned_by": "vllm", "root": "/m"}]}}
PROGRAMS: dict[str, dict[str, Any]] = {
    "llama.cpp": MODELS
    | {
        "/props": {
            "default_generation_settings": {"n_ctx": 2048},
            "total_slots": 3,
            "model_path": "/m/tiny.gguf",
            "build_info": "b1",
        }
    },
    "vllm": MODELS
    | {"/version": {"version": "0.11.2"}, "/tokenize": {"tokens": [1, 2, 3]}},
    "sglang": {
        "/v1/models": {"data": [{"id": "tiny", "owned_by": "sglang"}]},
        "/server_info": {"model_path": "/m", "context_length": 512, "version": "0.5"},
    },
    "ollama": {
        "/v1/models": {"data": [{"id": "tiny:latest", "owned_by": "library"}]},
        "/api/version": {"version": "0.12.1"},
        "/api/tags": {"models": [{"name": "tiny:latest", "digest": "abc"}]},
    },
    "transformers": {
        "/v1/models": {"data": [{"id": "tiny", "owned_by": "local", "created": 0}]},
        "/openapi.json": {"paths": {"/v1/models": {}, "/load_model": {}}},
    },
    "openai": {"/v1/models": {"data": [{"id": "tiny", "owned_by": "me"}]}},
}
"""What each program answers at its addresses."""


LOADING = {"vllm": "/v1/load_lora_adapter", "sglang": "/load_lora_adapter"}
"""Where programs load adapters while they run."""


def let_load(server: ModelServer, program: str) -> list[Body]:
    """Let a server load adapters of its first model; return the requests to do so."""
    models = server.pages["/v1/models"]["data"]
    requests: list[Body] = []

    def load(body: Body) -> Answer:
        requests.append(body)
        name, path = body["lora_name"], body["lora_path"]
        models.append(models[0] | {"id": name, "root": path, "parent": models[0]["id"]})
        if program == "vllm":  # it answers with a text
            return Raw(200, b"Success: the adapter was added.")
        return {"success": True, "loaded_adapters": {name: path}}

    server.pages[LOADING[program]] = load
    return requests


@contextmanager
def running(program: str = "llama.cpp") -> Iterator[ModelServer]:
    """Run a server that looks like one of ``PROGRAMS``."""
    server = ModelServer(PROGRAMS[program])
    try:
        yield server
    finally:
        server.stop()

"""Ask a server which program it runs, and what it reports about its model.

Each program has an address that only it answers: llama.cpp ``/props``, vLLM
``/version``, SGLang ``/server_info``, Ollama ``/api/version``.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from autolearn.core.errors import BackendError, ModelNotFound
from autolearn.core.server_addresses import ServerAddress
from autolearn.endpoints import replies
from autolearn.endpoints.client import RetryPolicy, ServerClient, run_loop
from autolearn.endpoints.facts import Program, ServerFacts

_QUICK = RetryPolicy(tries=2, first_delay=0.3, read=15.0)
"""A person waits for the answer."""

Values = Mapping[str, Any]
_PATHS = ("model_path", "root")
_DEFAULTS = "default_generation_settings"


def detect(
    address: ServerAddress, retries: RetryPolicy = _QUICK, *, needs_all: bool = True
) -> ServerFacts:
    """Return the facts about a server and its model; of several, those that all share.

    Args:
        address: Of one server or several.
        retries: How long each is waited for.
        needs_all: Each must answer. Otherwise one is enough, since the others may come
            back during a run.

    Raises:
        ModelNotFound: It does not serve the model.
        BackendError: It cannot be reached, or is not OpenAI-compatible, or a
            further one has other weights.
    """
    return run_loop(lambda: _detect_all(address, retries, needs_all=needs_all))


async def _detect_all(
    address: ServerAddress, retries: RetryPolicy, *, needs_all: bool
) -> ServerFacts:
    answers = await asyncio.gather(
        *(_detect(server, retries) for server in address), return_exceptions=True
    )
    every = [answer for answer in answers if isinstance(answer, ServerFacts)]
    for answer in answers:
        if not isinstance(answer, BaseException):
            continue
        may_come_back = type(answer) is BackendError and every and not needs_all
        if not may_come_back:
            raise answer
    first = every[0]
    for facts in every[1:]:
        if _identity(facts) != _identity(first):
            raise BackendError(
                f"The server {facts.server_address.base} does not run the same program "
                f"and weights as {first.server_address.base}; name servers of one "
                "model together."
            )
    whole = ServerAddress(address.base, first.server_address.model, address.others)
    return replace(
        first,
        address=str(whole),
        context=min(facts.context or 0 for facts in every) or None,
        slots=min(facts.slots or 0 for facts in every) or None,
    )


def _identity(facts: ServerFacts) -> tuple[Program, str, Values]:
    """Return the facts that servers of one model share: not paths, which may differ."""
    weights = {k: v for k, v in facts.weights.items() if k not in _PATHS}
    return facts.program, facts.server_address.model, weights


async def _detect(address: ServerAddress, retries: RetryPolicy) -> ServerFacts:
    async with ServerClient(address, retries) as client:
        models = await _models(client, address)
        for probe in (_llama_cpp, _vllm, _sglang, _ollama):
            if facts := await probe(client, address, models):
                return facts
        program = await _other_program(client, address)
    if not models and not address.model:
        raise _no_list(address, ", or add #MODEL")
    # Such a server may load a model that it does not list.
    name = address.model or _name(address, models)
    return _facts(address, name, program, weights=_entry(models, name))


async def _other_program(client: ServerClient, address: ServerAddress) -> Program:
    """Return the kind of a server that is none of the four before.

    ``transformers serve`` is recognised by the schema that FastAPI writes for it.
    """
    try:
        schema = await _probe(client, f"{address.root}/openapi.json")
    except BackendError:
        return "openai"  # some programs fail while they write their schema
    is_transformers = "/load_model" in _object(schema.get("paths"))
    return "transformers" if is_transformers else "openai"


async def _models(client: ServerClient, address: ServerAddress) -> Sequence[Values]:
    """Return the entries of ``/models``."""
    listing = _object(await client.get(f"{address.base}/models"))
    return [row for row in _rows(listing.get("data")) if _ids(row)]


def _rows(value: object) -> list[Values]:
    """Return the objects of a JSON list; empty if it is none."""
    rows = value if isinstance(value, list) else []
    return [row for row in rows if isinstance(row, Mapping)]


def _ids(row: Values) -> list[str]:
    aliases = row.get("aliases")
    names = [row.get("id"), *(aliases if isinstance(aliases, list) else [])]
    return [name for name in names if isinstance(name, str) and name]


def _name(address: ServerAddress, models: Sequence[Values]) -> str:
    """Return the name of the model that is meant; adapters have to be named.

    Raises:
        ModelNotFound: There is none of this name, or there are several.
        BackendError: There is none at all.
    """
    name = address.model
    for row in models:
        if name in _ids(row) or f"{name}:latest" in _ids(row):
            return _ids(row)[0]
    bases = [row for row in models if not row.get("parent")] or models
    if not name and len(bases) == 1:
        return _ids(bases[0])[0]
    if not models:
        raise _no_list(address)
    names = [_ids(row)[0] for row in models]
    listing = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    if not name:
        raise ModelNotFound(
            f"The server {address.base} has several models ({listing}); add "
            "the name of one to its address, as #MODEL."
        )
    raise ModelNotFound(
        f"The server {address.base} has no model {name}; it has {listing}."
    )


def _no_list(address: ServerAddress, otherwise: str = "") -> BackendError:
    return BackendError(
        f"The server {address.base} does not list its models; check that it has one, "
        f"and that the address ends as the server says, usually in /v1{otherwise}."
    )


def _row(models: Sequence[Values], name: object) -> Values:
    """Return the entry of a model in a list; empty if there is none."""
    return next((row for row in models if name in _ids(row)), {})


def _parent(models: Sequence[Values], name: str) -> str:
    """Return the base of an adapter in a list; empty if the model is no adapter."""
    parent = _row(models, name).get("parent")
    return parent if isinstance(parent, str) else ""


def _listed_context(models: Sequence[Values], name: str) -> int | None:
    """Return the context of a model in a list; an adapter has that of its base."""
    row, base = _row(models, name), _row(models, _parent(models, name))
    return _number(row.get("max_model_len")) or _number(base.get("max_model_len"))


def _entry(models: Sequence[Values], name: str) -> dict[str, Any]:
    """Return the sizes and the root of a model in a list; empty if unknown."""
    row = _row(models, name)
    meta = row.get("meta")
    all_sizes = meta if isinstance(meta, Mapping) else {}
    sizes = {key: all_sizes[key] for key in ("n_params", "size") if key in all_sizes}
    return sizes | ({"root": row["root"]} if isinstance(row.get("root"), str) else {})


def _facts(
    address: ServerAddress, name: str, program: Program, **values: Any
) -> ServerFacts:
    return ServerFacts(str(ServerAddress(address.base, name)), program, **values)


def _number(value: object) -> int | None:
    return replies.count(value) or None


async def _probe(client: ServerClient, url: str) -> Values:
    """Return what a server says at an address of one program; empty: nothing."""
    return _object(await client.get(url, may_be_page=True))


def _object(value: object) -> Values:
    return value if isinstance(value, Mapping) else {}


async def _llama_cpp(
    client: ServerClient, address: ServerAddress, models: Sequence[Values]
) -> ServerFacts | None:
    props = await _probe(client, f"{address.root}/props")
    if not isinstance(props.get(_DEFAULTS), Mapping):
        return None
    name = _name(address, models)
    if props.get("role") == "router":
        props, models = await _routed(client, address, name)
    defaults = _object(props.get(_DEFAULTS))
    weights = {key: props[key] for key in ("model_path", "model_ftype") if key in props}
    return _facts(
        address,
        name,
        "llama.cpp",
        version=str(props.get("build_info", "")),
        context=_number(defaults.get("n_ctx")),
        slots=_number(props.get("total_slots")),
        weights=weights | _entry(models, name),
    )


async def _routed(
    client: ServerClient, address: ServerAddress, name: str
) -> tuple[Values, Sequence[Values]]:
    """Let llama.cpp load one of its models; return what it then says of this model.

    Before, neither its properties nor its sizes in the list of models are known.

    Raises:
        BackendError: It does not load models by itself.
    """
    props = await _probe(client, f"{address.root}/props?model={quote(name, safe='')}")
    if not props:
        raise BackendError(
            f"The server {address.base} has not loaded {name}; load it there, or start "
            "llama-server without --no-models-autoload."
        )
    return props, await _models(client, address)


async def _vllm(
    client: ServerClient, address: ServerAddress, models: Sequence[Values]
) -> ServerFacts | None:
    version = (await _probe(client, f"{address.root}/version")).get("version")
    is_vllm = any(row.get("owned_by") == "vllm" for row in models)
    if not isinstance(version, str) or not is_vllm:
        return None
    name = _name(address, models)
    return _facts(
        address,
        name,
        "vllm",
        version=version,
        context=_listed_context(models, name),
        parent=_parent(models, name),
        weights=_entry(models, name),
    )


async def _sglang(
    client: ServerClient, address: ServerAddress, models: Sequence[Values]
) -> ServerFacts | None:
    for path in ("/server_info", "/get_server_info"):
        info = await _probe(client, f"{address.root}{path}")
        if not isinstance(info.get("model_path"), str):
            continue
        name = _name(address, models)
        context = _number(info.get("context_length"))
        keys = ("model_path", "quantization", "revision")
        return _facts(
            address,
            name,
            "sglang",
            version=str(info.get("version", "")),
            context=context or _listed_context(models, name),
            slots=_number(info.get("max_running_requests")),
            parent=_parent(models, name),
            weights={key: info[key] for key in keys if info.get(key)},
        )
    return None


async def _ollama(
    client: ServerClient, address: ServerAddress, models: Sequence[Values]
) -> ServerFacts | None:
    version = (await _probe(client, f"{address.root}/api/version")).get("version")
    if not isinstance(version, str):
        return None
    name = _name(address, models)
    tags = await _probe(client, f"{address.root}/api/tags")
    rows = _rows(tags.get("models"))
    digests = [row.get("digest") for row in rows if row.get("name") == name]
    weights = {"digest": digests[0]} if digests else {}
    return _facts(address, name, "ollama", version=version, weights=weights)


def vllm_release(version: str) -> tuple[int, int]:
    """Return the first two numbers of a version of vLLM; (0, 0): there are none."""
    match = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)

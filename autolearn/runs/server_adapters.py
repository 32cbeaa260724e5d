"""The adapter of a round as a model of a server that has the base of the round."""

from dataclasses import dataclass, replace
from pathlib import Path

from autolearn.core import server_addresses
from autolearn.core.errors import AutolearnError, BackendError
from autolearn.core.records import Round
from autolearn.endpoints import detection, loading
from autolearn.endpoints.facts import ServerFacts
from autolearn.models import files as model_files

_DIGITS = 8
"""Digits of the digest of an adapter in its name on a server. Servers may have adapters
of several workspaces, each with its own round 1."""


@dataclass(frozen=True)
class LoadedAdapter:
    """A round that a server has as a model."""

    address: str
    """By which the model is chosen."""
    note: str = ""
    """What could not be checked, in a sentence; empty: nothing."""


def load(round_: Round, folder: Path, address: str) -> LoadedAdapter:
    """Let a server load the adapter of a round, unless it has it.

    Args:
        round_: It is finished.
        folder: Of its adapter, as it was trained.
        address: Of a server, as a person types it.

    Raises:
        InputError: The address is malformed.
        BackendError: The server cannot be reached, does not load adapters, or has
            another base model.
    """
    facts = _facts_of_base(address)
    _check_program(facts, round_)
    note = _checked_base(facts, round_)
    digest = round_.adapter_digest or model_files.adapter_digest(folder)
    name = f"autolearn-round-{round_.id}-{digest[:_DIGITS]}"
    return LoadedAdapter(str(loading.load(facts, name, folder.resolve())), note)


def _facts_of_base(address: str) -> ServerFacts:
    """Return the facts about the model of a server, or about the base of an adapter."""
    facts = detection.detect(server_addresses.parse(address))
    if facts.parent:
        return detection.detect(replace(facts.server_address, model=facts.parent))
    return facts


def _check_program(facts: ServerFacts, round_: Round) -> None:
    if loading.loads_adapters(facts.program):
        return
    takes_gguf = facts.program in ("llama.cpp", "ollama")
    what = "gguf" if takes_gguf else "merged"
    raise BackendError(
        f"The server {facts.server_address.base} ({facts.abilities.title}) takes no "
        f"adapter while it runs; export round {round_.id} as "
        f"{'GGUF' if takes_gguf else 'a merged model'}, and start the server with it.",
        command=f"export {what} FOLDER --round {round_.id}",
    )


def _checked_base(facts: ServerFacts, round_: Round) -> str:
    """Return a note if the model of a server may not be the base of a round.

    Raises:
        BackendError: It certainly is not.
    """
    name = str(facts.weights.get("model_path") or facts.weights.get("root") or "")
    is_base = _is_base(name, round_)
    served = name or facts.server_address.model
    if is_base is None:
        return (
            f"Round {round_.id} was trained on {round_.model.name}; whether {served} "
            "of the server has the same weights could not be checked."
        )
    if not is_base:
        raise BackendError(
            f"Round {round_.id} was trained on {round_.model.name}, and the server "
            f"{facts.server_address.base} has {served}; start it with the same model."
        )
    return ""


def _is_base(name: str, round_: Round) -> bool | None:
    """Return whether a model is the base of a round; None: they cannot be compared.

    ``name``: as the server was started with it. Its files may be on this computer.
    """
    if not name:
        return None
    try:
        return model_files.digest(model_files.locate(name)) == round_.model.digest
    except AutolearnError:
        are_of_hub = model_files.is_hub_id(name) and "/" in round_.model.name
        return name == round_.model.name if are_of_hub else None

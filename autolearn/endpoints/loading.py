"""Let a server load an adapter, which is then one of its models."""

from dataclasses import replace
from pathlib import Path

from autolearn.core.errors import BackendError, ModelNotFound
from autolearn.core.server_addresses import ServerAddress
from autolearn.endpoints import detection
from autolearn.endpoints.client import (
    RetryPolicy,
    ServerClient,
    ServerRefused,
    run_loop,
)
from autolearn.endpoints.facts import Program, ServerFacts

_ONCE = RetryPolicy(tries=1)
"""A repeated request would be refused, since the name is taken."""
_NEEDS: dict[Program, str] = {
    "vllm": "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, --enable-lora and --max-lora-rank",
    "sglang": "--enable-lora, --max-lora-rank and --lora-target-modules all",
}
"""The programs that load adapters while they run, and how they have to be started."""


def loads_adapters(program: Program) -> bool:
    """Return whether a program loads adapters while it runs."""
    return program in _NEEDS


def load(facts: ServerFacts, name: str, folder: Path) -> ServerAddress:
    """Let each server of a model load the adapter in a folder, unless it has it.

    Args:
        facts: Of the base model.
        name: No other adapter has this name.
        folder: In the form of PEFT, by its absolute path.

    Returns:
        The address of the adapter.

    Raises:
        BackendError: A server cannot be reached, or does not load the adapter.
    """
    adapter = replace(facts.server_address, model=name)
    for server in adapter:
        try:
            detection.detect(server)
        except ModelNotFound:
            _load(server, facts.program, folder)
            detection.detect(server)
    return adapter


def _load(server: ServerAddress, program: Program, folder: Path) -> None:
    # vLLM has this below /v1, next to what OpenAI defines.
    parent = server.base if program == "vllm" else server.root
    body = {"lora_name": server.model, "lora_path": str(folder)}

    async def order() -> None:
        async with ServerClient(server, _ONCE) as client:
            await client.order(f"{parent}/load_lora_adapter", body)

    try:
        run_loop(order)
    except ServerRefused as error:
        if error.status in (401, 403):
            raise
        reason = error.message or f"error {error.status}"
        raise BackendError(
            f"The server {server.base} does not load the adapter ({reason}); start it "
            f"with {_NEEDS[program]}, where it can read {folder}."
        ) from error

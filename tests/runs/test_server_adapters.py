"""A server on this computer gets the adapter of a round, as one of its models."""

import json
from dataclasses import replace

import pytest

from autolearn.cli import main
from autolearn.core.errors import BackendError, InputError, JobError
from autolearn.core.records import Round
from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.runs import server_adapters
from autolearn.runs.model_choice import choose_model, chosen_model
from autolearn.services import export_actions
from autolearn.ui.session import Session
from autolearn.ui.tabs import history
from tests.support import model_server
from tests.support.model_server import Raw
from tests.support.rounds import one_round

OWN = str(model_files.BUILT_IN)
"""The base of the round, as a server on this computer is started with it."""


@pytest.fixture
def trained(store):
    """A finished round of the built-in model, and the folder of its adapter."""
    round_ = one_round(store, "refined_sft")
    folder = store.folder / round_.adapter
    folder.mkdir(parents=True)
    for name in model_files.ADAPTER_FILES:
        (folder / name).write_text(f"of {name}")
    digest = model_files.adapter_digest(folder)
    return store.rounds.finish(round_.id, round_.adapter, digest, 3), folder


@pytest.mark.parametrize("program", model_server.LOADING)
def test_a_server_loads_a_round_once_and_has_it_as_a_model(store, trained, program):
    round_, folder = trained
    with model_server.running(program) as server:
        requests = model_server.let_load(server, program)
        adapter = export_actions.offer(store, round_.id, server.address)
        assert export_actions.offer(store, round_.id, adapter.address) == adapter
        choose_model(store, ModelSettings(adapter.address))
    name = f"autolearn-round-{round_.id}-{round_.adapter_digest[:8]}"
    assert adapter.address == f"{server.address}#{name}"
    assert requests == [{"lora_name": name, "lora_path": str(folder.resolve())}]
    assert chosen_model(store).model == adapter.address
    assert "could not be checked" in adapter.note


def test_a_command_shows_how_the_round_is_chosen(store, trained, capsys):
    round_, _ = trained
    with model_server.running("vllm") as server:
        model_server.let_load(server, "vllm")
        words = ["offer", server.address, "--round", str(round_.id)]
        assert main.main([*words, "--workspace", str(store.folder)]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"model: {server.address}#autolearn-round-")
    assert "could not be checked" in shown.err


def test_the_page_shows_how_the_round_is_chosen(store, trained):
    round_, _ = trained
    session = Session(store.folder)
    with model_server.running("sglang") as server:
        model_server.let_load(server, "sglang")
        with pytest.raises(InputError, match="Choose a round"):
            history._offer(session, history.OWN, server.address)
        shown = history._offer(session, round_.id, server.address)
    assert f"under Model: {server.address}#autolearn-round-" in shown
    assert "could not be checked" in shown


def test_a_server_with_another_base_gets_no_round(trained):
    round_, folder = trained
    other = replace(round_, model=replace(round_.model, digest="other"))
    of_hub = replace(round_, model=replace(round_.model, name="org/base"))
    with model_server.running("vllm") as server:
        requests = model_server.let_load(server, "vllm")
        base = server.pages["/v1/models"]["data"][0]
        for root, asked in ((OWN, other), ("org/other", of_hub)):
            base["root"] = root
            with pytest.raises(BackendError, match="start it with the same model"):
                server_adapters.load(asked, folder, server.address)
        assert requests == []
        for root, asked in ((OWN, round_), ("org/base", of_hub)):
            base["root"] = root
            assert not server_adapters.load(asked, folder, server.address).note


@pytest.mark.parametrize(
    ("program", "title", "what"),
    [
        ("llama.cpp", "as GGUF", "gguf"),
        ("ollama", "as GGUF", "gguf"),
        ("transformers", "as a merged model", "merged"),
        ("openai", "as a merged model", "merged"),
    ],
)
def test_a_program_that_loads_no_adapter_needs_an_export(
    store, trained, program, title, what
):
    round_, _ = trained
    with (
        model_server.running(program) as server,
        pytest.raises(BackendError, match=title) as refusal,
    ):
        export_actions.offer(store, round_.id, server.address)
    assert refusal.value.command == f"export {what} FOLDER --round {round_.id}"


@pytest.mark.parametrize(
    ("program", "status", "body", "words"),
    [
        (
            "vllm",
            404,
            {"detail": "Not Found"},
            "(Not Found); start it with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True",
        ),
        (
            "vllm",
            500,
            {"error": {"message": "LoRA rank 64 is greater than 16."}},
            "(LoRA rank 64 is greater than 16.); start it with VLLM_ALLOW",
        ),
        (
            "sglang",
            400,
            {"success": False, "error_message": "LoRA is not enabled."},
            "(LoRA is not enabled.); start it with --enable-lora",
        ),
    ],
)
def test_a_refusal_is_one_sentence_and_not_repeated(
    store, trained, program, status, body, words
):
    round_, folder = trained
    requests = []

    def refuse(request):
        requests.append(request)
        return Raw(status, json.dumps(body).encode())

    with model_server.running(program) as server:
        server.pages[model_server.LOADING[program]] = refuse
        with pytest.raises(BackendError) as failure:
            export_actions.offer(store, round_.id, server.address)
    assert words in str(failure.value)
    assert str(folder.resolve()) in str(failure.value)
    assert len(requests) == 1


def test_a_round_that_is_not_finished_is_not_offered(store, trained):
    round_, _ = trained
    run = store.runs.create("train", {})
    new = store.rounds.create(Round("refined_sft", run.id, {}, round_.model), [])
    with pytest.raises(JobError, match="not finished"):
        export_actions.offer(store, new.id, "http://127.0.0.1:9/v1")

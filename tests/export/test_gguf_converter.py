"""Export to GGUF with llama.cpp's converter: present, missing or failing."""

import pytest

from autolearn.core.errors import BackendError, InputError
from autolearn.core.model_calls import ModelIdentity
from autolearn.core.ports import Cancelled
from autolearn.core.records import Round
from autolearn.export import gguf_converter
from autolearn.services import export_actions


def never():
    return False


@pytest.fixture
def write_converter(tmp_path):
    """Write a program in place of the converter."""

    def written(code):
        place = tmp_path / "llama.cpp" / "convert_hf_to_gguf.py"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"import sys, time\n{code}\n")
        return place

    return written


def test_the_converter_is_found_in_the_folder_of_the_environment(
    write_converter, monkeypatch
):
    place = write_converter("")
    monkeypatch.setenv("PATH", str(place.parent))
    monkeypatch.delenv("LLAMA_CPP", raising=False)
    assert gguf_converter.converter() == place
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("LLAMA_CPP", str(place.parent))
    assert gguf_converter.converter() == place
    monkeypatch.chdir(place.parent.parent)
    monkeypatch.setenv("LLAMA_CPP", place.parent.name)
    assert gguf_converter.converter() == place, "the worker may be elsewhere"
    monkeypatch.setenv("LLAMA_CPP", "/elsewhere")
    with pytest.raises(InputError, match="not in /elsewhere, as LLAMA_CPP says"):
        gguf_converter.converter()


def test_without_a_converter_no_export_is_queued(store, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("LLAMA_CPP", raising=False)
    run = store.runs.create("train", {})
    base = ModelIdentity("m", "d", "nf4", "float32", "cpu")
    round_ = Round(
        "refined_sft", run.id, {}, base, state="trained", adapter="adapters/round-1"
    )
    store.rounds.create(round_, [])
    with pytest.raises(InputError, match=r"not in the PATH; set LLAMA_CPP to"):
        export_actions.export(store, "gguf", tmp_path / "out", 1)
    assert len(store.runs.newest(9)) == 1


def test_the_last_line_of_the_converter_is_the_error(write_converter, tmp_path):
    by = write_converter("print('begun'); sys.exit('ValueError: what is this?')")
    with pytest.raises(BackendError, match=r"\(ValueError: what is this\?\);"):
        gguf_converter.convert(by, tmp_path, tmp_path / "x.gguf", never)
    silent = write_converter("sys.exit(3)")
    with pytest.raises(BackendError, match="ended with 3 and said nothing"):
        gguf_converter.convert(silent, tmp_path, tmp_path / "x.gguf", never)


def test_a_converter_that_wrote_nothing_has_failed(write_converter, tmp_path):
    by = write_converter("print('well done')")
    with pytest.raises(BackendError, match=r"model \(well done\)"):
        gguf_converter.convert(by, tmp_path, tmp_path / "x.gguf", never)


def test_cancelling_kills_the_converter(write_converter, tmp_path):
    by = write_converter("time.sleep(600)")
    with pytest.raises(Cancelled):
        gguf_converter.convert(by, tmp_path, tmp_path / "x.gguf", lambda: True)

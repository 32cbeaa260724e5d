"""Headers of GGUF files, and the errors of files that cannot be used."""

import json

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize

from autolearn.core.errors import BackendError, JobError, ModelNotFound
from autolearn.core.run_settings import ConvertRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.models import hardware
from autolearn.models.sources import gguf_file
from autolearn.services import model_actions


def write_gguf(file, *, template="{{ 1 }}", kind="model", **numbers):
    """Write a file with a few weights, and keys of every type that there is."""
    writer = GGUFWriter(file, "llama")
    writer.add_type(kind)
    writer.add_license("mit")
    writer.add_token_list(["a", "bc"])
    writer.add_token_scores([0.5, 1.5])
    writer.add_bool("general.is_odd", True)
    writer.add_float64("general.share", 0.5)
    writer.add_array("general.lengths", [1, 2, 3])
    if template:
        writer.add_chat_template(template)
    for name, number in numbers.items():
        writer.add_uint16(name.replace("__", "."), number)
    weights = np.ones((4, 64), dtype=np.float32)
    data = quantize(weights, GGMLQuantizationType.Q8_0)
    writer.add_tensor("w", data, raw_dtype=GGMLQuantizationType.Q8_0)
    writer.add_tensor("norm", np.ones(6, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


@pytest.fixture
def file(tmp_path):
    return write_gguf(tmp_path / "tiny.gguf")


def refusal(file):
    with pytest.raises(BackendError) as error:
        gguf_file.check(file, gguf_file.read(file))
    text = str(error.value)
    assert text.endswith(".")
    return text


def test_the_header_is_read_without_the_weights(file):
    header = gguf_file.read(file)
    gguf_file.check(file, header)
    assert (header.architecture, header.licence) == ("llama", "mit")
    assert header.values["general.is_odd"] is True
    assert header.values["general.share"] == 0.5
    assert header.parameters == 4 * 64 + 6
    assert header.kinds == ("Q8_0", "F32")
    assert header.n_bytes <= file.stat().st_size < header.n_bytes + 32
    assert header.has_template


def test_a_file_that_is_cut_off_is_refused_wherever_it_is_cut(file):
    whole = file.read_bytes()
    for length in (len(whole) - 64, 600, 100, 20, 0):
        file.write_bytes(whole[:length])
        assert "copy or download it again" in refusal(file)


def test_what_is_no_gguf_is_refused(file):
    file.write_bytes(b"PK" + bytes(1000))
    assert "is not a complete GGUF file" in refusal(file)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"template": ""}, "choose the instruct version"),
        ({"kind": "mmproj"}, r"holds no language model \(it is of the kind mmproj\)"),
        ({"kind": "adapter"}, "the kind adapter"),
        ({"split__count": 3}, "llama-gguf-split --merge"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_what_to_do(tmp_path, more, says):
    words = refusal(write_gguf(tmp_path / "tiny.gguf", **more))
    assert says.replace("\\", "") in words


def test_a_missing_file_raises_an_error(tmp_path):
    with pytest.raises(ModelNotFound, match="There is no file"):
        gguf_file.locate(str(tmp_path / "none.gguf"))


def test_a_file_is_recognised_by_what_it_holds(tmp_path, file):
    other = file.rename(tmp_path / "renamed.gguf")
    before = gguf_file.digest(other)
    with other.open("r+b") as stream:
        stream.seek(-8, 2)
        stream.write(b"trained!")
    again = write_gguf(tmp_path / "again.gguf")
    assert gguf_file.digest(again) == before != gguf_file.digest(other)


def write_note(workspace, file, name):
    folder = workspace / gguf_file.FOLDER / name
    folder.mkdir(parents=True)
    note = {"file": file.name, "digest": gguf_file.digest(file)}
    (folder / gguf_file.NOTE).write_text(json.dumps(note))
    return folder


def test_what_was_made_from_a_file_is_found_and_a_draft_is_not(tmp_path, file):
    assert gguf_file.converted(tmp_path, file) is None
    write_note(tmp_path, file, ".tiny.draft")
    assert gguf_file.converted(tmp_path, file) is None
    folder = write_note(tmp_path, file, "tiny")
    assert gguf_file.converted(tmp_path, file) == folder
    assert gguf_file.new_folder(tmp_path, file) == folder.with_name("tiny-2")


def test_a_converted_file_stands_for_its_folder(store, file):
    with pytest.raises(BackendError, match="has not been converted yet"):
        model_actions.as_folder(store, str(file))
    folder = write_note(store.folder, file, "tiny")
    assert model_actions.as_folder(store, str(file)) == str(folder)
    assert model_actions.as_folder(store, "built-in") == "built-in"


def test_a_file_that_is_chosen_is_converted_first_and_only_once(store, file):
    run = model_actions.use(store, ModelSettings(str(file), "none"))
    assert run
    assert run.kind == "convert"
    use = ConvertRunSettings.of(run).use
    assert use
    assert use.quantization == "none"
    with pytest.raises(JobError, match="is being converted already; wait for run 1"):
        model_actions.use(store, ModelSettings(str(file)))


def test_a_conversion_without_room_is_refused(store, file, monkeypatch):
    monkeypatch.setattr(hardware, "free_memory", lambda: 1000)
    with pytest.raises(BackendError, match=r"GiB of memory and .* close other"):
        model_actions.convert(store, str(file))


def test_an_unconverted_file_is_no_model_yet(file):
    with pytest.raises(BackendError, match="has to be converted"):
        model_files.locate(str(file))

"""A GGUF file becomes a folder of plain weights; its second rounding is measured."""

import pytest
import torch
from gguf import GGUFWriter, RopeScalingType
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from autolearn.cli.main import main
from autolearn.core.errors import BackendError
from autolearn.core.ports import Cancelled
from autolearn.core.settings import ModelSettings
from autolearn.engine import gguf, load
from autolearn.handlers import gguf_conversion
from autolearn.models import files as model_files
from autolearn.models.sources import gguf_file, local
from autolearn.runs import queues, worker_processes
from autolearn.runs.context import RunContext
from autolearn.runs.model_choice import choose_model, chosen_model
from autolearn.services import model_actions
from autolearn.store import Store
from tests.support import tiny_gguf
from tests.support.labs import finish_here

pytestmark = pytest.mark.torch_model
TEXT = "Hello<|end|> wörld"


@pytest.fixture(scope="module")
def file(folder, tmp_path_factory):
    return tiny_gguf.write(folder, tmp_path_factory.mktemp("gguf") / "tiny-q8.gguf")


@pytest.fixture(scope="module")
def plain(file, tmp_path_factory):
    target = tmp_path_factory.mktemp("plain")
    gguf.write_plain(file, target)
    return target


def never() -> bool:
    return False


def test_the_weights_are_those_of_the_file_and_not_packed(folder, plain):
    model_files.check(plain)
    assert model_files.packing(plain) is None
    before = load_file(folder / "model.safetensors")
    after = load_file(plain / "model.safetensors")
    assert before.keys() == after.keys()
    for name, tensor in after.items():
        assert tensor.dtype == torch.bfloat16
        step = before[name].abs().max() / 127  # of 8 bit
        assert (tensor.float() - before[name]).abs().max() < step


def test_tokens_template_and_answers_are_those_of_the_model(folder, plain):
    was, now = map(AutoTokenizer.from_pretrained, (folder, plain))
    assert was(TEXT).input_ids == now(TEXT).input_ids
    assert was.chat_template == now.chat_template
    ids = torch.tensor([was("the sea is").input_ids])
    answers = [
        AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32)
        .generate(ids, max_new_tokens=4, do_sample=False)
        .tolist()
        for place in (folder, plain)
    ]
    assert answers[0] == answers[1]


def test_the_second_rounding_equals_that_of_bitsandbytes(plain, monkeypatch):
    texts = ("the sea is blue", "a green hill")
    rounding = gguf.rounding(plain, never, texts)
    assert rounding.kl > 0
    assert 0 <= rounding.same <= 1
    assert rounding.n_tokens == sum(map(len, texts))  # every byte is a token
    usual = load.load
    settings = ModelSettings(str(plain), "none")
    monkeypatch.setattr(load, "load", lambda _, place: usual(settings, place))
    nothing = gguf.rounding(plain, never, texts)
    assert (nothing.same, round(nothing.kl, 6)) == (1, 0)


def test_the_divergence_matches_its_definition(plain, monkeypatch):
    p, q = torch.tensor([[0.5, 0.25, 0.25]]), torch.tensor([[0.25, 0.5, 0.25]])
    logits = {"none": [p.log()], "nf4": [q.log()]}
    monkeypatch.setattr(gguf, "_log_probs", lambda _, kind, *__: logits[kind])
    rounding = gguf.rounding(plain, never)
    assert rounding.kl == pytest.approx(float((p * (p / q).log()).sum()))
    assert rounding.same == 0


def test_a_stop_ends_the_comparison(plain):
    with pytest.raises(Cancelled):
        gguf.rounding(plain, lambda: True)


def test_a_kind_that_transformers_cannot_read_raises_an_error(folder, tmp_path):
    file = tiny_gguf.write(folder, tmp_path / "odd.gguf", architecture="odd")
    with pytest.raises(BackendError, match=r"cannot read odd\.gguf \(.*odd.*\); down"):
        gguf.write_plain(file, tmp_path / "out")


@pytest.fixture
def lab(tmp_path):
    with Store.open(tmp_path / "lab") as store:
        yield store
        assert worker_processes.stop_worker(store.folder)


def test_scaled_positions_are_those_of_the_file(folder, tmp_path, monkeypatch):
    """As a model of Llama 3.2 has them, and one that scales all frequencies alike."""
    of_llama = {"rope_type": "llama3", "factor": 32.0, "rope_theta": 10_000.0}
    of_llama |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0}
    of_llama |= {"original_max_position_embeddings": 8192}
    config = AutoConfig.from_pretrained(folder)
    config.rope_parameters = of_llama
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    powers = torch.arange(len(scaled)) / len(scaled)
    factors = (10_000.0**-powers / scaled).numpy()
    assert factors.max() > 31

    def positions(add):
        with monkeypatch.context() as patch:
            patch.setattr(GGUFWriter, "write_header_to_file", add)
            file = tiny_gguf.write(folder, tmp_path / "scaled.gguf")
        gguf.write_plain(file, tmp_path / "plain")
        return AutoConfig.from_pretrained(tmp_path / "plain").rope_parameters

    write = GGUFWriter.write_header_to_file

    def with_factors(writer):
        writer.add_tensor("rope_freqs.weight", factors)
        write(writer)

    def with_settings(writer):
        writer.add_rope_scaling_type(RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(4.0)
        write(writer)

    def with_other_factors(writer):
        writer.add_tensor("rope_freqs.weight", factors**2)
        write(writer)

    assert positions(with_factors) == of_llama
    assert positions(with_settings)["factor"] == 4.0
    with pytest.raises(BackendError, match="scales positions in a way"):
        positions(with_other_factors)


def test_a_file_without_some_weights_is_not_converted(folder, tmp_path, monkeypatch):
    add = GGUFWriter.add_tensor

    def add_most(self, name, *rest, **more):
        if name != "blk.0.attn_q.weight":
            add(self, name, *rest, **more)

    monkeypatch.setattr(GGUFWriter, "add_tensor", add_most)
    file = tiny_gguf.write(folder, tmp_path / "some.gguf")
    with pytest.raises(BackendError, match=r"lacks 1 .*layers\.0\.self_attn\.q_"):
        gguf.write_plain(file, tmp_path / "plain")


def test_a_file_is_converted_by_the_worker_and_then_chosen(lab, file):
    run = model_actions.use(lab, ModelSettings(str(file), "none"))
    assert run
    last = finish_here(lab, run)
    folder = gguf_file.converted(lab.folder, file)
    assert folder
    assert last.result["model"] == str(folder) == str(lab.folder / "models" / "tiny-q8")
    assert chosen_model(lab) == ModelSettings(str(folder), "none")
    source = gguf_file.source(folder)
    assert (source["licence"], source["kinds"]) == ("mit", ["Q8_0", "F32"])
    assert source["rounding"]["kl"] > 0
    names = [model.name for model in local.on_this_computer(lab.folder)]
    assert str(folder) in names
    assert model_actions.use(lab, ModelSettings(str(file))) is None, "only once"


def test_a_model_that_is_chosen_during_a_conversion_stays_in_use(lab, file):
    run = model_actions.use(lab, ModelSettings(str(file), "none"))
    assert run
    choose_model(lab, ModelSettings(quantization="none"))
    finish_here(lab, run)
    assert gguf_file.converted(lab.folder, file)
    assert chosen_model(lab) == ModelSettings(quantization="none")


def test_a_file_that_is_named_by_command_is_converted_once(lab, file, tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("The sea is blue.")
    place = ["--workspace", str(lab.folder), "--model", str(file)]
    assert main(["add", str(text), *place]) == 0
    assert main(["study", "--ask-rounds", "1", "--quantization", "none", *place]) == 1
    kinds = [run.kind for run in lab.runs.newest()]
    assert kinds == ["study", "import", "convert"]
    folder = gguf_file.converted(lab.folder, file)
    assert folder
    assert lab.runs.newest()[0].settings["model"]["model"] == str(folder)
    assert worker_processes.stop_worker(lab.folder, queue=queues.IMPORT_QUEUE)


def context(store, file, stop=never):
    run = store.runs.create("convert", {"file": str(file), "use": None})
    return RunContext(store, run, stop, lambda *_: None)


def test_a_conversion_that_is_stopped_or_fails_leaves_nothing(store, file, monkeypatch):
    with pytest.raises(Cancelled):
        gguf_conversion.convert(context(store, file, lambda: True))
    monkeypatch.setattr(gguf, "rounding", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        gguf_conversion.convert(context(store, file))
    assert list((store.folder / "models").iterdir()) == []
    assert chosen_model(store) == ModelSettings()

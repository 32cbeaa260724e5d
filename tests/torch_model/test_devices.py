"""Work on a GPU, simulated: no CPU tensor is mixed in."""

import pytest
import torch

from autolearn.core.records import DRIFT_PROBE
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.engine.decoding import padded_rows, shared_prefix
from tests.support.pretending import Away, away
from tests.support.tiny import (
    Watch,
    build_sliding,
    chat,
    facts,
    never,
    request,
    training,
)

pytestmark = pytest.mark.torch_model


def requests_of():
    """Return requests that share a beginning, some of them drawn."""
    return [
        request(f"the sea is {i}", temperature=i % 2, top_p=0.9, seed=i)
        for i in range(6)
    ]


def test_a_mix_of_devices_is_refused(backend):
    with away(backend._lm), pytest.raises(RuntimeError, match="meet"):
        Away(torch.ones(3)) + torch.ones(3)


@pytest.mark.parametrize("sliding", [False, True])
def test_texts_and_verdicts_are_those_of_the_cpu(open_model, tmp_path, sliding):
    place = (build_sliding(tmp_path),) if sliding else ()
    backend = open_model("none", *place)
    chats, labels = [chat("a?"), chat("b?")], ["yes", "no"]
    completions = backend.complete(requests_of(), never)
    verdicts = backend.probabilities(chats, ["", "so "], labels)
    kind = padded_rows.PaddedRows if sliding else shared_prefix.SharedPrefixCache
    with away(backend._lm) as there:
        assert shared_prefix.cache_class(there) is kind
        backend = HuggingFaceBackend(there)
        assert backend.complete(requests_of(), never) == completions
        for here_value, there_value in zip(
            backend.probabilities(chats, ["", "so "], labels), verdicts, strict=True
        ):
            assert here_value == pytest.approx(there_value, abs=1e-5)


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_a_round_learns_what_it_does_on_the_cpu(open_model, places, kind):
    more = {"rejected": "mauve"} if kind == "dpo" else {}
    items = [*facts(kind, 6, **more), *facts("replay"), *facts(DRIFT_PROBE)]
    settings = training(method="al2" if kind == "dpo" else "refined_sft")
    here, there = Watch(), Watch()
    open_model().train(items, settings, here, **places)
    with away(open_model()._lm) as lm:
        HuggingFaceBackend(lm).train(items, settings, there, **places)
    assert len(here.seen) == len(there.seen) == 6
    for here_value, there_value in zip(here.seen, there.seen, strict=True):
        for name in ("loss", "replay_kl", "grad_norm"):
            assert here_value[name] == pytest.approx(
                there_value[name], rel=1e-2, abs=1e-5
            )

"""Every family of models goes the whole way, as tiny networks of its own class.

Loading in 4 bit, a chat template of its style, writing, training, the adapter saved and
read again, preference: by the very functions that real models go through.
"""

import pytest
import torch
from bitsandbytes.nn.modules import Linear4bit

from autolearn.containment import stopped_by
from autolearn.core.errors import BackendError
from autolearn.core.model_calls import Message, Sampling
from autolearn.engine.decoding.generate import DecodedText, generate
from tests.support.families import PLAIN, THINKING, Family, build_family
from tests.support.tiny import (
    Watch,
    chat,
    facts,
    log_prob,
    logits,
    never,
    request,
    training,
    transformers_texts,
)

pytestmark = pytest.mark.torch_model


def test_a_prompt_has_one_beginning_and_no_thinking(family, open_model):
    kind, folder = family
    form = open_model("none", folder)._lm.chat
    ids = form.prompt((Message("system", "Rules."), *chat("why?")))
    text = form._tokenizer.decode(ids)
    assert ids.count(1) == ("bos_token" in kind.template)
    assert text.index("Rules.") < text.index("why?")
    assert ("</think>" in text) == (kind.template == THINKING)
    assert form._end in (2, 3)
    assert {2, form._end} <= form.stop_ids


def test_batched_generation_equals_transformers(family, open_model, caplog):
    kind, folder = family
    lm = open_model("none", folder)._lm
    beginning = "a long text on the sea and the hills "
    prompts = [lm.chat.prompt(chat(beginning + q)) for q in ("why?", "who is it?")]
    prompts.append(lm.chat.prompt(chat("and what of this?")))
    # The second text leaves the batch before the others are finished.
    sizes = (8, 2, 8)
    texts = [
        DecodedText(ids, Sampling(max_new_tokens=n))
        for ids, n in zip(prompts, sizes, strict=True)
    ]
    with caplog.at_level("INFO"):
        completions = generate(lm, texts, never, stop_ids=frozenset())
    assert ("shares no prefixes" in caplog.text) == (not kind.shares)
    assert [c.text for c in completions] == [
        transformers_texts(lm, [ids], n)[0]
        for ids, n in zip(prompts, sizes, strict=True)
    ]


def test_a_model_without_attention_writes_as_transformers(open_model, tmp_path):
    lm = open_model("none", build_family(Family("mamba", PLAIN), tmp_path))._lm
    prompts = [lm.chat.prompt(chat(question)) for question in ("why?", "who is it?")]
    texts = [DecodedText(ids, Sampling(max_new_tokens=8)) for ids in prompts]
    completions = generate(lm, texts, never, stop_ids=frozenset())
    assert [c.text for c in completions] == transformers_texts(lm, prompts, 8)


def test_positions_that_only_the_mask_tells_are_never_a_tree(open_model, tmp_path):
    sizes = {"d_model": 64, "n_heads": 4, "n_layers": 2}
    backend = open_model("none", build_family(Family("mpt", PLAIN, sizes), tmp_path))
    chats = [chat("a long text on the sea")] * 2
    together = backend.confidence(chats, ["blue as the sea", "blue"])
    apart = [backend.confidence(chats[:1], [a])[0] for a in ("blue as the sea", "blue")]
    assert together == pytest.approx(apart, abs=1e-4)


@pytest.mark.parametrize("kind", ["rwkv", "bart"])
def test_a_kind_that_keeps_its_state_elsewhere_is_refused(open_model, tmp_path, kind):
    folder = build_family(Family(kind, PLAIN), tmp_path)
    with pytest.raises(BackendError, match=f"{kind}, which cannot write text here"):
        open_model("none", folder)


def test_reading_a_prompt_is_stopped_within_a_layer(family, open_model):
    _, folder = family
    backend = open_model("none", folder)
    n_asked = 0

    def stop():
        nonlocal n_asked
        n_asked += 1
        return n_asked > 1

    with stopped_by(stop):
        (completion,) = backend.complete([request("why?")], never)
    assert (completion.finish, n_asked) == ("cancelled", 2)
    (completion,) = backend.complete([request("why?")], never)
    assert completion.n_tokens > 0, "and the next one is not"


def test_a_round_in_four_bit_learns_and_is_read_again(family, open_model, tmp_path):
    _, folder = family
    backend = open_model("packed", folder)
    backend.complete([request("colour of 0?")], never)
    watch = Watch()
    places = {"checkpoints": tmp_path / "checkpoints", "output": tmp_path / "adapter"}
    backend.train(facts(), training(max_steps=12), watch, start=None, **places)
    losses = [step["loss"] for step in watch.seen]
    assert losses[-1] < 0.7 * losses[0]
    base = logits(backend._lm.model)
    backend.use_adapter(places["output"])
    after = logits(backend._lm.model)
    assert not torch.allclose(base, after, atol=1e-2)
    again = open_model("packed", folder)
    again.use_adapter(places["output"])
    torch.testing.assert_close(logits(again._lm.model), after)


def test_preference_widens_the_margin(family, open_model, tmp_path):
    _, folder = family
    backend = open_model("nf4", folder)
    question, good, bad = "colour of 0?", "blue as the sea", "pink"

    def margin():
        return log_prob(backend, question, good) - log_prob(backend, question, bad)

    before, watch = margin(), Watch()
    settings = training(method="al2", nll_weight=0.0, learning_rate=1e-3, max_steps=8)
    places = {"checkpoints": tmp_path / "checkpoints", "output": tmp_path / "adapter"}
    items = facts("dpo", n=1, rejected=bad)
    backend.train(items, settings, watch, start=None, **places)
    backend.use_adapter(places["output"])
    assert watch.seen[0]["loss"] == pytest.approx(0.6931, abs=1e-3)
    assert margin() > before + 0.3


def test_weights_in_four_bit_are_those_of_every_linear_layer(family, open_model):
    _, folder = family
    model = open_model("packed", folder)._lm.model
    plain = [
        name
        for name, module in model.named_modules()
        if type(module) is torch.nn.Linear and "lm_head" not in name
    ]
    assert plain == []
    assert not any(
        m.support_avx512bf16_for_cpu
        for m in model.modules()
        if isinstance(m, Linear4bit)
    )

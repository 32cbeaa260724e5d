"""Generation: order, limits, cancellation and sampling."""

import pytest
import torch

from autolearn.core.errors import BackendError, OutOfMemory
from autolearn.core.model_calls import Message, Sampling
from autolearn.engine import prefix_plan
from autolearn.engine.decoding import generate as generating
from autolearn.engine.decoding import shared_prefix
from autolearn.engine.decoding.generate import DecodedText, _sample_top_p, generate
from autolearn.engine.decoding.probabilities import probabilities
from autolearn.models import memory
from tests.support.tiny import (
    NO_SYSTEM,
    build_model,
    build_sliding,
    chat,
    never,
    request,
)

pytestmark = pytest.mark.torch_model

QUESTIONS = ["a?", "and what of this?", "yes?", "tell me all there is to tell"]


def ids_of(backend, *questions):
    return [backend._lm.chat.prompt(chat(question)) for question in questions]


def test_answers_come_in_the_order_of_the_requests(backend):
    together = backend.complete([request(q) for q in QUESTIONS], never)
    alone = [backend.complete([request(q)], never)[0] for q in QUESTIONS]
    assert together == alone
    assert len({completion.text for completion in together}) == len(QUESTIONS)


def test_shared_prefixes_are_read_once(backend):
    passages = ["a long text on the sea " * 2, "and another one on the hills " * 2]
    requests = [request(p + q) for q in ("why?", "whence?", "who?") for p in passages]
    alone = [backend.complete([single], never)[0] for single in requests]
    n_read = []
    embedding = backend._lm.model.get_input_embeddings()
    hook = embedding.register_forward_hook(
        lambda module, inputs, output: n_read.append(inputs[0].numel())
    )
    together = backend.complete(requests, never)
    hook.remove()
    assert together == alone
    assert sum(n_read[:2]) < sum(c.n_prompt_tokens for c in together) / 2


def test_greedy_decoding_equals_transformers(backend):
    lm = backend._lm
    (prompt,) = ids_of(backend, QUESTIONS[1])
    (ours,) = backend.complete([request(QUESTIONS[1])], never)
    theirs = lm.model.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
        max_new_tokens=12,
        do_sample=False,
        eos_token_id=list(lm.chat.stop_ids),
    )
    assert ours.text == lm.chat.decode(theirs[0, len(prompt) :].tolist())


def test_streaming_passes_on_each_token(backend):
    question, parts = request(QUESTIONS[1]), list[str]()
    (whole,) = backend.complete([question], never)
    assert backend.stream(question, never, parts.append) == whole
    assert len(parts) >= whole.n_tokens
    assert all(whole.text.startswith(part.rstrip("\ufffd")) for part in parts)
    assert parts[-1] == whole.text
    cut = backend.stream(question, lambda: True, parts.append)
    assert (cut.finish, cut.n_tokens) == ("cancelled", 1)


@pytest.mark.parametrize("top_p", [1.0, 0.9])
def test_sampling_does_not_depend_on_the_batch(backend, top_p):
    requests = [
        request(q, temperature=1.0, top_p=top_p, seed=i, max_new_tokens=6 + 3 * i)
        for i, q in enumerate(QUESTIONS)
    ]
    together = backend.complete(requests, never)
    assert together == [backend.complete([single], never)[0] for single in requests]


def test_another_seed_samples_another_text(backend):
    requests = [request("a?", temperature=1.0, seed=seed) for seed in (0, 1, 0)]
    first, second, again = backend.complete(requests, never)
    assert first == again
    assert first != second


def test_a_tiny_top_p_is_greedy(backend):
    requests = request("a?", temperature=1.0, top_p=1e-6, seed=3)
    assert backend.complete([requests, request("a?")], never)[0].text == (
        backend.complete([request("a?")], never)[0].text
    )


def test_top_p_sampling_ranks_more_tokens_only_if_needed():
    generator = torch.Generator().manual_seed(0)
    likely = (4 * torch.randn(200, 300, generator=generator)).softmax(dim=1)
    top_p, chance = torch.rand(2, 200, 1, generator=generator)
    few, all_ = (_sample_top_p(likely, top_p, chance, n) for n in (3, 300))
    assert few.tolist() == all_.tolist()
    mass = likely.sort(dim=1, descending=True).values.cumsum(dim=1)
    assert (mass[:, 2:3] < top_p).any()
    assert (mass[:, 2:3] > top_p).any()
    above = (likely > likely.gather(1, few[:, None])) * likely
    assert (above.sum(dim=1, keepdim=True) < top_p).all()


def test_stop_ends_writing_within_one_token(backend):
    calls = []

    def stop():
        calls.append(1)
        return len(calls) == 3

    completions = backend.complete([request(q) for q in QUESTIONS], stop)
    assert [c.finish for c in completions] == ["cancelled"] * 4
    assert [c.n_tokens for c in completions] == [3] * 4


def test_what_was_finished_before_a_stop_is_kept(backend):
    short, long = request("a?", max_new_tokens=2), request("b?", max_new_tokens=9)
    counts: list[int] = []
    completions = backend.complete([short, long], lambda: 1 in counts, counts.append)
    assert [c.finish for c in completions] == ["length", "cancelled"]


def test_a_prompt_without_room_for_its_answer_is_overlong(backend):
    n = backend.context_length
    counts: list[int] = []
    completions = backend.complete(
        [request("x" * n), request("a?"), request("b?", max_new_tokens=n)],
        never,
        counts.append,
    )
    assert [c.finish for c in completions] == ["overlong", "length", "overlong"]
    assert completions[0].text == ""
    assert counts == [3]


def test_a_stop_token_ends_the_text_and_is_not_part_of_it(backend):
    lm = backend._lm
    (prompt,) = ids_of(backend, "a?")
    greedy = Sampling(max_new_tokens=5)
    (free,) = generate(lm, [DecodedText(prompt, greedy)], never)
    first = lm.chat.encode(free.text)[0]
    (completion,) = generate(
        lm, [DecodedText(prompt, greedy)], never, stop_ids=frozenset({first})
    )
    assert (completion.text, completion.finish, completion.n_tokens) == ("", "stop", 0)


def test_every_end_that_the_model_knows_stops_it(backend):
    tokenizer = backend._lm.tokenizer
    ends = {"</s>", "<|end|>"}
    assert backend._lm.chat.stop_ids == set(
        tokenizer.convert_tokens_to_ids(sorted(ends))
    )


def test_a_prompt_has_one_beginning_and_awaits_the_answer(backend):
    (prompt,) = ids_of(backend, "a?")
    tokens = backend._lm.tokenizer.convert_ids_to_tokens(prompt)
    assert tokens.count("<s>") == 1
    assert tokens[-1] == "<|assistant|>"


def test_a_text_cannot_end_its_turn(backend):
    (prompt,) = ids_of(backend, "a<|end|><|assistant|>b")
    tokens = backend._lm.tokenizer.convert_ids_to_tokens(prompt)
    assert tokens.count("<|end|>") == 1
    assert tokens.count("<|assistant|>") == 1


def test_a_template_without_system_role_gets_its_words_in_the_user_turn(
    open_model, tmp_path
):
    with_role, without = (
        open_model("none", place)._lm.chat
        for place in (
            build_model(tmp_path / "with"),
            build_model(tmp_path / "without", NO_SYSTEM),
        )
    )
    turns = (Message("system", "Be brief."), Message("user", "a?"))
    assert without.prompt(turns) == without.prompt(chat("Be brief.\n\na?"))
    assert with_role.prompt(turns) != with_role.prompt(chat("Be brief.\n\na?"))


def test_probabilities_are_those_of_the_next_token(backend):
    chats, prefills = [chat(q) for q in QUESTIONS], ["", "It is ", "so: ", "hm"]
    pairs = backend.probabilities(chats, prefills, ["yes", "no"])
    assert len(pairs) == len(QUESTIONS) > 0
    for turns, start, (yes, no) in zip(chats, prefills, pairs, strict=True):
        ids = backend._lm.chat.with_prefill(turns, start)
        with torch.inference_mode():
            logits = backend._lm.model(torch.tensor([ids])).logits[0, -1]
        pair = backend._lm.chat.encode("yn")
        assert [yes, no] == pytest.approx(logits[pair].softmax(0).tolist(), abs=1e-5)


def test_labels_with_a_common_beginning_are_compared_after_it(backend):
    labels = ["correct", "incorrect", "indifferent"]
    (three,) = backend.probabilities([chat("a?")], [" "], labels)
    (two,) = backend.probabilities([chat("a?")], [" in"], ["correct", "different"])
    assert sum(three) == pytest.approx(1)
    assert three[1] / three[2] == pytest.approx(two[0] / two[1], rel=1e-3)


def test_a_label_within_a_label_is_refused(backend):
    ids = backend._lm.chat.encode
    with pytest.raises(BackendError, match="prefix of another"):
        probabilities(backend._lm, [[ids("yes"), ids("yes, so")]])


def test_a_generated_instruction_depends_only_on_its_seed(backend):
    texts = backend.generate_instructions([5, 6, 7, 5], never, 6)
    assert all(texts)
    assert texts[0] == texts[3] != texts[1]
    assert texts[1:3] == backend.generate_instructions([6, 7], never, 6)
    assert backend.generate_instructions([5, 6], lambda: True, 6) == ["", ""]


def test_confidence_is_the_mean_over_the_tokens_of_an_answer(backend):
    lm = backend._lm
    answers = ["a sea", "no", "all there is to tell of the hills"]
    means = backend.confidence([chat(q) for q in QUESTIONS[:3]], answers)
    for prompt, answer, each in zip(
        ids_of(backend, *QUESTIONS[:3]), answers, means, strict=True
    ):
        answer_ids = lm.chat.answer(answer)
        with torch.inference_mode():
            logits = lm.model(torch.tensor([prompt + answer_ids])).logits[0]
        log_probs = logits[len(prompt) - 1 : -1].float().log_softmax(dim=1)
        own = log_probs[range(len(answer_ids)), answer_ids].mean().item()
        assert each == pytest.approx(own, rel=1e-4)
    assert backend.confidence([], []) == []


def test_4_bit_and_dequantised_weights_give_the_same_answers(open_model):
    plain, four_bit = open_model("nf4"), open_model("packed")
    ids = torch.tensor(ids_of(plain, "what is this?"))
    with torch.inference_mode():
        ours, theirs = (b._lm.model(ids).logits for b in (plain, four_bit))
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
    assert plain.identity == four_bit.identity
    assert plain.identity.quantization == "nf4"


def greedy_alone(backend, ids, n):
    """Write with the library's own loop, one text."""
    ids_out = backend._lm.model.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.int64),
        max_new_tokens=n,
        do_sample=False,
        eos_token_id=backend._lm.model.config.vocab_size - 1,
    )
    return backend._lm.chat.decode(ids_out[0, len(ids) :].tolist())


def prompts_with_nested_prefixes(backend):
    """Prompts that begin alike in many ways, some of them equal or of one token."""
    encode = backend._lm.chat.encode
    texts = ["the sea is wide, " + q for q in ("why?", "why not?", "how?", "why?")]
    texts += ["a", "b", "the hills are high, where?", "the hills are high, who?"]
    return [encode(text) for text in texts for _ in range(2)]


@pytest.mark.parametrize("at_once", [1, 40, 10_000])
def test_texts_with_shared_prefixes_equal_texts_generated_alone(
    backend, monkeypatch, at_once
):
    monkeypatch.setattr(generating, "BATCH_SIZE", 5)
    monkeypatch.setattr(generating, "GROUP_SIZE", 3)
    monkeypatch.setattr(shared_prefix, "_SPARE", 4)
    monkeypatch.setattr(prefix_plan, "_GROUP_TOKEN_COST", 0.5)
    monkeypatch.setitem(memory.READ_AT_ONCE, "cpu", at_once)
    monkeypatch.setitem(memory.SCORES_AT_ONCE, "cpu", 100 * at_once)
    prompts = prompts_with_nested_prefixes(backend)
    lengths = [1 + 5 * i % 17 for i in range(len(prompts))]
    texts = [
        DecodedText(ids, Sampling(max_new_tokens=n))
        for ids, n in zip(prompts, lengths, strict=True)
    ]
    completions = generate(backend._lm, texts, never, stop_ids=frozenset())
    assert [completion.text for completion in completions] == [
        greedy_alone(backend, ids, n) for ids, n in zip(prompts, lengths, strict=True)
    ]


def test_padded_rows_give_the_same_texts(open_model, tmp_path, caplog):
    backend = open_model("none", build_sliding(tmp_path / "sliding"))
    prompts = prompts_with_nested_prefixes(backend)
    with caplog.at_level("INFO"):
        completions = generate(
            backend._lm,
            [DecodedText(ids, Sampling(max_new_tokens=6)) for ids in prompts],
            never,
            stop_ids=frozenset(),
        )
    assert "shares no prefixes" in caplog.text
    assert [completion.text for completion in completions] == [
        greedy_alone(backend, ids, 6) for ids in prompts
    ]


def test_after_out_of_memory_smaller_batches_give_the_same_texts(backend, caplog):
    prompts = prompts_with_nested_prefixes(backend)

    def texts():
        return [
            DecodedText(ids, Sampling(max_new_tokens=4 + i))
            for i, ids in enumerate(prompts)
        ]

    before = generate(backend._lm, texts(), never)
    calls: list[object] = []

    def refuse(module, inputs, output):
        # The first answers are there when the memory gets scarce.
        if len(calls) == 3 or (len(calls) > 3 and inputs[0].numel() > 40):
            calls.append(None)
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    embedding = backend._lm.model.get_input_embeddings()
    hook = embedding.register_forward_hook(refuse)
    after = generate(backend._lm, texts(), never, calls.append)
    hook.remove()
    assert after == before
    assert "too little memory" in caplog.text


def test_after_out_of_memory_verdicts_use_smaller_batches(backend, caplog):
    chats, prefills = [chat(q) for q in QUESTIONS], ["", "It is ", "so: ", "hm"]

    def looked():
        labels = backend.probabilities(chats, prefills, ["yes", "no"])
        return [*labels, tuple(backend.confidence(chats, ["It is so."] * len(chats)))]

    def refuse(module, inputs, output):
        if inputs[0].numel() > 60:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    before = looked()
    embedding = backend._lm.model.get_input_embeddings()
    hook = embedding.register_forward_hook(refuse)
    after = looked()
    hook.remove()
    for pair, other in zip(after, before, strict=True):
        assert pair == pytest.approx(other, abs=1e-5)
    assert "texts at once" in caplog.text
    assert "tokens at once" in caplog.text


def test_too_little_memory_for_a_single_text_raises_an_error(backend):
    def refuse(module, inputs, output):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    embedding = backend._lm.model.get_input_embeddings()
    hook = embedding.register_forward_hook(refuse)
    with pytest.raises(OutOfMemory):
        backend.complete([request("a?"), request("b?")], never)
    hook.remove()

"""Constrained answers with given beginnings and worked examples."""

import re

import pytest
import torch

from autolearn.core.constraints import LINE, Excerpt, OneOf, Pattern
from autolearn.core.model_calls import Message, Prompt, Request, Sampling
from autolearn.engine.decoding.prefix_cache import LEAST
from tests.support.tiny import build_sliding, never

pytestmark = pytest.mark.torch_model

SOURCE = 'The mill of "Avel" opened in 1842.\nIt grinds rye / barley (10 % of all).'
FORMS = {
    "one of": (OneOf(("red", "reddish", "blue \\ green", 'a "quoted" word')),),
    "excerpt": ('"', Excerpt(SOURCE), '"'),
    "excerpt or none": ("Short: ", Excerpt(SOURCE, "none"), "!"),
    "pattern": (Pattern(r"[A-Z][a-z]{2,5} [0-9]{4}/[0-9]{2}"),),
    "tagged": ("Evidence: ", OneOf(("none", SOURCE)), "\nAnswer: ", Pattern("[a-z]+")),
    "line": (LINE, "?"),
}


def satisfies(constraint, text):
    """Return whether a text has a form, by another way than the engine's."""
    match = re.fullmatch("".join(map(regex, constraint)), text)
    excerpts = [part for part in constraint if isinstance(part, Excerpt)]
    return match is not None and all(
        stretch == excerpt.otherwise
        or (
            " ".join(stretch.split()) in " ".join(excerpt.source.split())
            and excerpt.allows(stretch.replace("\n ", "\n"))
        )
        for stretch, excerpt in zip(match.groups(), excerpts, strict=True)
    )


def regex(part):
    if isinstance(part, str):
        return re.escape(part)
    if isinstance(part, OneOf):
        return "(?:" + "|".join(map(re.escape, part.options)) + ")"
    return r"((?:.|\n)+)" if isinstance(part, Excerpt) else f"(?:{part.regex})"


def constrained_request(text, constraint=(), prefill="", **sampling):
    turns: tuple[Message, ...] = (Message("user", text),)
    if prefill:
        turns = (*turns, Message("assistant", prefill))
    return Request(
        Prompt("test", "0", turns),
        Sampling(**{"max_new_tokens": 110 - len(text), **sampling}),
        constraint,
    )


@pytest.mark.parametrize("heat", [0.0, 1.0])
def test_constrained_texts_match_in_any_batch(backend, heat):
    requests = [
        constrained_request(f"q{i}", form, temperature=heat, seed=i)
        for i, form in enumerate(FORMS.values())
    ]
    requests.append(constrained_request("free", temperature=heat))
    together = backend.complete(requests, never)
    assert together == [backend.complete([single], never)[0] for single in requests]
    for request, completion in zip(requests[:-1], together, strict=False):
        if completion.finish == "stop":
            assert satisfies(request.constraint, completion.text), completion.text
    complete = [
        completion for completion in together[:-1] if completion.finish == "stop"
    ]
    assert len(complete) >= 3


def test_a_complete_constraint_ends_the_text(backend):
    (completion,) = backend.complete([constrained_request("q", ("Yes.",))], never)
    assert (completion.text, completion.finish, completion.n_tokens) == (
        "Yes.",
        "stop",
        4,
    )


def test_a_constraint_computes_no_mask_while_the_model_follows_it(backend):
    lm = backend._lm
    (completion,) = backend.complete(
        [constrained_request("who?", (Pattern("[a-z]+"),))], never
    )
    is_masked = []
    matcher = lm.grammars.matcher((Pattern("[a-z]+"),))
    for token in lm.chat.encode(completion.text):
        logits = torch.zeros(len(lm.tokenizer))
        matcher.restrict(logits, token, greedy=True)
        is_masked.append(logits.isinf().any().item())
        matcher.take(token)
    assert is_masked
    assert not any(is_masked)
    matcher.restrict(logits, lm.chat.encode("!")[0], greedy=True)
    assert logits.isinf().any()


def test_an_impossible_constraint_raises_an_error(backend):
    with pytest.raises(Exception, match="output format"):
        backend.complete([constrained_request("q", (Pattern("("),))], never)


def test_every_family_continues_from_a_beginning_in_its_form(family, open_model):
    _, folder = family
    backend = open_model("none", folder)
    form = ('"', Excerpt(SOURCE), '"\nAnswer: ', OneOf(("yes", "no")))
    examples = (
        Message("system", "Rules."),
        Message("user", "a?"),
        Message("assistant", "b."),
    )
    turns = (*examples, Message("user", "c?"), Message("assistant", "Evidence: "))
    request = Request(Prompt("t", "0", turns), Sampling(max_new_tokens=60), form)
    (completion,) = backend.complete([request], never)
    assert completion.text.startswith('Evidence: "')
    if completion.finish == "stop":
        assert satisfies(("Evidence: ", *form), completion.text)
    whole = backend._lm.tokenizer.decode(backend._lm.chat.to_answer(turns)[0])
    assert whole.endswith("Evidence: ")
    assert whole.index("a?") < whole.index("b.") < whole.index("c?")


@pytest.mark.parametrize("build", [None, build_sliding])
def test_an_answer_continues_from_where_it_is_begun(open_model, tmp_path, build):
    backend = open_model("none", build(tmp_path)) if build else open_model()
    (whole,) = backend.complete(
        [constrained_request("why?", (Pattern("[a-z ]{12}"),))], never
    )
    rest = constrained_request("why?", (Pattern("[a-z ]{9}"),), prefill=whole.text[:3])
    (completion,) = backend.complete([rest], never)
    assert completion.text == whole.text
    assert (whole.n_tokens, completion.n_tokens) == (12, 9)


def n_read_by(backend, requests):
    """Return how many tokens a model reads to answer, and the answers."""
    read: list[int] = []
    embedding = backend._lm.model.get_input_embeddings()
    hook = embedding.register_forward_hook(
        lambda module, inputs, output: read.append(inputs[0].numel())
    )
    completions = backend.complete(requests, never)
    hook.remove()
    return sum(read), completions


def question_about(passage):
    """Return two requests on a passage, after a worked example."""
    example = (Message("user", "x" * LEAST), Message("assistant", "yes"))
    return [
        Request(
            Prompt("t", "0", (*example, Message("user", passage + end))),
            Sampling(max_new_tokens=1),
        )
        for end in ("a?", "b?")
    ]


def test_worked_examples_are_read_once_for_all_later_prompts(backend):
    sea, hill, wood = map(question_about, ("sea " * 8, "hills " * 5, "wood " * 6))
    n_first, first = n_read_by(backend, [*sea, *hill])
    n_later, later = n_read_by(backend, wood)
    assert n_first < 2 * LEAST + 30 + 2 * 40
    assert n_later < 30 + 40
    backend._lm.prefixes.clear()
    assert backend.complete(sea, never) == first[:2]
    assert backend.complete(wood, never) == later


def test_switching_adapters_clears_the_prefix_cache(backend):
    requests = [*question_about("sea " * 8), *question_about("hills " * 5)]
    backend.complete(requests, never)
    ids = backend._lm.chat.prompt(requests[0].prompt.chat)
    assert backend._lm.prefixes.longest(ids)[0] >= LEAST
    backend.use_adapter(None)
    assert backend._lm.prefixes.longest(ids) == (0, [])

"""Meta-skill items match the prompts and constraints of the engine."""

import pytest

from autolearn.core.gold import GoldExample
from autolearn.demo import gold_examples
from autolearn.engine.trainer.batches import encode
from autolearn.metaskills import examples as gold
from autolearn.metaskills import items
from autolearn.study import grounding
from tests.support.skill_requests import requests_by_chat

pytestmark = pytest.mark.torch_model

EXAMPLES = [
    *gold_examples.examples(n_passages=12),
    GoldExample(
        'The mill of "Avel" (Boro) opened on 3 May 1842, it is said.\nIt grinds rye.',
        'When did the mill of "Avel" open?',
        "3 May 1842",
        "The mill: a history",
    ),
    GoldExample(
        "Die Mühle in Avel mahlt 12,5 Tonnen Roggen.", "Was mahlt Avel?", "Roggen"
    ),
]
ITEMS, _ = items.make(EXAMPLES, 60, 0, lambda question: False)


def test_what_follows_the_given_beginning_is_learned(family, open_model):
    _, folder = family
    chat = open_model("none", folder)._lm.chat
    assert ITEMS
    for item in ITEMS:
        row = encode(item, chat).chosen
        requests_by_chat, _ = chat.to_answer(item.chat)
        prompt_ids, target_ids = row.ids[: row.n_prompt], row.ids[row.n_prompt :]
        assert requests_by_chat == prompt_ids
        rest = item.chosen.removeprefix(item.chat[-1].content)
        text = chat._tokenizer.decode(target_ids, skip_special_tokens=True)
        assert text.strip() == rest.strip()


def test_the_engine_allows_each_target_token_by_token(backend):
    requests = requests_by_chat(EXAMPLES)
    n_seen = 0
    for item in ITEMS:
        if items.skill_of(item) not in ("ask", "answer"):
            continue
        # The round trip asks for the short answer alone, which may be "none".
        targets = (item.chosen, item.chosen.partition("\nAnswer:")[0])
        assert any(
            _allows(backend, request, target)
            for request in requests[item.chat[:2]]
            for target in targets
        ), item.chosen
        n_seen += 1
    assert n_seen > 20


def _allows(backend, request, target):
    """Return whether the constraint of a request accepts each token of a target."""
    chat, grammars = backend._lm.chat, backend._lm.grammars
    _, n_prefill = chat.to_answer(request.prompt.chat)
    rest = chat.answer(target)[n_prefill:-1]
    matcher = grammars.matcher(request.constraint)._matcher
    return matcher.validate_tokens(rest) == len(rest)


def test_an_example_is_shown_below_its_title():
    one = EXAMPLES[-2]
    assert grounding.with_heading(gold.passage_of(one)).startswith(
        "# The mill: a history\n"
    )

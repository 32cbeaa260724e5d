"""Meta-skill items match the prompts and constraints of the engine."""

from typing import Any

import pytest

from autolearn.core.gold import GoldExample
from autolearn.core.model_calls import Message
from autolearn.demo import gold_examples
from autolearn.metaskills import examples as gold
from autolearn.metaskills import items
from autolearn.study import grounding, prompts
from tests.support.skill_requests import requests

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
MADE, _ = items.make(EXAMPLES, 60, 0, lambda question: False)
BEGUN = {
    prompts.load(name).system: prompts.load(name).prefill()
    for name in ("ask_sentence", "open_book", "verdict", "mend")
}


def test_the_beginning_that_is_given_is_the_one_that_was_trained(family, open_model):
    _, folder = family
    chat = open_model("none", folder)._lm.chat
    assert MADE
    for item in MADE:
        prefill = BEGUN.get(item.chat[0].content, item.chosen.partition(" ")[0])
        item_ids = chat.prompt(item.chat) + chat.answer(item.chosen)
        prompt_ids, _ = chat.to_answer((*item.chat, Message("assistant", prefill)))
        assert item_ids[: len(prompt_ids)] == prompt_ids


def test_the_engine_allows_each_target_token_by_token(backend):
    chat, grammars = backend._lm.chat, backend._lm.grammars
    prompt_ids: dict[Any, list[Any]] = {}
    for example in EXAMPLES:
        for other in EXAMPLES:
            pair = GoldExample(example.text, other.question, "", example.title)
            for request in requests(pair):
                prompt_ids.setdefault(request.prompt.chat[:2], []).append(request)
    n_targets = 0
    for item in MADE:
        if items.skill_of(item) not in ("ask", "answer"):
            continue
        fits = []
        for request in prompt_ids[item.chat]:
            _ids, n_begun = chat.to_answer(request.prompt.chat)
            rest = chat.answer(item.chosen)[n_begun:-1]
            inner = grammars.matcher(request.constraint)._matcher
            fits.append(inner.validate_tokens(rest) == len(rest))
        assert any(fits), item.chosen
        n_targets += 1
    assert n_targets > 20


def test_an_example_is_shown_below_its_title():
    example = EXAMPLES[-2]
    assert grounding.shown(gold.passage_of(example)).startswith(
        "# The mill: a history\n"
    )

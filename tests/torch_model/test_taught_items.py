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
        begun = BEGUN.get(item.chat[0].content, item.chosen.partition(" ")[0])
        trained = chat.prompt(item.chat) + chat.answer(item.chosen)
        asked, _ = chat.to_answer((*item.chat, Message("assistant", begun)))
        assert trained[: len(asked)] == asked


def test_the_engine_allows_each_target_token_by_token(backend):
    chat, grammars = backend._lm.chat, backend._lm.grammars
    asked: dict[Any, list[Any]] = {}
    for one in EXAMPLES:
        for other in EXAMPLES:
            pair = GoldExample(one.text, other.question, "", one.title)
            for request in requests(pair):
                asked.setdefault(request.prompt.chat[:2], []).append(request)
    seen = 0
    for item in MADE:
        if items.skill_of(item) not in ("ask", "answer"):
            continue
        fits = []
        for request in asked[item.chat]:
            _ids, n_begun = chat.to_answer(request.prompt.chat)
            rest = chat.answer(item.chosen)[n_begun:-1]
            inner = grammars.matcher(request.constraint)._matcher
            fits.append(inner.validate_tokens(rest) == len(rest))
        assert any(fits), item.chosen
        seen += 1
    assert seen > 20


def test_an_example_is_shown_below_its_title():
    one = EXAMPLES[-2]
    assert grounding.shown(gold.passage_of(one)).startswith("# The mill: a history\n")

"""Gold examples are turned into meta-skill items."""

import random
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolearn.core.constraints import Excerpt, OneOf
from autolearn.core.gold import GoldExample
from autolearn.core.records import Answer, Feedback, Passage, Question
from autolearn.demo import gold_examples
from autolearn.metaskills import examples as gold
from autolearn.metaskills import items
from autolearn.metaskills.distractors import Distractors, are_alike, kind_of
from autolearn.study import answers, fact_questions, feedback
from autolearn.text import model_output, sentences
from autolearn.training.leakage import Guard
from tests.support.skill_requests import WRITER, requests

TEXT = "Ada Lum founded Avel in 1711. It has 300 inhabitants."
INVENTED = gold_examples.examples(n_passages=40)


def regex(part):
    if isinstance(part, str):
        return re.escape(part)
    if isinstance(part, OneOf):
        return "(?:" + "|".join(map(re.escape, part.options)) + ")"
    return r"((?:.|\n)+?)" if isinstance(part, Excerpt) else f"(?:{part.regex})"


def satisfies(request, target):
    """Return whether a target is what the request lets a model write."""
    last = request.prompt.chat[-1]
    prefill = last.content if last.role == "assistant" else ""
    if not target.startswith(prefill):
        return False
    match = re.fullmatch(
        "".join(map(regex, request.constraint)), target[len(prefill) :]
    )
    sources = [part for part in request.constraint if isinstance(part, Excerpt)]
    return match is not None and all(
        source.allows(text)
        for source, text in zip(sources, match.groups(), strict=True)
    )


def items_of_skill(all_items, skill):
    return [item for item in all_items if items.skill_of(item) == skill]


WORDS = st.text("abcdeé中 .,!?'\"-13\n", min_size=1, max_size=60)
EXAMPLES = st.lists(
    st.builds(
        GoldExample,
        st.one_of(WORDS, st.sampled_from([example.text for example in INVENTED[:9]])),
        st.one_of(WORDS.map(str.strip), st.just("Who founded Avel?")).filter(bool),
        st.one_of(WORDS.map(str.strip), st.sampled_from(["1711", "Ada"])),
        answerable=st.booleans(),
        sentence=st.sampled_from(["", "Avel was founded in 1711."]),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=40)
@given(EXAMPLES, st.integers(0, 3))
def test_each_target_satisfies_the_constraint_of_its_request(random_examples, seed):
    examples = [*random_examples, *random.Random(seed).sample(INVENTED, 4)]
    made_items, _ = items.make(examples, 48, seed, lambda question: False)
    by_chat: dict[Any, list[Any]] = {
        r.prompt.chat[:2]: [] for example in examples for r in requests(example)
    }
    for example in examples:
        for other in examples:  # what a text does not tell is asked of it too
            other_example = GoldExample(example.text, other.question, "", example.title)
            for request in requests(other_example):
                by_chat.setdefault(request.prompt.chat[:2], []).append(request)
    assert made_items
    for item in made_items:
        if items.skill_of(item) in ("ask", "answer"):
            assert any(
                satisfies(request, item.chosen) for request in by_chat[item.chat]
            )
    for item in items_of_skill(made_items, "ask"):
        assert item.chosen.endswith(fact_questions.QUESTION_MARKS)
        assert model_output.tagged(item.chosen)["question"]
    texts = [
        sentence.text for example in examples for sentence in sentences.of(example.text)
    ]
    for item in items_of_skill(made_items, "answer"):
        evidence = item.chosen.removeprefix("Evidence: ").partition("\nShort answer: ")[
            0
        ]
        assert evidence in texts


def test_verdict_and_feedback_items_use_the_prompts_of_the_study():
    made_items, _ = items.make(INVENTED, 400, 0, lambda question: False)
    assert all(
        items_of_skill(made_items, skill) for skill in ("verdict", "feedback", "refine")
    )
    for item in items_of_skill(made_items, "verdict"):
        match = re.fullmatch(
            r"Question: (.*)\nRight answer: (.*)\nAnswer: (.*)\nDoes .*",
            item.chat[-1].content,
        )
        assert match
        assert (
            item.chat == feedback.verdict_request(WRITER, *match.groups()).prompt.chat
        )
        right = item.chosen == "Verdict: correct"
        assert right or item.chosen == "Verdict: incorrect"
        assert model_output.verdict(item.chosen) == (
            "correct" if right else "incorrect"
        )
    by_text = {(example.question, example.text): example for example in INVENTED}
    for item in items_of_skill(made_items, "feedback"):
        example, _ = comparison_of(item, by_text)
        assert item.chat == request_of(example, item).prompt.chat[:-1]
        assert satisfies(request_of(example, item), item.chosen)
        assert model_output.verdict(item.chosen) == "incorrect"
    for item in items_of_skill(made_items, "refine"):
        assert item.chosen.startswith("Better answer: ")
        critique = item.chat[-1].content.partition("\nFeedback: ")[2]
        assert "\nVerdict: incorrect\nReason: The text gives" in critique


def comparison_of(item, by_text):
    text, _, rest = item.chat[-1].content.rpartition("\n\nQuestion: ")
    question = rest.partition("\n")[0]
    return by_text[question, text], text


def request_of(example, item):
    (wrong,) = re.findall(r"^The answer says: (.*)$", item.chosen, re.M)
    comparison = feedback.Comparison(
        Question(example.question, "study", "gold", 0),
        Answer(0, "closed_book", wrong),
        Answer(0, "open_book", example.sentence),
    )
    facts = feedback.known_facts(comparison, "incorrect")
    return feedback.reason_request(
        WRITER, 0, comparison, facts, {0: gold.passage_of(example)}
    )


def test_refinement_items_use_the_prompt_of_the_study():
    made_items, _ = items.make(INVENTED, 80, 1, lambda question: False)
    assert items_of_skill(made_items, "refine")
    for item in items_of_skill(made_items, "refine"):
        match = re.fullmatch(
            r"(?s)(.*)\n\nQuestion: (.*?)\nFirst answer: (.*?)\nFeedback: (.*)\nWr.*",
            item.chat[-1].content,
        )
        assert match
        text, question, answer, critique = match.groups()
        request = answers.refinement_request(
            WRITER,
            Question(question, "study", "gold", 0),
            Answer(0, "closed_book", answer),
            Feedback(0, "critique", critique, "incorrect", None),
            {0: Passage(0, 0, 0, 9, text, 0)},
        )
        assert item.chat == request.prompt.chat[:-1]
        assert satisfies(request, item.chosen)


def test_the_skills_are_balanced():
    made_items, n_blocked = items.make(INVENTED, 80, 0, lambda question: False)
    counts = Counter(map(items.skill_of, made_items))
    assert (len(made_items), n_blocked) == (80, 0)
    assert counts == dict(ask=20, answer=20, verdict=20, feedback=10, refine=10)
    assert Counter(item.chosen for item in items_of_skill(made_items, "verdict")) == {
        "Verdict: correct": 10,
        "Verdict: incorrect": 10,
    }
    none = [
        item
        for item in items_of_skill(made_items, "answer")
        if "Short answer: none" in item.chosen
    ]
    assert len(none) == 20 / items.WITHOUT_ANSWER
    assert {item.chosen.partition("\nAnswer: ")[2] for item in none} == {
        "The text does not say."
    }


def test_the_same_seed_gives_the_same_items_in_whatever_order_the_examples_come():
    first, _ = items.make(INVENTED, 60, 3, lambda question: False)
    second, _ = items.make(INVENTED[::-1], 60, 3, lambda question: False)
    third, _ = items.make(INVENTED, 60, 4, lambda question: False)
    assert first == second != third


def test_no_question_of_the_quiz_is_among_the_items():
    quiz = [one.question for one in INVENTED[::2]]
    blocks = Guard(quiz).blocks
    made, blocked = items.make(INVENTED, 200, 0, blocks)
    assert blocked >= len(quiz) / 2
    assert made
    told = [f"{item.chat[-1].content}\n{item.chosen}" for item in made]
    asked = [q for text in told for q in re.findall(r"^Question: (.*)$", text, re.M)]
    assert len(asked) >= len(made)
    assert not set(asked) & set(quiz)


def test_a_wrong_answer_is_of_the_same_kind_and_not_right():
    chance, source = random.Random(0), Distractors(INVENTED)
    by_answer: dict[str, set[Any]] = {}
    for example in INVENTED:
        by_answer.setdefault(example.answer, set()).add(kind_of(example))
    wrong = [(example, source.wrong(example, chance)) for example in INVENTED]
    assert sum(text is not None for _, text in wrong) > 0.8 * len(wrong)
    for example, text in wrong:
        if text is not None:
            assert kind_of(example) in by_answer[text]
            assert not are_alike(text, example.answer)
            assert not gold.is_in(text, example.text)
            other_example = [
                gold.swapped(example, form, text) for form in gold.forms(example)
            ]
            assert all(text in form for form in other_example)
            assert not any(gold.is_in(example.answer, form) for form in other_example)


@pytest.mark.parametrize(
    ("question", "answer", "kind"),
    [
        ("When was Avel founded?", "12 May 1711", ("when", "date")),
        ("In which year?", "1711", ("which", "date")),
        ("How many people live there?", "300", ("how many", "number")),
        ("Who founded Avel?", "Ada Lum", ("who", "name")),
        ("What does it eat?", "oats", ("what", "other")),
        ("Wann wurde Avel gegründet?", "3. März 1711", ("wann", "date")),
        ("¿Quién fundó Avel?", "Ada", ("quién", "name")),
        ("阿韦尔有多少居民？", "300", ("多少", "number")),  # noqa: RUF001
    ],
)
def test_the_kind_of_a_question(question, answer, kind):
    assert kind_of(GoldExample("", question, answer)) == kind


def test_the_evidence_is_the_sentence_with_the_answer_that_is_most_like_the_question():
    text = "Avel was founded in 1711. In 1711 Boro burnt down. In 17111 it did not."
    example = GoldExample(text, "When did Boro burn down?", "1711")
    assert gold.evidence_of(example) == "In 1711 Boro burnt down."
    assert gold.evidence_of(GoldExample(text, "When?", "171")) == ""


def test_an_answer_that_is_in_no_sentence_is_neither_asked_for_nor_quoted():
    examples = [GoldExample(TEXT, "Who founded Avel?", f"Bo {i}") for i in range(9)]
    made_items, _ = items.make(examples, 40, 0, lambda question: False)
    assert not items_of_skill(made_items, "ask")
    assert not items_of_skill(made_items, "answer")


def test_a_question_that_does_not_stand_alone_is_not_taught():
    example = GoldExample(TEXT, "When was it founded?", "1711")
    assert not items_of_skill(items.make([example], 40, 0, lambda q: False)[0], "ask")


def test_feedback_in_a_language_without_a_wording_is_left_out():
    text = "Avel alapítója Ada Lum volt, és a városnak {} lakosa van."
    examples = [
        GoldExample(text.format(i), f"Who has Avel {i}?", str(i))
        for i in range(300, 320)
    ]
    made_items, _ = items.make(examples, 80, 0, lambda question: False)
    assert not items_of_skill(made_items, "feedback")


def test_the_invented_corpus_is_the_same_each_time_and_stands_in_its_texts():
    assert gold_examples.examples(n_passages=40) == INVENTED
    assert all(gold.evidence_of(example) == example.evidence for example in INVENTED)

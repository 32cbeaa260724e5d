"""Gold examples are turned into meta-skill items."""

import random
import re
from collections import Counter

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
from autolearn.study import answers, feedback
from autolearn.text import model_output, sentences
from autolearn.training.leakage import Guard
from tests.support.skill_requests import WRITER, requests_by_chat

TEXT = "Ada Lum founded Avel in 1711. It has 300 inhabitants."
WORLD_EXAMPLES = gold_examples.examples(n_passages=40)


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


def items_of_skill(skill_items, skill):
    return [item for item in skill_items if items.skill_of(item) == skill]


def request_text(item):
    """Return the last turn of the user; the answer is begun in the turn after it."""
    *_, user, beginning = item.chat
    assert (user.role, beginning.role) == ("user", "assistant")
    return user.content


WORDS = st.text("abcdeé中 .,!?'\"-13\n", min_size=1, max_size=60)
EXAMPLES = st.lists(
    st.builds(
        GoldExample,
        st.one_of(WORDS, st.sampled_from([one.text for one in WORLD_EXAMPLES[:9]])),
        st.one_of(WORDS.map(str.strip), st.just("Who founded Avel?")).filter(bool),
        st.one_of(WORDS.map(str.strip), st.sampled_from(["1711", "Ada"])),
        answerable=st.booleans(),
        sentence=st.sampled_from(["", "Avel was founded in 1711."]),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=40)
@given(EXAMPLES, st.integers(0, 3))
def test_each_target_satisfies_the_constraint_of_its_request(examples, seed):
    pool = [*examples, *random.Random(seed).sample(WORLD_EXAMPLES, 4)]
    skill_items, _ = items.make(pool, 48, seed, lambda question: False)
    requests = requests_by_chat(pool)
    assert skill_items
    for item in skill_items:
        if items.skill_of(item) in ("ask", "answer"):
            # The round trip asks for the short answer alone, which may be "none".
            short = item.chosen.partition("\nAnswer:")[0]
            assert any(
                satisfies(request, target)
                for request in requests[item.chat[:2]]
                for target in (item.chosen, short)
            )
    for item in items_of_skill(skill_items, "ask"):
        assert sentences.is_question(item.chosen)
        assert model_output.parse_tags(item.chosen)["question"]
    texts = [sentence.text for one in pool for sentence in sentences.of(one.text)]
    for item in items_of_skill(skill_items, "answer"):
        quotes = item.chosen.removeprefix("Evidence: ").partition("\nShort answer: ")[0]
        assert quotes in texts


def test_verdict_and_feedback_items_use_the_prompts_of_the_study():
    skill_items, _ = items.make(WORLD_EXAMPLES, 400, 0, lambda question: False)
    assert all(
        items_of_skill(skill_items, skill)
        for skill in ("verdict", "feedback", "refine")
    )
    for item in items_of_skill(skill_items, "verdict"):
        match = re.fullmatch(
            r"Question: (.*)\nRight answer: (.*)\nAnswer: (.*)\nDoes .*",
            request_text(item),
        )
        assert match is not None
        request = feedback.verdict_request(WRITER, *match.groups())
        assert item.chat[:-1] == request.prompt.chat
        assert item.chat[-1].content == "Verdict:"
        right = item.chosen == "Verdict: correct"
        assert right or item.chosen == "Verdict: incorrect"
        assert model_output.verdict(item.chosen) == (
            "correct" if right else "incorrect"
        )
    by_text = {(one.question, one.text): one for one in WORLD_EXAMPLES}
    for item in items_of_skill(skill_items, "feedback"):
        one, _ = comparison_of(item, by_text)
        assert item.chat == request_of(one, item).prompt.chat
        assert satisfies(request_of(one, item), item.chosen)
        assert model_output.verdict(item.chosen) == "incorrect"
    for item in items_of_skill(skill_items, "refine"):
        assert item.chosen.startswith("Better answer: ")
        critique = request_text(item).partition("\nFeedback: ")[2]
        assert "\nVerdict: incorrect\nReason: The text gives" in critique


def comparison_of(item, by_text):
    text, _, rest = request_text(item).rpartition("\n\nQuestion: ")
    question = rest.partition("\n")[0]
    return by_text[question, text], text


def request_of(one, item):
    match = re.search(r"^The answer says: (.*)$", item.chosen, re.M)
    assert match is not None
    comparison = feedback.Comparison(
        Question(one.question, "study", "gold", 0),
        Answer(0, "closed_book", match[1]),
        Answer(0, "open_book", one.sentence),
    )
    prefill = feedback.known_facts(comparison, "incorrect")
    return feedback.reason_request(
        WRITER, 0, comparison, prefill, {0: gold.passage_of(one)}
    )


def test_refinement_items_use_the_prompt_of_the_study():
    skill_items, _ = items.make(WORLD_EXAMPLES, 80, 1, lambda question: False)
    assert items_of_skill(skill_items, "refine")
    for item in items_of_skill(skill_items, "refine"):
        match = re.fullmatch(
            r"(?s)(.*)\n\nQuestion: (.*?)\nFirst answer: (.*?)\nFeedback: (.*)\nWr.*",
            request_text(item),
        )
        assert match is not None
        text, question, answer, critique = match.groups()
        request = answers.refinement_request(
            WRITER,
            Question(question, "study", "gold", 0),
            Answer(0, "closed_book", answer),
            Feedback(0, "critique", critique, "incorrect", None),
            {0: Passage(0, 0, 0, 9, text, 0)},
        )
        assert item.chat == request.prompt.chat
        assert satisfies(request, item.chosen)


def test_the_skills_are_balanced():
    skill_items, n_blocked = items.make(WORLD_EXAMPLES, 90, 0, lambda question: False)
    counts = Counter(map(items.skill_of, skill_items))
    assert (len(skill_items), n_blocked) == (90, 0)
    assert counts == dict(ask=20, answer=30, verdict=20, feedback=10, refine=10)
    assert Counter(item.chosen for item in items_of_skill(skill_items, "verdict")) == {
        "Verdict: correct": 10,
        "Verdict: incorrect": 10,
    }
    none = [
        item for item in items_of_skill(skill_items, "answer") if says_nothing(item)
    ]
    assert len(none) == 15
    assert {item.chosen.partition("\nAnswer: ")[2] for item in none} == {
        "The text does not say."
    }


def says_nothing(item):
    return "Short answer: none\n" in item.chosen


def test_a_sentence_that_does_not_tell_it_is_answered_with_none():
    by_question = {(one.text, one.question): one for one in WORLD_EXAMPLES}
    skill_items, _ = items.make(WORLD_EXAMPLES, 270, 0, lambda question: False)
    n_of_its_text = 0
    for item in filter(says_nothing, items_of_skill(skill_items, "answer")):
        text, _, rest = request_text(item).rpartition("\n\nQuestion: ")
        one = by_question.get((text, rest.partition("\n")[0]))
        quotes = item.chosen.removeprefix("Evidence: ").partition("\n")[0]
        assert quotes in text
        if one is not None:
            n_of_its_text += 1
            assert gold.is_in(one.answer, text)
            assert not gold.is_in(one.answer, quotes)
    assert n_of_its_text == 30


def test_a_sentence_with_another_date_is_preferred_for_a_date_that_it_does_not_tell():
    texts = [
        f"Filming of Ker {i} began in May 19{i}. It has a red cover. Ker {i} was "
        f"released in 20{i}."
        for i in range(10, 30)
    ]
    pool = [
        GoldExample(text, f"When was Ker {i} released?", f"20{i}")
        for i, text in enumerate(texts, 10)
    ]
    skill_items, _ = items.make(pool, 90, 0, lambda question: False)
    quotes = [
        i.chosen for i in items_of_skill(skill_items, "answer") if says_nothing(i)
    ]
    n_filming = sum("Filming of" in text for text in quotes)
    assert n_filming >= 6
    assert not any("red cover" in text for text in quotes)


def test_texts_of_one_sentence_give_items_too():
    pool = [
        GoldExample(
            f"Boat {i} was built in 19{i}.", f"When was Boat {i} built?", f"19{i}"
        )
        for i in range(10, 40)
    ]
    skill_items, _ = items.make(pool, 90, 0, lambda question: False)
    answers = items_of_skill(skill_items, "answer")
    assert len(answers) == 30
    assert any(map(says_nothing, answers))


def test_only_what_the_request_does_not_give_is_learned_and_items_count_alike():
    skill_items, _ = items.make(WORLD_EXAMPLES, 180, 0, lambda question: False)
    targets: dict[str | None, set[tuple[str, float]]] = {}
    for item in skill_items:
        beginning = item.chat[-1].content
        assert item.chosen.startswith(beginning)
        targets.setdefault(items.skill_of(item), set()).add(
            (item.chosen[len(beginning) :], item.weight)
        )
    assert {text for text, _ in targets["verdict"]} == {" correct", " incorrect"}
    assert all("Evidence" not in text for text, _ in targets["answer"])
    assert {text.partition(" The")[0] for text, _ in targets["feedback"]} == {""}
    every = [pair for pairs in targets.values() for pair in pairs]
    shares = [weight * (1 + len(text.split())) for text, weight in every]
    assert len(shares) > 100
    assert shares == pytest.approx([1.0] * len(shares))


def test_the_same_seed_gives_the_same_items_in_whatever_order_the_examples_come():
    one, _ = items.make(WORLD_EXAMPLES, 60, 3, lambda question: False)
    two, _ = items.make(WORLD_EXAMPLES[::-1], 60, 3, lambda question: False)
    other, _ = items.make(WORLD_EXAMPLES, 60, 4, lambda question: False)
    assert one == two != other


def test_no_question_of_the_quiz_is_among_the_items():
    quiz = [example.question for example in WORLD_EXAMPLES[::2]]
    blocks = Guard(quiz).blocks
    skill_items, n_blocked = items.make(WORLD_EXAMPLES, 200, 0, blocks)
    assert n_blocked >= len(quiz) / 2
    assert skill_items
    texts = [f"{request_text(item)}\n{item.chosen}" for item in skill_items]
    requests_by_chat = [
        q for text in texts for q in re.findall(r"^Question: (.*)$", text, re.M)
    ]
    assert len(requests_by_chat) >= len(skill_items)
    assert not set(requests_by_chat) & set(quiz)


def test_a_wrong_answer_is_of_the_same_kind_and_not_right():
    chance, source = random.Random(0), Distractors(WORLD_EXAMPLES)
    by_answer: dict[str, set[tuple[str, str]]] = {}
    for one in WORLD_EXAMPLES:
        by_answer.setdefault(one.answer, set()).add(kind_of(one))
    wrong = [(one, source.wrong(one, chance)) for one in WORLD_EXAMPLES]
    assert sum(text is not None for _, text in wrong) > 0.8 * len(wrong)
    for one, text in wrong:
        if text is not None:
            assert kind_of(one) in by_answer[text]
            assert not are_alike(text, one.answer)
            assert not gold.is_in(text, one.text)
            other_examples = [gold.swapped(one, form, text) for form in gold.forms(one)]
            assert all(text in form for form in other_examples)
            assert not any(gold.is_in(one.answer, form) for form in other_examples)


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
    one = GoldExample(text, "When did Boro burn down?", "1711")
    assert gold.evidence_of(one) == "In 1711 Boro burnt down."
    assert gold.evidence_of(GoldExample(text, "When?", "171")) == ""


def test_an_answer_that_is_in_no_sentence_is_neither_asked_for_nor_quoted():
    pool = [GoldExample(TEXT, "Who founded Avel?", f"Bo {i}") for i in range(9)]
    skill_items, _ = items.make(pool, 40, 0, lambda question: False)
    assert not items_of_skill(skill_items, "ask")
    assert not items_of_skill(skill_items, "answer")


def test_a_question_that_does_not_stand_alone_is_not_taught():
    one = GoldExample(TEXT, "When was it founded?", "1711")
    assert not items_of_skill(items.make([one], 40, 0, lambda q: False)[0], "ask")


def test_feedback_in_a_language_without_a_wording_is_left_out():
    text = "Avel alapítója Ada Lum volt, és a városnak {} lakosa van."
    pool = [
        GoldExample(text.format(i), f"Who has Avel {i}?", str(i))
        for i in range(300, 320)
    ]
    skill_items, _ = items.make(pool, 80, 0, lambda question: False)
    assert not items_of_skill(skill_items, "feedback")


def test_the_invented_corpus_is_the_same_each_time_and_stands_in_its_texts():
    assert gold_examples.examples(n_passages=40) == WORLD_EXAMPLES
    assert all(gold.evidence_of(one) == one.evidence for one in WORLD_EXAMPLES)

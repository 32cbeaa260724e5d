"""Turn gold examples into the training items of a meta-skill round.

An item is a request of the protocol ``taught`` with its answer as the target. What the
request gives of the answer, such as the evidence, is not learned. The functions of the
study make the requests, so the model is asked later with exactly the prompts that it
was trained on. The skills are those of SELF (arXiv 2310.00533: feedback
and refinement) and those of the study (asking, and answering with evidence). The
closed-book term of the SELF loss, log p(r_hat | p), is left out: a meta-skill round
teaches how to work with a text, not what the texts of a corpus say.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil

from autolearn.core.constraints import Excerpt
from autolearn.core.gold import GoldExample
from autolearn.core.model_calls import Chat, Message
from autolearn.core.records import Answer, Feedback, Question, TrainItem
from autolearn.core.settings import StudySettings
from autolearn.metaskills.distractors import Distractors, has_shape, shape
from autolearn.metaskills.examples import (
    evidence_of,
    forms,
    not_stated,
    passage_of,
    reason,
    right_answer,
    swapped,
)
from autolearn.study import answers, feedback, grounding, prompts
from autolearn.study.fact_questions import QUESTION, about_sentence
from autolearn.study.generation import OfflineBuilder, RequestBuilder
from autolearn.study.grounding import TextQuestion
from autolearn.text import matching, self_containment, sentences

Skill = str
SHARES: dict[Skill, int] = {
    "ask": 2,
    "answer": 3,
    "verdict": 2,
    "feedback": 1,
    "refine": 1,
}
"""The skills, with the number of items of each out of nine."""
_PROMPTS: dict[Skill, tuple[str, ...]] = {
    "ask": ("ask_sentence",),
    "answer": ("open_book",),
    "verdict": ("verdict",),
    "feedback": ("feedback", "feedback_free"),
    "refine": ("mend", "refine", "refine_free"),
}
"""The prompts for each skill."""
ANSWERS = ("told", "other sentence", "told", "other text", "told", "other sentence")
"""The open-book items in turn. *told*: the evidence answers the question. *other
sentence*: another sentence of the text does, as where a round trip has to fail. *other
text*: the question is about another text. For the last two the short answer is "none".
"""
POOL = 8
"""Examples that are drawn for each item; wrong answers come from them too."""

Blocks = Callable[[str], bool]
"""Returns whether a question must not be trained on."""


@dataclass(frozen=True)
class _Source:
    """The examples of a round in random order, with their distractors."""

    examples: Sequence[GoldExample]
    distractors: Distractors
    chance: random.Random
    builder: RequestBuilder


def make(
    examples: Sequence[GoldExample], n: int, seed: int, blocks: Blocks
) -> tuple[list[TrainItem], int]:
    """Return at most ``n`` items, shuffled, and the number of blocked examples.

    Each skill has its share, each example gives at most one item of a skill, and half
    of the verdicts are on right answers. The result depends on the examples and the
    seed, not on the order of the examples.
    """
    in_order = sorted(examples, key=_key)
    usable = [example for example in in_order if not blocks(example.question)]
    plain_examples = [
        example for example in usable if example.text and not example.response
    ]
    rng = random.Random(f"{seed} meta-skills")
    builder = OfflineBuilder(StudySettings(protocol="taught"))
    items: list[TrainItem] = []
    for skill, share in SHARES.items():
        rng.shuffle(plain_examples)
        source = _Source(
            tuple(plain_examples), Distractors(plain_examples), rng, builder
        )
        items += islice(_MAKERS[skill](source), ceil(n * share / sum(SHARES.values())))
    rng.shuffle(items)
    return items[:n], len(in_order) - len(usable)


def skill_of(item: TrainItem) -> Skill | None:
    """Return the skill that an item teaches, recognised by its system prompt.

    An item is stored as a chat, without the name of its prompt: items of files and of
    earlier versions have none. ``skill_of_prompt`` asks the prompt of a generation
    instead.
    """
    if not item.chat:
        return None
    rules = item.chat[0].content
    skills = (
        skill
        for skill, names in _PROMPTS.items()
        if any(prompts.load(name).system == rules for name in names)
    )
    return next(skills, None)


def skill_of_prompt(name: str) -> Skill | None:
    """Return the skill that answering a prompt of this name takes."""
    return next((skill for skill, names in _PROMPTS.items() if name in names), None)


def _key(example: GoldExample) -> tuple[str, ...]:
    return (
        example.text,
        example.title,
        example.question,
        example.answer,
        example.sentence,
    )


def _item(chat: Chat, rest: str) -> TrainItem:
    """Return a chat that ends with the beginning of an answer, and the whole answer."""
    return counting_alike(TrainItem("sft", chat, f"{chat[-1].content}{rest}"))


def counting_alike(item: TrainItem) -> TrainItem:
    """Return an item with the weight by which it counts as much as any other.

    The loss is a mean over tokens: a verdict of one word would count a twentieth of a
    question.
    """
    last = item.chat[-1] if item.chat else None
    beginning = last.content if last and last.role == "assistant" else ""
    learned = item.chosen.removeprefix(beginning)
    return replace(item, weight=1 / (1 + sentences.n_words(learned)))


def _asking(source: _Source) -> Iterator[TrainItem]:
    """Yield items that copy a short answer from a sentence and then ask for it."""
    for example in source.examples:
        text = grounding.with_heading(passage_of(example))
        if self_containment.stands_alone(example.question, text):
            yield from question_items(source.builder, example)


def question_items(
    builder: RequestBuilder, example: GoldExample
) -> Iterator[TrainItem]:
    """Yield the item that asks the question of an example, if a study can ask it so."""
    stretch, question = _stretch(example), example.question
    if stretch and re.fullmatch(QUESTION.regex, question):
        text = grounding.with_heading(passage_of(example))
        source_parts = (text, evidence_of(example), stretch)
        request = about_sentence(builder, example, *source_parts)
        yield _item(request.prompt.chat, f" {example.answer}\nQuestion: {question}")


def _stretch(example: GoldExample) -> str:
    """Return the part of a sentence that holds the answer word for word, if any."""
    if not (example.answerable and matching.tells_something(example.answer)):
        return ""
    stretches = sentences.facts(evidence_of(example))
    return next((s for s in stretches if Excerpt(s).allows(example.answer)), "")


def _quoting(source: _Source) -> Iterator[TrainItem]:
    """Yield items that answer from a sentence, or say that it does not tell."""
    n = 0
    for i, example in enumerate(source.examples):
        kinds: tuple[str, ...] = (ANSWERS[n % len(ANSWERS)], "told")
        if not example.answerable:
            kinds = ("not answerable",)
        for kind in kinds:
            case, short, answer = _answered(source, i, kind)
            if made := list(_quoted(source.builder, case, short, answer)):
                yield from made
                n += 1
                break


def answer_items(builder: RequestBuilder, example: GoldExample) -> Iterator[TrainItem]:
    """Yield the item that answers the question of an example from its evidence."""
    text = grounding.with_heading(passage_of(example))
    case = TextQuestion(example, text, example.question, evidence_of(example))
    short = " ".join(example.answer.split())
    return _quoted(builder, case, short, right_answer(example))


def _quoted(
    builder: RequestBuilder, case: TextQuestion[GoldExample], short: str, answer: str
) -> Iterator[TrainItem]:
    """Yield the item of an answer, if its short answer can be copied."""
    is_allowed = Excerpt(case.sentence, grounding.NOT_STATED).allows(short)
    if case.question and case.sentence and answer and is_allowed:
        request = answers.quoting(builder, case)
        yield _item(request.prompt.chat, f" {short}\nAnswer: {answer}")


def _answered(
    source: _Source, i: int, kind: str
) -> tuple[TextQuestion[GoldExample], str, str]:
    """Return an example as a question with a sentence, and both forms of its answer."""
    example = source.examples[i]
    question, text = example.question, grounding.with_heading(passage_of(example))
    short, answer = grounding.NOT_STATED, not_stated(example)
    if kind == "told":
        sentence, short = evidence_of(example), " ".join(example.answer.split())
        answer = right_answer(example)
    elif kind == "other sentence":
        sentence = _other_sentence(example, source.chance)
    else:
        if kind == "other text":
            question = _other_question(source.examples, i)
        sentence = grounding.nearest_sentence(text, question)
    return TextQuestion(example, text, question, sentence), short, answer


def _other_sentence(example: GoldExample, chance: random.Random) -> str:
    """Return a sentence of the text that does not answer the question, if any.

    If the answer is a date or a number, a sentence with one is preferred: when
    filming began does not tell when a film was released.
    """
    terms = matching.key_terms("", example.answer)
    evidence = evidence_of(example)
    others = [
        sentence.text
        for sentence in sentences.of(example.text)
        if sentence.text != evidence
        and not any(matching.contains(sentence.text, term) for term in terms)
    ]
    if not (evidence and terms and others):
        return ""
    kind = shape(example.answer)
    alike = [text for text in others if has_shape(text, kind)]
    return chance.choice(alike or others)


def _other_question(examples: Sequence[GoldExample], i: int) -> str:
    """Return a question about another text that is clear by itself, if any."""
    text, title = examples[i].text, examples[i].title
    for other in (*examples[i + 1 :], *examples[:i]):
        is_other = other.text != text and (not title or other.title != title)
        is_answered = other.answer and matching.contains(text, other.answer)
        if (
            is_other
            and not is_answered
            and self_containment.stands_alone(other.question, other.text)
        ):
            return other.question
    return ""


def _judging(source: _Source) -> Iterator[TrainItem]:
    """Yield verdicts, alternating between right and wrong answers.

    The reference has another form than the answer if there are two forms, since a
    study compares sentences that are not worded alike.
    """
    beginning = Message("assistant", prompts.load("verdict").prefill())
    is_right = True
    for example in source.examples:
        wrong = source.distractors.wrong(example, source.chance)
        if wrong is None:
            continue
        all_forms = forms(example)
        form = source.chance.choice(all_forms)
        reference = source.chance.choice([f for f in all_forms if f != form] or [form])
        answer = form if is_right else swapped(example, form, wrong)
        triple = (example.question, reference, answer)
        label = feedback.VERDICTS[0 if is_right else 1]
        request = feedback.verdict_request(source.builder, *triple)
        yield _item((*request.prompt.chat, beginning), label)
        is_right = not is_right


def _comparisons(
    source: _Source,
) -> Iterator[tuple[GoldExample, feedback.Comparison, str]]:
    """Yield examples with a wrong and the right answer, and why the first is wrong."""
    for example in source.examples:
        wrong = source.distractors.wrong(example, source.chance)
        words = wrong and reason(example, wrong)
        if wrong is None or not words:
            continue
        form = source.chance.choice(forms(example))
        comparison = feedback.Comparison(
            Question(example.question, "study", "gold", passage_id=0),
            Answer(0, "closed_book", swapped(example, form, wrong)),
            Answer(0, "open_book", right_answer(example)),
        )
        yield example, comparison, words


def _criticising(source: _Source) -> Iterator[TrainItem]:
    """Yield feedback on wrong answers: f of (p, r)."""
    for example, comparison, words in _comparisons(source):
        facts = feedback.known_facts(comparison, "incorrect")
        place = {0: passage_of(example)}
        request = feedback.reason_request(source.builder, 0, comparison, facts, place)
        yield _item(request.prompt.chat, f" {words}")


def _refining(source: _Source) -> Iterator[TrainItem]:
    """Yield refinements of wrong answers after feedback: r_hat of (p, r, f)."""
    for example, comparison, words in _comparisons(source):
        facts = feedback.known_facts(comparison, "incorrect")
        text = f"{facts}\nReason: {words}"
        critique = Feedback(0, "critique", text, "incorrect", None)
        request = answers.refinement_request(
            source.builder,
            comparison.question,
            comparison.answer,
            critique,
            {0: passage_of(example)},
        )
        yield _item(request.prompt.chat, f" {right_answer(example)}")


_MAKERS: dict[Skill, Callable[[_Source], Iterator[TrainItem]]] = {
    "ask": _asking,
    "answer": _quoting,
    "verdict": _judging,
    "feedback": _criticising,
    "refine": _refining,
}

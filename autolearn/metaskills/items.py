"""Turn gold examples into the training items of a meta-skill round.

An item is a request of the protocol ``taught`` with the whole answer as its target. The
functions of the study make the requests, so the model is asked later with exactly the
prompts that it was trained on. The skills are those of SELF (arXiv 2310.00533: feedback
and refinement) and those of the study (asking, and answering with evidence). The
closed-book term of the SELF loss, log p(r_hat | p), is left out: a meta-skill round
teaches how to work with a text, not what the texts of a corpus say.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import Any

from autolearn.core.constraints import Excerpt
from autolearn.core.gold import GoldExample
from autolearn.core.records import Answer, Feedback, Question, TrainItem
from autolearn.core.scripted_backend import ScriptedBackend
from autolearn.core.settings import StudySettings
from autolearn.metaskills.distractors import Distractors
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
from autolearn.study.generation import GenerationRequest, Generator
from autolearn.text import matching, sentences

Skill = str
SHARES: dict[Skill, int] = {
    "ask": 2,
    "answer": 2,
    "verdict": 2,
    "feedback": 1,
    "refine": 1,
}
"""The skills, with the number of items of each out of eight."""
_PROMPTS: dict[Skill, tuple[str, ...]] = {
    "ask": ("ask_sentence",),
    "answer": ("open_book",),
    "verdict": ("verdict",),
    "feedback": ("feedback", "feedback_free"),
    "refine": ("mend", "refine", "refine_free"),
}
"""The prompts for each skill."""
WITHOUT_ANSWER = 4
"""One in this many open-book items asks for something that the text does not say."""
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
    writer: Generator


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
    writer = _writer()
    items: list[TrainItem] = []
    for skill, share in SHARES.items():
        rng.shuffle(plain_examples)
        source = _Source(
            tuple(plain_examples), Distractors(plain_examples), rng, writer
        )
        items += islice(_MAKERS[skill](source), ceil(n * share / sum(SHARES.values())))
    rng.shuffle(items)
    return items[:n], len(in_order) - len(usable)


def skill_of(item: TrainItem) -> Skill | None:
    """Return the skill that an item teaches, recognised by its system prompt."""
    if not item.chat:
        return None
    rules = item.chat[0].content
    skills = (
        skill
        for skill, names in _PROMPTS.items()
        if any(prompts.load(name).system == rules for name in names)
    )
    return next(skills, None)


def _key(example: GoldExample) -> tuple[str, ...]:
    return (
        example.text,
        example.title,
        example.question,
        example.answer,
        example.sentence,
    )


def _writer() -> Generator:
    """Return a generator that builds requests and is never run."""
    settings = StudySettings(protocol="taught")
    return Generator(ScriptedBackend(()), settings, lambda: False, lambda share: None)


def _item(request: GenerationRequest[Any], answer: str) -> TrainItem:
    """Return a request with its whole answer, without the given beginning."""
    chat = request.prompt.chat
    if chat[-1].role == "assistant":
        assert answer.startswith(chat[-1].content)
        chat = chat[:-1]
    return TrainItem("sft", chat, answer)


def _asking(source: _Source) -> Iterator[TrainItem]:
    """Yield items that copy a short answer from a sentence and then ask for it."""
    for example in source.examples:
        stretch, question = _stretch(example), example.question
        text = grounding.shown(passage_of(example))
        if not stretch or not re.fullmatch(QUESTION.regex, question):
            continue
        if matching.stands_alone(question, text):
            source_parts = (text, evidence_of(example), stretch)
            request = about_sentence(source.writer, example, *source_parts)
            beginning = request.prompt.chat[-1].content
            yield _item(request, f"{beginning} {example.answer}\nQuestion: {question}")


def _stretch(example: GoldExample) -> str:
    """Return the part of a sentence that holds the answer word for word, if any."""
    if not (example.answerable and matching.tells_something(example.answer)):
        return ""
    stretches = sentences.facts(evidence_of(example))
    return next((s for s in stretches if Excerpt(s).allows(example.answer)), "")


def _quoting(source: _Source) -> Iterator[TrainItem]:
    """Yield items that quote the sentence with the answer, or the nearest sentence.

    With a nearest sentence, the taught answer is that the text does not say.
    """
    n = 0
    for i, example in enumerate(source.examples):
        question, text = example.question, grounding.shown(passage_of(example))
        sentence, answer = evidence_of(example), right_answer(example)
        short = " ".join(example.answer.split())
        if not example.answerable or n % WITHOUT_ANSWER == WITHOUT_ANSWER - 1:
            short, answer = grounding.NOT_STATED, not_stated(example)
            if example.answerable:
                question = _other_question(source.examples, i)
            sentence = grounding.nearest_sentence(text, question)
        is_allowed = Excerpt(sentence, grounding.NOT_STATED).allows(short)
        if question and sentence and answer and is_allowed:
            case = grounding.TextQuestion(example, text, question, sentence)
            request = answers.quoting(source.writer, case)
            beginning = request.prompt.chat[-1].content
            yield _item(request, f"{beginning} {short}\nAnswer: {answer}")
            n += 1


def _other_question(examples: Sequence[GoldExample], i: int) -> str:
    """Return a question about another text that is clear by itself, if any."""
    text, title = examples[i].text, examples[i].title
    for other in (*examples[i + 1 :], *examples[:i]):
        is_other = other.text != text and (not title or other.title != title)
        is_answered = other.answer and matching.contains(text, other.answer)
        if (
            is_other
            and not is_answered
            and matching.stands_alone(other.question, other.text)
        ):
            return other.question
    return ""


def _judging(source: _Source) -> Iterator[TrainItem]:
    """Yield verdicts, alternating between right and wrong answers."""
    beginning = prompts.load("verdict").prefill()
    is_right = True
    for example in source.examples:
        wrong = source.distractors.wrong(example, source.chance)
        if wrong is None:
            continue
        form = source.chance.choice(forms(example))
        answer = form if is_right else swapped(example, form, wrong)
        triple = (example.question, right_answer(example), answer)
        label = feedback.VERDICTS[0 if is_right else 1]
        yield _item(
            feedback.verdict_request(source.writer, *triple), f"{beginning}{label}"
        )
        is_right = not is_right


def _comparisons(
    source: _Source,
) -> Iterator[tuple[GoldExample, feedback.Comparison, str]]:
    """Yield examples with a wrong and the right answer, and their feedback."""
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
        text = feedback.known_facts(comparison, "incorrect")
        yield example, comparison, f"{text}\nReason: {words}"


def _criticising(source: _Source) -> Iterator[TrainItem]:
    """Yield feedback on wrong answers: f of (p, r)."""
    for example, comparison, text in _comparisons(source):
        beginning = feedback.known_facts(comparison, "incorrect")
        place = {0: passage_of(example)}
        yield _item(
            feedback.reason_request(source.writer, 0, comparison, beginning, place),
            text,
        )


def _refining(source: _Source) -> Iterator[TrainItem]:
    """Yield refinements of wrong answers after feedback: r_hat of (p, r, f)."""
    for example, comparison, text in _comparisons(source):
        critique = Feedback(0, "critique", text, "incorrect", None)
        request = answers.refinement_request(
            source.writer,
            comparison.question,
            comparison.answer,
            critique,
            {0: passage_of(example)},
        )
        beginning = request.prompt.chat[-1].content
        yield _item(request, f"{beginning} {right_answer(example)}")


_MAKERS: dict[Skill, Callable[[_Source], Iterator[TrainItem]]] = {
    "ask": _asking,
    "answer": _quoting,
    "verdict": _judging,
    "feedback": _criticising,
    "refine": _refining,
}

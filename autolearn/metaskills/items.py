"""Turn gold examples into the training items of a meta-skill round.

An item is what the protocol ``taught`` puts to the model, made by the very functions
that the study calls, with the whole answer as its target. So a model is asked later
with exactly the prompts that it was trained on. The skills are those of SELF (arXiv
2310.00533: feedback and refinement) and those of the loop (asking and answering with
evidence). The closed-book term of its loss, log p(r_hat | p), is left out: a
meta-skill round teaches how to work with a text, not what the texts of a corpus say.
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
"""The skills, and how many items each has of eight."""
_PROMPTS: dict[Skill, tuple[str, ...]] = {
    "ask": ("ask_sentence",),
    "answer": ("open_book",),
    "verdict": ("verdict",),
    "feedback": ("feedback", "feedback_free"),
    "refine": ("mend", "refine", "refine_free"),
}
"""The prompts that ask for a skill."""
WITHOUT_ANSWER = 4
"""One of so many open-book items asks what the text does not tell."""
POOL = 8
"""Examples that are looked at for each item; wrong answers come from them too."""

Blocks = Callable[[str], bool]
"""Returns whether a question must not be trained on."""


@dataclass(frozen=True)
class _Source:
    """The examples of a round in the order of its seed, and where wrong answers are."""

    examples: Sequence[GoldExample]
    distractors: Distractors
    chance: random.Random
    writer: Generator


def make(
    examples: Sequence[GoldExample], n: int, seed: int, blocks: Blocks
) -> tuple[list[TrainItem], int]:
    """Return at most ``n`` items, shuffled, and how many examples were blocked.

    Each skill has its share, each example gives at most one item of a skill, and half
    of the verdicts are on right answers. The same examples and seed give the same
    items, whatever the order of the examples.
    """
    ordered = sorted(examples, key=_key)
    allowed = [one for one in ordered if not blocks(one.question)]
    whole = [one for one in allowed if one.text and not one.response]
    chance = random.Random(f"{seed} meta-skills")
    writer = _writer()
    items: list[TrainItem] = []
    for skill, share in SHARES.items():
        chance.shuffle(whole)
        source = _Source(tuple(whole), Distractors(whole), chance, writer)
        items += islice(_MAKERS[skill](source), ceil(n * share / sum(SHARES.values())))
    chance.shuffle(items)
    return items[:n], len(ordered) - len(allowed)


def skill_of(item: TrainItem) -> Skill | None:
    """Return the name of the skill that an item teaches, read off its prompt."""
    if not item.chat:
        return None
    rules = item.chat[0].content
    teaches = (
        skill
        for skill, names in _PROMPTS.items()
        if any(prompts.load(name).system == rules for name in names)
    )
    return next(teaches, None)


def _key(one: GoldExample) -> tuple[str, ...]:
    return one.text, one.title, one.question, one.answer, one.sentence


def _writer() -> Generator:
    """Return what makes requests as a study of a taught model does; never asked."""
    settings = StudySettings(protocol="taught")
    return Generator(ScriptedBackend(()), settings, lambda: False, lambda share: None)


def _item(request: GenerationRequest[Any], answer: str) -> TrainItem:
    """Return a request with its whole answer, which is no longer begun."""
    chat = request.prompt.chat
    if chat[-1].role == "assistant":
        assert answer.startswith(chat[-1].content)
        chat = chat[:-1]
    return TrainItem("sft", chat, answer)


def _asking(source: _Source) -> Iterator[TrainItem]:
    """Yield items that copy a short answer from a sentence, then ask for it."""
    for one in source.examples:
        stretch, question = _stretch(one), one.question
        text = grounding.shown(passage_of(one))
        if not stretch or not re.fullmatch(QUESTION.regex, question):
            continue
        if matching.stands_alone(question, text):
            told = (text, evidence_of(one), stretch)
            request = about_sentence(source.writer, one, *told)
            begun = request.prompt.chat[-1].content
            yield _item(request, f"{begun} {one.answer}\nQuestion: {question}")


def _stretch(one: GoldExample) -> str:
    """Return the part of a sentence that holds the answer word for word, if any."""
    if not (one.answerable and matching.tells_something(one.answer)):
        return ""
    stretches = sentences.facts(evidence_of(one))
    return next((s for s in stretches if Excerpt(s).allows(one.answer)), "")


def _quoting(source: _Source) -> Iterator[TrainItem]:
    """Yield items that quote the sentence that tells the answer, or is nearest to it.

    Of a nearest one the answer is that the text does not say.
    """
    n = 0
    for i, one in enumerate(source.examples):
        question, text = one.question, grounding.shown(passage_of(one))
        sentence, answer = evidence_of(one), right_answer(one)
        short = " ".join(one.answer.split())
        if not one.answerable or n % WITHOUT_ANSWER == WITHOUT_ANSWER - 1:
            short, answer = grounding.NOT_STATED, not_stated(one)
            if one.answerable:
                question = _other_question(source.examples, i)
            sentence = grounding.nearest_sentence(text, question)
        told = Excerpt(sentence, grounding.NOT_STATED).allows(short)
        if question and sentence and answer and told:
            case = answers.TextQuestion(one, text, question, sentence)
            request = answers.quoting(source.writer, case)
            begun = request.prompt.chat[-1].content
            yield _item(request, f"{begun} {short}\nAnswer: {answer}")
            n += 1


def _other_question(examples: Sequence[GoldExample], i: int) -> str:
    """Return a question of another text that names what it is about, if any."""
    text, title = examples[i].text, examples[i].title
    for other in (*examples[i + 1 :], *examples[:i]):
        is_other = other.text != text and (not title or other.title != title)
        told = other.answer and matching.contains(text, other.answer)
        if is_other and not told and matching.stands_alone(other.question, other.text):
            return other.question
    return ""


def _judging(source: _Source) -> Iterator[TrainItem]:
    """Yield verdicts, by turns on a right answer and on a wrong one."""
    begun = prompts.load("verdict").begun()
    is_right = True
    for one in source.examples:
        wrong = source.distractors.wrong(one, source.chance)
        if wrong is None:
            continue
        form = source.chance.choice(forms(one))
        answer = form if is_right else swapped(one, form, wrong)
        given = (one.question, right_answer(one), answer)
        label = feedback.VERDICTS[0 if is_right else 1]
        yield _item(feedback.verdict_request(source.writer, *given), f"{begun}{label}")
        is_right = not is_right


def _comparisons(
    source: _Source,
) -> Iterator[tuple[GoldExample, feedback.Comparison, str]]:
    """Yield examples with a wrong answer beside the right one, and their feedback."""
    for one in source.examples:
        wrong = source.distractors.wrong(one, source.chance)
        words = wrong and reason(one, wrong)
        if wrong is None or not words:
            continue
        form = source.chance.choice(forms(one))
        compared = feedback.Comparison(
            Question(one.question, "study", "gold", passage_id=0),
            Answer(0, "closed_book", swapped(one, form, wrong)),
            Answer(0, "open_book", right_answer(one)),
        )
        text = feedback.known_facts(compared, "incorrect")
        yield one, compared, f"{text}\nReason: {words}"


def _criticising(source: _Source) -> Iterator[TrainItem]:
    """Yield feedback on wrong answers: f of (p, r)."""
    for one, compared, text in _comparisons(source):
        begun = feedback.known_facts(compared, "incorrect")
        place = {0: passage_of(one)}
        yield _item(
            feedback.reason_request(source.writer, 0, compared, begun, place), text
        )


def _refining(source: _Source) -> Iterator[TrainItem]:
    """Yield refinements of wrong answers after feedback: r_hat of (p, r, f)."""
    for one, compared, text in _comparisons(source):
        critique = Feedback(0, "critique", text, "incorrect", None)
        request = answers.refinement_request(
            source.writer,
            compared.question,
            compared.answer,
            critique,
            {0: passage_of(one)},
        )
        begun = request.prompt.chat[-1].content
        yield _item(request, f"{begun} {right_answer(one)}")


_MAKERS: dict[Skill, Callable[[_Source], Iterator[TrainItem]]] = {
    "ask": _asking,
    "answer": _quoting,
    "verdict": _judging,
    "feedback": _criticising,
    "refine": _refining,
}

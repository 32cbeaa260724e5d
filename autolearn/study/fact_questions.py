"""Write one question about each fact of a passage, and keep those that hold.

The answer is copied from the fact before the question is written, so that every
question is grounded, and each part of a passage is asked about. A question that does
not hold is drawn again: half of those that small models write do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from autolearn.core.constraints import Excerpt, Pattern
from autolearn.core.model_calls import Generation
from autolearn.core.records import Passage, Question, Record, Skip
from autolearn.core.settings import StudySettings
from autolearn.study import prompts
from autolearn.study.generation import (
    Form,
    GenerationRequest,
    Generator,
    RequestBuilder,
    why_nothing,
)
from autolearn.study.grounding import (
    TextQuestion,
    same_short_answer,
    short_answers,
    with_heading,
)
from autolearn.text import languages, matching, model_output, sentences
from autolearn.text.sentences import Sentence

T = TypeVar("T")

ATTEMPTS = 3
"""Draws per fact at most; a quick study draws once."""
LEAST_TOLD = 0.6
"""Share of the words of its answer from which a question gives it away."""
QUESTION = Pattern(r"[^\s?？][^\n?？]{4,240}[?？]")  # noqa: RUF001
QUESTION_MARKS = ("?", "？")  # noqa: RUF001


@dataclass(frozen=True)
class Fact:
    """A part of a sentence, about which one question is asked."""

    passage: Passage
    sentence: Sentence
    stretch: str


@dataclass(frozen=True)
class _Draft:
    """A question that the model wrote about a fact."""

    fact: Fact
    generation: Generation
    fault: str = ""
    """Why it is not kept, as a clause; empty: it is."""

    @property
    def text(self) -> str:
        return self._parts.get("question", "")

    @property
    def short_answer(self) -> str:
        return self._parts.get("answer", "").strip(" ,;:")

    @property
    def _parts(self) -> dict[str, str]:
        return model_output.parse_tags(self.generation.completion.text)

    @property
    def stands_alone(self) -> bool:
        return matching.stands_alone(self.text, with_heading(self.fact.passage))

    @property
    def form_fault(self) -> str:
        """Return a fault that shows in the text itself; empty: none."""
        if not self.text.endswith(QUESTION_MARKS):
            return why_nothing(self.generation, "no question could be read")
        if not matching.tells_something(self.short_answer):
            return "it has no answer"
        if _share_given_away(self.text, self.short_answer) >= LEAST_TOLD:
            return "it contains its own answer"
        if not self.stands_alone:
            return "it cannot be understood without the text"
        if languages.differs(self.text, self.fact.passage.text):
            return "it is not in the language of the text"
        return ""


def _share_given_away(question: str, answer: str) -> float:
    """Return the share of an answer that its question already contains, 0..1."""
    if matching.contains(question, answer):
        return 1.0
    n_all = len(matching.key_terms("", answer))
    return 1 - len(matching.key_terms(question, answer)) / n_all if n_all else 0.0


def facts(settings: StudySettings, passage: Passage) -> list[Fact]:
    """Return the facts of a passage: all, or evenly chosen ones.

    At most twice ``questions_per_passage``.
    """
    all_facts = [
        Fact(passage, sentence, stretch)
        for sentence in sentences.of(passage.text)
        for stretch in sentences.facts(sentence.text)
    ]
    n = min(len(all_facts), 2 * settings.questions_per_passage)
    return [all_facts[i * len(all_facts) // n] for i in range(n)]


def ask(generator: Generator, passages: Sequence[Passage]) -> list[Record]:
    """Ask about each fact of each passage until a question holds.

    It must be self-contained and new, and lead back to the answer that it was made
    from. Facts without a question after the last attempt become skips.
    """
    all_facts = [fact for p in passages for fact in facts(generator.settings, p)]
    passage_ids = {fact.passage.id for fact in all_facts}
    todo, results = all_facts, dict[Fact, Question]()
    earlier_texts: dict[int, list[str]] = {}
    faulty: list[_Draft] = []
    for attempt in range(1 if generator.settings.quick else ATTEMPTS):
        drafts = _checked(generator, _drafts(generator, todo, attempt))
        drafts = [_compared(generator, draft, earlier_texts) for draft in drafts]
        results |= {draft.fact: _question(draft) for draft in drafts if not draft.fault}
        faulty = [draft for draft in drafts if draft.fault]
        todo = [draft.fact for draft in faulty]
    return [
        *(results[fact] for fact in all_facts if fact in results),
        *(_skip(draft) for draft in faulty),
        *(
            Skip("questions", "there is no sentence to ask about", passage.id)
            for passage in passages
            if passage.id not in passage_ids
        ),
    ]


def _drafts(generator: Generator, todo: Sequence[Fact], attempt: int) -> list[_Draft]:
    """Write a question about each fact; rewrite those that are not self-contained."""
    requests = [_about(generator, fact, attempt) for fact in todo]
    drafts = [_Draft(*result) for result in generator.write(requests)]
    unclear = [i for i, d in enumerate(drafts) if d.text and not d.stands_alone]
    for i, generation in generator.write(
        [_naming(generator, drafts[i], i) for i in unclear]
    ):
        second = replace(drafts[i], generation=generation)
        if second.stands_alone:
            drafts[i] = second
    return drafts


def _naming(generator: Generator, draft: _Draft, place: int) -> GenerationRequest[int]:
    text = with_heading(draft.fact.passage)
    return naming_request(generator, place, text, draft.short_answer, draft.text)


def _checked(generator: Generator, drafts: Sequence[_Draft]) -> list[_Draft]:
    """Note the fault of each draft, its round trip included."""
    drafts = [replace(draft, fault=draft.form_fault) for draft in drafts]
    cases = [_as_text_question(draft) for draft in drafts if not draft.fault]
    answers = iter(short_answers(generator, cases))
    return [
        draft
        if draft.fault or same_short_answer(next(answers), draft.short_answer)
        else replace(draft, fault="it leads to another answer")
        for draft in drafts
    ]


def _as_text_question(draft: _Draft) -> TextQuestion[None]:
    text, sentence = with_heading(draft.fact.passage), draft.fact.sentence.text
    return TextQuestion(None, text, draft.text, sentence)


def _compared(
    generator: Generator, draft: _Draft, earlier_texts: dict[int, list[str]]
) -> _Draft:
    """Note whether a question repeats a known one; if it holds, it becomes known."""
    earlier = earlier_texts.setdefault(draft.fact.passage.id, [])
    limit = generator.settings.duplicate_threshold
    if any(matching.similarity(draft.text, other) >= limit for other in earlier):
        return replace(draft, fault=draft.fault or "it repeats another one")
    if not draft.fault:
        earlier.append(draft.text)
    return draft


def _question(draft: _Draft) -> Question:
    passage, sentence = draft.fact.passage, draft.fact.sentence
    return Question(
        draft.text,
        "study",
        "model",
        passage.id,
        short_answer=draft.short_answer,
        start=passage.start + sentence.start,
        end=passage.start + sentence.end,
        generation=draft.generation,
    )


def _skip(draft: _Draft) -> Skip:
    quote = f" ({draft.text!r})" if draft.text else ""
    reason = f"no question about {draft.fact.stretch!r} holds{quote}: {draft.fault}"
    return Skip("questions", reason, draft.fact.passage.id, None, draft.generation)


def about_sentence(
    builder: RequestBuilder,
    subject: T,
    text: str,
    sentence: str,
    stretch: str,
    draw: int = 0,
) -> GenerationRequest[T]:
    """Return the request to a guided model for a question about a sentence.

    Its short answer can be nothing but words of ``stretch``.
    """
    prefill = prompts.load("ask_sentence").prefill()
    constraint = (" ", Excerpt(stretch), "\nQuestion: ", QUESTION)
    form = Form(prefill, constraint, languages.of(text), draw)
    values = {"passage": text, "sentence": sentence}
    limit = 2 * builder.settings.question_tokens
    return builder.request("ask_sentence", subject, values, limit, form)


def _about(generator: Generator, fact: Fact, attempt: int) -> GenerationRequest[Fact]:
    text = with_heading(fact.passage)
    return about_sentence(
        generator, fact, text, fact.sentence.text, fact.stretch, attempt
    )


def naming_request(
    builder: RequestBuilder, subject: T, text: str, answer: str, question: str
) -> GenerationRequest[T]:
    """Return the request to a guided model for a question that names its subject."""
    values = {"passage": text, "answer": answer, "question": question}
    prefill = prompts.load("stand_alone").prefill(answer=answer)
    form = Form(prefill, (" ", QUESTION), languages.of(text))
    limit = builder.settings.question_tokens
    return builder.request("stand_alone", subject, values, limit, form)

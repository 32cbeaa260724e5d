"""Write one question about each fact of a passage, and keep those that are valid.

The answer is copied from the fact before the question is written, so that every
question is grounded, and each part of a passage is asked about. If a question is not
valid, another answer of the fact is asked for: half of the questions that small models
write are not.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from autolearn.core.constraints import Excerpt, Pattern
from autolearn.core.model_calls import Generation
from autolearn.core.records import Passage, Question, Record, Skip
from autolearn.core.scripts import GREEK, QUESTION_MARKS
from autolearn.core.settings import StudySettings
from autolearn.study import dropped_questions, prompts
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
from autolearn.text import (
    answerability,
    languages,
    matching,
    self_containment,
    sentences,
)
from autolearn.text.sentences import Sentence

T = TypeVar("T")

ATTEMPTS = 3
"""Questions per fact at most, each for another answer; a quick study asks once."""
FIRST_SHARE = 0.5
"""Of the time for questions that the first attempt at each fact takes, roughly."""
ANSWER_DRAWS = 4
"""Draws of other answers in a fact whose first question is not valid."""
LEAST_TOLD = 0.6
"""Share of the words of its answer from which a question gives it away."""
QUESTION = Pattern(
    rf"[^\s{QUESTION_MARKS}][^\n{QUESTION_MARKS}]{{4,240}}"
    rf"(?:[{QUESTION_MARKS}]|[{GREEK}];)"
)


@dataclass(frozen=True)
class Fact:
    """A part of a sentence, about which one question is asked."""

    passage: Passage
    sentence: Sentence
    stretch: str


@dataclass(frozen=True)
class _QuestionDraft:
    """A question that the model wrote about a fact."""

    fact: Fact
    generation: Generation
    subject: str = ""
    """What the question is about, put before it; empty: the question names its subject.
    """
    fault: str = ""
    """Why it is not kept, as a clause; empty: it is."""

    @property
    def question(self) -> str:
        return dropped_questions.question_and_answer(self.generation)[0]

    @property
    def text(self) -> str:
        return f"{self.subject}: {self.question}" if self.subject else self.question

    @property
    def short_answer(self) -> str:
        return dropped_questions.question_and_answer(self.generation)[1]

    @property
    def stands_alone(self) -> bool:
        return self_containment.stands_alone(self.text, with_heading(self.fact.passage))

    @property
    def form_fault(self) -> str:
        """Return a fault that the text itself shows; empty: none."""
        if not sentences.is_question(self.text):
            return why_nothing(self.generation, "no question could be read")
        if not matching.tells_something(self.short_answer):
            return "it has no answer"
        if _share_given_away(self.text, self.short_answer) >= LEAST_TOLD:
            return "it contains its own answer"
        if not self.stands_alone:
            return "it cannot be understood without the text"
        if languages.differs(self.text, self.fact.passage.text):
            return "it is not in the language of the text"
        passage, sentence = self.fact.passage, self.fact.sentence.text
        return answerability.fault(self.text, self.short_answer, sentence, passage)


def _share_given_away(question: str, answer: str) -> float:
    """Return the share of an answer that its question already contains, 0..1."""
    if matching.contains(question, answer):
        return 1.0
    return matching.overlap(question, answer)


def facts(settings: StudySettings, passage: Passage) -> list[Fact]:
    """Return the facts of a passage: all, or evenly chosen ones.

    At most twice ``questions_per_passage``. A stretch that its sentence repeats, such
    as a refrain, is one fact.
    """
    all_facts = [
        Fact(passage, sentence, stretch)
        for sentence in sentences.of(passage.text)
        for stretch in dict.fromkeys(sentences.facts(sentence.text))
    ]
    n = min(len(all_facts), 2 * settings.questions_per_passage)
    return [all_facts[i * len(all_facts) // n] for i in range(n)]


def ask(generator: Generator, passages: Sequence[Passage]) -> list[Record]:
    """Ask about each fact of each passage until a question is valid.

    It must be self-contained and new, and lead back to the answer that it was made
    from. Facts without a question after the last attempt become skips.
    """
    all_facts = [fact for p in passages for fact in facts(generator.settings, p)]
    passage_ids = {fact.passage.id for fact in all_facts}
    questions = _Questions(generator.settings)
    share = 1.0 if generator.settings.quick else FIRST_SHARE
    first = generator.part(0.0, share)
    questions.take(first, [_about(generator, fact) for fact in all_facts])
    if not generator.settings.quick:
        _ask_for_other_answers(generator.part(share, 1.0), questions)
    return [
        *(questions.kept[fact] for fact in all_facts if fact in questions.kept),
        *(_skip(draft) for draft in questions.faulty.values()),
        *(
            Skip("questions", "there is no sentence to ask about", passage.id)
            for passage in passages
            if passage.id not in passage_ids
        ),
    ]


@dataclass
class _Questions:
    """The questions of a step: the valid ones, and the last faulty one of a fact."""

    settings: StudySettings
    kept: dict[Fact, Question] = field(default_factory=dict)
    faulty: dict[Fact, _QuestionDraft] = field(default_factory=dict)
    _texts: dict[int, list[str]] = field(default_factory=dict)
    """The valid questions, without their subjects, by the id of their passage."""

    def take(
        self, generator: Generator, requests: Sequence[GenerationRequest[Fact]]
    ) -> None:
        """Let the model write a question for each request, and check it."""
        drafts = _drafts(generator.part(0.0, 0.8), requests)
        for draft in _checked(generator.part(0.8, 1.0), drafts):
            fact, fault = draft.fact, draft.fault or self._repeats(draft)
            if fault:
                self.faulty[fact] = replace(draft, fault=fault)
            else:
                self.faulty.pop(fact, None)
                self.kept[fact] = _question(draft)
                self._texts.setdefault(fact.passage.id, []).append(draft.question)

    def _repeats(self, draft: _QuestionDraft) -> str:
        limit = self.settings.duplicate_threshold
        earlier = self._texts.get(draft.fact.passage.id, ())
        repeats = any(matching.similarity(draft.question, e) >= limit for e in earlier)
        return "it repeats another question of its passage" if repeats else ""


def _ask_for_other_answers(generator: Generator, questions: _Questions) -> None:
    """Ask for other answers in the facts whose question is not valid.

    The answers are sampled, their questions are not: a sampled question of a small
    model is rarely right (docs/study.md has the figures).
    """
    n = ATTEMPTS  # the other answers, and each attempt after the first
    options = _other_answers(
        generator.part(0.0, 1 / n), list(questions.faulty.values())
    )
    for place in range(n - 1):
        questions.take(
            generator.part((place + 1) / n, (place + 2) / n),
            [
                _for_answer(generator, fact, answers[place])
                for fact, answers in options.items()
                if fact in questions.faulty and place < len(answers)
            ],
        )


def _other_answers(
    generator: Generator, faulty: Sequence[_QuestionDraft]
) -> dict[Fact, list[str]]:
    """Return answers in each fact other than the one drawn, in the order drawn."""
    requests = [
        _answer_request(generator, draft.fact, draw)
        for draft in faulty
        for draw in range(1, 1 + ANSWER_DRAWS)
    ]
    first_answers = {draft.fact: draft.short_answer for draft in faulty}
    options: dict[Fact, list[str]] = {draft.fact: [] for draft in faulty}
    for fact, generation in generator.write(requests):
        answer = _QuestionDraft(fact, generation).short_answer
        known = [first_answers[fact], *options[fact]]
        is_known = any(same_short_answer(answer, other) for other in known)
        if not is_known and matching.tells_something(answer):
            options[fact].append(answer)
    return options


def _drafts(
    generator: Generator, requests: Sequence[GenerationRequest[Fact]]
) -> list[_QuestionDraft]:
    """Write the questions; rewrite those that are not self-contained.

    If the model does not name the subject then either, it is put before the question
    ("A Normal Family: Which novel was the film adapted from?").
    """
    results = generator.part(0.0, 0.8).write(requests)
    drafts = [_QuestionDraft(*result) for result in results]
    unclear = [i for i, d in enumerate(drafts) if d.text and not d.stands_alone]
    for i, generation in generator.part(0.8, 1.0).write(
        [_naming(generator, drafts[i], i) for i in unclear]
    ):
        rewritten = replace(drafts[i], generation=generation)
        if rewritten.stands_alone:
            drafts[i] = rewritten
        else:
            drafts[i] = replace(drafts[i], subject=_subject(drafts[i].fact.passage))
    return drafts


def _subject(passage: Passage) -> str:
    """Return the heading if the text speaks of what it names; otherwise nothing.

    "History" and the heading of a news report say nothing to a reader without the text.
    """
    name = passage.heading.partition(" (")[0]  # as in "Agra (2023 film)"
    first = re.escape(name[:1])
    # Within a sentence "Marsh beetle" is "marsh beetle"; but "history" is not a name.
    first = f"(?i:{first})" if " " in name else first
    # Scripts without capitals attach particles to names, or have no spaces.
    before, after = (
        (r"(?<!\w)", r"(?!\w)") if name.lower() != name.upper() else ("", "")
    )
    pattern = re.compile(f"{before}{first}{re.escape(name[1:])}{after}")
    is_named = any(pattern.search(s.text) for s in sentences.of(passage.text))
    return passage.heading if name and is_named else ""


def with_subject(wording: str, question: str, passage: Passage) -> str:
    """Return a wording that is self-contained; empty: it cannot be made so.

    If it does not name its subject, the one before its question is put
    before it as well.
    """
    text, subject = with_heading(passage), f"{passage.heading}: "
    if self_containment.stands_alone(wording, text):
        return wording
    if not passage.heading or not question.startswith(subject):
        return ""
    return f"{subject}{wording}"


def _naming(
    generator: Generator, draft: _QuestionDraft, place: int
) -> GenerationRequest[int]:
    text = with_heading(draft.fact.passage)
    return naming_request(generator, place, text, draft.short_answer, draft.text)


def _checked(
    generator: Generator, drafts: Sequence[_QuestionDraft]
) -> list[_QuestionDraft]:
    """Note the fault of each draft, its round trip included."""
    drafts = [replace(draft, fault=draft.form_fault) for draft in drafts]
    cases = [_as_text_question(draft) for draft in drafts if not draft.fault]
    answers = iter(short_answers(generator, cases))
    return [
        draft
        if draft.fault or same_short_answer(answer := next(answers), draft.short_answer)
        else replace(
            draft,
            fault=f"the model itself answers “{answer}”, not “{draft.short_answer}”",
        )
        for draft in drafts
    ]


def _as_text_question(draft: _QuestionDraft) -> TextQuestion[None]:
    text, sentence = with_heading(draft.fact.passage), draft.fact.sentence.text
    return TextQuestion(None, text, draft.text, sentence)


def _question(draft: _QuestionDraft) -> Question:
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


def _skip(draft: _QuestionDraft) -> Skip:
    stretch, passage = draft.fact.stretch, draft.fact.passage
    return dropped_questions.as_skip(
        draft.text, stretch, draft.fault, passage, draft.generation
    )


def about_sentence(
    builder: RequestBuilder, subject: T, text: str, sentence: str, stretch: str
) -> GenerationRequest[T]:
    """Return the request to a guided model for a question about a sentence.

    Its short answer can be nothing but words of ``stretch``.
    """
    constraint = (" ", Excerpt(stretch), "\nQuestion: ", QUESTION)
    form = Form(prompts.load("ask_sentence").prefill(), constraint)
    return _sentence_request(builder, subject, text, sentence, form)


def _sentence_request(
    builder: RequestBuilder, subject: T, text: str, sentence: str, form: Form
) -> GenerationRequest[T]:
    """Return a request in this form, with worked examples in the language of a text."""
    values = {"passage": text, "sentence": sentence}
    limit = 2 * builder.settings.question_tokens
    form = replace(form, language=languages.of(text))
    return builder.request("ask_sentence", subject, values, limit, form)


def _fact_request(
    generator: Generator, fact: Fact, form: Form
) -> GenerationRequest[Fact]:
    text = with_heading(fact.passage)
    return _sentence_request(generator, fact, text, fact.sentence.text, form)


def _about(generator: Generator, fact: Fact) -> GenerationRequest[Fact]:
    text = with_heading(fact.passage)
    return about_sentence(generator, fact, text, fact.sentence.text, fact.stretch)


def _answer_request(
    generator: Generator, fact: Fact, draw: int
) -> GenerationRequest[Fact]:
    """Return the request for an answer without a question, sampled."""
    prefill = prompts.load("ask_sentence").prefill()
    form = Form(prefill, (" ", Excerpt(fact.stretch), "\n"), draw=draw)
    return _fact_request(generator, fact, form)


def _for_answer(
    generator: Generator, fact: Fact, answer: str
) -> GenerationRequest[Fact]:
    """Return the request for the question that has this answer."""
    prefill = f"{prompts.load('ask_sentence').prefill()} {answer}\nQuestion:"
    return _fact_request(generator, fact, Form(prefill, (" ", QUESTION)))


def naming_request(
    builder: RequestBuilder, subject: T, text: str, answer: str, question: str
) -> GenerationRequest[T]:
    """Return the request to a guided model for a question that names its subject."""
    values = {"passage": text, "answer": answer, "question": question}
    prefill = prompts.load("stand_alone").prefill(answer=answer)
    form = Form(prefill, (" ", QUESTION), languages.of(text))
    limit = builder.settings.question_tokens
    return builder.request("stand_alone", subject, values, limit, form)

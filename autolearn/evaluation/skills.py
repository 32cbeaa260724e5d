"""The skill check: ask a model what a study asks, about texts that it cannot know.

It goes through the very functions of the study, so it measures the model as it is
asked there, by its protocol. Each stage of ten texts is one step of the journal.

What is asked, and when a result is right (the names are those in the journal):

- ``question``: a question about a fact; it stands alone and repeats no other.
- ``round_trip``: the open-book answer to it, or that there was no question; it leads
  back to what the question was made from (Alberti et al., 2019, arXiv 1906.05416), and
  the question is right.
- ``evidence``, ``verbatim``, ``open_book``: the open-book answer to a gold question.
- ``not_stated``: the answer to a question that the text does not answer.
- ``verdict_of_right``, ``verdict_of_wrong``: the verdicts on a right and on a wrong
  answer to a gold question, against what the model read in the text.
- ``refinement``: the wrong answer, written again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from autolearn.core.ports import Cancelled, Journal, Progress
from autolearn.core.records import (
    Answer,
    Feedback,
    Passage,
    Question,
    Record,
    SkillResult,
    Skip,
)
from autolearn.evaluation import skill_results
from autolearn.evaluation.skill_items import SkillItem, SkillText, texts
from autolearn.evaluation.skill_report import SkillReport
from autolearn.study import answers, feedback, questions
from autolearn.study.feedback import Comparison
from autolearn.study.generation import Generator, of
from autolearn.text import matching

TEXTS_PER_STEP = 10
STAGES = ("questions", "answers", "verdicts", "refinements")
QUESTIONS_PER_PASSAGE = 1
"""As a setting of the study: of up to two facts a text."""
OTHERS_PER_TEXT = 2
"""Questions of another text that each text is asked."""
OWN_IDS, OTHER_IDS = 1000, 2000
"""Where the ids of a model's own questions begin, and of those of another text."""


def check(
    writer: Generator,
    journal: Journal,
    progress: Progress,
    items: Sequence[SkillText] | None = None,
) -> SkillReport:
    """Measure a model, as the generator asks it; ``items`` are all texts by default.

    Raises:
        Cancelled: The person stopped the run; committed steps stay.
    """
    settings = replace(
        writer.settings, questions_per_passage=QUESTIONS_PER_PASSAGE, ask_rounds=1
    )
    writer = replace(writer, settings=settings)
    every = texts() if items is None else tuple(items)
    results: list[SkillResult] = []
    for begin in range(0, len(every), TEXTS_PER_STEP):
        part = _Part(writer, journal, progress, every, begin)
        results += part.results()
    return skill_results.summarise(writer, results)


@dataclass(frozen=True)
class _Part:
    """The stages of a few texts."""

    writer: Generator
    journal: Journal
    progress: Progress
    every: Sequence[SkillText]
    begin: int

    @property
    def texts(self) -> Sequence[SkillText]:
        return self.every[self.begin : self.begin + TEXTS_PER_STEP]

    @property
    def passages(self) -> dict[int, Passage]:
        return {text.passage.id: text.passage for text in self.texts}

    @property
    def gold(self) -> list[tuple[SkillItem, Question]]:
        return [(item, text.asked(item)) for text in self.texts for item in text.items]

    def results(self) -> list[SkillResult]:
        """Go through all stages."""
        asked = self._step("questions", self._ask)
        answered = self._step("answers", self._answer)
        judged = self._step("verdicts", partial(self._judge, answered))
        refined = self._step("refinements", partial(self._refine, answered, judged))
        return [*asked, *answered, *judged, *refined]

    def _step(
        self, stage: str, make: Callable[[Generator], Sequence[Record]]
    ) -> list[SkillResult]:
        """Make a step and tell its progress, in texts times stages."""
        if self.writer.stop():
            raise Cancelled
        n, total = len(self.texts), len(self.every) * len(STAGES)
        done = self.begin * len(STAGES) + STAGES.index(stage) * n
        furthest = 0.0

        def report(share: float) -> None:
            # A stage may write several times, and each time it begins at 0.
            nonlocal furthest
            furthest = max(furthest, share)
            self.progress(stage, done + int(furthest * n), total)

        report(0.0)
        name = f"texts {self.begin + 1}-{self.begin + n}: {stage}"
        made = self.journal.step(
            name, lambda: make(replace(self.writer, report=report))
        )
        report(1.0)
        return of(SkillResult, made)

    def _ask(self, writer: Generator) -> list[Record]:
        """Let the model ask, and answer what it asked with the text in view."""
        passages = list(self.passages.values())
        records = questions.ask(writer, passages)
        asked = [
            replace(question, id=OWN_IDS + i)
            for i, question in enumerate(of(Question, records))
        ]
        made = answers.open_book(writer, asked, self.passages)
        by_id = {r.question_id: r for r in made if isinstance(r, Answer | Skip)}
        results: list[Record] = []
        for question in asked:
            result = skill_results.own_question(question)
            answer = by_id.get(question.id)
            results += [result, skill_results.round_trip(question, result, answer)]
        return [*results, *self._in_vain(asked, of(Skip, records))]

    def _in_vain(
        self, asked: Sequence[Question], skips: Sequence[Skip]
    ) -> list[SkillResult]:
        """Return what gave no question; of a text that is asked for lists, once."""
        if not self.writer.protocol.guided:
            served = {question.passage_id for question in asked}
            skips = [
                skip
                for skip in {skip.passage_id: skip for skip in skips}.values()
                if skip.passage_id not in served
            ]
        return [
            SkillResult(
                "round_trip",
                (skip.passage_id or 0) - 1,
                right=False,
                generation=skip.generation,
            )
            for skip in skips
        ]

    def _answer(self, writer: Generator) -> list[Record]:
        """Answer the gold questions and those of other texts."""
        gold = self.gold
        others = list(self._others())
        todo = [*(question for _, question in gold), *others]
        made = answers.open_book(writer, todo, self.passages)
        by_id = {r.question_id: r for r in made if isinstance(r, Answer | Skip)}
        threshold = writer.settings.evidence_threshold
        results: list[Record] = []
        for item, question in gold:
            text = self.passages[question.passage_id or 0].text
            answer = by_id.get(question.id)
            results += skill_results.read_gold(item, text, answer, threshold)
        results += [
            skill_results.says_so(other.id - OTHER_IDS, by_id.get(other.id))
            for other in others
        ]
        return results

    def _others(self) -> Iterator[Question]:
        """Yield questions that their text does not answer: those of the text after."""
        for text in self.texts:
            after = self.every[(text.number + 1) % len(self.every)]
            for item in after.items[:OTHERS_PER_TEXT]:
                question = text.asked(item)
                yield replace(question, id=OTHER_IDS + item.number)

    def _judge(
        self, answered: Sequence[SkillResult], writer: Generator
    ) -> list[Record]:
        """Judge a right and a wrong answer to each gold question."""
        pairs = list(self._comparisons(answered))
        comparisons = [comparison for _, _, comparison in pairs]
        verdicts = _verdicts(writer, comparisons, self.passages)
        return [
            replace(
                verdict,
                skill=f"verdict_of_{kind}",
                item=item.number,
                right=_is_right(kind, verdict.probability, writer.verdict_threshold),
            )
            for (item, kind, _), verdict in zip(pairs, verdicts, strict=True)
        ]

    def _comparisons(
        self, answered: Sequence[SkillResult]
    ) -> Iterator[tuple[SkillItem, str, Comparison]]:
        """Yield the right and the wrong answer to each gold question.

        Both are held against the model's own open-book answer, as in a study; where
        that is wrong, or word for word the gold answer, against the sentence of the
        text. So the reference does not tell which of the two is right.
        """
        opened = {one.item: one for one in answered if one.skill == "open_book"}
        for item, question in self.gold:
            own = opened[item.number]
            is_usable = own.right and not matching.exact_match(own.text, item.answer)
            text = own.text if is_usable else item.sentence
            reference = Answer(question.id, "open_book", text, id=3 * question.id)
            for kind, said in (("right", item.answer), ("wrong", item.wrong)):
                number = 3 * question.id + 1 + (kind == "wrong")
                answer = Answer(question.id, "closed_book", said, id=number)
                yield item, kind, Comparison(question, answer, reference)

    def _refine(
        self,
        answered: Sequence[SkillResult],
        judged: Sequence[SkillResult],
        writer: Generator,
    ) -> list[Record]:
        """Let the wrong answers be written again in the light of feedback.

        A model that writes its feedback goes by what it wrote; else the facts are
        known, and that the answer is wrong.
        """
        written = {r.item: r.text for r in judged if r.skill == "verdict_of_wrong"}
        gaps = []
        for item, kind, comparison in self._comparisons(answered):
            if kind == "wrong":
                known = feedback.known_facts(comparison, "incorrect")
                text = written.get(item.number) or known
                critique = Feedback(
                    comparison.answer.id, "critique", text, "incorrect", None
                )
                gaps.append((comparison.question, comparison.answer, critique))
        made = answers.refine(writer, gaps, self.passages)
        by_id = {r.question_id: r for r in made if isinstance(r, Answer | Skip)}
        return [
            skill_results.contains_gold("refinement", item, by_id.get(question.id))
            for item, question in self.gold
        ]


def _verdicts(
    writer: Generator,
    comparisons: Sequence[Comparison],
    passages: dict[int, Passage],
) -> list[SkillResult]:
    """Return verdicts as the protocol has them: by odds, or in a written feedback."""
    if writer.protocol.guided:
        asked = [feedback.verdict_texts(one) for one in comparisons]
        return [
            SkillResult("", 0, False, p)
            for p in feedback.verdict_probabilities(writer, asked)
        ]
    made = feedback.feedback(writer, "critique", comparisons, passages)
    return [
        SkillResult("", 0, False, one.probability, one.text, one.generation)
        if isinstance(one, Feedback)
        else SkillResult("", 0, False, generation=getattr(one, "generation", None))
        for one in made
    ]


def _is_right(kind: str, probability: float | None, threshold: float) -> bool:
    if probability is None:
        return False
    return (probability >= threshold) == (kind == "right")

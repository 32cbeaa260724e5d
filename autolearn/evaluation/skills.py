"""The skill check: ask a model what a study asks, about texts that it cannot know.

The functions of the study make the requests, so the model is measured with the prompts
of its protocol. Each stage of ten texts is one step of the journal.

What is asked, and when a result is right (names as in the journal):

- ``question``: a question about a fact. It is clear by itself and repeats no other.
- ``round_trip``: the open-book answer to it. It leads back to the fact that the
  question was made from (Alberti et al., 2019, arXiv 1906.05416), and the question is
  right. Wrong if no question was made.
- ``evidence``, ``verbatim``, ``open_book``: the open-book answer to a gold question.
- ``not_stated``: the answer to a question that the text does not answer.
- ``verdict_of_right``, ``verdict_of_wrong``: the verdicts on a right and a wrong answer
  to a gold question, compared with the open-book answer.
- ``refinement``: the refined wrong answer.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from autolearn.core.ports import Journal, Progress
from autolearn.core.quiz_records import SkillResult
from autolearn.core.records import Answer, Feedback, Passage, Question, Record, Skip
from autolearn.evaluation import skill_results
from autolearn.evaluation.skill_items import SkillItem, SkillText, texts
from autolearn.evaluation.skill_report import SkillReport
from autolearn.study import answers, feedback, questions
from autolearn.study.feedback import Comparison
from autolearn.study.generation import Generator, of_type
from autolearn.study.groups import Steps
from autolearn.text import matching

TEXTS_PER_STEP = 10
STAGES = ("questions", "answers", "verdicts", "refinements")
QUESTIONS_PER_PASSAGE = 1
"""Setting of the study: it asks about at most two facts per text."""
GOLD_PER_TEXT = 3
"""Gold questions of each text."""
OTHERS_PER_TEXT = 2
"""Questions of another text that are asked about each text."""
GUIDED_WEIGHTS = (64, 33, 8, 15)
"""Share of the time of each stage in a check of SmolLM2-135M with the guided protocol,
of 120 (means of two checks on an idle CPU, whose shares differed by at most 2)."""
ASKING_SHARE = 0.8
"""Of the stage of questions; the rest is for their open-book answers."""
OWN_IDS, OTHER_IDS = 1000, 2000
"""First ids of generated questions, and of questions of another text."""


def check(
    writer: Generator,
    journal: Journal,
    progress: Progress,
    items: Sequence[SkillText] | None = None,
) -> SkillReport:
    """Measure the skills of a model with the generator's protocol.

    Args:
        writer: Generates with the model.
        journal: Commits each step.
        progress: Called with stage and progress.
        items: The texts; all by default.

    Raises:
        Cancelled: The user stopped the run; committed steps stay.
    """
    settings = replace(
        writer.settings, questions_per_passage=QUESTIONS_PER_PASSAGE, ask_rounds=1
    )
    writer = replace(writer, settings=settings)
    all_texts = texts() if items is None else tuple(items)
    results: list[SkillResult] = []
    for begin in range(0, len(all_texts), TEXTS_PER_STEP):
        stages = _TextGroup(writer, journal, progress, all_texts, begin)
        results += stages.results()
    return skill_results.summarise(writer, results)


@dataclass(frozen=True)
class _TextGroup:
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
        return [
            (item, text.question_of(item)) for text in self.texts for item in text.items
        ]

    def results(self) -> list[SkillResult]:
        """Run all stages."""
        question_results = self._step("questions", self._ask)
        answer_results = self._step("answers", self._answer)
        verdict_results = self._step("verdicts", partial(self._judge, answer_results))
        refinement_results = self._step(
            "refinements", partial(self._refine, answer_results, verdict_results)
        )
        return [
            *question_results,
            *answer_results,
            *verdict_results,
            *refinement_results,
        ]

    def _step(
        self, stage: str, make: Callable[[Generator], Sequence[Record]]
    ) -> list[SkillResult]:
        """Commit a step and report its progress, in texts times weights of stages."""
        n, n_all = len(self.texts), len(self.every)
        first, last = self.begin + 1, self.begin + n

        def progress(stage: str, n_done: int, total: int) -> None:
            # The stages begin again with the next texts.
            named = f"{stage}, texts {first} to {last} of {n_all}"
            self.progress(named, n_done, total)

        step = Steps(
            self.journal,
            self.writer.stop,
            progress,
            _weights(self.writer),
            f"texts {first}-{last}",
            self.begin,
            n,
            n_all,
        )
        writer = replace(self.writer, report=step.report)
        return of_type(SkillResult, step(stage, lambda: make(writer)))

    def _ask(self, writer: Generator) -> list[Record]:
        """Let the model ask questions, and answer them open-book."""
        passages = list(self.passages.values())
        records = questions.ask(writer.part(0.0, ASKING_SHARE), passages)
        own_questions = [
            replace(question, id=OWN_IDS + i)
            for i, question in enumerate(of_type(Question, records))
        ]
        reader = writer.part(ASKING_SHARE, 1.0)
        by_id = _by_question(answers.open_book(reader, own_questions, self.passages))
        results: list[Record] = []
        for question in own_questions:
            result = skill_results.own_question(question)
            answer = by_id.get(question.id)
            results += [result, skill_results.round_trip(question, result, answer)]
        return [
            *results,
            *self._failed_questions(own_questions, of_type(Skip, records)),
        ]

    def _failed_questions(
        self, questions: Sequence[Question], skips: Sequence[Skip]
    ) -> list[SkillResult]:
        """Return a wrong result for each failed question; once per text for lists."""
        if not self.writer.protocol.guided:
            passage_ids = {question.passage_id for question in questions}
            skips = [
                skip
                for skip in {skip.passage_id: skip for skip in skips}.values()
                if skip.passage_id not in passage_ids
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
        """Answer the gold questions and the questions of other texts."""
        gold = self.gold
        others = list(self._others())
        all_questions = [*(question for _, question in gold), *others]
        by_id = _by_question(answers.open_book(writer, all_questions, self.passages))
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
        """Yield questions that a text does not answer: those of the next text."""
        for text in self.texts:
            next_text = self.every[(text.number + 1) % len(self.every)]
            for item in next_text.items[:OTHERS_PER_TEXT]:
                question = text.question_of(item)
                yield replace(question, id=OTHER_IDS + item.number)

    def _judge(
        self, answer_results: Sequence[SkillResult], writer: Generator
    ) -> list[Record]:
        """Judge a right and a wrong answer to each gold question."""
        pairs = list(self._comparisons(answer_results))
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
        self, answer_results: Sequence[SkillResult]
    ) -> Iterator[tuple[SkillItem, str, Comparison]]:
        """Yield the right and the wrong answer to each gold question.

        As in a study, both are compared with the model's own open-book answer. If that
        is wrong, or equal to the gold answer, the gold sentence of the text is used.
        The reference therefore does not reveal which of the two is right.
        """
        open_book = {
            result.item: result
            for result in answer_results
            if result.skill == "open_book"
        }
        for item, question in self.gold:
            own = open_book[item.number]
            is_usable = own.right and not matching.exact_match(own.text, item.answer)
            text = own.text if is_usable else item.sentence
            reference = Answer(question.id, "open_book", text, id=3 * question.id)
            for kind, answer_text in (("right", item.answer), ("wrong", item.wrong)):
                number = 3 * question.id + 1 + (kind == "wrong")
                answer = Answer(question.id, "closed_book", answer_text, id=number)
                yield item, kind, Comparison(question, answer, reference)

    def _refine(
        self,
        answer_results: Sequence[SkillResult],
        verdict_results: Sequence[SkillResult],
        writer: Generator,
    ) -> list[Record]:
        """Refine the wrong answers after feedback.

        If the model wrote no feedback, it is given the known facts and the verdict.
        """
        critiques = {
            r.item: r.text for r in verdict_results if r.skill == "verdict_of_wrong"
        }
        gaps = []
        for item, kind, comparison in self._comparisons(answer_results):
            if kind == "wrong":
                facts = feedback.known_facts(comparison, "incorrect")
                text = critiques.get(item.number) or facts
                critique = Feedback(
                    comparison.answer.id, "critique", text, "incorrect", None
                )
                gaps.append((comparison.question, comparison.answer, critique))
        by_id = _by_question(answers.refine(writer, gaps, self.passages))
        return [
            skill_results.contains_gold("refinement", item, by_id.get(question.id))
            for item, question in self.gold
        ]


def _weights(writer: Generator) -> dict[str, int]:
    """Return roughly how long each stage takes, compared with the others.

    Bare models: the requests about a text, times the limit of an answer.
    """
    if writer.protocol.guided:
        return dict(zip(STAGES, GUIDED_WEIGHTS, strict=True))
    question, answer = writer.settings.question_tokens, writer.settings.answer_tokens
    n_asked = 2 * QUESTIONS_PER_PASSAGE
    n_gold = GOLD_PER_TEXT
    weights = (
        n_asked * (question + answer),
        (n_gold + OTHERS_PER_TEXT) * answer,
        2 * n_gold * writer.settings.feedback_tokens,  # a right and a wrong answer
        n_gold * answer,
    )
    return dict(zip(STAGES, weights, strict=True))


def _by_question(responses: Sequence[Record]) -> dict[int | None, Answer | Skip]:
    """Return answers, or why there is none, by the ids of their questions."""
    return {r.question_id: r for r in responses if isinstance(r, Answer | Skip)}


def _verdicts(
    writer: Generator,
    comparisons: Sequence[Comparison],
    passages: dict[int, Passage],
) -> list[SkillResult]:
    """Return verdicts by the protocol: from label probabilities or written feedback."""
    if writer.protocol.guided:
        texts = [feedback.verdict_texts(comparison) for comparison in comparisons]
        return [
            SkillResult("", 0, False, p)
            for p in feedback.verdict_probabilities(writer, texts)
        ]
    results = feedback.feedback(writer, "critique", comparisons, passages)
    return [
        SkillResult("", 0, False, result.probability, result.text, result.generation)
        if isinstance(result, Feedback)
        else SkillResult("", 0, False, generation=getattr(result, "generation", None))
        for result in results
    ]


def _is_right(kind: str, probability: float | None, threshold: float) -> bool:
    if probability is None:
        return False
    return (probability >= threshold) == (kind == "right")

"""Measure the built-in model: `python -m autolearn.demo.builder.evaluate --seed 1`.

It generates greedily and in 4 bit, as in the app, about names that it was never trained
on. Replies are compared with the world that made the texts, so no judge is needed.
"""

import argparse
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from autolearn.core.model_calls import Message, Prompt, Request, Sampling
from autolearn.core.ports import Backend
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.demo import sums
from autolearn.demo.builder import tasks
from autolearn.demo.builder.scores import TaskScore, share
from autolearn.demo.builder.talk import outside_text
from autolearn.demo.builder.tasks import Exercise
from autolearn.demo.library import control
from autolearn.demo.passages import ProsePassage, Statement, study_passage
from autolearn.demo.world import World, WorldFact, grammar
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.models.files import BUILT_IN
from autolearn.study.questions import how_many
from autolearn.text import matching, model_output

MAX_NEW_TOKENS = 320
N_PARAPHRASES = 3

Attempt = Callable[[WorldFact], WorldFact]


class Examiner:
    """Asks one model exercises about new things."""

    def __init__(self, backend: Backend, seed: int, n_items: int) -> None:
        self.backend = backend
        self.n_items = n_items
        rng = random.Random(f"exam {seed}")
        self.world = World(rng, held_out=True, odd_share=0.0)
        self.open_world = World(rng, held_out=True, odd_share=1.0)
        self.passages = [study_passage(self.world) for _ in range(n_items)]

    def scores(self) -> Iterator[TaskScore]:
        """Yield all scores, one skill after the other."""
        yield from self.ask()
        yield from self.open_book()
        yield from self.closed_book()
        yield from self.feedback()
        yield from self.refine()
        yield self.end_to_end()
        yield from self.paraphrase()
        yield from self.statements()
        yield from self.sums()
        yield from self.talk()

    def ask(self) -> Iterator[TaskScore]:
        """Ask for questions: one list with one per fact, then as a study asks."""
        rng = self.world.rng
        n_facts = [len(row.statements) for row in self.passages]
        exact_lists = [
            tasks.ask(row, n, rng)
            for row, n in zip(self.passages, n_facts, strict=True)
        ]
        settings = StudySettings()
        study_lists = [
            tasks.ask(row, how_many(settings, row.text), rng) for row in self.passages
        ]
        draws = [
            [model_output.questions(reply) for reply in self.replies(study_lists, draw)]
            for draw in range(settings.ask_rounds)
        ]
        single = [model_output.questions(reply) for reply in self.replies(exact_lists)]
        outputs = [list(chain(*lists)) for lists in zip(*draws, strict=True)]
        valid = [
            line in _facts(row)
            for row, lines in zip(self.passages, single, strict=True)
            for line in lines
        ]
        yield share("ask: questions valid", valid, 0.97)
        yield share("ask: facts covered by one list", self._covered(single))
        yield share("ask: facts covered by a study", self._covered(outputs), 0.95)

    def _covered(self, questions: Sequence[Sequence[str]]) -> list[bool]:
        outcomes = []
        for row, lines in zip(self.passages, questions, strict=True):
            facts = _facts(row)
            covered_facts = {facts[line] for line in lines if line in facts}
            outcomes += [
                statement.fact in covered_facts for statement in row.statements
            ]
        return outcomes

    def open_book(self) -> Iterator[TaskScore]:
        """Ask for what the passage says, and for what it does not say."""
        open_space = [study_passage(self.open_world) for _ in range(self.n_items)]
        for kind, passages, target in (
            ("library's names", self.passages, 0.97),
            ("any names", open_space, 0.92),
        ):
            picks = self._picks(passages)
            parts = self._answers(picks)
            exact = [
                p.text == s.fact.answer for p, (_, s) in zip(parts, picks, strict=True)
            ]
            quote_matches = [
                p.evidence == s.sentence for p, (_, s) in zip(parts, picks, strict=True)
            ]
            yield share(f"open book, {kind}: answer exact", exact, target)
            yield share(f"open book, {kind}: right quote", quote_matches)
        exercises = [
            tasks.open_book(row, tasks.unanswerable(row, self.world), None)
            for row in self.passages
        ]
        abstentions = [
            reply.endswith(tasks.NOT_SAID) for reply in self.replies(exercises)
        ]
        yield share("open book: says so if the text does not say", abstentions)

    def _picks(
        self, passages: Sequence[ProsePassage]
    ) -> list[tuple[ProsePassage, Statement]]:
        return [(row, self.world.rng.choice(row.statements)) for row in passages]

    def _answers(
        self, picks: Sequence[tuple[ProsePassage, Statement]]
    ) -> list["_OpenBook"]:
        exercises = [
            tasks.open_book(row, self._question(pick.fact), pick) for row, pick in picks
        ]
        return [_OpenBook.read(reply) for reply in self.replies(exercises)]

    def closed_book(self) -> Iterator[TaskScore]:
        """Ask about new things, then about the things that it was taught."""
        facts = [pick.fact for _, pick in self._picks(self.passages)]
        new_items = [(self._quiz(fact), fact.value) for fact in facts]
        known_items = [(item.question, item.value) for item in control()]
        for name, items, target, at_most in (
            ("new facts", new_items, 0.05, True),
            ("known world", known_items, 0.93, False),
        ):
            replies = self.replies([_question_only(q) for q, _ in items])
            right = [
                matching.contains(r, v)
                for r, (_, v) in zip(replies, items, strict=True)
            ]
            yield share(f"closed book: {name}", right, target, at_most=at_most)

    def feedback(self) -> Iterator[TaskScore]:
        """Ask for verdicts on right answers and on each kind of wrong ones."""
        for name, attempt_at in self._attempts().items():
            exercises = [
                tasks.feedback(
                    row, self._question(pick.fact), pick.fact, attempt_at(pick.fact)
                )
                for row, pick in self._picks(self.passages)
            ]
            yield share(f"verdict: right on {name}", self._verdicts(exercises), 0.93)

    def _verdicts(self, exercises: Sequence[Exercise]) -> list[bool]:
        replies = self.replies(exercises)
        return [
            model_output.verdict(r) == model_output.verdict(e.target)
            for r, e in zip(replies, exercises, strict=True)
        ]

    def refine(self) -> Iterator[TaskScore]:
        """Ask for a better answer, given right feedback."""
        for name, attempt_at in self._attempts().items():
            exercises = [
                tasks.refine(
                    row, self._question(pick.fact), pick.fact, attempt_at(pick.fact)
                )
                for row, pick in self._picks(self.passages)
            ]
            yield share(f"refine: right from {name}", self._as_taught(exercises), 0.98)

    def end_to_end(self) -> TaskScore:
        """Let the model answer, compare and refine with its own outputs."""
        picks = self._picks(self.passages)
        questions = [self._question(pick.fact) for _, pick in picks]
        closed_book = self.replies([_question_only(text) for text in questions])
        open_book = self.replies(
            [
                tasks.open_book(row, question, pick)
                for (row, pick), question in zip(picks, questions, strict=True)
            ]
        )
        texts = [row.text for row, _ in picks]
        references = [model_output.answer(reply) for reply in open_book]
        feedback_exercises = [
            _exercise("feedback", passage=p, question=q, reference=r, answer=a)
            for p, q, r, a in zip(
                texts, questions, references, closed_book, strict=True
            )
        ]
        refine_exercises = [
            _exercise("refine", passage=p, question=q, answer=a, feedback=f)
            for p, q, a, f in zip(
                texts,
                questions,
                closed_book,
                self.replies(feedback_exercises),
                strict=True,
            )
        ]
        right = [
            model_output.answer(reply) == pick.fact.answer
            for reply, (_, pick) in zip(
                self.replies(refine_exercises), picks, strict=True
            )
        ]
        return share("refine: right, all by itself", right, 0.93)

    def paraphrase(self) -> Iterator[TaskScore]:
        """Ask for other wordings of quiz questions."""
        facts = [pick.fact for _, pick in self._picks(self.passages)]
        exercises = [
            tasks.paraphrase(fact, self._quiz(fact), N_PARAPHRASES, self.world.rng)
            for fact in facts
        ]
        valid, different = [], []
        for fact, reply in zip(facts, self.replies(exercises), strict=True):
            lines = model_output.questions(reply)
            valid += [line in fact.wordings for line in lines]
            different.append(len(set(lines)) == N_PARAPHRASES)
        yield share("paraphrase: valid", valid, 0.93)
        yield share("paraphrase: three different ones", different)

    def statements(self) -> Iterator[TaskScore]:
        """Ask for one statement for each fact."""
        rng = self.world.rng
        exercises = [
            tasks.statements(row, len(row.statements), rng) for row in self.passages
        ]
        valid: list[bool] = []
        for row, reply in zip(self.passages, self.replies(exercises), strict=True):
            true = {
                text
                for statement in row.statements
                for text in (statement.fact.answer, *statement.fact.statements)
            }
            valid += [line.strip() in true for line in reply.splitlines()]
        yield share("statements: true", valid)

    def sums(self) -> Iterator[TaskScore]:
        """Ask word problems: answers, verdicts on right and wrong ones, refinements."""
        rng = self.world.rng
        problems = [sums.problem(self.world) for _ in range(self.n_items)]
        prompts = [_question_only(problem.question) for problem in problems]
        answers = self.replies(prompts)
        truth = [problem.answer(problem.steps) for problem in problems]
        right = [a == t for a, t in zip(answers, truth, strict=True)]
        yield share("sums: answer right", right)
        wrong_steps = [sums.slip(problem.steps, rng) for problem in problems]
        for name, attempts in (
            ("right answers", [problem.steps for problem in problems]),
            ("wrong answers", wrong_steps),
        ):
            exercises = [
                tasks.sum_feedback(problem, steps)
                for problem, steps in zip(problems, attempts, strict=True)
            ]
            yield share(f"sums: verdict right on {name}", self._verdicts(exercises))
        exercises = [
            tasks.sum_refine(problem, steps)
            for problem, steps in zip(problems, wrong_steps, strict=True)
        ]
        yield share("sums: refine right", self._as_taught(exercises))
        checks = [
            _exercise("feedback_free", question=problem.question, answer=answer)
            for problem, answer in zip(problems, answers, strict=True)
        ]
        refinements = self.replies(
            [
                _exercise(
                    "refine_free", question=problem.question, answer=a, feedback=f
                )
                for problem, a, f in zip(
                    problems, answers, self.replies(checks), strict=True
                )
            ]
        )
        right = [
            model_output.answer(r) == t for r, t in zip(refinements, truth, strict=True)
        ]
        yield share("sums: right after its own feedback", right)

    def talk(self) -> Iterator[TaskScore]:
        """Talk, then say things that the model cannot know."""
        pairs = [(text, kind.reply) for kind in grammar().talks for text in kind.say]
        replies = self.replies([_question_only(text) for text, _ in pairs])
        right = [r == reply for r, (_, reply) in zip(replies, pairs, strict=True)]
        yield share("talk: fitting reply", right)
        texts = [outside_text(self.world.rng) for _ in range(self.n_items)]
        replies = self.replies([_question_only(text) for text in texts])
        honest = [reply == grammar().outside.reply for reply in replies]
        yield share("talk: says what it can read", honest)

    def _attempts(self) -> dict[str, Attempt]:
        def near(fact: WorldFact) -> WorldFact:
            return fact.with_value(self.world.other_value(fact, near=True))

        def far(fact: WorldFact) -> WorldFact:
            return fact.with_value(self.world.other_value(fact, near=False))

        return {
            "correct answers": lambda fact: fact,
            "near misses": near,
            "other values": far,
        }

    def _question(self, fact: WorldFact) -> str:
        return self.world.rng.choice(fact.wordings)

    def _quiz(self, fact: WorldFact) -> str:
        return self.world.rng.choice(fact.quizzes)

    def _as_taught(self, exercises: Sequence[Exercise]) -> list[bool]:
        replies = self.replies(exercises)
        return [r == e.target for r, e in zip(replies, exercises, strict=True)]

    def replies(self, exercises: Sequence[Exercise], draw: int = 0) -> list[str]:
        """Return the model's reply to each prompt, in order; draw 0 is greedy."""
        temperature = StudySettings().temperature if draw else 0.0
        requests = [
            Request(
                Prompt(e.task, "", (Message("user", e.prompt),)),
                Sampling(temperature, max_new_tokens=MAX_NEW_TOKENS, seed=draw),
            )
            for e in exercises
        ]
        completions = self.backend.complete(requests, lambda: False)
        return [completion.text.strip() for completion in completions]


@dataclass(frozen=True)
class _OpenBook:
    evidence: str
    text: str

    @classmethod
    def read(cls, reply: str) -> "_OpenBook":
        evidence, _, answer = reply.partition("\nAnswer: ")
        return cls(evidence.removeprefix("Evidence: "), answer)


def _facts(passage: ProsePassage) -> dict[str, WorldFact]:
    return {text: row.fact for row in passage.statements for text in row.fact.asks}


def _question_only(question: str) -> Exercise:
    return _exercise("closed_book", question=question)


def _exercise(name: str, **values: str) -> Exercise:
    return Exercise(name, tasks.user_template(name).substitute(values), ())


def main() -> None:
    """Evaluate from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", type=Path, default=BUILT_IN)
    parser.add_argument("--adapter", type=Path, help="folder of a round's adapter")
    parser.add_argument("--items", type=int, default=200, help="passages")
    flags = parser.parse_args()
    backend = HuggingFaceBackend.load(ModelSettings(), flags.model)
    if flags.adapter:
        backend.use_adapter(flags.adapter)
    for score in Examiner(backend, flags.seed, flags.items).scores():
        sys.stdout.write(f"{score}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

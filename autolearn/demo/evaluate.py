"""Measure the tiny model: `python -m autolearn.demo.evaluate --seed 1 --items 100`.

It writes freely and greedily, as in the app, about names that it was never trained on.
Replies are held against the world that made the texts, so no judge is needed.
"""

import argparse
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import (
    AutoTokenizer,
    BatchEncoding,
    LlamaForCausalLM,
    PreTrainedTokenizerBase,
)

from autolearn.demo import tasks
from autolearn.demo.build import ASSETS, greedy
from autolearn.demo.library import control
from autolearn.demo.passages import Passage, study_passage
from autolearn.demo.tasks import Exercise
from autolearn.demo.world import Fact, World

BATCH = 32
N_PARAPHRASES = 3

Attempt = Callable[[Passage, Fact], Fact]


@dataclass(frozen=True)
class Score:
    """A share of successes with a name."""

    name: str
    n_right: int
    n: int

    def __str__(self) -> str:
        share = 100 * self.n_right / max(1, self.n)
        return f"{self.name:<46}{share:6.1f} %   of {self.n}"


class Examiner:
    """Puts exercises on a fresh, held-out world to one model."""

    def __init__(
        self,
        model: LlamaForCausalLM,
        tokenizer: PreTrainedTokenizerBase,
        seed: int,
        n_items: int,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.n_items = n_items
        self.world = World(random.Random(f"exam {seed}"), held_out=True, odd_share=0.0)
        self.passages = [study_passage(self.world) for _ in range(n_items)]

    def scores(self) -> Iterator[Score]:
        """Yield every score, one skill after the other."""
        yield from self.ask()
        yield from self.open_book()
        yield from self.closed_book()
        yield from self.feedback()
        yield from self.refine()
        yield from self.paraphrase()

    def ask(self) -> Iterator[Score]:
        """Ask for as many questions as the passage has facts."""
        rows = self.passages[: max(1, self.n_items // 2)]
        rng = self.world.rng
        exercises = [tasks.ask(row, len(row.statements), rng) for row in rows]
        n_lines = n_valid = n_covered = 0
        for row, reply in zip(rows, self.replies(exercises), strict=True):
            facts = {q: s.fact for s in row.statements for q in s.fact.asks}
            lines = reply.splitlines()
            n_lines += len(lines)
            n_valid += sum(line in facts for line in lines)
            n_covered += len({facts[line] for line in lines if line in facts})
        yield Score("ask: valid questions", n_valid, n_lines)
        n_facts = sum(len(row.statements) for row in rows)
        yield Score("ask: facts covered by one list", n_covered, n_facts)

    def open_book(self) -> Iterator[Score]:
        """Ask what the passage says, and now and then what it does not say."""
        picks = [(row, self.world.rng.choice(row.statements)) for row in self.passages]
        replies = self.replies(
            [tasks.open_book(row, self._question(p.fact), p) for row, p in picks]
        )
        found, exact, value = [], [], []
        for reply, (_, pick) in zip(replies, picks, strict=True):
            evidence, _, answer = reply.partition("\nAnswer: ")
            found.append(evidence.removeprefix("Evidence: ") == pick.sentence)
            exact.append(answer == pick.fact.answer)
            value.append(states(answer, pick.fact.value))
        yield share("open book: evidence is the right sentence", found)
        yield share("open book: answer exact", exact)
        yield share("open book: value right", value)
        unsaid = [
            tasks.open_book(row, tasks.unanswerable(row, self.world), None)
            for row in self.passages[: max(1, self.n_items // 2)]
        ]
        refused = [reply.endswith(tasks.NOT_SAID) for reply in self.replies(unsaid)]
        yield share("open book: says so if the text does not say", refused)

    def closed_book(self) -> Iterator[Score]:
        """Ask about new things, then about the things taught by heart."""
        facts = [self.world.rng.choice(row.statements).fact for row in self.passages]
        fresh = [(self._quiz(fact), fact.value) for fact in facts]
        known = [(item.question, item.value) for item in control()][: self.n_items * 2]
        for name, items in (("new facts", fresh), ("known world", known)):
            replies = self.replies([_question_only(q) for q, _ in items])
            right = [states(r, v) for r, (_, v) in zip(replies, items, strict=True)]
            yield share(f"closed book: {name}", right)

    def feedback(self) -> Iterator[Score]:
        """Ask for verdicts on right answers and on each kind of wrong ones."""
        for name, attempt_at in self._attempts().items():
            exercises, truth = [], []
            for row in self.passages:
                fact = self.world.rng.choice(row.statements).fact
                attempt = attempt_at(row, fact)
                exercises.append(
                    tasks.feedback(row, self._question(fact), fact, attempt)
                )
                truth.append(attempt.value == fact.value)
            verdicts = [
                reply.endswith("Verdict: correct") for reply in self.replies(exercises)
            ]
            right = [v == t for v, t in zip(verdicts, truth, strict=True)]
            yield share(f"verdict: right on {name}", right)

    def refine(self) -> Iterator[Score]:
        """Ask for a better answer, given right feedback."""
        for name, attempt_at in self._attempts().items():
            exercises = []
            for row in self.passages[: max(1, self.n_items // 2)]:
                fact = self.world.rng.choice(row.statements).fact
                question = self._question(fact)
                exercises.append(
                    tasks.refine(row, question, fact, attempt_at(row, fact))
                )
            replies = zip(self.replies(exercises), exercises, strict=True)
            yield share(
                f"refine: right from {name}", [r == e.target for r, e in replies]
            )

    def paraphrase(self) -> Iterator[Score]:
        """Ask for other wordings of quiz questions."""
        facts = [row.statements[0].fact for row in self.passages]
        exercises = [
            tasks.paraphrase(fact, self._quiz(fact), N_PARAPHRASES, self.world.rng)
            for fact in facts
        ]
        valid, different = [], []
        for fact, reply in zip(facts, self.replies(exercises), strict=True):
            lines = reply.splitlines()
            valid += [line in fact.asks for line in lines]
            different.append(len(set(lines)) == N_PARAPHRASES)
        yield share("paraphrase: valid", valid)
        yield share("paraphrase: all different", different)

    def _attempts(self) -> dict[str, Attempt]:
        def near(_: Passage, fact: Fact) -> Fact:
            return fact.with_value(self.world.other_value(fact, near=True))

        def far(_: Passage, fact: Fact) -> Fact:
            return fact.with_value(self.world.other_value(fact, near=False))

        return {
            "correct answers": lambda _, fact: fact,
            "near misses": near,
            "other values": far,
        }

    def _question(self, fact: Fact) -> str:
        return self.world.rng.choice(fact.asks)

    def _quiz(self, fact: Fact) -> str:
        return self.world.rng.choice(fact.quizzes)

    def replies(self, exercises: list[Exercise]) -> Iterator[str]:
        """Yield the model's reply to each prompt, in order."""
        for start in range(0, len(exercises), BATCH):
            prompts = [e.prompt for e in exercises[start : start + BATCH]]
            yield from self._generate(prompts)

    @torch.inference_mode()
    def _generate(self, prompts: list[str]) -> list[str]:
        chats = [[{"role": "user", "content": prompt}] for prompt in prompts]
        batch = self.tokenizer.apply_chat_template(
            chats,
            add_generation_prompt=True,
            padding=True,
            return_tensors="pt",
            return_dict=True,
        )
        assert isinstance(batch, BatchEncoding)
        out = self.model.generate(  # type: ignore[misc]
            **batch, generation_config=greedy(self.model.config)
        )
        assert isinstance(out, Tensor)
        new = out[:, batch["input_ids"].shape[1] :]
        texts = self.tokenizer.batch_decode(new, skip_special_tokens=True)
        return [text.strip() for text in texts]


def _question_only(question: str) -> Exercise:
    return Exercise("closed_book", question, ())


def states(answer: str, value: str) -> bool:
    """Say whether an answer holds a value as whole words."""
    return re.search(rf"\b{re.escape(value)}\b", answer) is not None


def share(name: str, outcomes: Iterable[bool]) -> Score:
    """Count successes."""
    counted = list(outcomes)
    return Score(name, sum(counted), len(counted))


def main() -> None:
    """Evaluate from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", type=Path, default=ASSETS / "demo-model")
    parser.add_argument("--items", type=int, default=100, help="passages")
    flags = parser.parse_args()
    # float32: what processors without bfloat16 units compute fastest
    model = LlamaForCausalLM.from_pretrained(flags.model, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(flags.model)
    examiner = Examiner(model, tokenizer, flags.seed, flags.items)
    for score in examiner.scores():
        sys.stdout.write(f"{score}\n")


if __name__ == "__main__":
    main()

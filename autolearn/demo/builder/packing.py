"""Pack exercises into rows of tokens, so that nothing is read twice.

A row holds one passage and several exercises on it. Each exercise attends to the
passage and to itself, at the positions that it would have alone. The loss is therefore
that of separate chats, at a fraction of the tokens.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from autolearn.demo.builder.tasks import (
    DECISION_WEIGHT,
    Exercise,
    free_exercise,
    passage_exercise,
    verdict_text,
)
from autolearn.demo.builder.tokenizer import ASSISTANT, END, USER
from autolearn.demo.passages import crowded_passage, study_passage
from autolearn.demo.sums import problem
from autolearn.demo.world import Entity, World, WorldFact, grammar

ROW_TOKENS = 512
PASSAGE_LOSS_SHARE = 0.15
PASSAGE_WEIGHT = 0.15
PASSAGE_TASKS = {
    "open_book": 0.5,
    "feedback": 0.21,
    "refine": 0.17,
    "ask": 0.08,
    "statements": 0.04,
}
FREE_TASKS = {
    "known": 0.2,
    "closed_book": 0.2,
    "paraphrase": 0.18,
    "sum_answer": 0.14,
    "sum_feedback": 0.24,
    "sum_refine": 0.1,
    "talk": 0.03,
    "outside": 0.04,
}
FREE_ROW_SHARE = 0.15
"""Rows without a passage."""
CROWD_SHARE = 0.5
"""Share of the passages that are about several things of one kind."""
ODD_VALUE_SHARE = 0.1
SHARED = 0
DRILLS = (0.3, 0.3, 0.4)
"""Probabilities of the drills: copy, compare, add."""


@dataclass(frozen=True)
class Segment:
    """Tokens of one exercise, or of the shared passage, with their loss weights."""

    task: str
    tokens: list[int]
    weights: list[float]
    is_shared: bool = False
    reads_shared: bool = False


@dataclass(frozen=True)
class PackedBatch:
    """Packed rows.

    Shapes:
        tokens, positions, weights: (B, T). mask: (B, 1, T, T), True where a token (row)
        attends to another (column). A weight is for predicting its own token.
    """

    tokens: NDArray[np.int64]
    positions: NDArray[np.int64]
    weights: NDArray[np.float32]
    mask: NDArray[np.bool_]
    tasks: list[list[tuple[str, int, int]]]
    """Task, start and end of every segment, for each row."""


class Packer:
    """Draws exercises and packs them into rows."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        entities: tuple[Entity, ...],
        *,
        held_out: bool = False,
    ) -> None:
        self.tokenizer = tokenizer
        self.ids = tokenizer.get_vocab()
        self.entities = entities
        self.held_out = held_out

    def batch(self, seed: str, n_rows: int, micro_share: float = 0.0) -> PackedBatch:
        """Return the rows of a seed; some of them only drill copying."""
        rng = random.Random(seed)
        rows = []
        for _ in range(n_rows):
            world = World(rng, held_out=self.held_out, odd_value_share=ODD_VALUE_SHARE)
            draw = rng.random()
            if draw < micro_share:
                rows.append(self._micro_row(world))
            elif draw < micro_share + FREE_ROW_SHARE:
                rows.append(list(self._fill(ROW_TOKENS, world)))
            else:
                rows.append(self._row(world))
        return collate(rows)

    def _row(self, world: World) -> list[Segment]:
        is_crowded = world.rng.random() < CROWD_SHARE
        passage = (crowded_passage if is_crowded else study_passage)(world)
        has_loss = world.rng.random() < PASSAGE_LOSS_SHARE
        passage_segment = self.shared(passage.text, PASSAGE_WEIGHT if has_loss else 0.0)
        row = [passage_segment, self.branch(passage_exercise("ask", passage, world))]
        n_free = ROW_TOKENS - sum(len(segment.tokens) for segment in row)
        for _ in range(world.rng.randint(5, 7)):
            task = _draw(PASSAGE_TASKS, world.rng)
            segment = self.branch(passage_exercise(task, passage, world))
            if len(segment.tokens) <= n_free:
                n_free -= len(segment.tokens)
                row.append(segment)
        return row + list(self._fill(n_free, world))

    def _fill(self, n_free: int, world: World) -> Iterator[Segment]:
        while True:
            task = _draw(FREE_TASKS, world.rng)
            segment = self.branch(free_exercise(task, self.entities, world))
            if len(segment.tokens) > n_free:
                return
            n_free -= len(segment.tokens)
            yield segment

    def _micro_row(self, world: World) -> list[Segment]:
        row: list[Segment] = []
        n_free = ROW_TOKENS
        while True:
            drills = (self._copy_drill, self._compare_drill, self._sum_drill)
            segment = world.rng.choices(drills, weights=DRILLS)[0](world)
            if len(segment.tokens) > n_free:
                return row
            n_free -= len(segment.tokens)
            row.append(segment)

    def _copy_drill(self, world: World) -> Segment:
        """Return names and numbers that are read once and written once."""
        kinds = sorted(grammar().attributes)
        facts = [a for kind in kinds for a in grammar().attributes[kind]]
        values = [
            world.value(a) for a in world.rng.sample(facts, world.rng.randint(4, 12))
        ]
        words = self._encode(" " + " ".join(values))
        prompt = [self._id(USER), *words, self._id(END), self._id(ASSISTANT)]
        answer = [*words, self._id(END)]
        weights = [0.0] * len(prompt) + [1.0] * len(answer)
        return Segment("copy", prompt + answer, weights)

    def _compare_drill(self, world: World) -> Segment:
        """Return a verdict in which only the decision has loss."""
        kind = world.rng.choice(sorted(grammar().attributes))
        attribute = world.rng.choice(grammar().attributes[kind])
        fact = WorldFact("", attribute, world.value(attribute))
        other = fact.value
        if world.rng.random() < 0.5:
            other = world.other_value(fact, near=world.rng.random() < 0.6)
        *pieces, (decision, _), _ = verdict_text(fact.value, other)
        text = "".join(piece for piece, _ in pieces)
        tokens = [self._id(ASSISTANT), *self._encode(f" {text}")]
        decision_ids = self._encode(decision)
        weights = [0.0] * len(tokens) + [DECISION_WEIGHT] * len(decision_ids)
        return Segment("compare", tokens + decision_ids, weights)

    def _sum_drill(self, world: World) -> Segment:
        """Return steps of word problems in which only the results have loss."""
        tokens = [self._id(ASSISTANT)]
        weights = [0.0]
        for step in problem(world).steps:
            question, _, result = str(step).rpartition(" ")
            for text, weight in ((question, 0.0), (result, 1.0)):
                piece = self._encode(f" {text}")
                tokens += piece
                weights += [weight] * len(piece)
        return Segment("sum", tokens, weights)

    def shared(self, text: str, weight: float) -> Segment:
        """Return the beginning of a chat whose user turn starts with a passage."""
        tokens = [self._id(USER), *self._encode(f" {text}")]
        return Segment("passage", tokens, [weight] * len(tokens), is_shared=True)

    def branch(self, exercise: Exercise) -> Segment:
        """Return the rest of an exercise after its shared passage, if it has one."""
        prompt = exercise.prompt.removeprefix(exercise.passage)
        first_ids = [] if exercise.passage else [self._id(USER)]
        prompt_ids = self._encode(prompt if exercise.passage else f" {prompt}")
        tokens = [*first_ids, *prompt_ids, self._id(END), self._id(ASSISTANT)]
        weights = [0.0] * len(first_ids) + [exercise.user_weight] * (
            len(prompt_ids) + 1
        )
        weights.append(0.0)
        for i, (text, weight) in enumerate(exercise.reply):
            piece = self._encode(f" {text}" if i == 0 else text)
            tokens += piece
            weights += [weight] * len(piece)
        tokens.append(self._id(END))
        weights.append(1.0)
        return Segment(
            exercise.task, tokens, weights, reads_shared=bool(exercise.passage)
        )

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.backend_tokenizer.encode(
            text, add_special_tokens=False
        ).ids
        return ids

    def _id(self, token: str) -> int:
        return self.ids[token]


def _draw(shares: dict[str, float], rng: random.Random) -> str:
    return rng.choices(list(shares), weights=list(shares.values()))[0]


def collate(rows: list[list[Segment]]) -> PackedBatch:
    """Lay segments in rows, padded to the longest row."""
    length = max(sum(len(s.tokens) for s in row) for row in rows)
    shape = (len(rows), length)
    tokens, positions = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    weights, segments = np.zeros(shape, np.float32), np.full(shape, -1)
    reads = np.zeros(shape, bool)
    tasks: list[list[tuple[str, int, int]]] = []
    for r, row in enumerate(rows):
        start, n_shared = 0, 0
        tasks.append([])
        for number, segment in enumerate(row, start=1):
            end = start + len(segment.tokens)
            first = n_shared if segment.reads_shared else 0
            tokens[r, start:end] = segment.tokens
            positions[r, start:end] = np.arange(first, first + end - start)
            weights[r, start + 1 : end] = segment.weights[1:]
            segments[r, start:end] = SHARED if segment.is_shared else number
            reads[r, start:end] = segment.reads_shared
            n_shared = end if segment.is_shared else n_shared
            tasks[-1].append((segment.task, start, end))
            start = end
    same = segments[:, :, None] == segments[:, None, :]
    sees_passage = reads[:, :, None] & (segments == SHARED)[:, None, :]
    mask = (same | sees_passage) & np.tri(length, dtype=bool)
    return PackedBatch(tokens, positions, weights, mask[:, None], tasks)

"""The groups of a study: passages or instructions that go through its steps together.

The names of steps contain the positions of a group, but the library may change before a
study is resumed: documents are added, deleted or read again, passages are excluded. A
group that was begun therefore keeps what its first step was about, and only the rest is
taken from the library as it is now.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from autolearn.core.ports import Cancelled, Journal, Progress, Stop
from autolearn.core.records import Answer, Passage, Question, Record, Skip

T = TypeVar("T", Passage, Question)


@dataclass(frozen=True)
class Group(Generic[T]):
    """Passages or instructions that go through the steps together."""

    range_name: str
    """Which ones these are; the names of the steps begin with it."""
    items: Sequence[T]


def of_passages(
    journal: Journal, passages: Sequence[Passage], size: int
) -> list[Group[Passage]]:
    """Return the groups of passages: those begun, then all that are not excluded.

    ``passages`` contain those that were begun, excluded or not.
    """
    begun = _begun(journal, "passages", "questions", passages, _passage_ids)
    included = [passage for passage in passages if not passage.excluded]
    return _with_rest(begun, "passages", included, size)


def of_instructions(
    journal: Journal, instructions: Sequence[Question], size: int
) -> list[Group[Question]]:
    """Return the groups of instructions: those begun, then the others."""
    begun = _begun(journal, "instructions", "answers", instructions, _question_ids)
    return _with_rest(begun, "instructions", instructions, size)


def _begun(
    journal: Journal,
    kind: str,
    first_stage: str,
    items: Sequence[T],
    ids_of: Callable[[Sequence[Record]], list[int]],
) -> list[Group[T]]:
    """Return the groups whose first step is stored; its records name their items."""
    by_id = {item.id: item for item in items}
    groups = []
    for name in journal.names():
        range_name, _, stage = name.partition(": ")
        if range_name.startswith(f"{kind} ") and stage == first_stage:
            records = journal.step(name, tuple)  # stored, so nothing is computed
            ids = dict.fromkeys(ids_of(records))
            groups.append(Group(range_name, [by_id[number] for number in ids]))
    return groups


def _with_rest(
    begun: list[Group[T]], kind: str, items: Sequence[T], size: int
) -> list[Group[T]]:
    """Return the groups with those of the items that are in none of them yet."""
    ids = {item.id for group in begun for item in group.items}
    rest = [item for item in items if item.id not in ids]
    n_before = max((_end(group.range_name) for group in begun), default=0)
    groups = list(begun)
    for i in range(0, len(rest), size):
        part = rest[i : i + size]
        first = n_before + i + 1
        groups.append(Group(f"{kind} {first}-{first + len(part) - 1}", part))
    return groups


def _end(range_name: str) -> int:
    return int(range_name.rpartition("-")[2])


def _passage_ids(records: Sequence[Record]) -> list[int]:
    return [
        record.passage_id
        for record in records
        if isinstance(record, Question | Skip) and record.passage_id
    ]


def _question_ids(records: Sequence[Record]) -> list[int]:
    return [
        record.question_id
        for record in records
        if isinstance(record, Answer | Skip) and record.question_id
    ]


@dataclass
class Steps:
    """The steps of one group: runs them through the journal and reports progress.

    Progress counts items, such as passages, times the weights of the stages, so one ETA
    covers all.
    """

    journal: Journal
    stop: Stop
    progress: Progress
    weights: Mapping[str, int]
    """The stages in their order, and how long each takes compared with the others."""
    range_name: str
    """Which items these are; the names of the steps begin with it."""
    begin: int
    """How many come before these; likewise the number of these, and of all."""
    n: int
    n_all: int
    stage: str = ""
    share: float = 0.0
    """Of the stage that is written."""

    def __call__(
        self, stage: str, make: Callable[[], Sequence[Record]]
    ) -> tuple[Record, ...]:
        """Return the records of a stage; make and commit them if they are new.

        Stored ones are not reported: they take no time, and would count in the pace.

        Raises:
            Cancelled: The user stopped the run.
        """
        if self.stop():
            raise Cancelled
        self.stage, self.share = stage, 0.0

        def make_and_report() -> Sequence[Record]:
            self.report(0.0)
            records = make()
            self.report(1.0)
            return records

        return self.journal.step(f"{self.range_name}: {stage}", make_and_report)

    def report(self, share: float) -> None:
        """Report the finished share of what the stage is writing.

        A stage may write several times, such as the questions that failed again; that
        begins at 0 and is progress only from what was reached before.
        """
        self.share = max(self.share, share)
        weights, total = list(self.weights.values()), sum(self.weights.values())
        place = list(self.weights).index(self.stage)
        n_finished = sum(weights[:place]) + self.share * weights[place]
        n_done = self.begin * total + n_finished * self.n
        self.progress(self.stage, int(n_done), self.n_all * total)

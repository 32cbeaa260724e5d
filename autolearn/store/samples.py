"""Samples for the review: filtered, searched, counted, with their sources.

Nothing is written here; ``decisions`` changes samples.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from json import loads
from typing import Any, Literal, TypeVar

from autolearn.core.errors import InputError
from autolearn.core.records import (
    Answer,
    Decision,
    Document,
    Feedback,
    Passage,
    Question,
    Sample,
    SampleState,
    Verdict,
)
from autolearn.store.database import Database, filtered, listed
from autolearn.store.search import is_common, match
from autolearn.text.contradictions import contradict
from autolearn.text.matching import exact_match

T = TypeVar("T")

Order = Literal["doubt", "demerit", "id"]
"""What is most useful to review first, what is best, or what was made first.

Doubt is the opposite of the column ``confidence``: |2 p - 1| for the probability p of
the gap, less 1 for each flag disputed, contradicts_open_book or check_failed.
Decisions do not change it, so a place in the queue stays valid.
"""

_BESIDE = 200
"""Newest samples of a passage among which contradictions are searched."""
_IN_ORDER = "IN (SELECT value FROM json_each(?)) ORDER BY id"
_KEYS: dict[Order, tuple[str, ...]] = {
    "doubt": ("confidence", "id"),
    "demerit": ("demerit", "id"),
    "id": ("id",),
}


@dataclass(frozen=True)
class SampleFilter:
    """Which samples; None: any."""

    ids: Sequence[int] | None = None
    state: SampleState | None = None
    run_id: int | None = None
    flag: str | None = None
    verdict: Verdict | None = None
    """Of the critique of the closed-book answer."""
    gap: bool | None = None
    min_gap_probability: float | None = None
    """Lowest probability of the gap, itself included."""
    gap_probability_below: float | None = None
    document_id: int | None = None
    passage_id: int | None = None
    text: str | None = None
    """Words of the prompt, the chosen or the rejected answer."""
    model_digest: str | None = None
    """Of the model that was studied; samples that a person added belong to all."""
    documents: Sequence[int] | None = None
    studies: Sequence[int] | None = None
    """The runs that made the samples."""
    flagged: bool | None = None
    """Whether they have any flag."""


_CLAUSES = {
    "ids": "id IN (SELECT value FROM json_each(?))",
    "state": "state = ?",
    "run_id": "run_id = ?",
    "flag": "instr(flags, json_quote(?))",
    "verdict": "critique_id IN (SELECT id FROM feedback"
    " WHERE purpose = 'critique' AND verdict = ?)",
    "gap": "gap = ?",
    "min_gap_probability": "gap_probability >= ?",
    "gap_probability_below": "gap_probability < ?",
    "document_id": "passage_id IN (SELECT id FROM passages WHERE document_id = ?)",
    "passage_id": "passage_id = ?",
    "text": "id IN (SELECT rowid FROM samples_search WHERE samples_search MATCH ?)",
    # The plus keeps SQLite from walking an index in another order than the queue's.
    "model_digest": "(run_id IS NULL OR +run_id IN (SELECT id FROM runs"
    " WHERE kind = 'study' AND coalesce(model_digest, '') IN ('', ?)))",
    "documents": "passage_id IN (SELECT id FROM passages WHERE document_id IN"
    " (SELECT value FROM json_each(?)))",
    "flagged": "(flags <> '[]') = ?",
    "studies": "run_id IN (SELECT value FROM json_each(?))",
}

_SOURCES = """
SELECT samples.id,
    coalesce(passages.text, '') AS passage, coalesce(passages.heading, '') AS heading,
    opened.text AS open_answer,
    CASE WHEN opened.start IS NULL THEN '' ELSE opened.evidence END AS evidence,
    questions.short_answer, coalesce(samples.feedback, critique.text) AS critique,
    (SELECT json_group_array(DISTINCT edit.key)
        FROM standing_decisions AS decision, json_each(decision.after) AS edit
        WHERE decision.sample_id = samples.id AND decision.action = 'edit') AS edits,
    closed_by.round_id AS written_by, closed_by.prompt_name
FROM samples JOIN questions ON questions.id = samples.question_id
LEFT JOIN passages ON passages.id = samples.passage_id
LEFT JOIN answers AS opened ON opened.id = samples.open_answer_id
LEFT JOIN feedback AS critique ON critique.id = samples.critique_id
LEFT JOIN answers AS closed ON closed.id = samples.closed_answer_id
LEFT JOIN generations AS closed_by ON closed_by.id = closed.generation_id
WHERE samples.id IN (SELECT value FROM json_each(?))
"""


@dataclass(frozen=True)
class SampleView:
    """Everything about a sample."""

    sample: Sample
    question: Question
    answers: tuple[Answer, ...]
    """All answers to the question, sampled ones included."""
    feedback: tuple[Feedback, ...]
    """All feedback on these answers."""
    passage: Passage | None
    document: Document | None
    decisions: tuple[Decision, ...]
    """Oldest first."""
    edited_feedback: str | None = None
    """A person's text in place of the model's critique."""
    edited_refined: str | None = None
    """Likewise, in place of the refined answer."""
    contradicting: tuple[Sample, ...] = ()
    """Others of the passage, not rejected, that answer the question differently."""
    approved_before: int | None = None
    """An earlier approved sample of the passage with this question and answer."""

    def answer(self, answer_id: int | None) -> Answer | None:
        """Return one of the answers, such as ``sample.open_answer_id``."""
        return next((a for a in self.answers if a.id == answer_id), None)

    def critique(self) -> Feedback | None:
        """Return the model's critique of its answer."""
        return next((f for f in self.feedback if f.id == self.sample.critique_id), None)

    def check(self) -> Feedback | None:
        """Return the model's check of the refined answer."""
        return next((f for f in self.feedback if f.id == self.sample.check_id), None)


@dataclass(frozen=True)
class SampleSources:
    """The sources of a sample, apart from its own texts."""

    passage: str
    heading: str
    """That of the passage."""
    open_answer: str | None
    """The open-book answer."""
    evidence: str
    """The quote that it rests on; empty: none was found in the passage."""
    short_answer: str
    """The words of the passage that the question was made for; empty: unknown."""
    critique: str | None
    """With the edits of a person."""
    edits: frozenset[str]
    """The fields that a person has edited and not undone; see ``decisions.EDITABLE``.
    """
    written_by: int | None
    """The round whose weights gave the closed-book answer; None: the base model's."""
    prompt_name: str | None
    """The prompt that asked for that answer; None: it was imported."""


class Samples:
    """The samples of a workspace."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def find(
        self,
        criteria: SampleFilter | None = None,
        *,
        limit: int = -1,
        after_id: int = 0,
    ) -> list[Sample]:
        """Return the samples of a filter, by id, those after ``after_id``."""
        clause, params = where(self._db, criteria)
        tail = f"WHERE {clause} AND id > ? ORDER BY id LIMIT ?"
        return self._db.select(Sample, tail, *params, after_id, limit)

    def newest(
        self, criteria: SampleFilter | None = None, *, limit: int
    ) -> list[Sample]:
        """Return the samples of a filter, the newest first."""
        clause, params = where(self._db, criteria)
        tail = f"WHERE {clause} ORDER BY id DESC LIMIT ?"
        return self._db.select(Sample, tail, *params, limit)

    def next_id(
        self,
        criteria: SampleFilter | None = None,
        *,
        order: Order = "doubt",
        beside: int | None = None,
        back: bool = False,
    ) -> int | None:
        """Return the id of the next sample that matches the filter.

        It follows ``beside``, which need not match. Without it, the first is returned;
        with ``back``, the one before, or the last. None: there is no such sample.
        """
        clause, params = where(self._db, criteria)
        keys, sign = _KEYS[order], "<" if back else ">"
        if beside is not None:
            place = ", ".join(keys)
            clause += (
                f" AND ({place}) {sign} (SELECT {place} FROM samples WHERE id = ?)"
            )
            params.append(beside)
        by = ", ".join(f"{key} DESC" if back else key for key in keys)
        sql = f"SELECT id FROM samples WHERE {clause} ORDER BY {by} LIMIT 1"
        return next((row["id"] for row in self._db.rows(sql, *params)), None)

    def ids(self, criteria: SampleFilter | None = None) -> list[int]:
        """Return the ids of the samples of a filter."""
        clause, params = where(self._db, criteria)
        sql = f"SELECT id FROM samples WHERE {clause} ORDER BY id"
        return [row["id"] for row in self._db.rows(sql, *params)]

    def count(self, criteria: SampleFilter) -> int:
        """Return how many samples a filter passes."""
        clause, params = where(self._db, criteria)
        sql = f"SELECT count(*) AS n FROM samples WHERE {clause}"
        return int(self._db.rows(sql, *params)[0]["n"])

    def verdicts(self, feedback_ids: Sequence[int]) -> dict[int, Verdict]:
        """Return the verdicts of these pieces of feedback."""
        sql = "SELECT id, verdict FROM feedback WHERE id IN (SELECT value FROM"
        rows = self._db.rows(f"{sql} json_each(?))", listed(feedback_ids))
        return {row["id"]: row["verdict"] for row in rows}

    def counts(self, criteria: SampleFilter | None = None) -> dict[SampleState, int]:
        """Return how many samples of a filter are in each state."""
        clause, params = where(self._db, criteria)
        counts: dict[SampleState, int] = {"pending": 0, "approved": 0, "rejected": 0}
        sql = f"SELECT state, count(*) AS n FROM samples WHERE {clause} GROUP BY state"
        counts.update({row["state"]: row["n"] for row in self._db.rows(sql, *params)})
        return counts

    def gap_histogram(self, criteria: SampleFilter, n_bars: int) -> list[int]:
        """Return how many samples of a filter each bin of the gap probability has."""
        clause, params = where(self._db, criteria)
        bars = [0] * n_bars
        for row in self._db.rows(
            f"SELECT min(?, CAST(gap_probability * ? AS INTEGER)) AS bar, count(*) AS n"
            f" FROM samples WHERE {clause} GROUP BY bar",
            n_bars - 1,
            n_bars,
            *params,
        ):
            bars[row["bar"]] = row["n"]
        return bars

    def view(self, sample_id: int) -> SampleView:
        """Return everything about one sample.

        Raises:
            InputError: There is none of this id.
        """
        for view in self.views(self.find(SampleFilter(ids=[sample_id]))):
            return replace(
                view,
                contradicting=self._contradicting(view.sample),
                approved_before=self._approved_before(view.sample),
            )
        raise InputError(f"There is no sample {sample_id}.")

    def _contradicting(self, sample: Sample) -> tuple[Sample, ...]:
        """Return the samples of its passage that a sample contradicts."""
        if sample.passage_id is None:
            return ()
        others = self.newest(SampleFilter(passage_id=sample.passage_id), limit=_BESIDE)
        return tuple(
            other
            for other in others
            if other.id != sample.id
            and other.state != "rejected"
            and contradict(sample.prompt, sample.chosen, other.prompt, other.chosen)
        )

    def _approved_before(self, sample: Sample) -> int | None:
        """Return an earlier approved sample that would teach the same, if any.

        A text that is studied again brings its samples again.
        """
        if sample.passage_id is None:
            return None
        approved = SampleFilter(passage_id=sample.passage_id, state="approved")
        for other in self.find(approved):
            if other.id >= sample.id:
                return None
            asks_same = exact_match(other.prompt, sample.prompt)
            if asks_same and exact_match(other.chosen, sample.chosen):
                return other.id
        return None

    def views(self, samples: Sequence[Sample]) -> list[SampleView]:
        """Return everything about these samples, in the same order."""
        db, ids = self._db, listed(sample.id for sample in samples)
        questions = db.by_id(Question, (s.question_id for s in samples), whole=True)
        passages = db.by_id(Passage, (s.passage_id for s in samples))
        documents = db.by_id(Document, (p.document_id for p in passages.values()))
        document_of = {p.id: documents[p.document_id] for p in passages.values()}
        answers_of, feedback_of = self._answers_and_feedback(questions)
        decisions = db.select(Decision, f"WHERE sample_id {_IN_ORDER}", ids)
        decisions_of = _grouped(decisions, "sample_id")
        sql = f"SELECT id, feedback, refined FROM samples WHERE id {_IN_ORDER}"
        edits = {row["id"]: row for row in db.rows(sql, ids)}
        return [
            SampleView(
                sample=sample,
                question=questions[sample.question_id],
                answers=tuple(answers_of[sample.question_id]),
                feedback=tuple(feedback_of[sample.question_id]),
                passage=passages.get(sample.passage_id or 0),
                document=document_of.get(sample.passage_id or 0),
                decisions=tuple(decisions_of[sample.id]),
                edited_feedback=edits[sample.id]["feedback"],
                edited_refined=edits[sample.id]["refined"],
            )
            for sample in samples
        ]

    def _answers_and_feedback(
        self, question_ids: Iterable[int]
    ) -> tuple[defaultdict[int, list[Answer]], defaultdict[int, list[Feedback]]]:
        """Return the answers to questions, and the feedback on these, by question."""
        tail = f"WHERE question_id {_IN_ORDER}"
        answers = self._db.select(Answer, tail, listed(question_ids), whole=True)
        answer_ids = listed(answer.id for answer in answers)
        tail = f"WHERE answer_id {_IN_ORDER}"
        feedback = self._db.select(Feedback, tail, answer_ids, whole=True)
        by_answer = _grouped(feedback, "answer_id")
        by_question: defaultdict[int, list[Feedback]] = defaultdict(list)
        for answer in answers:
            by_question[answer.question_id] += by_answer[answer.id]
        return _grouped(answers, "question_id"), by_question

    def sources(self, samples: Sequence[Sample]) -> dict[int, SampleSources]:
        """Return what these samples are learned from, each under its id.

        Read at once, since a training takes all that were ever approved.
        """
        sources = {}
        for row in self._db.rows(_SOURCES, listed(sample.id for sample in samples)):
            values = dict(row)
            number, edits = values.pop("id"), values.pop("edits")
            edited = frozenset(loads(edits)) if edits != "[]" else frozenset()
            sources[number] = SampleSources(edits=edited, **values)
        return sources

    def documents(self, sample_ids: Iterable[int]) -> list[int]:
        """Return the ids of the documents that these samples are about."""
        rows = self._db.rows(
            "SELECT DISTINCT passages.document_id AS id FROM samples"
            " JOIN passages ON passages.id = samples.passage_id"
            " WHERE samples.id IN (SELECT value FROM json_each(?)) ORDER BY 1",
            listed(sample_ids),
        )
        return [row["id"] for row in rows]


def where(db: Database, criteria: SampleFilter | None) -> tuple[str, list[Any]]:
    """Return the clause that passes the samples of a filter, with its parameters."""
    criteria, clauses = criteria or SampleFilter(), _CLAUSES
    if criteria.text is not None:
        criteria = replace(criteria, text=match(criteria.text))
        if is_common(db, criteria.text or ""):
            # The words are then only tested, not used to find the samples.
            clauses = clauses | {"text": "+" + clauses["text"]}
    return filtered(criteria, clauses)


def _grouped(records: Iterable[T], name: str) -> defaultdict[int, list[T]]:
    """Return the records by the value of one field."""
    groups: defaultdict[int, list[T]] = defaultdict(list)
    for record in records:
        groups[getattr(record, name)].append(record)
    return groups

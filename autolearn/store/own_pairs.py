"""Questions and answers that a person adds as samples."""

from collections.abc import Iterable

from autolearn.core.records import Question, Sample
from autolearn.store.database import Database, listed
from autolearn.store.encoding import to_row
from autolearn.store.library import Library
from autolearn.store.search import index_samples


class OwnPairs:
    """The pairs of a person in a workspace; they belong to no run."""

    def __init__(self, db: Database, library: Library) -> None:
        self._db = db
        self._library = library

    def add(self, question: str, answer: str, passage_id: int | None = None) -> int:
        """Store a pair as a pending sample and return its id."""
        record = Question(
            question, "study", "gold", passage_id=passage_id, gold_answer=answer
        )
        (stored_question,) = self._library.add_questions([record])
        sample = Sample(
            stored_question.id,
            question,
            chosen=answer,
            rejected="",
            gap=True,
            gap_probability=1.0,
            passage_id=passage_id,
        )
        with self._db.atomic():
            (sample_id,) = self._db.insert("samples", [to_row(sample)])
            index_samples(self._db, [sample_id])
        return sample_id

    def about(self, passage_ids: Iterable[int]) -> list[tuple[Sample, Question]]:
        """Return the pairs about these passages, each with its question as added."""
        samples = self._db.select(
            Sample,
            "WHERE run_id IS NULL"
            " AND passage_id IN (SELECT value FROM json_each(?)) ORDER BY id",
            listed(passage_ids),
        )
        questions = self._db.by_id(Question, (s.question_id for s in samples))
        return [(sample, questions[sample.question_id]) for sample in samples]

"""Questions and answers that a person adds as samples."""

from autolearn.core.records import Question, Sample
from autolearn.store.database import Database
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

"""The versions of quiz and control: frozen, and locked against later studies."""

from collections.abc import Sequence
from dataclasses import replace

from autolearn.core.errors import InputError
from autolearn.core.quiz_records import FrozenQuestion, QuizVersion
from autolearn.core.records import NOT_LEARNED
from autolearn.store.database import Database, listed
from autolearn.store.encoding import to_row

# Runs of workspaces without digests of models count for every model.
_STUDIED_DOCUMENTS = """
WITH of_model AS (
    SELECT id, kind FROM runs WHERE kind IN ('study', 'train')
    AND coalesce(model_digest, '') IN ('', ?1)
), studies AS (SELECT id FROM of_model WHERE kind = 'study')
SELECT id FROM documents WHERE NOT removed AND id IN (
    SELECT document_id FROM passages WHERE id IN (
        SELECT passage_id FROM questions WHERE run_id IN (SELECT id FROM studies)
        UNION SELECT passage_id FROM skips WHERE run_id IN (SELECT id FROM studies)
        UNION SELECT passage_id FROM samples WHERE id IN (
            SELECT sample_id FROM round_items
            WHERE kind NOT IN (SELECT value FROM json_each(?2))
            AND round_id IN (SELECT rounds.id FROM rounds
                JOIN of_model ON of_model.id = rounds.run_id)
        )
    )
) ORDER BY id
"""


class Quizzes:
    """The versions of the quiz of a workspace."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def newest(self) -> QuizVersion | None:
        """Return the newest version; None if nothing was frozen yet."""
        return self._db.first(QuizVersion, "ORDER BY version DESC LIMIT 1")

    @property
    def is_locked(self) -> bool:
        """Return whether the quiz takes no further question."""
        version = self.newest()
        return version is not None and version.locked

    def all(self) -> list[QuizVersion]:
        """Return all versions, oldest first."""
        return self._db.select(QuizVersion, "ORDER BY version")

    def get(self, version: int) -> QuizVersion:
        """Return one version.

        Raises:
            InputError: There is none of this number.
        """
        for row in self._db.select(QuizVersion, "WHERE version = ?", version):
            return row
        raise InputError(f"There is no version {version} of the quiz.")

    def freeze(self, digest: str, questions: Sequence[FrozenQuestion]) -> QuizVersion:
        """Return the newest version if it has this content, or else store a new one.

        A new version is locked if the one before it is.
        """
        with self._db.atomic():
            last = self.newest()
            if last and last.digest == digest:
                return last
            number = last.version + 1 if last else 1
            locked = bool(last and last.locked)
            new = QuizVersion(number, digest, tuple(questions), locked)
            (row_id,) = self._db.insert("quizzes", [to_row(new)])
        return replace(new, id=row_id)

    def studied_documents(self, model_digest: str) -> list[int]:
        """Return the ids of the documents that a model or a round of it has studied.

        Or that a round has learned from: pairs of a person are learned without a study.
        Deleted documents are left out.
        """
        rows = self._db.rows(_STUDIED_DOCUMENTS, model_digest, listed(NOT_LEARNED))
        return [row["id"] for row in rows]

    def set_locked(self, version: int, *, locked: bool) -> QuizVersion:
        """Lock a version, or unlock it."""
        self._db.write(
            "UPDATE quizzes SET locked = ? WHERE version = ?", locked, version
        )
        return self.get(version)

"""The versions of quiz and control: frozen, and locked against later studies."""

from collections.abc import Sequence
from dataclasses import replace

from autolearn.core.errors import InputError
from autolearn.core.quiz_records import FrozenQuestion, QuizVersion
from autolearn.store.database import Database
from autolearn.store.encoding import to_row


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

    def set_locked(self, version: int, *, locked: bool) -> QuizVersion:
        """Lock a version, or unlock it."""
        self._db.write(
            "UPDATE quizzes SET locked = ? WHERE version = ?", locked, version
        )
        return self.get(version)

"""The database of a workspace: one SQLite file, read and written as records.

A workspace is a folder with ``autolearn.db`` and, once they are needed, the folders
``adapters``, ``checkpoints``, ``exports`` and ``logs``. The study code does not import
it; the worker and the page exchange everything through it.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Self

from autolearn.core.errors import StoreError
from autolearn.store import layout
from autolearn.store.choices import Choices
from autolearn.store.connection import is_read_only
from autolearn.store.corpora import Corpora
from autolearn.store.database import Database, schema_sql
from autolearn.store.decisions import EDITABLE, Decisions
from autolearn.store.exclusions import Exclusions
from autolearn.store.experiments import Experiments
from autolearn.store.instructions import Instructions
from autolearn.store.journal import RunJournal
from autolearn.store.knowledge import KnowledgeOfPassages
from autolearn.store.library import DocumentSize, Library, QuestionFilter
from autolearn.store.own_pairs import OwnPairs
from autolearn.store.quizzes import Quizzes
from autolearn.store.readings import Readings
from autolearn.store.revisions import Revisions
from autolearn.store.rounds import Rounds
from autolearn.store.runs import Pace, RunFilter, Runs
from autolearn.store.samples import SampleFilter, Samples, SampleView
from autolearn.store.skills import SkillChecks

__all__ = [
    "DEFAULT_WORKSPACE",
    "EDITABLE",
    "DocumentSize",
    "Pace",
    "QuestionFilter",
    "RunFilter",
    "RunJournal",
    "SampleFilter",
    "SampleView",
    "Store",
    "is_read_only",
    "schema_sql",
]

DEFAULT_WORKSPACE = Path("workspace")
"""The workspace if none is named, in the current folder."""


class Store:
    """An open workspace; it belongs to the thread that opened it."""

    def __init__(self, folder: Path, db: Database) -> None:
        self.folder = folder
        self.db = db
        self.library = Library(db)
        self.exclusions = Exclusions(db)
        self.readings = Readings(db, self.exclusions)
        self.runs = Runs(db)
        self.samples = Samples(db)
        self.decisions = Decisions(db)
        self.own_pairs = OwnPairs(db, self.library)
        self.rounds = Rounds(db)
        self.instructions = Instructions(db)
        self.choices = Choices(db)
        self.knowledge = KnowledgeOfPassages(db)
        self.quizzes = Quizzes(db)
        self.skills = SkillChecks(db)
        self.corpora = Corpora(db)
        self.experiments = Experiments(db)
        self.revisions = Revisions(db)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a workspace, making it if there is none.

        Raises:
            SchemaTooNew: It was written by a newer autolearn.
            StoreError: The folder or its database cannot be used.
        """
        with _folder_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, Database(folder / layout.DATABASE))

    def journal(self, run_id: int) -> RunJournal:
        """Return the journal of a run."""
        return RunJournal(self.db, run_id)

    def subfolder(self, name: str) -> Path:
        """Return a folder of the workspace, such as ``adapters``, made if missing.

        Raises:
            StoreError: It cannot be made.
        """
        path = self.folder / name
        with _folder_errors(path):
            path.mkdir(exist_ok=True)
        return path

    @property
    def path(self) -> Path:
        """Return the file of the database."""
        return self.db.path

    @property
    def read_only(self) -> bool:
        """Return whether this user may only read the workspace."""
        return self.db.read_only

    def atomic(self) -> AbstractContextManager[None]:
        """Commit all writes of the block together; see ``Database.atomic``."""
        return self.db.atomic()

    def close(self) -> None:
        """Close the database."""
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@contextmanager
def _folder_errors(folder: Path) -> Iterator[None]:
    """Raise errors in making a folder as ``StoreError``, with a sentence."""
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise StoreError(
            f"{folder} is not a folder; choose another workspace."
        ) from error
    except OSError as error:
        raise StoreError(
            f"The folder {folder} cannot be made ({error.strerror}); choose a place"
            " that is writable."
        ) from error

"""Documents to choose from: each by its name, and whole folders of the library."""

from collections.abc import Collection, Iterable, Sequence

from autolearn.core.errors import InputError
from autolearn.store import DocumentSize, RunFilter, Store

Choice = int | str
"""The id of a document, or the name of a folder."""
N_NEW = 10
"""Most documents that are selected automatically, because they are new."""
CHOICE = "study_documents"
"""The choice that stores what is to be studied, and the newest import of then."""


def choices(shelf: Sequence[DocumentSize]) -> list[tuple[str, Choice]]:
    """Return folders with their number of documents, then all documents."""
    folders: dict[str, int] = {}
    for document in shelf:
        if document.folder:
            folders[document.folder] = folders.get(document.folder, 0) + 1
    names: list[tuple[str, Choice]] = [
        (f"{folder}/ ({n} document{'s' * (n > 1)})", folder)
        for folder, n in sorted(folders.items())
    ]
    return names + [(document.name, document.id) for document in shelf]


def document_ids(store: Store, chosen: Iterable[Choice]) -> list[int]:
    """Return the ids of the chosen documents and of those in the chosen folders."""
    choice = set(chosen)
    return [
        document.id
        for document in store.library.document_sizes()
        if document.id in choice or document.folder in choice
    ]


def selected_ids(store: Store, chosen: Collection[Choice]) -> list[int] | None:
    """Return the ids of the chosen documents; None if nothing is chosen.

    Raises:
        InputError: All that was chosen has left the library since.
    """
    ids = document_ids(store, chosen)
    if chosen and not ids:
        raise InputError(
            "The selected documents are no longer in the library; select others."
        )
    return ids or None


def new_documents(store: Store) -> list[int]:
    """Return the documents that were added since the last study began.

    Empty if they are the whole library, or more than ``N_NEW``.
    """
    study = store.runs.last("study")
    ids: list[int] = []
    for added in store.runs.find(RunFilter(("import",))):
        if (study and added.id < study.id) or len(ids) > N_NEW:
            break
        ids += [document.id for document in store.library.brought_by(added.id)]
    is_part = len(ids) < len(store.library.document_sizes())
    return sorted(ids) if is_part and len(ids) <= N_NEW else []


def remember(store: Store, chosen: Sequence[Choice]) -> None:
    """Store what was chosen to be studied, until texts are added."""
    store.choices.set(CHOICE, {"chosen": list(chosen), "import": _last_import(store)})


def preselected(store: Store) -> list[Choice]:
    """Return what a page that was opened selects: what was chosen last, or is new."""
    before = store.choices.get(CHOICE)
    new: list[Choice] = [*new_documents(store)]
    if before and (not new or before["import"] == _last_import(store)):
        chosen: list[Choice] = before["chosen"]
        return chosen
    return new


def _last_import(store: Store) -> int:
    """Return the id of the newest import; 0: there is none."""
    run = store.runs.last("import")
    return run.id if run else 0

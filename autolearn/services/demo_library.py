"""Add the built-in library, or an invented one of a seed, to a workspace; remove it."""

from functools import cache
from pathlib import Path

from autolearn.core.records import Document
from autolearn.core.settings import StudySettings
from autolearn.demo.library import write_library, write_problems
from autolearn.ingest import importer, originals
from autolearn.ingest.parsing import ImportFile, LocalParser
from autolearn.models import files as model_files
from autolearn.models import token_counting
from autolearn.services import gold_actions, reading_actions
from autolearn.store import Store

LIBRARY = model_files.BUILT_IN.parent / "demo-library"


def free_folder(workspace: Path, seed: int | None) -> Path:
    """Return a folder for a demo that does not exist yet."""
    name = "demo" if seed is None else f"demo-{seed}"
    folder, n = workspace / name, 1
    while folder.exists():
        n += 1
        folder = workspace / f"{name}-{n}"
    return folder


def add(store: Store, seed: int | None = None) -> None:
    """Add the built-in library with its quiz and control, or that of a seed.

    The quiz comes from the facts of the invented world, not from the model, in
    its own phrasings.
    """
    folder = add_texts(store, seed)
    gold_actions.add_gold(store, folder / "quiz.jsonl", "quiz")
    gold_actions.add_gold(store, folder / "control.jsonl", "control")
    gold_actions.add_instructions(store, folder / "instructions.jsonl")


def add_texts(store: Store, seed: int | None) -> Path:
    """Add the texts of the built-in library, or of a seed's; return its folder."""
    folder = LIBRARY
    if seed is not None:
        folder = store.folder / f"library-{seed}"
        write_library(folder, seed)
    texts = sorted(folder.glob("*.md"))
    count = token_counting.token_counter(model_files.BUILT_IN)
    text_importer = importer.TextImporter(
        store, LocalParser(count, StudySettings.passage_tokens)
    )
    text_importer.import_files([ImportFile(text, text.name) for text in texts])
    return folder


def documents(store: Store) -> list[Document]:
    """Return the documents that are the files of the built-in library."""
    kept = _kept_files()
    ids = [size.id for size in store.library.document_sizes() if size.name in kept]
    found = store.library.documents_by_id(ids).values()
    return [document for document in found if document.original == kept[document.name]]


@cache
def _kept_files() -> dict[str, str]:
    """Return the names under which the files of the built-in library are kept."""
    return {text.name: originals.name_of(text) for text in LIBRARY.glob("*.md")}


def remove(store: Store) -> None:
    """Delete the documents of the built-in library; see ``reading_actions.remove``.

    Raises:
        JobError: A study is reading one of them; then all stay.
    """
    document_ids = [document.id for document in documents(store)]
    reading_actions.check_not_studied(store, document_ids)
    for document_id in document_ids:
        reading_actions.remove(store, document_id)


def add_problems(store: Store, seed: int) -> None:
    """Add word problems as instructions, with a quiz of others and the control."""
    folder = store.folder / f"problems-{seed}"
    write_problems(folder, seed)
    gold_actions.add_gold(store, folder / "problems.jsonl", "quiz")
    gold_actions.add_gold(store, folder / "control.jsonl", "control")
    gold_actions.add_instructions(store, folder / "instructions.jsonl")

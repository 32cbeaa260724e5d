"""The user's actions on how documents are read.

The page and the command line use these, so both refuse the same things.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from autolearn.core.errors import InputError, JobError
from autolearn.core.reading import ReadingChoices
from autolearn.core.records import ACTIVE_STATES, Document, Run, Split
from autolearn.core.run_results import ImportResult, OtherRows
from autolearn.core.run_settings import (
    ImportRunSettings,
    ImportSource,
    StudyRunSettings,
)
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.ingest import originals, row_kinds
from autolearn.models import files as model_files
from autolearn.runs import run_control
from autolearn.services import corpus_actions, gold_actions
from autolearn.store import Store, layout


def remove(store: Store, document_id: int) -> bool:
    """Delete a document and its file; return whether nothing of its text is left.

    Samples keep the passages that they were made from. What rounds have learned stays
    in their adapters.

    Raises:
        InputError: There is no such document.
        JobError: A study is reading it.
    """
    check_not_studied(store, [document_id])
    document = store.library.document(document_id)
    is_gone = store.readings.remove(document_id)
    originals.drop(store, document.original)
    return is_gone


def rename(store: Store, document_id: int, name: str) -> None:
    """Give a document another name.

    Raises:
        InputError: There is no such document, or the name is empty.
    """
    new_name = document_name(name)
    store.library.document(document_id)
    store.library.rename(document_id, new_name)


def document_name(text: str) -> str:
    """Return the name of a document, as it was given.

    Raises:
        InputError: It is empty.
    """
    name = text.strip().strip("/")  # a folder without a name could not be clicked
    if not name:
        raise InputError("Enter a name for the document.")
    return name


def reread(store: Store, document_id: int, choices: ReadingChoices) -> Run:
    """Queue another reading of a document's file, cut as the first one was.

    Raises:
        InputError: There is no such document, or its file is not kept.
        JobError: A study is reading it.
        ModelNotFound: The model whose tokens measure the passages is not there.
    """
    check_not_studied(store, [document_id])
    document = store.library.document(document_id)
    originals.path_of(store, document)
    model, passage_tokens = _measure(store, document)
    model_files.locate(model)
    settings = ImportRunSettings(
        model=model,
        passage_tokens=passage_tokens,
        choices=choices,
        document_id=document.id,
    )
    return run_control.submit(store, settings)


def _measure(store: Store, document: Document) -> tuple[str, int]:
    """Return the model and the size by which the passages of a document were cut."""
    if document.run_id is None:
        return ModelSettings.model, StudySettings.passage_tokens
    settings = ImportRunSettings.of(store.runs.get(document.run_id))
    return settings.model, settings.passage_tokens


def take_in(store: Store, exclusion_id: int) -> None:
    """Make an exclusion a passage.

    Raises:
        InputError: There is no exclusion of this id.
        JobError: A study is in progress.
    """
    check_not_studied(store)
    store.exclusions.take_in(exclusion_id)


def leave_out(store: Store, stretches: Sequence[tuple[int, int, int]]) -> None:
    """Leave out stretches of passages, all of them or none.

    Each is the id of its passage, its first character and its end.

    Raises:
        InputError: A passage has changed.
        JobError: A study is in progress.
    """
    check_not_studied(store)
    with store.atomic():
        for passage_id, start, end in stretches:
            store.exclusions.leave_out(passage_id, start, end)


def check_not_studied(
    store: Store, document_ids: Collection[int] | None = None
) -> None:
    """Check that no study is reading these documents; None: any.

    Raises:
        JobError: A study does, or is queued.
    """
    for run in store.runs.in_state(*ACTIVE_STATES):
        if run.kind == "study" and _reads(run, document_ids):
            raise JobError(
                "A study is reading the passages; wait until it has ended, or stop it."
            )


def _reads(study: Run, document_ids: Collection[int] | None) -> bool:
    studied = StudyRunSettings.of(study).documents
    if studied is None or document_ids is None:
        return True
    return not set(studied).isdisjoint(document_ids)


def add_other(store: Store, run_id: int, number: int, target: str) -> Run | int:
    """Add a file that an import refused, as another kind of data.

    Args:
        store: The workspace.
        run_id: The import.
        number: Which of its ``others``.
        target: One of ``row_kinds.targets``.

    Returns:
        The queued run, or how many instructions or questions are new.

    Raises:
        InputError: The file is gone, or its rows do not fit.
        ModelNotFound: The model whose tokens measure the passages is not there.
    """
    run = store.runs.get(run_id)
    others = ImportResult.of(run).others
    if not 0 <= number < len(others):
        raise InputError("There is no such file; add it again.")
    other = others[number]
    path = originals.path(store, other.original, other.name)
    if target == "instructions":
        return gold_actions.add_instructions(store, path)
    if target in ("quiz", "control"):
        split: Split = "quiz" if target == "quiz" else "control"
        return gold_actions.add_gold(store, path, split).n_in_set
    if target == "corpus":
        return corpus_actions.add(store, path, ModelSettings.model, name=other.name)
    return _as_texts(store, path, other, ImportRunSettings.of(run))


def _as_texts(
    store: Store, path: Path, other: OtherRows, before: ImportRunSettings
) -> Run:
    """Queue the reading of a file as texts, cut as those that were added with it."""
    model_files.locate(before.model)
    settings = ImportRunSettings(
        (ImportSource(layout.stored_path(store.folder, path), other.name),),
        model=before.model,
        passage_tokens=before.passage_tokens,
        choices=ReadingChoices(chats_as_texts=True),
    )
    return run_control.submit(store, settings)


def targets(other: OtherRows) -> dict[str, str]:
    """Return what a refused file can be added as, with the names."""
    if other.kind not in row_kinds.KINDS:
        return {}
    names = row_kinds.TARGET_NAMES
    return {target: names[target] for target in row_kinds.targets(other.kind)}

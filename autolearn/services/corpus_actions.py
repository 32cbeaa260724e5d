"""The user's actions on the corpora of the library: add, remove, choose.

The page and the command line use these, so both refuse the same things.
"""

from collections.abc import Sequence
from pathlib import Path

from autolearn.core.errors import InputError, JobError
from autolearn.core.gold import Corpus
from autolearn.core.records import ACTIVE_STATES, Run
from autolearn.core.run_settings import (
    ImportRunSettings,
    ImportSource,
    TrainRunSettings,
)
from autolearn.core.server_addresses import tokenizer_model
from autolearn.demo import gold_examples
from autolearn.ingest import importer
from autolearn.models import files as model_files
from autolearn.rounds import corpora
from autolearn.runs import run_control
from autolearn.store import RunFilter, Store, layout

INVENTED = "invented"
"""Name of the invented world, where a file could be given."""


def add(
    store: Store,
    path: Path | None,
    model: str,
    licence: str = "",
    *,
    is_upload: bool = False,
    name: str = "",
) -> Run:
    """Queue the import of a corpus from a file; None imports the invented world.

    Args:
        store: The workspace.
        path: The file.
        model: Its tokens measure the passages that long texts are cut into.
        licence: A note on licence and origin, stored with the corpus.
        is_upload: Whether the file is copied, since it will be gone when it is read.
        name: The name of the corpus, if it is not that of the file.

    Raises:
        InputError: There is no such file.
        ModelNotFound: The model is not there.
    """
    model = tokenizer_model(model)
    model_files.locate(model)
    if path is not None and not path.is_file():
        raise InputError(f"There is no file {path}; check the path.")
    folder: Path | None = None
    file_name = path.name if path else gold_examples.NAME
    if path is not None and is_upload:
        folder, (copy,) = importer.stage(store, [], [path], None)
        path, file_name = copy.path, copy.name
    settings = ImportRunSettings(
        corpus_source=ImportSource(
            layout.stored_path(store.folder, path), name or file_name
        ),
        licence=licence.strip(),
        upload_folder=layout.stored_path(store.folder, folder),
        model=model,
    )
    return run_control.submit(store, settings)


def remove(store: Store, corpus_id: int) -> Corpus:
    """Remove a corpus. Rounds that used it keep their items.

    Raises:
        InputError: There is no corpus with this id.
        JobError: An unfinished training uses it.
    """
    corpus = store.corpora.get(corpus_id)
    for run in store.runs.find(RunFilter(("train",), ACTIVE_STATES)):
        if corpus_id in TrainRunSettings.of(run).corpus_ids:
            raise JobError(
                f"Run {run.id} is to be trained on {corpus.name}; wait for its end or "
                "cancel it first.",
                command=f"cancel {run.id}",
            )
    store.corpora.remove(corpus_id)
    return corpus


def ids(store: Store, names: Sequence[str] = ()) -> list[int]:
    """Return the ids of corpora by name, or of all that are selected.

    Raises:
        InputError: There is no corpus of a name.
    """
    if not names:
        return [corpus.id for corpus in store.corpora.in_use()]
    corpus_ids = []
    for name in names:
        corpus = store.corpora.by_name(gold_examples.NAME if name == INVENTED else name)
        if corpus is None:
            names_known = (
                ", ".join(corpus.name for corpus in store.corpora.all()) or "none yet"
            )
            raise InputError(
                f"There is no corpus {name!r}; the library has: {names_known}.",
                command=corpora.COMMAND,
            )
        corpus_ids.append(corpus.id)
    return corpus_ids

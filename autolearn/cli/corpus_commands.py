"""What the command line does with the corpora of the library."""

from pathlib import Path

from autolearn.cli.common import Args, Result, finish, import_result
from autolearn.core.errors import InputError
from autolearn.core.gold import KINDS, MetaExample
from autolearn.core.methods import METHODS
from autolearn.core.settings import ModelSettings
from autolearn.demo import gold_examples
from autolearn.ingest import contained_files
from autolearn.services import corpus_actions
from autolearn.services.actions import TrainSources
from autolearn.store import Store


def add(store: Store, args: Args) -> Result:
    """Add the gold examples of a file, or of the invented world."""
    path = None if args.corpus == corpus_actions.INVENTED else Path(args.corpus)
    return _import_result(store, args, path, args.licence)


def _import_result(
    store: Store, args: Args, path: Path | None, licence: str = ""
) -> Result:
    # The built-in tokenizer only measures where long texts are cut.
    run = corpus_actions.add(store, path, ModelSettings.model, licence)
    result = import_result(finish(store, run, "read", quiet=args.json))
    return {
        "corpus": result.corpus_id,
        "examples": result.examples,
        "texts": result.texts,
        "n_refused": result.n_refused,
    }


def change(store: Store, args: Args) -> list[Result]:
    """Leave out, use again and remove corpora; return those that there are."""
    for number in args.remove or ():
        corpus_actions.remove(store, number)
    for numbers, is_left_out in ((args.leave_out, True), (args.use, False)):
        for number in numbers or ():
            corpus = store.corpora.get(number)
            store.corpora.set_excluded(corpus.id, excluded=is_left_out)
    return [
        {
            "corpus": corpus.id,
            "name": corpus.name,
            "kind": KINDS[corpus.kind],
            "examples": corpus.n_examples,
            "texts": corpus.n_texts,
            "refused": corpus.n_refused,
            "used": "no" if corpus.excluded else "yes",
            "licence": corpus.licence,
        }
        for corpus in store.corpora.all()
    ]


def _with_feedback(name: str) -> list[MetaExample]:
    try:
        return contained_files.meta(Path(name))
    except InputError as error:
        raise InputError(
            f"{error} A corpus of another form must first be added to the library.",
            command=f"add --corpus {name}",
        ) from error


def named_sources(store: Store, args: Args) -> TrainSources:
    """Return the examples of the files that are named, and which corpora to use.

    Nothing named: those of the library. The invented world is added if it is missing.
    """
    names = args.corpus or []
    # Files have feedback, which only methods that teach skills learn from.
    takes_files = METHODS[args.method].teaches_skills
    files = [name for name in names if takes_files and Path(name).is_file()]
    others = [name for name in names if name not in files]
    is_invented = corpus_actions.INVENTED in others
    if is_invented and not store.corpora.by_name(gold_examples.NAME):
        _import_result(store, args, None)
    examples = [example for name in files for example in _with_feedback(name)]
    if not names:
        return TrainSources()
    return TrainSources(examples, corpus_actions.ids(store, others) if others else [])

"""Corpora of gold examples as files and in a library."""

import json

from autolearn.ingest import importer
from autolearn.runs.context import RunContext
from autolearn.services import corpus_actions

TEXT = "Ada Lum founded Avel in 1711. It has {} inhabitants."


def rows(n=30):
    return [
        {
            "text": TEXT.format(300 + i),
            "question": f"How many inhabitants has Avel number {i}?",
            "answer": f"{300 + i}",
        }
        for i in range(n)
    ]


def written(path, corpus_rows):
    path.write_text("\n".join(map(json.dumps, corpus_rows)))
    return path


def take(store, run):
    def progress(stage, n_done, total):
        pass

    run = store.runs.get(run.id)
    result = importer.import_(RunContext(store, run, lambda: False, progress))
    store.runs.finish(run.id, "done", None, result.as_dict())
    return result


def added(store, path=None, **settings):
    return take(store, corpus_actions.add(store, path, "built-in", **settings))

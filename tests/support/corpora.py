"""Corpora of gold examples as files and in a library."""

import json

from autolearn.ingest import corpora, importer
from autolearn.runs.context import RunContext

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


def written(path, made):
    path.write_text("\n".join(map(json.dumps, made)))
    return path


def take(store, run):
    def progress(stage, done, total):
        pass

    run = store.runs.get(run.id)
    made = importer.import_(RunContext(store, run, lambda: False, progress))
    store.runs.finish(run.id, "done", None, made.as_dict())
    return made


def added(store, path=None, **given):
    return take(store, corpora.add(store, path, "built-in", **given))

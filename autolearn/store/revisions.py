"""Revision texts, which change whenever something that is shown was recorded.

They are only compared: a view that keeps the last one sees whether to redraw.
"""

from autolearn.store.database import Database

COUNT_RENAME = (
    "INSERT INTO choices (name, value) VALUES ('renames', '1')"
    " ON CONFLICT (name) DO UPDATE SET value = value + 1"
)
"""Counts a new name of a document; all names are too many to be compared."""
_LIBRARY = """
    (SELECT count(*) || ' ' || total(n_characters) || ' ' || total(removed)
     FROM documents),
    (SELECT value FROM choices WHERE name = 'renames'),
    (SELECT count(*) || ' ' || total(id)
     FROM passages INDEXED BY passages_excluded WHERE excluded),
    (SELECT max(id) FROM passages),
    (SELECT max(id) FROM exclusions)"""
"""The texts of the library, which are shown, and which some methods read."""
_PAGE = f"""
SELECT (SELECT max(id) FROM runs),
    (SELECT group_concat(id || state || stage || done || length(result))
     FROM runs WHERE state IN ('queued', 'running')),
    (SELECT max(id) FROM steps),
    (SELECT max(id) FROM experiment_runs),
    (SELECT max(id) FROM decisions),
    (SELECT max(id) FROM samples),{_LIBRARY},
    (SELECT max(finished_at) FROM runs),
    (SELECT group_concat(value) FROM choices
     WHERE name IN ('model', 'shows_all_models', 'closed_round', 'prices')),
    (SELECT group_concat(id || state) FROM rounds),
    (SELECT group_concat(id || '-' || excluded) FROM corpora),
    (SELECT count(*) FROM questions WHERE step_id IS NULL),
    (SELECT count(*) || ' ' || total(id)
     FROM questions INDEXED BY questions_excluded WHERE excluded),
    (SELECT group_concat(version || '-' || locked) FROM quizzes)
"""
_ROUND_CONTENTS = f"""
SELECT (SELECT max(id) FROM decisions),
    (SELECT max(id) FROM questions),
    (SELECT max(id) FROM samples),{_LIBRARY},
    (SELECT max(id) FROM runs WHERE kind = 'study'),
    (SELECT group_concat(id || state) FROM rounds),
    (SELECT group_concat(id || '-' || excluded) FROM corpora)
"""

_ROUND_PLAN = f"""{_ROUND_CONTENTS.rstrip()},
    (SELECT group_concat(id || state) FROM runs WHERE state IN ('queued', 'running')),
    (SELECT max(finished_at) FROM runs),
    (SELECT value FROM choices WHERE name = 'model')
"""
"""Ended runs tell the pace; a whole round that runs is mentioned."""


class Revisions:
    """The revisions of a workspace."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def page(self) -> str:
        """Return a text that differs whenever the page has something new to draw."""
        return repr(tuple(self._db.rows(_PAGE)[0]))

    def round_contents(self) -> str:
        """Return a text that differs whenever a round might train on something else."""
        return repr(tuple(self._db.rows(_ROUND_CONTENTS)[0]))

    def round_plan(self) -> str:
        """Return a text that differs whenever the plan of a round might be another.

        Not by the progress of a run: it is drawn with each step of one.
        """
        return repr(tuple(self._db.rows(_ROUND_PLAN)[0]))

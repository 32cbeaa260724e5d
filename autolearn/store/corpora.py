"""Corpora of gold examples, the data of meta-skill rounds."""

import random
from collections.abc import Iterable
from dataclasses import replace

from autolearn.core.errors import InputError
from autolearn.core.gold import Corpus, GoldExample
from autolearn.store.database import Database, batches, listed
from autolearn.store.encoding import to_row


class Corpora:
    """The corpora of a workspace."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, corpus: Corpus, examples: Iterable[GoldExample]) -> Corpus:
        """Store a corpus with its examples.

        Raises:
            InputError: The same examples are there already.
        """
        with self._db.atomic():
            if same := self.same_as(corpus.digest):
                raise InputError(
                    f"{corpus.name} is already in the library, as corpus {same.name}."
                )
            (number,) = self._db.insert("corpora", [to_row(corpus)])
            rows = (to_row(replace(example, corpus_id=number)) for example in examples)
            for batch in batches(rows):
                self._db.insert("gold_examples", batch)
        return replace(corpus, id=number)

    def same_as(self, digest: str) -> Corpus | None:
        """Return the corpus with exactly these examples, if there is one."""
        return self._db.first(Corpus, "WHERE digest = ?", digest)

    def all(self) -> list[Corpus]:
        """Return all corpora, oldest first."""
        return self._db.select(Corpus, "ORDER BY id")

    def in_use(self) -> list[Corpus]:
        """Return the corpora that rounds are taught from unless others are named."""
        return self._db.select(Corpus, "WHERE NOT excluded ORDER BY id")

    def get(self, corpus_id: int) -> Corpus:
        """Return one corpus.

        Raises:
            InputError: There is none of this id.
        """
        for corpus in self._db.select(Corpus, "WHERE id = ?", corpus_id):
            return corpus
        raise InputError(f"There is no corpus {corpus_id}; it may have been removed.")

    def by_name(self, name: str) -> Corpus | None:
        """Return the newest corpus of a name, or the one of an id, if there is one."""
        tail = "WHERE name = ? OR CAST(id AS TEXT) = ? ORDER BY id DESC LIMIT 1"
        return self._db.first(Corpus, tail, name, name)

    def brought_by(self, run_id: int) -> list[Corpus]:
        """Return the corpora that an import has added."""
        return self._db.select(Corpus, "WHERE run_id = ? ORDER BY id", run_id)

    def sample(
        self, corpus_ids: Iterable[int], n: int, seed: int, *, with_feedback: bool
    ) -> list[GoldExample]:
        """Return at most ``n`` examples of these corpora, drawn by the seed.

        ``with_feedback``: those that come with a wrong answer and feedback on it, or
        those without. Only what is drawn is read, however large the corpora are.
        """
        sign = "<>" if with_feedback else "="
        rows = self._db.rows(
            "SELECT id FROM gold_examples WHERE corpus_id IN"
            f" (SELECT value FROM json_each(?)) AND response {sign} '' ORDER BY id",
            listed(corpus_ids),
        )
        ids = [row["id"] for row in rows]
        sample_ids = random.Random(f"{seed} corpora").sample(ids, min(n, len(ids)))
        examples = self._db.by_id(GoldExample, sample_ids)
        return [examples[number] for number in sample_ids]

    def set_excluded(self, corpus_id: int, *, excluded: bool) -> None:
        """Leave a corpus out of the rounds that are queued from now on, or use it."""
        tail = "UPDATE corpora SET excluded = ? WHERE id = ?"
        self._db.write(tail, excluded, corpus_id)

    def remove(self, corpus_id: int) -> None:
        """Remove a corpus with its examples; rounds keep what they were taught."""
        self._db.write("DELETE FROM corpora WHERE id = ?", corpus_id)

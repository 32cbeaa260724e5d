"""Instructions that base models generated; all rounds of a model share them."""

from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import GeneratedInstruction
from autolearn.store.database import Database

_OF_WEIGHTS = (
    "generation_id IN (SELECT id FROM generations WHERE model_digest = ?"
    " AND quantization = ? AND prompt_digest = ?)"
)


class Instructions:
    """The generated instructions of a workspace; the journal adds them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(
        self, model: ModelIdentity, prompt_digest: str
    ) -> list[GeneratedInstruction]:
        """Return the instructions of these weights with answers, in order of draws.

        ``prompt_digest``: of the prompt that the instructions were answered with.
        """
        return self._db.select(
            GeneratedInstruction,
            f"WHERE {_OF_WEIGHTS} ORDER BY draw",
            model.digest,
            model.quantization,
            prompt_digest,
            whole=True,
        )

    def count(self, model_digest: str, quantization: str, prompt_digest: str) -> int:
        """Return how many ``of`` returns."""
        (row,) = self._db.rows(
            f"SELECT count(*) AS n FROM generated_instructions WHERE {_OF_WEIGHTS}",
            model_digest,
            quantization,
            prompt_digest,
        )
        return int(row["n"])

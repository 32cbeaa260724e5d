"""What base models have made up, each its own pool, which all its rounds share."""

from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import SelfGeneratedItem
from autolearn.store.database import Database


class Pool:
    """The made-up prompts and answers of a workspace; they are added by the journal."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, model: ModelIdentity, prompt_digest: str) -> list[SelfGeneratedItem]:
        """Return what these weights have made up, with the answers, in order of draws.

        ``prompt_digest``: of the prompt by which the answers were asked for.
        """
        return self._db.select(
            SelfGeneratedItem,
            "WHERE generation_id IN (SELECT id FROM generations WHERE model_digest = ?"
            " AND quantization = ? AND prompt_digest = ?) ORDER BY draw",
            model.digest,
            model.quantization,
            prompt_digest,
            whole=True,
        )

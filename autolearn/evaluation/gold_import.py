"""Store gold questions, each with the passage that answers it."""

from collections.abc import Sequence

from autolearn.core.gold import GoldQuestion
from autolearn.core.records import Passage, Question, Split
from autolearn.evaluation import scoring
from autolearn.store import Store
from autolearn.text import matching


def import_gold(
    store: Store, gold: Sequence[GoldQuestion], split: Split
) -> tuple[Question, ...]:
    """Store imported questions, each with the passage that answers it.

    This is the passage of the named document that shares most words with question and
    answer. A question without a document has none.
    """
    documents = store.library.documents()
    names = {document.name.rpartition("/")[2]: document.id for document in documents}
    names |= {document.name: document.id for document in documents}
    passages = store.library.passages(with_excluded=True)
    return store.library.add_questions(
        [
            Question(
                question.question,
                split,
                "gold",
                passage_id=_telling(question, names.get(question.document), passages),
                gold_answer=question.answer,
                gold_value=question.value or None,
                scorer=question.scorer or scoring.usual(question),
                aliases=question.aliases,
                choices=question.choices,
            )
            for question in gold
        ]
    )


def _telling(
    question: GoldQuestion, document_id: int | None, passages: Sequence[Passage]
) -> int | None:
    n_shared = matching.shared_words(f"{question.question} {question.answer}")
    candidates = [passage for passage in passages if passage.document_id == document_id]
    if question.passage:
        candidates = _overlapping(question.passage, passages)
    best = max(candidates, key=lambda passage: n_shared(passage.text), default=None)
    return best.id if best else None


def _overlapping(text: str, passages: Sequence[Passage]) -> list[Passage]:
    """Return the passages that hold a text, or are a part of it."""
    plain = " ".join(text.split())
    others = [(passage, " ".join(passage.text.split())) for passage in passages]
    return [p for p, other in others if other and (plain in other or other in plain)]

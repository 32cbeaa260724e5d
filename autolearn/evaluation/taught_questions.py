"""Which questions of quiz and control set a round was taught the answer to."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from autolearn.evaluation import scoring
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.store import Store
from autolearn.store.samples import SampleFilter
from autolearn.text import matching


@dataclass(frozen=True)
class TrainedText:
    """A text that a round was trained on, with the passage that it is about."""

    text: str
    passage_id: int | None
    question: str = ""


def taught_ids(
    store: Store, round_id: int, candidates: Sequence[QuizQuestion]
) -> set[int]:
    """Return the ids of questions whose answer this round or an earlier one learned."""
    items = [
        item
        for ancestor in store.rounds.lineage(round_id)
        for item in store.rounds.items(ancestor.id)
        if item.teaches
    ]
    samples = store.samples.find(
        SampleFilter(ids=[item.sample_id for item in items if item.sample_id])
    )
    about = {sample.id: sample.passage_id for sample in samples}
    texts = {(q.passage or "").strip(): q.question.passage_id for q in candidates}
    trained_items = [
        TrainedText(
            item.chosen,
            about.get(item.sample_id or 0) or texts.get(item.chosen.strip()),
            item.chat[-1].content if item.chat else "",
        )
        for item in items
    ]
    return ids_taught_by(candidates, trained_items)


def ids_taught_by(
    questions: Sequence[QuizQuestion], trained_texts: Sequence[TrainedText]
) -> set[int]:
    """Return the ids of the questions whose gold answer is in a training text.

    A training text counts if it contains the gold answer and is about the passage of
    the question; without a passage it must have the words of the question, too.
    """
    texts = _TextIndex(trained_texts)
    return {
        question.question.id
        for question in questions
        if any(_tells_answer(text, question) for text in texts.about(question))
    }


class _TextIndex:
    """Finds training texts by the passage, or by the words, of a question."""

    def __init__(self, texts: Sequence[TrainedText]) -> None:
        self._texts = texts
        self._by_passage: defaultdict[int | None, list[TrainedText]] = defaultdict(list)
        for text in texts:
            self._by_passage[text.passage_id].append(text)

    @cached_property
    def _words(self) -> list[frozenset[str]]:
        """The words of each text with its question."""
        pairs = (f"{text.question} {text.text}" for text in self._texts)
        return [frozenset(matching.words(pair)) for pair in pairs]

    def about(self, question: QuizQuestion) -> list[TrainedText]:
        """Return the texts that may tell the answer to a question."""
        if passage_id := question.question.passage_id:
            return self._by_passage[passage_id]
        # Words are compared first: searching all texts for the answers takes seconds.
        terms = matching.key_terms("", question.question.text)
        if not terms:
            return []
        pairs = zip(self._texts, self._words, strict=True)
        return [text for text, words in pairs if words.issuperset(terms)]


def _tells_answer(text: TrainedText, question: QuizQuestion) -> bool:
    record = question.question
    golds = (record.gold_value or question.gold_answer, *record.aliases)
    return any(scoring.holds(text.text, gold) for gold in golds if gold.strip())

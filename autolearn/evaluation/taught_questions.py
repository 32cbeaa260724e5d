"""Which questions of quiz and control set a round was taught the answer to."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from autolearn.core.records import Sample, TrainItem
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
    """None: it is not known, as of statements about a passage."""
    question: str = ""


_WordedText = tuple[TrainedText, frozenset[str]]


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
    about: dict[int | None, list[int | None]] = {s.id: _about(s) for s in samples}
    by_text: defaultdict[str, set[int]] = defaultdict(set)
    for question in candidates:
        if question.passage:
            by_text[question.passage.text.strip()].add(question.passage.id)

    def passage_ids(item: TrainItem) -> Iterable[int | None]:
        if item.sample_id in about:
            return about[item.sample_id]
        return by_text.get(item.chosen.strip()) or [None]

    trained_texts = [
        TrainedText(item.chosen, passage_id, item.chat[-1].content if item.chat else "")
        for item in items
        for passage_id in passage_ids(item)
    ]
    return ids_taught_by(candidates, trained_texts)


def _about(sample: Sample) -> list[int | None]:
    """Return the passages that a sample is about; None: its words must tell.

    A person adds a pair beside whatever sample is shown, so its words may tell, too.
    """
    is_own_pair = sample.open_answer_id is None
    return [sample.passage_id, None] if is_own_pair else [sample.passage_id]


def ids_taught_by(
    questions: Sequence[QuizQuestion], trained_texts: Sequence[TrainedText]
) -> set[int]:
    """Return the ids of the questions whose gold answer is in a training text.

    A training text counts if it tells the gold answer and is about the passage of the
    question. If the passage of either is not known, it must be about the same by its
    words: it has every name and number of the question, and most of its informative
    words in some form; without a name or a number, all of them.

    It tells the gold answer if it contains it, if the scorer ``contains`` calls it
    right, or if it is a shorter form of it, such as "Nordhal" of "the company Nordhal".
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

    def about(self, question: QuizQuestion) -> list[TrainedText]:
        """Return the texts that may tell the answer to a question."""
        passage_id = question.question.passage_id
        if passage_id is None:
            return _having_words_of(question, self._all)
        without_passage = _having_words_of(question, self._without_passage)
        return [*self._by_passage[passage_id], *without_passage]

    @cached_property
    def _all(self) -> list[_WordedText]:
        return _with_words(self._texts)

    @cached_property
    def _without_passage(self) -> list[_WordedText]:
        return _with_words(self._by_passage[None])


def _with_words(texts: Iterable[TrainedText]) -> list[_WordedText]:
    """Return texts, each with the words that it and its question have."""
    pairs = ((text, f"{text.question} {text.text}") for text in texts)
    return [(text, frozenset(matching.words(pair))) for text, pair in pairs]


def _having_words_of(
    question: QuizQuestion, texts: Iterable[_WordedText]
) -> list[TrainedText]:
    # Words are compared first: searching all texts for the answers takes seconds.
    terms = set(matching.key_terms("", question.question.text))
    required = terms & _names_in(question.question.text) or terms
    return [
        text
        for text, words in texts
        if terms and words >= required and _has_most(words, terms)
    ]


def _has_most(words: Iterable[str], terms: set[str]) -> bool:
    """Return whether more than half of some terms are among words in some form."""
    n_common = sum(
        any(matching.begin_alike(term, word) for word in words) for term in terms
    )
    return 2 * n_common > len(terms)


def _names_in(text: str) -> set[str]:
    """Return the words of the names and numbers of a text; see ``matching.names``."""
    return set(matching.words(" ".join(matching.names(text))))


def _tells_answer(text: TrainedText, question: QuizQuestion) -> bool:
    record = question.question
    golds = (record.gold_value or question.gold_answer, *record.aliases)
    if any(scoring.holds(text.text, gold) for gold in golds if gold.strip()):
        return True
    # Other scorers are stricter, and a letter or a last number is not that of a text.
    if record.scorer != "contains":
        return False
    return question.is_right(text.text) or _is_short_form(text.text, question)


def _is_short_form(text: str, question: QuizQuestion) -> bool:
    """Return whether a text is a gold answer without some of its words.

    It adds nothing else to the question, and has every name and number of the gold
    answer and half of its other words. A gold answer without a name has no shorter
    form: "the house" is not "the blue house".
    """
    asked, gold = question.question.text, question.gold_answer
    told = matching.key_terms(asked, text)
    return (
        bool(_names_in(gold).intersection(told))
        and set(told).issubset(matching.words(gold))
        and matching.supports(text, asked, gold)
    )

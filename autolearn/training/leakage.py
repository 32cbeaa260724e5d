"""Keep what quiz and control ask out of everything that a round trains on.

All training items pass ``Guard.admit``: those of approved and corrected samples, of
corpora, replay, statements and raw passages. The same guard, made of what earlier
rounds were trained on, keeps those questions out of the quiz.

A wording counts as the same question in three cases: its words are equal after
normalisation, nearly all words are equal in any order (``JACCARD``), or the words are
equal in the same order once articles, auxiliaries and polite phrases are left out. A
sentence without a question mark within a text counts in the first case only: with other
words or in another order it may state the answer ("Avel was founded in 1711."). Another
wording of the same fact is not blocked, since it is what a quiz measures.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import filterfalse
from math import ceil

from autolearn.core.records import DRIFT_PROBE, TrainItem
from autolearn.core.scripts import IS_END, QUESTION_END, QUESTION_MARKS, SENTENCE_MARKS
from autolearn.text import matching, sentences

JACCARD = 0.92
"""Share of common words (Jaccard index) from which two questions are the same."""
LEAST_CORE, LEAST_TAIL, LEAST_WITHIN = 3, 3, 8
"""Fewest words that are compared without fillers, at the end of a question sentence,
and anywhere in a text."""
ANCHOR = 4
"""First words by which a long question is looked up in a text."""
_FILLERS = frozenset(
    (  # noqa: SIM905 (a list of words reads best as a sentence)
        "a an the is are was were be been am do does did has have had s re d ll "
        "please tell me us can could would you say kindly der die das den dem ein eine "
        "einen bitte le la les un une el los las por favor"
    ).split()
)
_QUESTION_END = re.compile(QUESTION_END)
_SENTENCE_END = re.compile(
    rf"[.!\n։{SENTENCE_MARKS}{QUESTION_MARKS};]{IS_END}"  # noqa: RUF001
)
_LAST_MARK = re.compile(rf"{QUESTION_END}.?\Z", re.DOTALL)
_LABEL = re.compile(r"^\W*[^\W\d_][\w ]{0,30}\s*[:：]\s*")  # noqa: RUF001
_LIST_MARK = re.compile(r"^\s*(?:[-*•]|\(?\w{1,3}[.):])\s+")

Words = tuple[str, ...]


@dataclass(frozen=True)
class AdmittedItems:
    """The items that may be trained on, and the number of the others."""

    items: tuple[TrainItem, ...]
    n_blocked: int


class Guard:
    """Recognises a set of questions in texts and training items.

    Questions may be added. Bags of words are found by their rarest words, whose order
    is fixed whenever the set has doubled. Results are cached, since a question is
    checked as such and once more in its training item.
    """

    def __init__(self, questions: Iterable[str] = ()) -> None:
        self._is_blocked: dict[str, bool] = {}
        self._forms: list[Words] = []
        self._exact: set[Words] = set()
        self._cores: set[Words] = set()
        self._tails: set[int] = set()
        self._by_anchor: defaultdict[Words, list[Words]] = defaultdict(list)
        self._rank: Counter[tuple[str, int]] = Counter()
        self._by_token: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        self._n_ranked = 0
        self.add(questions)

    def add(self, questions: Iterable[str]) -> None:
        """Recognise further questions too."""
        self._is_blocked.clear()
        n_before = len(self._forms)
        for form in filter(None, map(_words, questions)):
            if form not in self._exact:
                self._add(form)
        if len(self._forms) > 2 * self._n_ranked:
            self._rank_words()
        else:
            self._index(n_before)

    def _add(self, form: Words) -> None:
        self._forms.append(form)
        self._exact.add(form)
        if core := _core(form):
            self._cores.add(core)
        if len(form) >= LEAST_TAIL:
            self._tails.add(len(form))
        if len(form) >= LEAST_WITHIN:
            self._by_anchor[form[:ANCHOR]].append(form)

    def _rank_words(self) -> None:
        """Count the words again and index all questions by their rarest ones."""
        self._n_ranked = len(self._forms)
        self._rank = Counter(t for form in self._forms for t in _numbered(form))
        self._by_token.clear()
        self._index(0)

    def _index(self, begin: int) -> None:
        for i in range(begin, len(self._forms)):
            for token in self._prefix(_numbered(self._forms[i])):
                self._by_token[token].append(i)

    def blocks(self, text: str) -> bool:
        """Return whether a text asks one of the questions, alone or among others."""
        if not self._forms:
            return False
        if text not in self._is_blocked:
            self._is_blocked[text] = self._asks(text)
        return self._is_blocked[text]

    def _asks(self, text: str) -> bool:
        return (
            any(self._is_same(_words(part)) for part in _parts(text))
            or any(_words(part) in self._exact for part in _statements(text))
            or self._ends_a_sentence(text)
            or self._holds(_words(text))
        )

    def admit(self, items: Iterable[TrainItem]) -> AdmittedItems:
        """Return the items of which no turn, answer or text asks one of the questions.

        Items of the drift probe are only measured, so they pass.
        """
        items = list(items)
        free = [item for item in items if not self._is_asked_by(item)]
        return AdmittedItems(tuple(free), len(items) - len(free))

    def _is_asked_by(self, item: TrainItem) -> bool:
        return item.kind != DRIFT_PROBE and any(map(self.blocks, texts_of(item)))

    def _is_same(self, form: Words) -> bool:
        if not form:
            return False
        return form in self._exact or _core(form) in self._cores or self._is_near(form)

    def _is_near(self, form: Words) -> bool:
        bag = _numbered(form)
        candidates = {i for t in self._prefix(bag) for i in self._by_token.get(t, ())}
        others = (_numbered(self._forms[i]) for i in candidates)
        return any(len(bag & other) >= JACCARD * len(bag | other) for other in others)

    def _prefix(self, bag: frozenset[tuple[str, int]]) -> list[tuple[str, int]]:
        """Return the rarest words of a bag.

        Two bags that are as similar as ``JACCARD`` share one of these (Chaudhuri et al.
        2006), so no other pair has to be compared.
        """
        n = len(bag) - ceil(JACCARD * len(bag) - 1e-9) + 1
        return sorted(bag, key=lambda token: (self._rank[token], token))[:n]

    def _ends_a_sentence(self, text: str) -> bool:
        """Return whether a question is the end of a longer question."""
        begin = 0
        for match in _QUESTION_END.finditer(text):
            words = _words(text[max(begin, match.start() - 2000) : match.start()])
            begin = match.end()
            if any(words[-n:] in self._exact for n in self._tails if n <= len(words)):
                return True
        return False

    def _holds(self, words: Words) -> bool:
        """Return whether a long question occurs anywhere in a text."""
        if not self._by_anchor:
            return False
        return any(
            words[i : i + len(form)] == form
            for i in range(len(words) - ANCHOR + 1)
            for form in self._by_anchor.get(words[i : i + ANCHOR], ())
        )


def texts_of(item: TrainItem) -> Iterator[str]:
    """Yield the texts of an item that may ask something; instructions do not."""
    yield from (turn.content for turn in item.chat if turn.role != "system")
    yield item.chosen
    if item.rejected:
        yield item.rejected


def asked_in(items: Iterable[TrainItem]) -> list[str]:
    """Return what items ask: each last user turn, and each question within an item.

    Raw texts ask only the questions that occur in them. The drift probe asks nothing,
    since it is never trained on.
    """
    questions: dict[str, None] = {}
    for item in items:
        if item.kind == DRIFT_PROBE:
            continue
        turns = [turn.content for turn in item.chat if turn.role == "user"]
        questions |= dict.fromkeys(turns[-1:])
        for text in texts_of(item):
            questions |= dict.fromkeys(
                part for part in _parts(text) if _LAST_MARK.search(part[-3:])
            )
    return list(questions)


def _parts(text: str) -> Sequence[str]:
    """Return a text, its lines without label or list mark, and its questions."""
    parts = {text: None}
    for line in text.splitlines():
        plain = _LIST_MARK.sub("", line)
        parts |= dict.fromkeys((line, plain, _LABEL.sub("", plain)))
    parts |= dict.fromkeys(filter(sentences.is_question, _sentences(text)))
    return [part for part in parts if part.strip()]


def _statements(text: str) -> Iterator[str]:
    """Yield the sentences of a text that do not end with a question mark."""
    return filterfalse(sentences.is_question, _sentences(text))


def _sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text, each with and without its label."""
    begin = 0
    for end in (*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)):
        if sentence := text[begin:end].strip():
            yield sentence
            if (unlabelled := _LABEL.sub("", sentence)) != sentence:
                yield unlabelled
        begin = end


def _words(text: str) -> Words:
    return tuple(matching.words(text))


def _core(form: Words) -> Words | None:
    """Return the words without fillers; None if too few are left to compare."""
    core = tuple(word for word in form if word not in _FILLERS)
    return core if len(core) >= LEAST_CORE else None


def _numbered(form: Words) -> frozenset[tuple[str, int]]:
    """Return a bag of words as a set: a word that occurs twice has two numbers."""
    counts: Counter[str] = Counter()
    bag = set()
    for word in form:
        counts[word] += 1
        bag.add((word, counts[word]))
    return frozenset(bag)

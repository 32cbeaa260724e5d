"""What quizzes, studies and rounds have asked before a step of a study."""

from autolearn.core.records import Split
from autolearn.rounds.sources import asked_by_rounds
from autolearn.store import Store
from autolearn.store.library import QuestionFilter
from autolearn.study.questions import EarlierQuestions
from autolearn.training.leakage import Guard


class AskedBefore:
    """Recognises earlier questions; each call reads those that are new since the last.

    A study of many passages calls it after each group of them. With ten thousand
    passages or more, reading all questions each time would take longer than the model
    does.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._quiz, self._study = Guard(), Guard(asked_by_rounds(store))
        self._last_ids: dict[Split, int] = {}

    def __call__(self) -> EarlierQuestions:
        """Return a recogniser of all questions that were asked so far."""
        self._quiz.add([*self._new("quiz"), *self._new("control")])
        self._study.add(self._new("study"))
        return EarlierQuestions(self._quiz.blocks, self._study.blocks)

    def _new(self, split: Split) -> list[str]:
        after = QuestionFilter(split=split, after_id=self._last_ids.get(split))
        questions = self._store.library.questions(after)
        if questions:
            self._last_ids[split] = questions[-1].id
        return [question.text for question in questions]

"""What the corpora of the library teach a round, and what quizzes ask."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from autolearn.core.gold import GoldExample, MetaExample
from autolearn.core.records import Split, TrainItem
from autolearn.core.settings import StudyProtocol, TrainSettings
from autolearn.metaskills import corrections, items
from autolearn.store import Store
from autolearn.store.library import QuestionFilter
from autolearn.training.leakage import Guard

FEEDBACK_SHARE = (items.SHARES["feedback"] + items.SHARES["refine"]) / sum(
    items.SHARES.values()
)
"""Share of the items that examples with feedback make, if others can make the rest."""
MISSING = (
    "There is no corpus to learn meta-skills from; add one under Library (Add gold "
    "examples), or press “Teach these skills” under Model, which adds the built-in "
    "corpus of the invented world by itself."
)
NO_PAIRS = (
    "There is no corpus with questions and answers that the quiz does not ask; add one "
    "under Library."
)
COMMAND = "add --corpus FILE"
"""What adds a corpus on the command line."""


def skills(
    store: Store,
    settings: TrainSettings,
    corpus_ids: Sequence[int],
    guard: Guard,
    protocol: StudyProtocol,
) -> tuple[list[TrainItem], list[MetaExample], int]:
    """Return the items and feedback examples that corpora give a round.

    ``protocol``: that of the later study, by which the feedback examples are counted.

    Returns:
        The items, the examples that come with feedback, and the number of examples left
        out because quiz or control ask the same.

    Raises:
        InputError: A corpus has been removed meanwhile.
    """
    if not settings.traits.teaches_skills or not corpus_ids:
        return [], [], 0
    for number in corpus_ids:
        store.corpora.get(number)
    n, seed = settings.meta_examples, settings.seed
    drawn = store.corpora.sample(corpus_ids, n, seed, with_feedback=True)
    with_feedback = [_meta_example(example) for example in drawn]
    n_items = list(
        accumulate(
            0 if guard.blocks(e.prompt) else len(corrections.make(e, protocol))
            for e in with_feedback
        )
    )
    gold_examples_drawn = store.corpora.sample(
        corpus_ids, items.POOL * n, seed, with_feedback=False
    )
    of_feedback = max((i for i in n_items if i <= FEEDBACK_SHARE * n), default=0)
    rest = n - of_feedback
    skill_items, n_blocked = items.make(gold_examples_drawn, rest, seed, guard.blocks)
    n_taken = bisect_right(n_items, n - len(skill_items))
    return skill_items, with_feedback[:n_taken], n_blocked


def _meta_example(example: GoldExample) -> MetaExample:
    return MetaExample(
        example.question,
        example.response,
        example.feedback,
        example.refinement,
        passage=example.text,
        reference=example.answer,
        title=example.title,
    )


def pairs(store: Store, corpus_ids: Sequence[int], seed: int) -> list[GoldExample]:
    """Return all examples of corpora that have a question and its right answer.

    Raises:
        InputError: A corpus has been removed meanwhile.
    """
    n = sum(store.corpora.get(number).n_examples for number in corpus_ids)
    return store.corpora.sample(corpus_ids, n, seed, with_feedback=False)


def quiz_questions(store: Store) -> list[str]:
    """Return the questions of all quizzes and controls, which are never trained on.

    Questions without a gold answer are among them: they may get one later.
    """
    splits: tuple[Split, ...] = ("quiz", "control")
    return [
        q.text for s in splits for q in store.library.questions(QuestionFilter(split=s))
    ]

"""The review: the order of samples, and the user's decisions on them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from autolearn.core.errors import InputError
from autolearn.core.records import Action, Decision, Sample, SampleState
from autolearn.services import actions
from autolearn.services.model_scope import shown_digest
from autolearn.store import SampleFilter, Store
from autolearn.store.samples import Order
from autolearn.study import rules
from autolearn.study.dropped_questions import DroppedQuestion, of_skip

STATES: tuple[SampleState, ...] = ("pending", "approved", "rejected")

BulkQuestion = tuple[str, int, int]
"""The question before many samples are decided: the action or the name of a rule, the
number of samples, and the newest decision at that time.
"""

_BECOMES: dict[str, SampleState] = {"approve": "approved", "reject": "rejected"}
_EDITED = ("prompt", "chosen", "feedback", "refined")


@dataclass(frozen=True)
class ReviewQueue:
    """Which samples are reviewed, and in which order."""

    filter: SampleFilter
    order: Order

    def criteria(self, store: Store) -> SampleFilter:
        """Return the filter, limited to the model whose data are shown."""
        return replace(self.filter, model_digest=shown_digest(store))

    def shows(self, store: Store, sample_id: int) -> bool:
        """Return whether a sample belongs to the model whose data are shown."""
        own = SampleFilter(ids=[sample_id], model_digest=shown_digest(store))
        return bool(store.samples.ids(own))

    def next(self, store: Store, beside: int = 0, *, back: bool = False) -> int:
        """Return the sample next to this one, or the first; 0 if there is none."""
        sample_id = store.samples.next_id(
            self.criteria(store), order=self.order, beside=beside or None, back=back
        )
        return sample_id or 0

    def around(self, store: Store, beside: int) -> int:
        """Return the next sample; after the last one comes the first again."""
        return self.next(store, beside) or self.next(store)

    def undecided(self, store: Store, action: str) -> list[int]:
        """Return which of these samples the action would change."""
        criteria = self.criteria(store)
        states = [criteria.state] if criteria.state else STATES
        ids: list[int] = []
        for state in states:
            if state != _BECOMES[action]:
                ids += store.samples.ids(replace(criteria, state=state))
        return ids


def decide(
    store: Store,
    ids: Sequence[int],
    action: Action,
    reason: str | None,
    known_version: int | None = None,
) -> None:
    """Approve or reject these samples at once; only a rejection keeps its reason.

    Raises:
        InputError: There is none.
        Outdated: One was decided on after the decision ``known_version``.
    """
    if not all(ids):
        raise InputError("No sample is shown; there is nothing to decide.")
    text = (reason or "").strip() if action == "reject" else ""
    actions.decide(
        store, ids, Decision(0, action, "person", text, known_version=known_version)
    )


def decide_all(
    store: Store, queue: ReviewQueue, question: BulkQuestion, reason: str | None
) -> str:
    """Decide all of a queue, if they are as many as was asked about; return a note.

    ``question`` names the action, or a rule, and the number of samples.

    Raises:
        InputError: They are more or fewer by now.
        Outdated: One of them was decided on since then.
    """
    name, n, known_version = question
    if name in rules.RULES:
        return _apply_rule(store, queue, name, n, known_version)
    action = cast(Action, name)
    ids = queue.undecided(store, action)
    _check_number(len(ids), n)
    decide(store, ids, action, reason, known_version)
    return f"{n_samples_in_words(n)} {_BECOMES[action]}. Undo reverts all of them."


def _apply_rule(
    store: Store, queue: ReviewQueue, name: str, n: int, known_version: int
) -> str:
    decisions = accepted_by(store, queue, name)
    _check_number(len(decisions), n)
    store.decisions.decide(
        [replace(decision, known_version=known_version) for decision in decisions]
    )
    return f"{n_samples_in_words(n)} approved by rule {name}. Undo reverts all of them."


def _check_number(n_now: int, n_asked: int) -> None:
    if n_now != n_asked:
        raise InputError(
            f"The filter now matches {n_samples_in_words(n_now)} instead of {n_asked}; "
            "check again, and press again."
        )


def n_samples_in_words(n: int) -> str:
    """Return how many samples, in words."""
    return f"{n:,} sample" if n == 1 else f"{n:,} samples"


def undo(store: Store, question_id: int) -> tuple[int, str, int]:
    """Undo the last decision; that of a rule only at the second request.

    ``question_id`` is the decision of a rule that was asked about before, or 0. Returns
    the sample to show, or 0, a note, and the decision that has to be confirmed, or 0.

    Raises:
        InputError: There is nothing to undo.
    """
    last = store.decisions.last()
    if last is None:
        raise InputError("There is no decision to undo.")
    if last.author != "person" and question_id != last.id:
        rule = last.author.replace("rule:", "rule ")
        note = (
            f"The last decisions were made by {rule}; press Undo again to revert them."
        )
        return 0, note, last.id
    decisions = store.decisions.undo_batch(last.id)
    note = f"{len(decisions):,} decisions that were made together are reverted."
    if len(decisions) == 1:
        note = "The last decision is reverted."
    return decisions[-1].sample_id, note, 0


def overrule(
    store: Store, number: int, *, gap: bool, known_version: int | None = None
) -> None:
    """Let a person say whether there is a gap.

    Raises:
        Outdated: The sample was decided on after the decision ``known_version``.
    """
    decision = Decision(
        0, "edit", "person", after={"gap": gap}, known_version=known_version
    )
    actions.decide(store, [number], decision)


def approve_open_book(
    store: Store, number: int, known_version: int | None = None
) -> None:
    """Approve a sample with its open-book answer as the answer to learn.

    Raises:
        InputError: No sample is shown, or it has no open-book answer.
        Outdated: The sample was decided on after the decision ``known_version``.
    """
    if not number:
        raise InputError("No sample is shown; there is nothing to decide.")
    view = store.samples.view(number)
    answer = view.answer(view.sample.open_answer_id)
    if answer is None or not answer.text.strip():
        raise InputError("This sample has no open-book answer; edit it instead.")
    decision = Decision(number, "approve", "person", known_version=known_version)
    decisions = [decision]
    if answer.text != view.sample.chosen:
        after = {"chosen": answer.text}
        decisions.insert(0, replace(decision, action="edit", after=after))
    store.decisions.decide(decisions)


def passage_of(store: Store, number: int) -> int | None:
    """Return the passage of the sample that is shown; None: no passage is shown."""
    return store.samples.view(number).sample.passage_id if number else None


def add_own(
    store: Store, question: str, answer: str, beside: int, *, is_about_text: bool
) -> int:
    """Add a person's question and answer as an approved sample; return its id.

    Args:
        store: The workspace.
        question: The question.
        answer: The answer to learn.
        beside: The sample that is shown, 0 for none.
        is_about_text: Whether the pair is about the passage of that sample.

    Raises:
        InputError: The question or the answer is empty, or no passage is shown.
    """
    if not question.strip() or not answer.strip():
        raise InputError("Enter a question and its answer.")
    passage_id = passage_of(store, beside) if is_about_text else None
    if is_about_text and passage_id is None:
        raise InputError(
            "No passage is shown that the pair could be about; untick the box first."
        )
    with store.atomic():
        number = store.own_pairs.add(question.strip(), answer.strip(), passage_id)
        decide(store, [number], "approve", None)
    return number


def dropped_questions(
    store: Store, skip_ids: Iterable[int]
) -> dict[int, DroppedQuestion]:
    """Return the dropped questions that have an answer, each under its skip."""
    skips = store.runs.skips_by_id(skip_ids)
    passages = store.library.passages_by_id(skip.passage_id for skip in skips.values())
    questions = {
        skip.id: of_skip(skip, passages[skip.passage_id])
        for skip in skips.values()
        if skip.passage_id
    }
    return {number: question for number, question in questions.items() if question}


def kept(
    store: Store, questions: Collection[DroppedQuestion]
) -> dict[DroppedQuestion, Sample]:
    """Return the samples of those of these questions that a person has kept.

    Question and answer are compared as they were kept; an edit does not matter.
    """
    pairs = {
        (sample.passage_id, own.text, own.gold_answer): sample
        for sample, own in store.own_pairs.about(q.passage_id for q in questions)
    }
    keys = {q: (q.passage_id, q.text, q.answer) for q in questions}
    return {q: pairs[key] for q, key in keys.items() if key in pairs}


def keep(store: Store, skip_id: int) -> int:
    """Add a dropped question as a pending sample of a person; return its id.

    Raises:
        InputError: The study has recorded no answer, or it is a sample already.
    """
    with store.atomic():
        question = dropped_questions(store, [skip_id]).get(skip_id)
        if question is None:
            raise InputError(
                "The study recorded no answer to this question; add both under Review "
                "(Add)."
            )
        if sample := kept(store, [question]).get(question):
            raise InputError(
                f"This question is sample {sample.id} already ({sample.state}); "
                "decide on it under Review."
            )
        return store.own_pairs.add(question.text, question.answer, question.passage_id)


def accepted_by(store: Store, queue: ReviewQueue, rule_name: str) -> list[Decision]:
    """Return the approvals of a rule among the pending samples of a queue."""
    criteria = replace(queue.criteria(store), state="pending")
    return rules.approvals(rules.rule(rule_name), store.samples.find(criteria))


def texts(store: Store, number: int) -> tuple[str, str, str, str]:
    """Return the texts of a sample that an edit may change, as they are now.

    Raises:
        InputError: There is no such sample.
    """
    if not number:
        raise InputError("No sample is shown; there is nothing to edit.")
    view = store.samples.view(number)
    critique, refinement = view.critique(), view.answer(view.sample.refined_answer_id)
    return (
        view.sample.prompt,
        view.sample.chosen,
        view.edited_feedback or (critique.text if critique else ""),
        view.edited_refined or (refinement.text if refinement else ""),
    )


def edit(
    store: Store, number: int, now: Sequence[str], known_version: int | None = None
) -> str:
    """Store what was changed as one decision; return a note.

    Raises:
        InputError: A text that was there is empty.
        Outdated: The sample was decided on after the decision ``known_version``.
    """
    after: dict[str, str] = {}
    for name, was, text in zip(_EDITED, texts(store, number), now, strict=True):
        if text.strip() != was.strip():
            after[name] = text.strip()
    if not after:
        return "Nothing was changed."
    actions.decide(
        store,
        [number],
        Decision(0, "edit", "person", after=after, known_version=known_version),
    )
    if store.samples.view(number).sample.state != "pending":
        return "Saved. Undo reverts it."
    return "Saved, not decided yet: Approve (A) lets it be learned, Undo reverts it."

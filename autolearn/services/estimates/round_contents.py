"""What a round would train on, told before it is queued.

The items are made by the very functions that the training uses. Only their lengths are
estimated where they are not written yet.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean

from autolearn.core.model_calls import Chat
from autolearn.core.records import DRIFT_PROBE, TrainItem
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import StudySettings
from autolearn.rounds.sources import approved_in, collect, study_settings
from autolearn.services.estimates import replay_writing
from autolearn.store import Store
from autolearn.study import prompts
from autolearn.study.questions import MOST_PER_LIST, how_many
from autolearn.training import replay
from autolearn.training.dataset import Dataset
from autolearn.training.replay_plan import ReplayPlan, RereadText


@dataclass(frozen=True)
class ItemLength:
    """About how many tokens an item has, without the signs of the template."""

    prompt: float
    answer: float

    @property
    def tokens(self) -> float:
        """Return both together."""
        return self.prompt + self.answer


@dataclass(frozen=True)
class RoundContents:
    """What goes into a round, and what is left out and why."""

    n_approved: int
    for_method: int
    """Approved samples that this method takes into account."""
    without_gap: int
    """Those of them that are left out because the model knew the answer."""
    dataset: Dataset
    tokens: tuple[int, ...]
    """About how many tokens each item has, without the signs of the template."""
    n_learned: int
    """About how many of them are learned."""
    instruction: ItemLength
    """A generated instruction with its answer: the mean of the newest round, or the
    longest possible before any."""
    other_replay: tuple[ItemLength, ...]
    """The rest of the replay: texts read again, and answers checked."""
    validation: tuple[int, ...] = ()
    """About how many tokens each item of validation has."""
    n_written: int = 0
    """About how many texts the base model writes before the first step."""
    corpora: tuple[str, ...] = ()
    """The names of the corpora that meta-skill items are made of."""

    @property
    def samples(self) -> int:
        """Return how many samples the items come from."""
        return len({item.sample_id for item in self.dataset.items if item.sample_id})


def round_contents(
    store: Store,
    order: TrainRunSettings,
    count: Callable[[str], int],
    *,
    reads_system: bool = True,
) -> RoundContents:
    """Return what a round that is ordered so would take from the store.

    ``count``: returns the tokens of a text. Cached, since most texts are unchanged at
    the next call.
    ``reads_system``: whether the template of the model has a place for that message.
    """

    def prompt_size(chat: Chat) -> int:
        return sum(count(m.content) for m in chat if reads_system or m.role != "system")

    def length(item: TrainItem) -> int:
        return prompt_size(item.chat) + max(
            count(item.chosen), count(item.rejected or "")
        )

    settings = order.train
    names = {corpus.id: corpus.name for corpus in store.corpora.in_use()}
    sources = collect(store, order)
    examples, dataset = sources.material.examples, sources.build()
    n_known = sum(not e.is_gap for e in examples) if settings.only_gaps else 0
    n_learned = sum(count(item.chosen) for item in dataset.items)
    answer = n_learned // max(1, len(dataset.items))
    limits = study_settings(store)
    replay_sizes = _ReplaySizes(limits, count, prompt_size, answer)
    replay_plan = sources.replay(dataset.items)
    return RoundContents(
        store.samples.counts(approved_in(order.scope))["approved"],
        len(examples),
        n_known,
        dataset,
        tuple(length(item) for item in dataset.items),
        n_learned,
        _instruction_length(store, prompt_size, count),
        tuple(replay_sizes.of(replay_plan)),
        tuple(length(item) for item in dataset.validation),
        replay_writing.n_texts(store, order, replay_plan),
        tuple(names[i] for i in order.corpus_ids if i in names),
    )


def _instruction_length(
    store: Store, prompt_size: Callable[[Chat], int], count: Callable[[str], int]
) -> ItemLength:
    """Return the length of a generated instruction; each drift probe has some."""
    for round_ in reversed(store.rounds.all()):
        if items := [i for i in store.rounds.items(round_.id) if i.kind == DRIFT_PROBE]:
            answer_size = fmean(count(item.chosen) for item in items)
            return ItemLength(
                fmean(prompt_size(item.chat) for item in items), answer_size
            )
    return ItemLength(replay.INSTRUCTION_TOKENS, replay.ANSWER_TOKENS)


@dataclass(frozen=True)
class _ReplaySizes:
    """About how long the replay of a plan is, its generated instructions aside."""

    settings: StudySettings
    count: Callable[[str], int]
    prompt_size: Callable[[Chat], int]
    answer: int
    """Tokens of a usual answer; a comparison or a quote with it has twice as many."""

    def of(self, plan: ReplayPlan) -> Iterator[ItemLength]:
        """Yield the lengths of what ``training.replay`` writes for the plan."""
        for text in plan.texts:
            yield from self._reading(text)
        frame = prompts.load("refine_free").render(question="", answer="", feedback="")
        rest = self.prompt_size(frame.chat)
        questions = [*map(self.count, plan.library_instructions)]
        questions += [replay.INSTRUCTION_TOKENS] * plan.n_checked
        # A check of each answer, and a better one.
        for size in questions * 2:
            yield ItemLength(rest + size, 2 * self.answer)

    def _reading(self, text: RereadText) -> Iterator[ItemLength]:
        compare, reword = prompts.load("feedback"), prompts.load("paraphrase")
        answers = {"reference": text.answer, "answer": text.answer}
        prompt = compare.render(passage=text.passage, question=text.question, **answers)
        size = ItemLength(self.prompt_size(prompt.chat), 2 * self.answer)
        yield from (size, size, size)
        n, per_question = (
            how_many(self.settings, text.passage),
            self.count(text.question),
        )
        yield ItemLength(size.prompt, n * per_question)
        prompt = reword.render(question=text.question, n=MOST_PER_LIST)
        yield ItemLength(self.prompt_size(prompt.chat), MOST_PER_LIST * per_question)

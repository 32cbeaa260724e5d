"""What a round would train on, shown before it is queued.

The items are made by the very functions that the training uses. Only their lengths are
estimated if they are not written yet.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Self

from autolearn.core.model_calls import Chat
from autolearn.core.records import DRIFT_PROBE, TrainItem
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import StudySettings, TrainSettings
from autolearn.models import files as model_files
from autolearn.models.protocols import is_guided
from autolearn.models.token_counting import TokenCounter
from autolearn.rounds.sources import RoundSources, approved_in, collect, study_settings
from autolearn.services.estimates import replay_writing
from autolearn.store import Store
from autolearn.study import prompts
from autolearn.study.questions import MOST_PER_LIST, how_many
from autolearn.training import long_texts, replay
from autolearn.training.dataset import Dataset
from autolearn.training.examples import ApprovedExample, learned_by, without_repeats
from autolearn.training.replay_plan import ReplayPlan, RereadText, n_readings


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
    """The items of a round, and what is left out and why."""

    n_approved: int
    for_method: int
    """Approved samples that this method takes into account."""
    repeated: int
    """Those of them that ask the same as another one about the same passage."""
    without_gap: int
    """Those of the others that are left out because the model knew the answer."""
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
    n_instructions: int = 0
    """How many generated instructions are replayed; the steps of the round limit it."""

    @property
    def samples(self) -> int:
        """Return how many samples the items come from."""
        return len({item.sample_id for item in self.dataset.items if item.sample_id})

    def lengths(self, most: int) -> list[int]:
        """Return ``tokens``, with raw texts of more than ``most`` in their parts."""
        pairs = zip(self.dataset.items, self.tokens, strict=True)
        return [size for item, n in pairs for size in long_texts.sizes(item, n, most)]


def contents_with(
    count: TokenCounter,
    folder: Path,
    store: Store,
    request: TrainRunSettings,
    sources: RoundSources | None = None,
) -> RoundContents:
    """Return ``round_contents`` by the tokenizer and the template of a model folder."""
    return round_contents(
        store,
        request,
        count,
        count_ahead=count.count_ahead,
        reads_system=model_files.reads_system(folder),
        sources=sources,
    )


def round_contents(
    store: Store,
    request: TrainRunSettings,
    count: Callable[[str], int],
    *,
    count_ahead: Callable[[Iterable[str]], None] | None = None,
    reads_system: bool = True,
    sources: RoundSources | None = None,
) -> RoundContents:
    """Return what a round with this request would take from the store.

    ``count``: returns the tokens of a text. Cached, since most texts are unchanged at
    the next call.
    ``count_ahead``: takes the texts that ``count`` will be asked for, all at once.
    ``reads_system``: whether the template of the model has a place for that message.
    ``sources``: what it is made of; None: what the store has.
    """

    def prompt_size(chat: Chat) -> int:
        return sum(count(m.content) for m in chat if reads_system or m.role != "system")

    def n_given(item: TrainItem) -> int:
        # The answer repeats its given beginning, which is not learned.
        return sum(count(m.content) for m in item.chat[-1:] if m.role == "assistant")

    def length(item: TrainItem) -> int:
        answer = max(count(item.chosen), count(item.rejected or ""))
        return prompt_size(item.chat) - n_given(item) + answer

    settings = request.train
    names = {corpus.id: corpus.name for corpus in store.corpora.in_use()}
    sources = sources or collect(store, request)
    examples = _used_examples(settings, sources.material.examples)
    dataset = sources.build()
    limits = request.study or study_settings(store)
    plan = sources.replay(dataset.items)
    guided = bool(plan.texts) and is_guided(request.model, limits.protocol)
    reread = [_Reread.of(text, limits, guided=guided) for text in plan.texts]
    if count_ahead:
        count_ahead(_texts(dataset, plan, reread))
    distinct = without_repeats(examples, prefers_gaps=settings.only_gaps)
    drops_known = settings.only_gaps and settings.traits.needs_samples
    n_known = sum(not e.is_gap for e in distinct) if drops_known else 0
    n_learned = sum(count(item.chosen) - n_given(item) for item in dataset.items)
    answer = n_learned // max(1, len(dataset.items))
    replay_sizes = _ReplaySizes(count, prompt_size, answer)
    return RoundContents(
        store.samples.counts(approved_in(request.scope))["approved"],
        len(examples),
        len(examples) - len(distinct),
        n_known,
        dataset,
        tuple(length(item) for item in dataset.items),
        n_learned,
        _instruction_length(store, prompt_size, count),
        tuple(replay_sizes.of(plan, reread)),
        tuple(length(item) for item in dataset.validation),
        replay_writing.n_texts(store, request, plan),
        tuple(names[i] for i in request.corpus_ids if i in names),
        plan.n_instructions,
    )


def _used_examples(
    settings: TrainSettings, examples: Sequence[ApprovedExample]
) -> list[ApprovedExample]:
    """Return the approved examples that a method learns from.

    Meta-skills alone are learned from those that a person has corrected.
    """
    method = settings.traits
    if method.needs_samples:
        return learned_by(method, examples)
    return [e for e in examples if e.edits] if method.teaches_skills else []


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
class _Reread:
    """What the base model is asked about a text that it reads again."""

    compare: Chat
    reword: Chat
    question: str
    n_questions: int
    """How many it writes about the text."""
    n_readings: int
    """How often it answers from the text, or compares answers with it."""

    @classmethod
    def of(cls, text: RereadText, limits: StudySettings, *, guided: bool) -> Self:
        """Render what is asked about a text."""
        answers = {"reference": text.answer, "answer": text.answer}
        compare = prompts.load("feedback").render(
            passage=text.passage.text, question=text.question, **answers
        )
        reword = prompts.load("paraphrase").render(
            question=text.question, n=MOST_PER_LIST
        )
        n = 1 if guided else how_many(limits, text.passage.text)
        readings = n_readings(guided=guided)
        return cls(compare.chat, reword.chat, text.question, n, readings)


def _texts(
    dataset: Dataset, plan: ReplayPlan, reread: Sequence[_Reread]
) -> Iterator[str]:
    """Yield the texts whose tokens are counted; a few further ones are not known."""
    for item in (*dataset.items, *dataset.validation):
        yield from (turn.content for turn in item.chat)
        yield from (item.chosen, item.rejected or "")
    for text in reread:
        yield text.question
        yield from (turn.content for turn in (*text.compare, *text.reword))
    yield from plan.library_instructions


@dataclass(frozen=True)
class _ReplaySizes:
    """About how long the replay of a plan is, its generated instructions aside."""

    count: Callable[[str], int]
    prompt_size: Callable[[Chat], int]
    answer: int
    """Tokens of a usual answer; a comparison or a quote with it has twice as many."""

    def of(self, plan: ReplayPlan, reread: Sequence[_Reread]) -> Iterator[ItemLength]:
        """Yield the lengths of what ``training.replay`` writes for the plan."""
        for text in reread:
            yield from self._reading(text)
        frame = prompts.load("refine_free").render(question="", answer="", feedback="")
        rest = self.prompt_size(frame.chat)
        questions = [*map(self.count, plan.library_instructions)]
        questions += [replay.INSTRUCTION_TOKENS] * plan.n_checked
        # A check of each answer, and a better one.
        for size in questions * 2:
            yield ItemLength(rest + size, 2 * self.answer)

    def _reading(self, text: _Reread) -> Iterator[ItemLength]:
        size = ItemLength(self.prompt_size(text.compare), 2 * self.answer)
        yield from [size] * text.n_readings
        per_question = self.count(text.question)
        yield ItemLength(size.prompt, text.n_questions * per_question)
        yield ItemLength(self.prompt_size(text.reword), MOST_PER_LIST * per_question)

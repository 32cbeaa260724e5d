"""Collect from the store what a round is made of, and build its items.

The first two steps of a training, which need no model: the page uses them for its
estimate of a round, the worker to train it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Self

from autolearn.core.gold import GoldExample, MetaExample
from autolearn.core.records import Sample, TrainItem
from autolearn.core.run_settings import (
    SampleScope,
    StudyRunSettings,
    TrainRunSettings,
)
from autolearn.core.settings import StudyProtocol, StudySettings, TrainSettings
from autolearn.metaskills import items as skill_items
from autolearn.models.protocols import is_guided
from autolearn.rounds import corpora
from autolearn.store import Store
from autolearn.store.library import QuestionFilter
from autolearn.store.samples import SampleFilter, SampleSources
from autolearn.study.answers import keeps_sense
from autolearn.training import dataset, leakage, replay, replay_plan
from autolearn.training.dataset import Dataset, Material
from autolearn.training.examples import ApprovedExample
from autolearn.training.leakage import Guard
from autolearn.training.replay_plan import ReplayPlan


@dataclass(frozen=True)
class RoundSources:
    """The data of the store for a round."""

    material: Material
    corpus: tuple[MetaExample, ...]
    """Examples with feedback."""
    guard: Guard
    """Recognises the questions of quiz and control."""
    instructions: tuple[str, ...]
    earlier: tuple[TrainItem, ...] = ()
    """The items of the rounds that it continues, as far as they teach skills."""
    n_blocked: int = 0
    """Examples of corpora that were left out because the quiz asks the same."""

    def build(self) -> Dataset:
        """Return the items that teach, and those for validation."""
        result = dataset.build(self.material, self.corpus, self.guard)
        return replace(result, leaked=result.leaked + self.n_blocked)

    def replay(self, items: Sequence[TrainItem]) -> ReplayPlan:
        """Return what is replayed in addition to the items that teach."""
        settings, examples = self.material.settings, self.material.examples
        teaches_skills = settings.traits.teaches_skills
        new_skills = replay.taught_skills(
            [*(items if teaches_skills else ()), *self.earlier]
        )
        return replay_plan.plan(
            settings, len(items), examples, self.instructions, new_skills
        )

    def with_gold(self, examples: Sequence[GoldExample]) -> Self:
        """Return the sources with the meta-skill items of a corpus that is not stored.

        In the corpus, no example comes with feedback.
        """
        settings = self.material.settings
        items, n_blocked = skill_items.make(
            examples, settings.meta_examples, settings.seed, self.guard.blocks
        )
        material = replace(self.material, skills=items)
        return replace(self, material=material, n_blocked=n_blocked)


def collect(store: Store, request: TrainRunSettings) -> RoundSources:
    """Return the material of the requested round.

    Raises:
        InputError: A corpus has been removed from the library.
    """
    guard = Guard(corpora.quiz_questions(store))
    protocol = _skill_protocol(store, request)
    skills, with_feedback, n_blocked = corpora.skills(
        store, request.train, request.corpus_ids, guard, protocol
    )
    examples = approved_examples(store, request)
    texts = (
        _passages(store, request, examples)
        if request.train.traits.reads_passages
        else []
    )
    pairs = (
        corpora.pairs(store, request.corpus_ids, request.train.seed)
        if request.train.traits.learns_pairs
        else []
    )
    return RoundSources(
        Material(request.train, examples, skills, texts, pairs, protocol),
        (*request.corpus_examples, *with_feedback),
        guard,
        tuple(question.text for question in store.library.instructions()),
        tuple(
            item
            for round_ in store.rounds.lineage(request.parent)
            if round_.traits.teaches_skills
            for item in store.rounds.items(round_.id)
        ),
        n_blocked,
    )


def _skill_protocol(store: Store, request: TrainRunSettings) -> StudyProtocol:
    """Return the protocol of a study by a round that learns skills of a study."""
    if not (request.train.traits.teaches_skills or request.train.dqa):
        return "trained"
    limits = request.study or study_settings(store)
    return "taught" if is_guided(request.model, limits.protocol) else "trained"


def asked_by_rounds(store: Store) -> list[str]:
    """Return all questions that rounds were trained or validated on."""
    items = (
        item for round_ in store.rounds.all() for item in store.rounds.items(round_.id)
    )
    return leakage.asked_in(items)


def _passages(
    store: Store, request: TrainRunSettings, examples: Sequence[ApprovedExample]
) -> list[str]:
    """Return all passages of the documents of a round, as raw text."""
    documents: Collection[int] | None = request.documents
    if documents is None:
        ids = (example.sample.passage_id for example in examples)
        passages = store.library.passages_by_id(i for i in ids if i)
        documents = {passage.document_id for passage in passages.values()}
    return [passage.text for passage in store.library.passages(list(documents))]


def why_nothing(settings: TrainSettings) -> str:
    """Return why a round has no items, and what to do."""
    if not settings.traits.teaches_facts:
        return corpora.MISSING
    if settings.traits.learns_pairs:
        return corpora.NO_PAIRS
    return (
        f"The approved samples give method {settings.method!r} nothing to train on; "
        "approve more, or train on all pairs instead of gaps only."
    )


def study_settings(store: Store) -> StudySettings:
    """Return the settings of the last study: replay keeps to the same limits."""
    last = store.runs.last("study")
    return StudyRunSettings.of(last).study if last else StudySettings()


def approved_examples(store: Store, request: TrainRunSettings) -> list[ApprovedExample]:
    """Return the approved samples that a round of this method learns from.

    AL stage 2 learns from what the stage-1 model wrote; SELF's continual-new from
    what neither a kept round nor the one that it continues has learned; all others
    from everything approved in the scope of the round. In an experiment the samples
    are named.
    """
    if request.samples is not None:
        samples = store.samples.find(SampleFilter(ids=request.samples))
        return _as_examples(store, samples)
    settings, parent_id = request.train, request.parent
    samples = store.samples.find(approved_in(request.scope))
    if settings.traits.is_second_stage:
        sources = store.samples.sources(samples)
        samples = [
            sample for sample in samples if sources[sample.id].written_by == parent_id
        ]
    if settings.traits.evolves and settings.evolution == "continual-new":
        ids = [round_.id for round_ in store.rounds.all() if round_.state == "kept"]
        ids += [round_.id for round_ in store.rounds.lineage(parent_id)]
        learned_ids = store.rounds.trained_samples(ids)
        samples = [sample for sample in samples if sample.id not in learned_ids]
    return _as_examples(store, samples)


def approved_in(scope: SampleScope | None) -> SampleFilter:
    """Return the filter that passes the approved samples of a scope; None: all."""
    scope = scope or SampleScope()
    return SampleFilter(
        state="approved",
        model_digest=scope.model_digest,
        documents=scope.documents,
        studies=scope.studies,
    )


def _as_examples(store: Store, samples: Sequence[Sample]) -> list[ApprovedExample]:
    sources = store.samples.sources(samples)
    wordings = _wordings(store, samples)
    return [
        _approved_example(
            sample, sources[sample.id], wordings.get(sample.question_id, ())
        )
        for sample in samples
    ]


def _wordings(store: Store, samples: Sequence[Sample]) -> dict[int, tuple[str, ...]]:
    """Return the checked wordings of each question that are not for the quiz."""
    parents = [sample.question_id for sample in samples]
    questions = store.library.questions(
        QuestionFilter(parent_ids=parents, split="study")
    )
    answers = store.library.answers([question.id for question in questions])
    sound = {a.question_id for a in answers if keeps_sense(a)}
    by_question: dict[int, tuple[str, ...]] = {}
    for question in questions:
        if question.id in sound and question.parent_id:
            texts = by_question.get(question.parent_id, ())
            by_question[question.parent_id] = (*texts, question.text)
    return by_question


def _approved_example(
    sample: Sample, sources: SampleSources, wordings: tuple[str, ...]
) -> ApprovedExample:
    return ApprovedExample(
        sample,
        passage=sources.passage,
        heading=sources.heading,
        open_answer=sample.chosen
        if sources.open_answer is None
        else sources.open_answer,
        closed_answer=sample.rejected,
        evidence=sources.evidence,
        short_answer=sources.short_answer,
        critique=sources.critique,
        # An edited question is another one, so it has none.
        wordings=() if "prompt" in sources.edits else wordings,
        prompt_name=sources.prompt_name or "closed_book",
        edits=sources.edits,
    )

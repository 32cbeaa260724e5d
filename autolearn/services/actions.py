"""What a person does with texts, samples and models: checked and queued.

Page and command line act through here, so both refuse the same things with the same
sentences. Nothing here loads a model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from autolearn.core.errors import InputError, JobError
from autolearn.core.gold import MetaExample
from autolearn.core.methods import Method
from autolearn.core.model_calls import Message, Sampling
from autolearn.core.quiz_records import QuizMode
from autolearn.core.reading import ReadingChoices
from autolearn.core.records import Decision, Run, Split
from autolearn.core.run_settings import (
    ChatRunSettings,
    ExportRunSettings,
    ImportRunSettings,
    ImportSource,
    ModelRunSettings,
    PipelineLink,
    PipelineRunSettings,
    QuizRunSettings,
    SampleScope,
    StudyRunSettings,
    TrainRunSettings,
)
from autolearn.core.server_addresses import check_has_weights, tokenizer_model
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.evaluation import gold_questions
from autolearn.export import formats, gguf_converter
from autolearn.export.handover.folder import TOOLS
from autolearn.ingest import importer
from autolearn.models import files as model_files
from autolearn.rounds import sources as round_sources
from autolearn.runs import queues
from autolearn.runs.model_choice import (
    chosen_model,
    finished_round,
    with_model,
)
from autolearn.services import corpus_actions, model_scope, round_actions
from autolearn.services.train_checks import check_devices, check_train
from autolearn.store import Store
from autolearn.store.samples import SampleFilter
from autolearn.study import rules
from autolearn.training import presets

EXPORTS = (*formats.KINDS, *TOOLS)
"""All kinds of export."""

P = TypeVar("P", bound=PipelineRunSettings)


@dataclass(frozen=True)
class Uploads:
    """Texts that will not stay where they are, and where in the library all go."""

    files: Sequence[Path] = ()
    pasted_text: tuple[str, str] | None = None
    """Its name and the text."""
    folder: str = ""
    """The folder of the library for all that is added at once; empty: none."""


@dataclass(frozen=True)
class TrainSources:
    """What a round is taught from, beside the defaults."""

    examples: Sequence[MetaExample] = ()
    """Examples that are not kept in the library."""
    corpora: Sequence[int] | None = None
    """The ids of corpora of the library; None: all that are not left out, if the method
    is taught from corpora."""
    scope: SampleScope | None = None
    """None: the samples that were measured with the model that is trained."""


def add_texts(
    store: Store,
    paths: Sequence[Path],
    model: str,
    passage_tokens: int,
    *,
    uploads: Uploads | None = None,
    choices: ReadingChoices | None = None,
) -> Run:
    """Queue the reading of files and folders, and of uploads, as a person has chosen.

    Uploads are put aside in the workspace until they have been read.

    Raises:
        InputError: There is nothing to read.
        ModelNotFound: The model whose tokens measure the passages is not there.
    """
    model = tokenizer_model(model)
    model_files.locate(model)
    uploads = uploads or Uploads()
    staging_folder, files = importer.stage(
        store, paths, uploads.files, uploads.pasted_text
    )
    if not files:
        raise InputError("Choose files or paste a text first.")
    folder = uploads.folder.strip().strip("/")
    before = f"{folder}/" if folder else ""
    sources = tuple(ImportSource(str(file.path), before + file.name) for file in files)
    request = ImportRunSettings(sources, staging_folder, model, passage_tokens, choices)
    return queues.submit(store, request)


def study(
    store: Store,
    model: ModelSettings,
    settings: StudySettings,
    documents: Sequence[int] | None = None,
    *,
    instructions: bool = False,
    link: PipelineLink | None = None,
) -> Run:
    """Queue a study of these documents, or of all.

    ``instructions`` are studied too, without any text. ``link`` is the place of the
    run in a whole round.

    Raises:
        JobError: There is nothing to study.
    """
    if documents is not None:
        for document_id in documents:
            store.library.document(document_id)
    if instructions and not store.library.instructions():
        raise JobError(
            "There are no instructions; add some under Library, or with: "
            "python -m autolearn add --instructions FILE"
        )
    if not instructions and not store.library.passages(documents):
        raise JobError(
            "There is no text to study; add one under Library, or with: "
            "python -m autolearn add FILE"
        )
    request = StudyRunSettings(
        study=settings,
        documents=None if documents is None else tuple(documents),
        instructions=instructions,
    )
    return queues.submit(store, with_model(store, _with_link(request, link), model))


def approve(store: Store, rule_name: str, criteria: SampleFilter | None = None) -> int:
    """Let a rule approve the pending samples of a filter; return how many it approved.

    Raises:
        InputError: There is no such rule.
        JobError: Nothing was studied yet.
    """
    rule = rules.rule(rule_name)
    criteria = replace(criteria or SampleFilter(), state="pending")
    samples = store.samples.find(criteria)
    if not samples and not any(store.samples.counts().values()):
        raise JobError(
            "There are no samples yet; study first, on the page or with: "
            "python -m autolearn study"
        )
    decisions = rules.approvals(rule, samples)
    return len(store.decisions.decide(decisions))


def decide(store: Store, sample_ids: Sequence[int], decision: Decision) -> int:
    """Decide these samples in the same way; return how many there were.

    Raises:
        InputError: There is no sample of one of these ids.
    """
    decisions = [replace(decision, sample_id=number) for number in sample_ids]
    return len(store.decisions.decide(decisions))


def train(
    store: Store,
    model: ModelSettings,
    settings: TrainSettings,
    parent_id: int | None = None,
    sources: TrainSources | None = None,
    link: PipelineLink | None = None,
) -> Run:
    """Queue a round; ``link`` is its place in a whole round.

    Raises:
        BackendError: The model is on a server.
        JobError: A prerequisite is missing: nothing approved, or no stage-1 round.
    """
    request = _train_request(
        store, model, settings, parent_id, sources or TrainSources()
    )
    check_train(store, request)
    return queues.submit(store, _with_link(request, link))


def _train_request(
    store: Store,
    model: ModelSettings,
    settings: TrainSettings,
    parent_id: int | None,
    sources: TrainSources,
) -> TrainRunSettings:
    """Return the round that is ordered so.

    Raises:
        BackendError: The model is on a server.
    """
    check_has_weights(model.model)
    base = with_model(store, TrainRunSettings(), replace(model, round_id=None))
    scope = sources.scope or SampleScope(base.model_digest)
    corpus_ids = sources.corpora
    if corpus_ids is None:
        corpus_ids = corpus_actions.ids(store) if settings.traits.uses_corpora else []
    return replace(
        base,
        train=settings,
        parent=parent_id,
        corpus_examples=tuple(sources.examples),
        corpus_ids=tuple(corpus_ids),
        scope=scope,
    )


def resume(store: Store, run_id: int, devices: int | None = None) -> Run:
    """Put a run that did not finish back into the queue; see ``queues.resume``.

    ``devices`` is the number of devices on which a training goes on; None: as before.

    Raises:
        JobError: It is done, or a worker is at it, or there are fewer devices.
        InputError: It trains nothing.
    """
    if devices is None:
        return queues.resume(store, run_id)
    run = store.runs.get(run_id)
    if run.kind != "train":
        raise InputError(f"Run {run_id} trains nothing; resume it without --devices.")
    settings = TrainRunSettings.of(run)
    changed = replace(settings, train=replace(settings.train, devices=devices))
    check_devices(devices)
    queues.recover(store)
    store.runs.change_settings(run_id, changed.as_dict())
    return queues.resume(store, run_id)


def quiz(
    store: Store,
    model: ModelSettings,
    *,
    open_book: bool = False,
    link: PipelineLink | None = None,
    study: StudySettings | None = None,
) -> Run:
    """Queue quiz and control, closed-book, and the quiz open-book if wanted.

    The questions are those of now, which become a version of the quiz. ``study`` gives
    protocol and limits; without it they are those of the last study. ``link`` is the
    place of the run in a whole round.

    Raises:
        JobError: There is no question to ask.
    """
    parts: list[tuple[Split, QuizMode]] = [
        ("quiz", "closed_book"),
        ("control", "closed_book"),
    ]
    if open_book:
        parts.append(("quiz", "open_book"))
    sets = tuple(part for part in parts if gold_questions.questions(store, part[0]))
    if not sets:
        raise JobError(
            "There is no quiz; study with a quiz share above 0, or add one under "
            "Library or with: python -m autolearn add --quiz FILE"
        )
    version = gold_questions.freeze(store).version
    study = study or round_sources.study_settings(store)
    request = QuizRunSettings(parts=sets, study=study, version=version)
    return queues.submit(store, with_model(store, _with_link(request, link), model))


@dataclass(frozen=True)
class ChatOrigin:
    """The place of a question on the page, and what it is answered with."""

    conversation: int | None = None
    turn: int | None = None
    column: str | None = None
    passages: tuple[int, ...] | None = None
    """The ids of passages; the answer is taken from them and is not refined."""
    system: str | None = None
    """A system prompt of the person."""


def chat(
    store: Store,
    model: ModelSettings,
    messages: Sequence[Message],
    sampling: Sampling,
    *,
    refine: bool = False,
    origin: ChatOrigin | None = None,
) -> Run:
    """Queue the answer to the last of these messages, with self-refinement if wanted.

    If ``origin.passages`` is set, the answer is taken from these passages and is not
    refined.

    Raises:
        InputError: It is empty.
    """
    if not messages or not messages[-1].content.strip():
        raise InputError("Type a question first.")
    origin = origin or ChatOrigin()
    request = ChatRunSettings(
        messages=tuple(messages),
        sampling=sampling,
        refine=refine,
        conversation=origin.conversation,
        turn=origin.turn,
        column=origin.column,
        passages=origin.passages,
        system=origin.system,
    )
    return queues.submit(store, with_model(store, request, model))


def export(
    store: Store,
    what: str,
    target: Path,
    round_id: int | None = None,
    scope: SampleScope | None = None,
    method: Method = TrainSettings.method,
) -> Run:
    """Queue the export of approved samples, or of the items or weights of a round.

    ``scope`` says which samples; None: those measured with the chosen model. A
    hand-over to another trainer without a round is that of the round that a training
    by ``method`` would give.

    Raises:
        InputError: There is no such export, or it needs a round and none is named, or
            it needs llama.cpp's converter, which is not there.
        JobError: The round is not finished, or cannot be trained yet.
    """
    if what not in EXPORTS:
        raise InputError(
            f"There is no export {what!r}; choose one of {', '.join(EXPORTS)}."
        )
    if what in TOOLS and round_id is None:
        return queues.submit(
            store, _planned_handover(store, what, target, scope, method)
        )
    if round_id is None and what not in formats.FORMATS:
        raise InputError(f"Choose the round whose {what} to export.")
    request = ExportRunSettings(
        what=what, target=str(target.resolve()), round_id=round_id
    )
    if round_id is None:
        samples = scope or model_scope.chosen_samples(store)
        request = replace(request, scope=samples)
    else:
        round_ = finished_round(store, round_id)
        if what == "gguf":
            # The worker may have been started with another PATH.
            request = replace(request, converter=str(gguf_converter.converter()))
        # Weights are asked something when they are there; others need the tokenizer.
        if what in formats.WEIGHTS or what in TOOLS:
            model = round_actions.own_model(round_, round_id)
            request = _with_weights(store, request, model)
    return queues.submit(store, request)


def _planned_handover(
    store: Store, what: str, target: Path, scope: SampleScope | None, method: Method
) -> ExportRunSettings:
    """Return the export of the round that a training with its preset would give."""
    model = replace(chosen_model(store), round_id=None)
    settings = presets.preset_settings(model, TrainSettings(method=method))
    request = _train_request(store, model, settings, None, TrainSources(scope=scope))
    check_train(store, request)
    export_request = ExportRunSettings(
        what=what, target=str(target.resolve()), train=request
    )
    return _with_weights(store, export_request, model)


def _with_weights(
    store: Store, request: ExportRunSettings, model: ModelSettings
) -> ExportRunSettings:
    own = with_model(store, ModelRunSettings(), model)
    return replace(
        request,
        model=own.model,
        model_digest=own.model_digest,
        prompts=own.prompts,
        changed_prompts=own.changed_prompts,
    )


def _with_link(request: P, link: PipelineLink | None) -> P:
    return replace(request, plan=link.plan, after=link.after) if link else request

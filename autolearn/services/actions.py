"""What a person orders: checked, put into words, and queued.

Both the command line and the page order through here, so both refuse the same
things with the same sentences. Nothing here loads a model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from autolearn.core.errors import InputError, JobError
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
    RunSettings,
    SampleScope,
    StudyRunSettings,
    TrainRunSettings,
)
from autolearn.core.server_addresses import check_has_weights, measuring
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.evaluation import gold_questions
from autolearn.export import formats, gguf_converter
from autolearn.ingest import corpora, importer
from autolearn.models import files as model_files
from autolearn.rounds import sources as round_sources
from autolearn.runs import queues
from autolearn.runs.model_choice import (
    finished_round,
    with_model,
)
from autolearn.runs.versions import versions
from autolearn.services import model_scope, round_actions
from autolearn.services.train_checks import check_devices, check_train
from autolearn.services.train_sources import TrainSources
from autolearn.store import Store
from autolearn.store.samples import SampleFilter
from autolearn.study import rules

P = TypeVar("P", bound=PipelineRunSettings)


@dataclass(frozen=True)
class Uploads:
    """Texts that will not stay where they are, and where in the library all go."""

    files: Sequence[Path] = ()
    pasted_text: tuple[str, str] | None = None
    """Its name and the text."""
    folder: str = ""
    """The folder of the library for all that is added at once; empty: none."""


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
    model = measuring(model)
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
    return _submit(store, request)


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
    return _submit(store, with_model(store, _with_link(request, link), model))


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
    check_has_weights(model.model)
    sources = sources or TrainSources()
    base = with_model(store, TrainRunSettings(), replace(model, round_id=None))
    scope = sources.scope or SampleScope(base.model_digest)
    corpus_ids = sources.corpora
    if corpus_ids is None:
        corpus_ids = corpora.ids(store) if settings.traits.uses_corpora else []
    request = replace(
        base,
        train=settings,
        parent=parent_id,
        corpus=tuple(sources.examples),
        corpora=tuple(corpus_ids),
        scope=scope,
    )
    check_train(store, request)
    return _submit(store, _with_link(request, link))


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
    return _submit(store, with_model(store, _with_link(request, link), model))


@dataclass(frozen=True)
class ChatPlace:
    """Where a chat stands on the page, and what it is answered with.

    Passages are answered from; ``system`` is a system prompt of the person.
    """

    conversation: int | None = None
    turn: int | None = None
    column: str | None = None
    passages: tuple[int, ...] | None = None
    system: str | None = None


def chat(
    store: Store,
    model: ModelSettings,
    messages: Sequence[Message],
    sampling: Sampling,
    *,
    refine: bool = False,
    place: ChatPlace | None = None,
) -> Run:
    """Queue the answer to the last of these messages, with self-refinement if wanted.

    Passages of its place have the question answered from these, without refinement.

    Raises:
        InputError: It is empty.
    """
    if not messages or not messages[-1].content.strip():
        raise InputError("Type a question first.")
    place = place or ChatPlace()
    request = ChatRunSettings(
        messages=tuple(messages),
        sampling=sampling,
        refine=refine,
        conversation=place.conversation,
        turn=place.turn,
        column=place.column,
        passages=place.passages,
        system=place.system,
    )
    return _submit(store, with_model(store, request, model))


def export(
    store: Store,
    what: str,
    target: Path,
    round_id: int | None = None,
    scope: SampleScope | None = None,
) -> Run:
    """Queue the export of approved samples, or of the items or weights of a round.

    ``scope`` says which samples; None: those measured with the chosen model.

    Raises:
        InputError: There is no such export, or it needs a round and none is named, or
            it needs llama.cpp's converter, which is not there.
    """
    if what not in formats.KINDS:
        kinds = ", ".join(formats.KINDS)
        raise InputError(f"There is no export {what!r}; choose one of {kinds}.")
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
        if what in formats.WEIGHTS:  # they are asked something when they are there
            model = round_actions.own_model(round_, round_id)
            request = _with_weights(store, request, model)
    return _submit(store, request)


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


def _submit(store: Store, request: RunSettings) -> Run:
    return queues.submit(store, request, versions())


def _with_link(request: P, link: PipelineLink | None) -> P:
    return replace(request, plan=link.plan, after=link.after) if link else request

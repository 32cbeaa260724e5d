"""The user's actions on texts, samples and models: check and queue them.

The page and the command line use these, so both refuse the same things with the same
sentences. Nothing here loads a model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

from autolearn.core.errors import InputError, JobError
from autolearn.core.gold import MetaExample
from autolearn.core.model_calls import Message, Sampling
from autolearn.core.quiz_records import QuizMode
from autolearn.core.reading import ReadingChoices
from autolearn.core.records import Decision, Run, Split
from autolearn.core.run_settings import (
    ChatRunSettings,
    ImportRunSettings,
    ImportSource,
    PipelineLink,
    PipelineRunSettings,
    QuizRunSettings,
    SampleScope,
    StudyRunSettings,
    TrainRunSettings,
)
from autolearn.core.server_addresses import check_has_weights, tokenizer_model
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.evaluation import quiz_versions
from autolearn.ingest import importer, readers
from autolearn.models import files as model_files
from autolearn.rounds import sources as round_sources
from autolearn.runs import run_control, worker_locks
from autolearn.runs.model_choice import with_model
from autolearn.services import corpus_actions, gold_actions, reading_actions
from autolearn.services.train_checks import check_devices, check_train
from autolearn.store import Store, layout
from autolearn.store.samples import SampleFilter
from autolearn.study import rules

P = TypeVar("P", bound=PipelineRunSettings)


@dataclass(frozen=True)
class Uploads:
    """Texts that are copied before they are read, and the library folder for all."""

    files: Sequence[Path] = ()
    pasted_text: tuple[str, str] | None = None
    """Its name and the text."""
    folder: str = ""
    """The folder of the library for all that is added at once; empty: none."""


@dataclass(frozen=True)
class TrainSources:
    """The sources of a round, apart from the defaults."""

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
        InputError: There is nothing to read, or a pasted text has no name.
        ModelNotFound: The model whose tokens measure the passages is not there.
    """
    model = tokenizer_model(model)
    model_files.locate(model)
    uploads = uploads or Uploads()
    pasted = uploads.pasted_text
    if pasted:
        pasted = reading_actions.document_name(pasted[0]), pasted[1]
    staging_folder, files = importer.stage(store, paths, uploads.files, pasted)
    if not files:
        raise InputError("Choose files or paste a text first.")
    folder = uploads.folder.strip().strip("/")
    before = f"{folder}/" if folder else ""
    sources = tuple(
        ImportSource(layout.stored_path(store.folder, file.path), before + file.name)
        for file in files
    )
    skipped = chain.from_iterable(
        readers.skipped_in(path) for path in paths if path.is_dir()
    )
    request = ImportRunSettings(
        sources,
        layout.stored_path(store.folder, staging_folder),
        model,
        passage_tokens,
        choices,
        tuple(skipped),
    )
    return run_control.submit(store, request)


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
    if instructions:
        gold_actions.check_instructions(store)
    elif documents and not store.library.has_passages(documents):
        raise JobError(
            "No passage of the selected documents can be studied; include some under "
            "Library, or select other documents."
        )
    elif not store.library.has_passages(documents):
        raise JobError(
            "There is no text to study; add one under Library.",
            command="add FILE",
        )
    request = StudyRunSettings(
        study=settings,
        documents=None if documents is None else tuple(documents),
        instructions=instructions,
    )
    return run_control.submit(
        store, with_model(store, _with_link(request, link), model)
    )


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
        raise JobError("There are no samples yet; study texts first.", command="study")
    decisions = rules.approvals(rule, samples)
    return len(store.decisions.decide(decisions))


def decide(store: Store, sample_ids: Sequence[int], decision: Decision) -> int:
    """Decide these samples in the same way; return how many there were.

    Raises:
        InputError: There is no sample of one of these ids.
    """
    distinct_ids = dict.fromkeys(sample_ids)
    decisions = [replace(decision, sample_id=number) for number in distinct_ids]
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
    request = train_request(
        store, model, settings, parent_id, sources or TrainSources()
    )
    check_train(store, request)
    study = link.plan.study if link else round_sources.study_settings(store)
    return run_control.submit(store, replace(_with_link(request, link), study=study))


def train_again(
    store: Store,
    earlier: TrainRunSettings,
    settings: TrainSettings,
    parent_id: int | None,
) -> Run:
    """Queue a round from the same sources as an earlier one, outside a whole round.

    Raises:
        InputError: A corpus has been removed since.
        JobError: A prerequisite is missing.
        ModelNotFound: The model is no longer there.
    """
    request = replace(
        with_model(store, earlier, earlier.model),
        train=settings,
        parent=parent_id,
        plan=None,
        after=None,
    )
    check_train(store, request)
    return run_control.submit(store, request)


def train_request(
    store: Store,
    model: ModelSettings,
    settings: TrainSettings,
    parent_id: int | None,
    sources: TrainSources,
) -> TrainRunSettings:
    """Return the settings of a round with this request.

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
    """Put a run that did not finish back into the queue; see ``run_control.resume``.

    ``devices`` is the number of devices on which a training continues; None: as before.

    Raises:
        JobError: It is done or in progress, or there are fewer devices.
        InputError: It trains nothing.
    """
    if devices is None:
        return run_control.resume(store, run_id)
    run = store.runs.get(run_id)
    if run.kind != "train":
        raise InputError(f"Run {run_id} trains nothing; resume it without --devices.")
    settings = TrainRunSettings.of(run)
    changed = replace(settings, train=replace(settings.train, devices=devices))
    check_devices(devices)
    worker_locks.recover(store)
    store.runs.change_settings(run_id, changed.as_dict())
    return run_control.resume(store, run_id)


def quiz(
    store: Store,
    model: ModelSettings,
    *,
    open_book: bool = False,
    link: PipelineLink | None = None,
    study: StudySettings | None = None,
) -> Run:
    """Queue quiz and control set closed-book, and the quiz open-book if requested.

    The questions are those of now, which become a version of the quiz. Those about
    documents that the model has not studied are not asked. ``study`` gives protocol and
    limits; without it they are those of the last study. ``link`` is the place of the
    run in a whole round.

    Raises:
        JobError: There is no question to ask.
    """
    parts: list[tuple[Split, QuizMode]] = [
        ("quiz", "closed_book"),
        ("control", "closed_book"),
    ]
    if open_book:
        parts.append(("quiz", "open_book"))
    request = with_model(store, _with_link(QuizRunSettings(), link), model)
    documents = quiz_versions.documents_asked(store, request.model_digest)
    request = replace(request, documents=documents)
    sets = tuple(
        part for part in parts if quiz_versions.questions_of(store, request, part[0])
    )
    if not sets:
        about = "" if documents is None else " about what this model has studied"
        raise JobError(
            f"There is no quiz{about}; study with a quiz share above 0, or add one "
            "under Library.",
            command="add --quiz FILE",
        )
    version = quiz_versions.freeze(store).version
    study = study or round_sources.study_settings(store)
    return run_control.submit(
        store, replace(request, parts=sets, study=study, version=version)
    )


@dataclass(frozen=True)
class ChatOrigin:
    """The place of a question on the page, and what it is answered with."""

    conversation: int | None = None
    turn: int | None = None
    column: str | None = None
    passages: tuple[int, ...] | None = None
    """The ids of passages; the answer is taken from them and is not refined."""
    system: str | None = None
    """A system prompt of the user."""


def chat(
    store: Store,
    model: ModelSettings,
    messages: Sequence[Message],
    sampling: Sampling,
    *,
    refine: bool = False,
    origin: ChatOrigin | None = None,
) -> Run:
    """Queue the answer to the last of these messages; see ``chat_request``."""
    request = chat_request(
        store, model, messages, sampling, refine=refine, origin=origin
    )
    return run_control.submit(store, request)


def chat_request(
    store: Store,
    model: ModelSettings,
    messages: Sequence[Message],
    sampling: Sampling,
    *,
    refine: bool = False,
    origin: ChatOrigin | None = None,
) -> ChatRunSettings:
    """Return a request to answer the last of these messages.

    ``refine``: with self-refinement.

    Raises:
        InputError: That message is empty.
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
    return with_model(store, request, model)


def _with_link(request: P, link: PipelineLink | None) -> P:
    return replace(request, plan=link.plan, after=link.after) if link else request

"""What a person orders: checked, put into words, and queued.

Both the command line and the page order through here, so both refuse the same
things with the same sentences. Nothing here loads a model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from autolearn.core.errors import InputError, JobError
from autolearn.core.model_calls import Message, Sampling
from autolearn.core.records import Decision, Question, Round, Run, RunKind, Split
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.evaluation import gold_questions
from autolearn.export import formats, gguf_converter
from autolearn.ingest import corpora, gold_files, importer
from autolearn.models import files as model_files
from autolearn.runs import queues
from autolearn.runs.model_choice import (
    check_base,
    choose_model,
    chosen_model,
    finished_round,
)
from autolearn.runs.versions import versions
from autolearn.store import Store
from autolearn.store.samples import SampleFilter
from autolearn.study import prompts, rules
from autolearn.training.dataset import MetaExample


def add_texts(
    store: Store,
    paths: Sequence[Path],
    model: str,
    passage_tokens: int,
    *,
    uploads: Sequence[Path] = (),
    pasted: tuple[str, str] | None = None,
) -> Run:
    """Queue the reading of files and folders, of uploads, and of a text with its name.

    What will not stay where it is, uploads and what was pasted, is put aside in the
    workspace until it has been read.

    Raises:
        InputError: There is nothing to read.
        ModelNotFound: The model whose tokens measure the passages is not there.
    """
    model_files.locate(model)
    staged, given = importer.given(store, paths, uploads, pasted)
    if not given:
        raise InputError("Choose files or paste a text first.")
    wanted = {
        "given": given,
        "staged": staged,
        "model": model,
        "passage_tokens": passage_tokens,
    }
    return _submit(store, "import", wanted)


def add_instructions(store: Store, path: Path) -> int:
    """Add instructions without any text, for self-evolution; return how many are new.

    Raises:
        InputError: The file is not JSON lines of prompts.
    """
    before = len(store.library.instructions())
    given = gold_files.read_instructions(path)
    store.library.add_questions([Question(one, "study", "person") for one in given])
    return len(store.library.instructions()) - before


def add_gold(store: Store, path: Path, split: Split) -> int:
    """Add questions with gold answers to quiz or control; return how many there are.

    Raises:
        InputError: The file is not JSON lines of questions and answers.
    """
    return len(gold_questions.import_gold(store, gold_files.read_gold(path), split))


def study(
    store: Store,
    model: ModelSettings,
    settings: StudySettings,
    documents: Sequence[int] | None = None,
    more: Mapping[str, object] | None = None,
    *,
    instructions: bool = False,
) -> Run:
    """Queue a study of these documents, or of all; ``more`` is kept with the run.

    ``instructions`` are studied too, without any text.

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
    wanted = {
        "study": settings.as_dict(),
        "documents": documents,
        "instructions": instructions,
        **(more or {}),
    }
    return _submit(store, "study", with_model(store, model) | wanted)


def approve(store: Store, rule_name: str) -> int:
    """Let a rule approve pending samples; return how many it approved.

    Raises:
        InputError: There is no such rule.
        JobError: Nothing was studied yet.
    """
    rule = rules.rule(rule_name)
    samples = store.samples.find(SampleFilter(state="pending"))
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
    corpus: Sequence[MetaExample] = (),
    more: Mapping[str, object] | None = None,
) -> Run:
    """Queue a round; ``more`` is kept with the run.

    ``corpora`` in it: the ids of those of the library, else all not left out (SELF).

    Raises:
        JobError: Its turn has not come: nothing approved, or no stage-1 round.
    """
    wanted = {
        "train": settings.as_dict(),
        "parent": parent_id,
        "corpus": [asdict(example) for example in corpus],
        "corpora": corpora.ids(store) if settings.method in corpora.TAUGHT else [],
        **(more or {}),
    }
    given = bool(corpus or wanted["corpora"])
    check_train(store, model, settings, parent_id, has_corpus=given)
    base = replace(model, round_id=None)
    return _submit(store, "train", with_model(store, base) | wanted)


def check_train(
    store: Store,
    model: ModelSettings,
    settings: TrainSettings,
    parent_id: int | None = None,
    *,
    has_corpus: bool = False,
) -> None:
    """Refuse a round that cannot be trained yet, before it is queued.

    Raises:
        JobError: Its turn has not come: nothing approved, or no stage-1 round.
    """
    parent = finished_round(store, parent_id) if parent_id else None
    if parent:
        check_base(parent, model)
    if settings.method == "al2":
        _check_stage_2(store, parent)
    elif settings.method == "self" and settings.evolution == "restart" and parent:
        raise JobError(
            "SELF with evolution 'restart' starts from the base model; choose the base "
            "model, or evolution 'continual'."
        )
    is_meta = settings.method == "meta"
    if not ((is_meta and has_corpus) or store.samples.counts()["approved"]):
        raise JobError(corpora.MISSING if is_meta else corpora.NONE_APPROVED)


def _check_stage_2(store: Store, parent: Round | None) -> None:
    """Refuse stage 2 where stage 1, or its study, is missing (arXiv 2406.00606)."""
    if parent is None:
        raise JobError(
            "AL stage 2 continues a stage-1 round: train one (method al1) first, then "
            "start from it."
        )
    line = [parent, *store.rounds.ancestors(parent.id)]
    if not any(one.method in ("al1", "join", "self") for one in line):
        raise JobError(
            f"Round {parent.id} has learned no open-book answers; AL stage 2 continues "
            "a stage-1 round (method al1)."
        )
    # In a chain the study that is about to end orders the training behind it.
    studies = store.runs.in_state("done", "running")
    if not any(
        s.kind == "study" and s.settings["model"]["round_id"] == parent.id
        for s in studies
    ):
        raise JobError(
            "AL stage 2 learns from what the stage-1 model writes; study with it "
            "first: choose its adapter under Model, or "
            f"python -m autolearn study --round {parent.id}"
        )


def quiz(
    store: Store,
    model: ModelSettings,
    *,
    open_book: bool = False,
    more: Mapping[str, object] | None = None,
) -> Run:
    """Queue quiz and control, closed-book, and the quiz open-book if wanted.

    ``more`` is kept with the run.

    Raises:
        JobError: There is no question to ask.
    """
    parts = [["quiz", "closed_book"], ["control", "closed_book"]]
    if open_book:
        parts.append(["quiz", "open_book"])
    parts = [part for part in parts if gold_questions.questions(store, part[0])]  # type: ignore[arg-type]
    if not parts:
        raise JobError(
            "There is no quiz; study with a quiz share above 0, or add one under "
            "Library or with: python -m autolearn add --quiz FILE"
        )
    wanted = {"parts": parts, **(more or {})}
    return _submit(store, "quiz", with_model(store, model) | wanted)


def chat(
    store: Store,
    model: ModelSettings,
    messages: Sequence[Message],
    sampling: Sampling,
    *,
    refine: bool = False,
    more: Mapping[str, object] | None = None,
) -> Run:
    """Queue the answer to the last of these messages, with self-refinement if wanted.

    ``more`` is kept with the run; ids of passages in it, as ``passages``, have the
    question answered from these, without refinement.

    Raises:
        InputError: It is empty.
    """
    if not messages or not messages[-1].content.strip():
        raise InputError("Type a question first.")
    wanted = {
        "messages": [asdict(message) for message in messages],
        "sampling": asdict(sampling),
        "refine": refine,
        **(more or {}),
    }
    return _submit(store, "chat", with_model(store, model) | wanted)


def export(store: Store, what: str, target: Path, round_id: int | None = None) -> Run:
    """Queue the export of approved samples, or of the items or weights of a round.

    Raises:
        InputError: There is no such export, or it needs a round and none is named, or
            it needs llama.cpp's converter, which is not there.
    """
    if what not in formats.KINDS:
        told = ", ".join(formats.KINDS)
        raise InputError(f"There is no export {what!r}; choose one of {told}.")
    if round_id is None and what not in formats.FORMATS:
        raise InputError(f"Choose the round whose {what} to export, with --round.")
    wanted: dict[str, object] = {"what": what, "round_id": round_id}
    wanted["target"] = str(target.resolve())
    if round_id is not None:
        found = finished_round(store, round_id)
        if what == "gguf":
            # The worker may have been started with another PATH.
            wanted["converter"] = str(gguf_converter.converter())
        if what in formats.WEIGHTS:  # they are asked something when they are there
            wanted |= with_model(store, _own_model(found, round_id))
    return _submit(store, "export", wanted)


def keep(store: Store, round_id: int) -> Round:
    """Keep a round and work with it from now on.

    Raises:
        JobError: It is not finished, or its base model is not as it was.
    """
    found = finished_round(store, round_id)
    choose_model(store, _own_model(found, round_id))
    return store.rounds.update(replace(found, state="kept"))


def roll_back(store: Store, round_id: int) -> Round:
    """Give a round up; if it is worked with, work with its parent from now on.

    Its adapter stays where it is, so it can still be kept later.

    Raises:
        JobError: It is not finished.
    """
    found = finished_round(store, round_id)
    if chosen_model(store).round_id == round_id:
        choose_model(store, _own_model(found, found.parent_id))
    return store.rounds.update(replace(found, state="rolled_back"))


def _own_model(found: Round, round_id: int | None) -> ModelSettings:
    """Return the model that a round was trained on, with the adapter of a round."""
    own = ModelSettings.from_dict(found.settings["model"])
    return replace(own, round_id=round_id)


def _submit(store: Store, kind: RunKind, wanted: Mapping[str, object]) -> Run:
    return queues.submit(store, kind, wanted, versions())


def with_model(store: Store, model: ModelSettings) -> dict[str, object]:
    """Refuse a model or a round that cannot be used before anything is queued.

    The digests of model and prompts go with the run: whoever looks at it later can
    tell whether they are still the same. So do the texts of changed prompts.
    """
    if model.round_id is not None:
        check_base(finished_round(store, model.round_id), model)
    digest = model_files.digest(model_files.locate(model.model))
    asked = prompts.of_run()
    return {"model": model.as_dict(), "model_digest": digest, **asked}

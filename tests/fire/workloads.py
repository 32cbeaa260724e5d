"""What is killed: every kind of run, chains of runs, and commands that write."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import sqlite_utils
import torch

from autolearn.containment.child import close_idle
from autolearn.core.experiments import CompareSettings
from autolearn.core.model_calls import Message, Sampling
from autolearn.core.records import Action, Decision, Question
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.handlers import download, model_runs
from autolearn.ingest import importer
from autolearn.runs import queues, run_control, worker, worker_locks
from autolearn.services import (
    actions,
    backups,
    export_actions,
    model_actions,
    pipeline,
    skill_actions,
)
from autolearn.services.experiments import comparison_tasks, schedule
from autolearn.store import Store, layout
from autolearn.store.migrations import MIGRATIONS
from tests.fire import hub
from tests.fire.models import FireModels
from tests.support import tiny_gguf
from tests.support.rounds import approve
from tests.support.texts import put_text

STUDY = StudySettings(
    ask_rounds=1, paraphrases=1, passages_per_step=1, quiz_share=0.0, protocol="trained"
)
TRAIN = TrainSettings(
    rank=4,
    alpha=8,
    max_steps=6,
    batch_size=2,
    replay_share=0.2,
    checkpoint_seconds=0.0,
    choose_scale=False,
)
CONVERTER = Path(__file__).parents[1] / "torch_model" / "llama_cpp"


@dataclass(frozen=True)
class Rig:
    """What a workload is made with."""

    network: HuggingFaceBackend
    model: ModelSettings


@dataclass(frozen=True)
class Workload:
    """Something that is killed: how it begins, goes on, and is known to be done."""

    prepare: Callable[[Rig, Path], None]
    """Makes the workspace, with the runs queued."""
    act: Callable[[Rig, Path], None]
    """Does the work, or goes on with it; in the child."""
    resume: Callable[[Path], bool]
    """Does what a person does after a kill; returns whether anything is left to do."""
    result: Callable[[Path], Path] = lambda folder: folder
    """The workspace that is compared with that of an uninterrupted run."""
    is_old: bool = False
    """Whether opening the workspace is the work, so that the rig must not do it."""
    is_graceful: bool = False
    """Whether SIGTERM ends it as a person's stop does."""


# --- runs of the workers ------------------------------------------------------


def _work(rig: Rig, folder: Path) -> None:
    """Be the worker of whatever is queued, until nothing is."""
    # Torch replaces the thread pool of a forked parent at first use, and fails where
    # several threads are the first at once.
    torch.set_num_threads(1)
    hub.use_cache(folder)
    handlers = model_runs.handlers(FireModels(rig.network, rig.model))
    loads = {
        queues.MODEL_QUEUE: lambda: handlers,
        queues.IMPORT_QUEUE: lambda: importer.HANDLERS,
        queues.DOWNLOAD_QUEUE: lambda: download.HANDLERS,
    }
    for queue, load in loads.items():
        with Store.open(folder) as store:
            is_needed = bool(store.runs.waiting(queue.kinds))
        if is_needed:
            worker.serve(folder, queue, load, idle=0.05)


def _resume(folder: Path) -> bool:
    """Resume all runs that did not finish."""
    with Store.open(folder) as store:
        worker_locks.recover(store)
        for run in store.runs.in_state("failed"):
            log = layout.run_log(folder, run.id).read_text(encoding="utf-8")
            raise AssertionError(f"{run.kind} failed: {run.error}\n{log[-5000:]}")
        for run in store.runs.in_state("interrupted", "cancelled"):
            assert run_control.resume(store, run.id).state == "queued"
        return bool(store.runs.in_state("queued"))


def _runs(prepare: Callable[[Rig, Store], object]) -> Workload:
    def prepare_folder(rig: Rig, folder: Path) -> None:
        with Store.open(folder) as store:
            prepare(rig, store)

    return Workload(prepare_folder, _work, _resume, is_graceful=True)


def _library(store: Store) -> None:
    for i in range(3):
        put_text(store, f"{i}.md", f"Avel {i} was founded in 17{i}1. Ada leads Avel.")
    gold = [
        Question(f"{split} {i}?", split, "gold", gold_answer="7", gold_value="7")
        for split in ("quiz", "control")
        for i in range(3)
    ]
    store.library.add_questions(gold)


def _study(rig: Rig, store: Store) -> None:
    _library(store)
    actions.study(store, rig.model, STUDY)


def _quiz(rig: Rig, store: Store) -> None:
    _library(store)
    actions.quiz(store, rig.model, study=STUDY)


def _skills(rig: Rig, store: Store) -> None:
    skill_actions.check(store, rig.model)


def _chat(rig: Rig, store: Store) -> None:
    question = [Message("user", "Who leads Avel?")]
    actions.chat(store, rig.model, question, Sampling(), refine=True)


def _train(rig: Rig, store: Store) -> None:
    approve(store, [None] * 8)
    actions.train(store, rig.model, TRAIN)


def _import(rig: Rig, store: Store) -> None:
    texts = store.subfolder("texts")
    for i in range(4):
        (texts / f"{i}.md").write_text(f"# Text {i}\n\nAvel {i} was founded in 1711.\n")
    (texts / "empty.md").write_text("")
    uploads = sorted(texts.glob("*.md"))
    upload_set = actions.Uploads(uploads[2:], ("pasted.md", "Avel was pasted in 1712."))
    actions.add_texts(store, uploads[:2], "built-in", 320, uploads=upload_set)


def _download(rig: Rig, store: Store) -> None:
    model_actions.download(store, hub.offer())


def _convert(rig: Rig, store: Store) -> None:
    """A GGUF file becomes a folder; the file is written once."""
    model = Path(rig.model.model)
    file = model.with_name("tiny.gguf")
    if not file.exists():
        _in_child(lambda: tiny_gguf.write(model, file))
    model_actions.convert(store, str(file))


def _whole_round(rig: Rig, store: Store) -> None:
    _library(store)
    pipeline.begin(store, rig.model, STUDY, TRAIN)


def _experiment(rig: Rig, store: Store) -> None:
    _library(store)
    documents = store.library.documents()
    settings = CompareSettings(
        model=rig.model,
        study=STUDY,
        train=replace(TRAIN, max_steps=0),
        documents=(documents[0].id,),
        arms=("base", "passage", "cpt", "refined_sft"),
        seeds=(0,),
        rule="all-pairs",
        steps=3,
    )
    schedule.advance(store, comparison_tasks.begin(store, settings).id)


def _export(what: str) -> Workload:
    """The training is not killed, only the export."""

    def prepare(rig: Rig, folder: Path) -> None:
        _with_a_round(rig, folder)
        os.environ["LLAMA_CPP"] = str(CONVERTER)
        with Store.open(folder) as store:
            export_actions.export(store, what, folder / "exports" / what, 1)

    return Workload(prepare, _work, _resume, is_graceful=True)


def _in_child(act: Callable[[], object]) -> None:
    """Do something in a child: a parent that has trained cannot fork trainers."""
    close_idle()
    child = os.fork()
    if not child:
        try:
            act()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


# --- commands -----------------------------------------------------------------


def _decisions() -> Workload:
    """Sixty decisions, one after the other; each that was made is written down."""

    def prepare(rig: Rig, folder: Path) -> None:
        with Store.open(folder) as store:
            approve(store, [None] * 20)

    def act(rig: Rig, folder: Path) -> None:
        with Store.open(folder) as store:
            for number in range(store.decisions.version(), 60):
                action: Action = "reject" if number // 20 == 1 else "approve"
                store.decisions.decide([Decision(number % 20 + 1, action, "person")])

    def resume(folder: Path) -> bool:
        with Store.open(folder) as store:
            return store.decisions.version() < 60

    return Workload(prepare, act, resume)


def _migration() -> Workload:
    def prepare(rig: Rig, folder: Path) -> None:
        folder.mkdir()
        old = sqlite_utils.Database(folder / "autolearn.db")
        MIGRATIONS.apply(old, stop_before="m002_imagined")
        old.execute(
            "INSERT INTO documents (name, text, digest, media_type)"
            " VALUES ('a.md', 'Avel.', 'd', 'text/markdown')"
        )
        old.execute("INSERT INTO runs (id, kind, settings) VALUES (1, 'study', '{}')")
        old.conn.commit()
        old.close()

    def resume(folder: Path) -> bool:
        db = sqlite_utils.Database(folder / "autolearn.db")
        assert [row["name"] for row in db["documents"].rows] == ["a.md"]
        is_pending = bool(MIGRATIONS.pending(db))
        db.close()
        return is_pending

    return Workload(
        prepare,
        lambda rig, folder: Store.open(folder).close(),
        resume,
        is_old=True,
    )


def _creation() -> Workload:
    def resume(folder: Path) -> bool:
        return not (folder / "autolearn.db").exists()

    return Workload(
        lambda rig, folder: folder.mkdir(),
        lambda rig, folder: Store.open(folder).close(),
        resume,
    )


def _backup(name: str) -> Workload:
    """The copy is what is compared; the original is inspected after each kill."""

    def act(rig: Rig, folder: Path) -> None:
        backups.back_up(folder, folder / "copies" / name)

    def resume(folder: Path) -> bool:
        return not (folder / "copies" / name).exists()

    def result(folder: Path) -> Path:
        copy = folder.with_name(f"{folder.name}-restored")
        backups.restore(folder / "copies" / name, copy)
        return copy

    return Workload(_with_a_round, act, resume, result)


def _restore() -> Workload:
    def prepare(rig: Rig, folder: Path) -> None:
        _with_a_round(rig, folder)
        backups.back_up(folder, folder / "copies" / "a.zip")

    def act(rig: Rig, folder: Path) -> None:
        backups.restore(folder / "copies" / "a.zip", folder / "new")

    def resume(folder: Path) -> bool:
        return not (folder / "new").exists()

    return Workload(prepare, act, resume, lambda folder: folder / "new")


def _with_a_round(rig: Rig, folder: Path) -> None:
    """Copy a workspace with a trained round, which is made once."""
    trained_folder = folder.with_name("trained")
    if not trained_folder.exists():
        with Store.open(trained_folder) as store:
            _library(store)
            _train(rig, store)
        _in_child(lambda: _work(rig, trained_folder))
    shutil.copytree(trained_folder, folder)


WORKLOADS: dict[str, Workload] = {
    "study": _runs(_study),
    "quiz": _runs(_quiz),
    "skills": _runs(_skills),
    "chat": _runs(_chat),
    "train": _runs(_train),
    "import": _runs(_import),
    "download": _runs(_download),
    "convert GGUF": _runs(_convert),
    "whole round": _runs(_whole_round),
    "experiment": _runs(_experiment),
    "export adapter": _export("adapter"),
    "export merged": _export("merged"),
    "export GGUF": _export("gguf"),
    "decisions": _decisions(),
    "migration": _migration(),
    "creation": _creation(),
    "backup folder": _backup("a"),
    "backup zip": _backup("a.zip"),
    "restore": _restore(),
}

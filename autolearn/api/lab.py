"""A workspace for programs: every action of the page as a method.

    from autolearn import Lab

    with Lab("workspace") as lab:
        lab.add(["article.md"])
        lab.study()
        lab.approve_by_rule()
        trained = lab.train()
        lab.use_model(round=trained.result["round"])
        print(lab.chat("Who built the harbour of Kilmore?").result["answer"])

The methods queue the same work as the page and the command line, with the same checks.
The same worker processes do it.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

from autolearn.api.records import (
    DocumentInfo,
    GoldPair,
    ModelInfo,
    RoundInfo,
    RunInfo,
    SampleInfo,
    WorkspaceInfo,
)
from autolearn.core.errors import InputError, JobError
from autolearn.core.gold import GoldQuestion
from autolearn.core.methods import Method
from autolearn.core.model_calls import Message, Sampling
from autolearn.core.records import ACTIVE_STATES, END_STATES, Decision, Run, SampleState
from autolearn.core.settings import (
    ModelSettings,
    Quantization,
    StudySettings,
    TrainSettings,
)
from autolearn.runs import model_references, run_control, worker_processes
from autolearn.runs.model_choice import choose_model, chosen_model
from autolearn.services import (
    actions,
    export_actions,
    gold_actions,
    pipeline,
    round_actions,
)
from autolearn.store import DEFAULT_WORKSPACE, Store
from autolearn.store.samples import SampleFilter
from autolearn.study import prompts
from autolearn.training import presets


class Lab:
    """A workspace and the model that is used in it.

    Args:
        workspace: Its folder, which is made if there is none.
        timeout: Seconds that a method waits for the run that it queues; None:
            until it ends. If the run takes longer, ``wait`` follows it.
        author: Who decides about samples: "person", or "program" for software on its
            own, which may send texts only to servers that a person has chosen.

    Each method raises an ``AutolearnError`` whose text is one sentence that says what
    to do.
    """

    def __init__(
        self,
        workspace: Path | str = DEFAULT_WORKSPACE,
        timeout: float | None = None,
        author: Literal["person", "program"] = "person",
    ) -> None:
        self._folder = Path(workspace).absolute()
        self._open_store = Store.open(self._folder)
        self._timeout, self._author = timeout, author

    @property
    def _store(self) -> Store:
        """Return the database; its workspace's prompts are used from now on.

        A program may use several workspaces in turn.
        """
        prompts.use(self._folder / prompts.FOLDER)
        return self._open_store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; queued runs continue."""
        self._store.close()

    # --- the workspace ---------------------------------------------------------

    def workspace(self) -> WorkspaceInfo:
        """Return the content of the workspace, its model and its active runs."""
        store = self._store
        sizes = store.library.document_sizes()
        return WorkspaceInfo(
            str(store.folder),
            self.model(),
            len(sizes),
            sum(size.n_passages for size in sizes),
            {str(state): n for state, n in store.samples.counts().items()},
            len(store.rounds.all()),
            [RunInfo.of(run) for run in store.runs.in_state(*ACTIVE_STATES)],
        )

    def model(self) -> ModelInfo:
        """Return the model that studies, quizzes, chats and rounds use."""
        chosen = chosen_model(self._store)
        return ModelInfo(chosen.model, chosen.quantization, chosen.round_id)

    def use_model(
        self,
        model: str | None = None,
        quantization: Quantization | None = None,
        round: int | None = None,
    ) -> ModelInfo:
        """Choose a model, or a round of the same model; without a round, the base.

        ``model`` is "built-in", a folder, the id of a model of the hub that was
        downloaded, or the address of a server; a program may only name a server that a
        person has chosen before.
        """
        if model is not None and self._author == "program":
            model_references.check_chosen_before(self._store, model)
        now = chosen_model(self._store)
        other = ModelSettings(
            model or now.model, quantization or now.quantization, round
        )
        choose_model(self._store, other)
        return self.model()

    # --- texts and questions ---------------------------------------------------

    def add(self, paths: Path | str | Sequence[Path | str]) -> RunInfo:
        """Read files and folders of this computer into the library."""
        # A text is a sequence too: each of its letters would be read as a path.
        several = [paths] if isinstance(paths, Path | str) else paths
        return self._start_and_wait(self._add([Path(path) for path in several], None))

    def add_text(self, name: str, text: str) -> RunInfo:
        """Add a text to the library under a name."""
        return self._start_and_wait(
            self._add([], actions.Uploads(pasted_text=(name, text)))
        )

    def _add(self, paths: list[Path], uploads: actions.Uploads | None) -> Run:
        model, tokens = chosen_model(self._store).model, StudySettings().passage_tokens
        return actions.add_texts(self._store, paths, model, tokens, uploads=uploads)

    def documents(self) -> list[DocumentInfo]:
        """List the texts of the library."""
        return [DocumentInfo.of(d) for d in self._store.library.documents()]

    def add_questions(
        self, questions: Sequence[GoldPair], split: Literal["quiz", "control"] = "quiz"
    ) -> int:
        """Add questions with right answers to the quiz or to the control set.

        They measure and are never trained on. Returns how many of these are in it now.
        """
        if not all(p.question.strip() and p.answer.strip() for p in questions):
            raise InputError("A question or its answer is empty; give both.")
        gold = [GoldQuestion(pair.question, pair.answer) for pair in questions]
        return gold_actions.add_gold_questions(self._store, gold, split).n_in_set

    def add_general_knowledge(self) -> int:
        """Add questions of general knowledge, in English, to the control set.

        They come with autolearn and show what a round forgets. Returns how many of
        these are in it now.
        """
        return gold_actions.add_general_knowledge(self._store).n_in_set

    # --- the loop --------------------------------------------------------------

    def study(self, documents: Sequence[int] | None = None) -> RunInfo:
        """Let the model ask questions about texts and answer with and without them.

        ``documents``: their ids; None: all. The result is samples.
        """
        model = chosen_model(self._store)
        return self._start_and_wait(
            actions.study(self._store, model, StudySettings(), documents)
        )

    def samples(
        self,
        state: SampleState | None = None,
        search: str | None = None,
        limit: int = 50,
        after: int = 0,
    ) -> list[SampleInfo]:
        """List samples in the order of their ids, from after the id ``after``."""
        criteria = SampleFilter(state=state, text=search)
        samples = self._store.samples.find(criteria, limit=limit, after_id=after)
        return [SampleInfo.of(sample) for sample in samples]

    def approve(self, samples: Sequence[int]) -> int:
        """Approve samples by their ids; return how many."""
        return actions.decide(
            self._store, samples, Decision(0, "approve", self._author)
        )

    def approve_by_rule(self, rule: str = "default") -> int:
        """Let a rule decide which pending samples are approved; return how many."""
        return actions.approve(self._store, rule)

    def reject(self, samples: Sequence[int], reason: str = "") -> int:
        """Reject samples by their ids; return how many."""
        decision = Decision(0, "reject", self._author, reason)
        return actions.decide(self._store, samples, decision)

    def edit(self, sample: int, answer: str) -> SampleInfo:
        """Correct the answer that a sample teaches."""
        decision = Decision(0, "edit", self._author, after={"chosen": answer})
        actions.decide(self._store, [sample], decision)
        (edited,) = self._store.samples.find(SampleFilter(ids=[sample]))
        return SampleInfo.of(edited)

    def train(
        self,
        method: Method = TrainSettings.method,
        max_steps: int = 0,
        parent: int | None = None,
    ) -> RunInfo:
        """Train a round on the approved samples.

        ``max_steps``: optimiser steps; 0: as many as the preset for the model takes.
        ``parent``: the round that is continued. The result names the new round.
        """
        model = chosen_model(self._store)
        settings = presets.preset_settings(model, TrainSettings(method=method))
        settings = replace(settings, max_steps=max_steps)
        return self._start_and_wait(actions.train(self._store, model, settings, parent))

    def rounds(self) -> list[RoundInfo]:
        """List the rounds with their scores."""
        return [
            RoundInfo.of(round_, round_actions.state_of(self._store, round_))
            for round_ in self._store.rounds.all()
        ]

    def quiz(self, open_book: bool = False) -> RunInfo:
        """Ask the chosen model the quiz and the control set."""
        model = chosen_model(self._store)
        return self._start_and_wait(
            actions.quiz(self._store, model, open_book=open_book)
        )

    def whole_round(self, documents: Sequence[int] | None = None) -> RunInfo:
        """Study, quiz, approve by the default rule, train, and quiz again.

        Returns the first of these runs; each of them queues the next.
        """
        model = chosen_model(self._store)
        return self._start_and_wait(pipeline.begin_only(self._store, model, documents))

    def chat(self, question: str, refine: bool = False) -> RunInfo:
        """Ask the model a question; with ``refine`` it checks and refines its answer.

        The result has ``answer`` and, with ``refine``, ``feedback`` and ``refined``.
        """
        model, turn = chosen_model(self._store), Message("user", question)
        return self._start_and_wait(
            actions.chat(self._store, model, [turn], Sampling(), refine=refine)
        )

    def export(
        self, what: str, target: Path | str, round: int | None = None
    ) -> RunInfo:
        """Write approved samples, or the items or weights of a round, as files.

        "trl", "axolotl", "llama-factory" and "unsloth" write a folder for that trainer.
        """
        return self._start_and_wait(
            export_actions.export(self._store, what, Path(target), round)
        )

    # --- runs ------------------------------------------------------------------

    def runs(self) -> list[RunInfo]:
        """List the newest runs."""
        return [RunInfo.of(run) for run in self._store.runs.newest()]

    def wait(self, run: int, seconds: float | None = None) -> RunInfo:
        """Wait until a run has ended, or for some seconds; return its state then."""
        return RunInfo.of(run_control.wait(self._store, run, seconds=seconds))

    def cancel(self, run: int) -> RunInfo:
        """Stop a run; it can be resumed."""
        return RunInfo.of(run_control.cancel(self._store, run))

    def resume(self, run: int) -> RunInfo:
        """Resume a run that was stopped, killed or failed."""
        return self._start_and_wait(run_control.resume(self._store, run))

    def _start_and_wait(self, run: Run) -> RunInfo:
        """Start the worker of a queued run, and wait for its end up to the timeout.

        Raises:
            JobError: It did not end well.
        """
        worker_processes.start_worker_for(self._store, run)
        last = self.wait(run.id, self._timeout)
        if last.state in END_STATES and last.state != "done":
            raise JobError(last.error or f"Run {last.id} was {last.state}; resume it.")
        return last

"""One whole round by itself: texts, quiz, study, rule, training, quiz again."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from autolearn import orders, proof
from autolearn.demo.library import write_library
from autolearn.errors import JobError
from autolearn.models import BUILT_IN
from autolearn.records import Run
from autolearn.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.store import Store

LIBRARY = BUILT_IN.parent / "demo-library"
RULE = "default"

MEASURED = ("validation", "forgetting_kl", "scale")
"""What the trainer itself measured, beside quiz and control, which it never sees."""

Finish = Callable[[Run, str], Run]
"""Waits for a run under a title; raises if it does not end well."""


def free_folder(workspace: Path, seed: int | None) -> Path:
    """Return a folder for a demo that does not exist yet."""
    name = "demo" if seed is None else f"demo-{seed}"
    folder, n = workspace / name, 1
    while folder.exists():
        n += 1
        folder = workspace / f"{name}-{n}"
    return folder


def demo(
    store: Store, seed: int | None, settings: TrainSettings, finish: Finish
) -> dict[str, Any]:
    """Run the loop once on the built-in model and a library; return the numbers.

    The quiz comes from the facts of the invented world, not from the model, in
    phrasings of its own.

    Raises:
        JobError: The workspace is not empty.
    """
    if store.library.documents():
        raise JobError(
            f"{store.folder} has documents already; name an empty --workspace."
        )
    return _Demo(store, seed, settings, finish).run()


class _Demo:
    def __init__(
        self, store: Store, seed: int | None, settings: TrainSettings, finish: Finish
    ) -> None:
        self.store, self.seed, self.settings = store, seed, settings
        self.finish = finish
        self.model = ModelSettings()
        self.seconds: dict[str, float] = {}

    def run(self) -> dict[str, Any]:
        begin = time.monotonic()
        self.timed("add", self.add)
        before = self.timed("quiz_before", lambda: self.quiz(None))
        studied = self.timed("study", lambda: self.study(None))
        orders.approve(self.store, RULE)
        trained = self.timed("train", self.train)
        round_id = trained.result["round"]
        after = self.timed("quiz_after", lambda: self.quiz(round_id))
        self.seconds["all"] = round(time.monotonic() - begin, 1)
        taken = [self.store.runs.quiz_results(run.id) for run in (before, after)]
        return {
            "workspace": str(self.store.folder),
            "seed": self.seed,
            "method": self.settings.method,
            "questions": studied.result["questions"],
            "gaps": studied.result["gaps"],
            "approved": self.store.samples.counts()["approved"],
            "trained": trained.result["items"],
            "steps": trained.result["steps"],
            **{name: trained.result[name] for name in MEASURED},
            **proof.compare(self.store, taken[0], taken[1], round_id),
            "seconds": self.seconds,
        }

    def timed(self, phase: str, work: Callable[[], Any]) -> Any:
        begin = time.monotonic()
        done = work()
        spent = self.seconds.get(phase, 0.0) + time.monotonic() - begin
        self.seconds[phase] = round(spent, 1)
        return done

    def add(self) -> None:
        folder = LIBRARY
        if self.seed is not None:
            folder = self.store.folder / "library"
            write_library(folder, self.seed)
        tokens = StudySettings.passage_tokens
        texts = sorted(folder.glob("*.md"))
        orders.add_documents(self.store, texts, self.model.model, tokens)
        orders.add_gold(self.store, folder / "quiz.jsonl", "quiz")
        orders.add_gold(self.store, folder / "control.jsonl", "control")

    def quiz(self, round_id: int | None) -> Run:
        model = replace(self.model, round_id=round_id)
        run = orders.quiz(self.store, model, open_book=round_id is None)
        return self.finish(run, "quiz before" if round_id is None else "quiz after")

    def study(self, round_id: int | None) -> Run:
        # The quiz comes from the world; none of the model's own wordings is needed.
        settings = StudySettings(quiz_share=0.0)
        model = replace(self.model, round_id=round_id)
        return self.finish(orders.study(self.store, model, settings), "study")

    def train(self) -> Run:
        """Train; AL stage 2 needs stage 1 and a study by its model before.

        Each of the two stages then takes half of the steps.
        """
        if self.settings.method != "al2":
            return self.one_round(self.settings, None)
        half = replace(self.settings, max_steps=self.settings.max_steps // 2)
        first = self.one_round(replace(half, method="al1"), None)
        parent = first.result["round"]
        self.study(parent)
        orders.approve(self.store, RULE)
        return self.one_round(half, parent)

    def one_round(self, settings: TrainSettings, parent: int | None) -> Run:
        run = orders.train(self.store, self.model, settings, parent)
        return self.finish(run, f"train {settings.method}")

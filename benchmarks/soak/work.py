"""What a person does in the app, again and again, drawn from one seed."""

import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from autolearn.core.errors import AutolearnError
from autolearn.core.records import Action, Decision, Run
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.demo.library import make_library
from autolearn.runs import queues, run_control, worker_processes
from autolearn.services import actions, export_actions, reading_actions
from autolearn.store import Store
from autolearn.store.samples import SampleFilter

MODEL = ModelSettings("built-in")
STUDY = StudySettings(ask_rounds=1, paraphrases=1, questions_per_passage=3)
TRAIN = TrainSettings(
    rank=8,
    alpha=16,
    max_steps=8,
    replay_share=0.2,
    checkpoint_seconds=2.0,
    choose_scale=False,
)
N_DOCUMENTS = 14
"""So many documents are kept; then the oldest one of those that were added goes."""
TABS = ("Model", "Library", "Study", "Review", "Train", "Evaluation", "History")
PATIENCE = 120_000
"""Milliseconds."""
IDLE_SECONDS = "3600"
"""The workers stay for the whole time, so that what they keep is seen."""


class Person:
    """Works in a workspace, through the page and through the commands."""

    def __init__(
        self, workspace: Path, place: Path, browser: Browser, url: str, seed: int
    ) -> None:
        """Take the workspace, a folder for texts, a browser and the page's address."""
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []
        self._workspace, self._place = workspace, place
        self._browser, self._url = browser, url
        self._draw = random.Random(seed)
        self._n_texts = 0
        self._acts: dict[str, tuple[int, Callable[[], None]]] = {
            "visit": (4, self._visit),
            "import of a folder": (1, self._import),
            "upload": (2, self._upload),
            "study": (2, self._study),
            "chat": (4, self._chat),
            "decisions": (3, self._decide),
            "round": (1, self._train),
            "quiz": (1, self._quiz),
            "export and download": (1, self._export),
            "deletion": (2, self._delete),
        }

    def act(self) -> None:
        """Do one thing; a failure is noted, and the next one is done."""
        names = list(self._acts)
        weights = [weight for weight, _ in self._acts.values()]
        (name,) = self._draw.choices(names, weights)
        try:
            self._acts[name][1]()
            self.done[name] += 1
        except (AutolearnError, AssertionError, TimeoutError) as error:
            sentence = f"{name}: {' '.join(str(error).split())[:300]}"
            self.failures.append(sentence)
            sys.stderr.write(sentence + "\n")

    # --- by command -----------------------------------------------------------

    def _finish(self, store: Store, run: Run) -> None:
        command = (*worker_processes.WORKER_COMMAND, "--idle", IDLE_SECONDS)
        queue = queues.queue_of(run.kind)
        worker_processes.ensure_worker(self._workspace, command, queue)
        ended = run_control.wait(store, run.id)
        assert ended.state == "done", f"run {run.id} {ended.state}: {ended.error}"

    def _text(self) -> Path:
        """Write a text of a few passages that nothing was learned of."""
        self._n_texts += 1
        library = make_library(self._draw.randrange(1 << 30))
        _, text = library.documents[0]
        path = self._place / f"text-{self._n_texts}" / f"text-{self._n_texts}.md"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        return path

    def _import(self) -> None:
        with Store.open(self._workspace) as store:
            folder = self._text().parent
            self._finish(store, actions.add_texts(store, [folder], "built-in", 320))

    def _study(self) -> None:
        with Store.open(self._workspace) as store:
            document = self._draw.choice(store.library.documents())
            self._finish(store, actions.study(store, MODEL, STUDY, [document.id]))

    def _decide(self) -> None:
        with Store.open(self._workspace) as store:
            pending = store.samples.find(SampleFilter(state="pending"))
            for sample in pending[:5]:
                action: Action = self._draw.choice(("approve", "approve", "reject"))
                decision = Decision(sample.id, action, "person")
                actions.decide(store, [sample.id], decision)

    def _train(self) -> None:
        with Store.open(self._workspace) as store:
            if store.samples.ids(SampleFilter(state="approved", gap=True)):
                self._finish(store, actions.train(store, MODEL, TRAIN))

    def _quiz(self) -> None:
        with Store.open(self._workspace) as store:
            self._finish(store, actions.quiz(store, MODEL, study=STUDY))

    def _delete(self) -> None:
        with Store.open(self._workspace) as store:
            documents = store.library.documents()
            added = [d.id for d in documents if d.name.startswith("text-")]
            if added and len(documents) > N_DOCUMENTS:
                reading_actions.remove(store, min(added))

    # --- on the page ----------------------------------------------------------

    def _open(self) -> Page:
        page = self._browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        page.goto(self._url)
        page.locator(".al-status").wait_for()
        return page

    def _visit(self) -> None:
        page = self._open()
        try:
            for name in self._draw.sample(TABS, 4):
                page.get_by_role("tab", name=name, exact=True).click()
                page.wait_for_timeout(500)
        finally:
            page.context.close()

    def _upload(self) -> None:
        path = self._text()
        page = self._open()
        try:
            page.get_by_role("tab", name="Library", exact=True).click()
            chooser = page.locator("#library-files input[type=file]")
            chooser.set_input_files([str(path)])
            name = f"{path.stem} {path.suffix}"
            expect(page.locator("#library-files")).to_contain_text(name)
            page.locator("#library-add").click()
            report = page.locator("#library-report")
            expect(report).to_contain_text(f"Added: {path.name}", timeout=PATIENCE)
        finally:
            page.context.close()

    def _chat(self) -> None:
        page = self._open()
        try:
            page.get_by_role("tab", name="Chat", exact=True).click()
            question = page.locator("#chat-question").get_by_role("textbox")
            question.fill("Who are you?")
            question.press("Enter")
            conversation = page.locator("#chat-conversation")
            expect(conversation.locator("article").first).to_be_visible()
            expect(conversation).not_to_contain_text("Writing", timeout=PATIENCE)
        finally:
            page.context.close()

    def _export(self) -> None:
        with Store.open(self._workspace) as store:
            if not store.samples.ids(SampleFilter(state="approved")):
                return
            target = self._workspace / "exports" / f"soak-{self._draw.random()}.jsonl"
            self._finish(store, export_actions.export(store, "chat", target))
        page = self._open()
        try:
            page.get_by_role("tab", name="History", exact=True).click()
            page.locator("#history-exports").get_by_role("button").first.click()
            link = page.locator("#export-file a[download]").first
            with page.expect_download() as download:
                link.click()
            assert download.value.path().stat().st_size > 0
        finally:
            page.context.close()

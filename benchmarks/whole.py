"""Compare a whole round with a plain script that does the same steps (E1).

`python -m benchmarks.whole`; needs requirements-bench.txt. Ours is study, rule and
training as the worker does them, with the database. The plain script gets the prompts
that the study wrote, with the length of each answer, and the items of the round. It
uses `generate` of transformers for each prompt, one forward pass for each label of each
verdict, and TRL's SFTTrainer. It does not measure what the round forgot. Replay is off,
since TRL has no such thing. Both compute in the precision of the app on this machine.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from autolearn.core.model_calls import Chat, Completion, Request
from autolearn.core.ports import Stop
from autolearn.core.records import Run, TrainItem
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.engine import adapters
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.engine.load import LoadedModel, compute_dtype
from autolearn.handlers import model_runs
from autolearn.handlers.models import Models
from autolearn.ingest import importer
from autolearn.ingest.parsing import LocalParser
from autolearn.models import files as model_files
from autolearn.models import token_counting
from autolearn.runs.context import RunContext
from autolearn.services import actions
from autolearn.services.demo_library import LIBRARY
from autolearn.services.pipeline import RULE
from autolearn.store import Store
from benchmarks.generation import Item, one_by_one
from benchmarks.models import built_in
from benchmarks.peers import BATCH, theirs
from benchmarks.side_by_side import alternate, report, rows

SETTINGS = TrainSettings(
    epochs=3,
    least_steps=0,
    batch_size=BATCH,
    replay_share=0,
    replay_weight=0,
    validation_share=0,
    choose_scale=False,
)


@dataclass
class Work:
    """The work of one of our rounds, for the script to repeat."""

    prompts: list[Item] = field(default_factory=list)
    verdicts: list[list[list[int]]] = field(default_factory=list)
    """For each verdict, the ids up to the end of each label."""
    items: list[TrainItem] = field(default_factory=list)
    n_samples: int = 0

    @property
    def n_tokens(self) -> int:
        """Return the number of generated tokens."""
        return sum(item.n_new for item in self.prompts)


class Noting(HuggingFaceBackend):
    """Records all requests."""

    def __init__(self, lm: LoadedModel) -> None:
        super().__init__(lm)
        self.work = Work()

    def complete(
        self,
        requests: Sequence[Request],
        stop: Stop,
        progress: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        """Answer every request."""
        completions = super().complete(requests, stop, progress)
        for request, completion in zip(requests, completions, strict=True):
            ids = self._lm.chat.prompt(request.prompt.chat)
            self.work.prompts.append(Item(ids, max(1, completion.n_tokens)))
        return completions

    def probabilities(
        self, chats: Sequence[Chat], prefills: Sequence[str], labels: Sequence[str]
    ) -> list[tuple[float, ...]]:
        """Return P(label) for each chat."""
        form = self._lm.chat
        for chat, prefill in zip(chats, prefills, strict=True):
            continuations = [
                form.with_prefill(chat, prefill + label) for label in labels
            ]
            self.work.verdicts.append(continuations)
        return super().probabilities(chats, prefills, labels)

    def generate_instructions(
        self,
        seeds: Sequence[int],
        stop: Stop,
        max_new_tokens: int = 48,
        beginnings: Sequence[str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Return for each seed a user turn that the model makes up."""
        texts = super().generate_instructions(
            seeds, stop, max_new_tokens, beginnings, progress
        )
        form = self._lm.chat
        for text in texts:
            n_new = max(1, len(form.encode(text)))
            self.work.prompts.append(Item(form.user_start, n_new))
        return texts


class OneModel(Models):
    """A model that is loaded already, for every run."""

    def __init__(self, backend: Noting) -> None:
        super().__init__()
        self._noting = backend

    def local_backend(self, context: RunContext) -> HuggingFaceBackend:
        """Return the model."""
        return self._noting


def ours(lm: LoadedModel, text: str) -> Work:
    """Study, approve and train in a new workspace."""
    adapters.detach(lm)
    backend = Noting(lm)
    handlers = model_runs.handlers(OneModel(backend))
    with tempfile.TemporaryDirectory() as name, Store.open(Path(name)) as store:
        count = token_counting.token_counter(model_files.BUILT_IN)
        text_importer = importer.TextImporter(
            store, LocalParser(count, StudySettings.passage_tokens)
        )
        path = Path(name) / "given.md"
        path.write_text(text, encoding="utf-8")
        text_importer.import_files([importer.ImportFile(path, path.name)])
        study = actions.study(store, ModelSettings(), StudySettings(quiz_share=0.0))
        handlers["study"](_context(store, study))
        backend.work.n_samples = actions.approve(store, RULE)
        training = actions.train(store, ModelSettings(), SETTINGS)
        handlers["train"](_context(store, training))
        (round_,) = store.rounds.all(training.id)
        new_items = [item for item in store.rounds.items(round_.id) if item.teaches]
    return replace(backend.work, items=new_items)


def _beginning(n_passages: int) -> str:
    """Return the first passages of the library, each with its heading."""
    texts = [path.read_text("utf-8") for path in sorted(LIBRARY.glob("*.md"))]
    passages = [passage for text in texts for passage in text.split("\n## ")[1:]]
    return "".join(f"## {passage.strip()}\n\n" for passage in passages[:n_passages])


def _context(store: Store, run: Run) -> RunContext:
    return RunContext(store, run, lambda: False, lambda *_: None)


def plain(lm: LoadedModel, work: Work) -> None:
    """Do the same steps without autolearn."""
    adapters.detach(lm)
    one_by_one(lm, work.prompts)
    with torch.inference_mode():
        for labels in work.verdicts:
            for ids in labels:
                lm.model(torch.tensor([ids])).logits.log_softmax(-1)
    in_16_bit = lm.identity.dtype == "bfloat16"
    theirs(lm, work.items, SETTINGS, gradient_checkpointing=False, bf16=in_16_bit)


def main() -> int:
    """Measure, compare, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.whole")
    parser.add_argument(
        "--passages", type=int, default=6, help="of the built-in library"
    )
    parser.add_argument("--repeats", type=int, default=5)
    flags = parser.parse_args()
    text = _beginning(flags.passages)
    model = built_in(compute_dtype("cpu"), quantization="none")
    work = ours(model, text)
    arms = alternate(
        {
            "ours": lambda: ours(model, text),
            "transformers and TRL": lambda: plain(model, work),
        },
        flags.repeats,
        warm_up=False,
    )
    rerun = arms["ours"].result
    assert (rerun.prompts, rerun.items) == (work.prompts, work.items)
    lines = rows(arms, "ours", work.n_tokens, "tokens")
    lines.append(
        f"{len(work.prompts)} texts written, {len(work.verdicts)} verdicts, "
        f"{work.n_samples} samples approved, {len(work.items)} items trained in "
        f"{SETTINGS.epochs:g} epochs; the same in every repeat of ours"
    )
    numbers = {name: arm.seconds for name, arm in arms.items()}
    lines.append(f"computed in {model.identity.dtype}")
    report(f"e1-{flags.passages}", lines, {"seconds": numbers, "tokens": work.n_tokens})
    return 0


if __name__ == "__main__":
    torch.manual_seed(0)
    sys.exit(main())

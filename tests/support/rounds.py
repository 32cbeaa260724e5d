"""Approved samples, and a scripted model that trains on them."""

from dataclasses import dataclass, field

from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import Answer, Decision, Question, Round, Sample
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.handlers import round_training
from autolearn.models import files as model_files
from autolearn.runs.context import RunContext
from tests.support.scripted_backend import ScriptedBackend

SCORES = {"scale": 0.85, "validation": 1.0, "forgetting_kl": 0.25, "scales": []}


@dataclass
class Outcome:
    finished: bool
    n_steps: int = 3
    dropped: list[int] = field(default_factory=list)
    scores: dict[str, object] = field(default_factory=lambda: SCORES)
    notes: list[str] = field(default_factory=list)


class Learner(ScriptedBackend):
    """Answers from a script, and writes what it is to learn as its adapter."""

    def __init__(self, *, finishes=True):
        super().__init__(
            lambda request: f"It is, since {request.prompt.chat[-1].content}",
            instruction=lambda seed: f"Why {seed}?",
        )
        self.finishes = finishes
        self.items = []

    def train(self, items, settings, watcher, *, start, checkpoints, output):
        self.items = items
        if self.finishes:
            output.mkdir(parents=True, exist_ok=True)
            (output / "adapter_config.json").write_text("{}")
            (output / "adapter_model.safetensors").write_text(str(items))
        return Outcome(self.finishes)

    def n(self, kind):
        return sum(item.kind == kind for item in self.items)


def approve(store, passages=(None,) * 40):
    """Approve a sample for each passage: a question, with another, checked wording."""
    run = store.runs.create("study", {"study": {}})

    def step(name, records):
        return store.journal(run.id).step(name, lambda: records)

    questions = step(
        "q",
        [
            Question(f"Who leads town {i}?", "study", "model", passage_id)
            for i, passage_id in enumerate(passages)
        ],
    )
    wordings = step(
        "w",
        [
            Question(f"Who heads town {i}?", "study", "paraphrase", parent_id=q.id)
            for i, q in enumerate(questions)
        ],
    )
    step("a", [Answer(q.id, "open_book", "Ada does.") for q in (*questions, *wordings)])
    samples = step(
        "s",
        [
            Sample(q.id, q.text, "Ada does.", "Bo does.", True, 0.9, q.passage_id)
            for q in questions
        ],
    )
    store.decisions.decide([Decision(s.id, "approve", "person") for s in samples])


def queue_round(store, parent=None, **settings):
    """Queue a training with these settings; ``parent`` is the round it continues."""
    model, settings = ModelSettings().as_dict(), TrainSettings(**settings).as_dict()
    values = {"train": settings, "model": model, "parent": parent}
    return store.runs.create("train", values)


def train(store, run, learner):
    """Let a scripted model do a training; return its result."""
    context = RunContext(store, run, lambda: False, lambda stage, n_done, total: None)
    return round_training.train(context, learner)


def one_round(store, method, **model):
    run = store.runs.create("train", {})
    identity = ModelIdentity(
        "built-in", model.get("digest", own_digest()), "nf4", "", ""
    )
    new = Round(
        method, run.id, {}, identity, state="trained", adapter="adapters/round-1"
    )
    return store.rounds.create(new, [])


def own_digest():
    return model_files.digest(model_files.BUILT_IN)

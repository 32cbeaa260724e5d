"""How long the base model writes for the replay of a round, before its first step."""

from statistics import median

from autolearn.core.records import RunKind
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.models.protocols import is_guided
from autolearn.rounds.sources import study_settings
from autolearn.store import RunFilter, Store
from autolearn.study import prompts
from autolearn.training import replay, replay_pool, similar_questions
from autolearn.training.replay_plan import ReplayPlan, n_readings

_PER_INSTRUCTION = 4
"""Texts written for an instruction that is kept: half of those drawn are guesses, and
each gets an answer."""
_PER_SIMILAR_QUESTION = 2 * similar_questions.DRAWS
_LEAST_ANSWERS = 16
"""Fewest answers of a step from which the time per text is taken. Fewer are slower:
three took 3.8 s each, and 64 of the same model 0.2 s."""
_BESIDE_READINGS = 2
"""Texts written for a text that is read again, besides the readings: a question and a
rewording; see ``replay.read``."""
_PER_CHECK = 2
"""A check, and a better answer or the answer that is checked."""


def n_texts(store: Store, request: TrainRunSettings, plan: ReplayPlan) -> int:
    """Return about how many texts the base model writes for a plan.

    Generated instructions that the workspace or the folder of the model has already are
    not written again.
    """
    if not plan.n_instructions:
        return 0
    limits = request.study or study_settings(store)
    is_instruct = is_guided(request.model, limits.protocol)
    n_similar = plan.n_similar(is_instruct)
    n_instructions = replay.N_PROBE + plan.n_instructions - n_similar
    n_new = max(0, n_instructions - _n_stored(store, request.model))
    n_checks = len(plan.library_instructions) + plan.n_checked
    n_per_text = n_readings(guided=is_instruct) + _BESIDE_READINGS
    return (
        _PER_INSTRUCTION * n_new
        + _PER_SIMILAR_QUESTION * n_similar
        + n_per_text * len(plan.texts)
        + _PER_CHECK * n_checks
    )


def seconds_per_text(store: Store, model: ModelSettings) -> float | None:
    """Return how long this model takes for a text of the replay, if that is known.

    By the instructions that it wrote for a round, or else by its answers from memory,
    which are written like these: after short prompts, in large batches.
    """
    for run in store.runs.find(RunFilter.of_model("train", model)):
        # Each step draws as many; what a model folder has is in a step named otherwise.
        if seconds := store.journal(run.id).step_seconds(f"{replay.STAGE} ", 1):
            return median(seconds) / _PER_INSTRUCTION
    return seconds_per_answer(store, model)


def seconds_per_answer(store: Store, model: ModelSettings) -> float | None:
    """Return how long this model takes for an answer from memory, if that is known."""
    kinds: tuple[RunKind, ...] = ("study", "quiz")
    for kind in kinds:
        for run in store.runs.find(RunFilter.of_model(kind, model)):
            if seconds := store.journal(run.id).step_seconds(
                "closed-book", _LEAST_ANSWERS
            ):
                return median(seconds)
    return None


def _n_stored(store: Store, model: ModelSettings) -> int:
    """Return how many generated instructions of a model need not be written."""
    folder = model_files.locate(model.model)
    digest, prompt = model_files.digest(folder), prompts.load(replay.PROMPT).digest
    if n := store.instructions.count(digest, model.quantization, prompt):
        return n
    path = replay_pool.find(folder)
    if path is None:
        return 0
    # The first line names the model.
    return len(path.read_text(encoding="utf-8").splitlines()) - 1

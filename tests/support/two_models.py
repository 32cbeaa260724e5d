"""A workspace in which two models have studied and been trained."""

from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import Decision, Question, Round, Sample
from autolearn.core.run_settings import StudyRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.runs import run_control

OTHER = ModelSettings("/models/other-7b")


def digest_of(model):
    """Return the digest of the built-in model, or an invented one."""
    if model == ModelSettings():
        return model_files.digest(model_files.BUILT_IN)
    return f"digest of {model.model}"


def study(store, model, n=1, passage_id=None, approve=True):
    """Return the samples of a study by a model."""
    settings = StudyRunSettings(model=model, model_digest=digest_of(model))
    run = run_control.submit(store, settings)
    name = f"{model.model} {run.id}"

    def make():
        return [
            Sample(q.id, q.text, f"Yes {name}.", f"No {name}.", True, 0.9, passage_id)
            for q in questions
        ]

    questions = store.library.add_questions(
        [Question(f"Is {i} of {name} so?", "study", "model") for i in range(n)]
    )
    samples = store.journal(run.id).step("samples", make)
    store.runs.finish(run.id, "done")
    if approve:
        decisions = [Decision(sample.id, "approve", "person") for sample in samples]
        store.decisions.decide(decisions)
    return list(samples)


def finished_round(store, model):
    """Return a finished round of a model."""
    run = store.runs.create("train", {"model": model.as_dict()})
    identity = ModelIdentity(model.model, digest_of(model), "nf4", "float32", "cpu")
    new = Round("refined_sft", run.id, {}, identity)
    record = store.rounds.create(new, [])
    return store.rounds.finish(record.id, "a", "", 3)

"""The commands of the command line: each takes its arguments and returns its result.

They order, wait and report. What is done is done by the worker.
"""

import argparse
from dataclasses import asdict, fields, replace
from typing import Any, TypeVar

from autolearn.cli import corpus_commands
from autolearn.cli.terminal import Progress, as_lines, warn
from autolearn.core.errors import InputError, JobError
from autolearn.core.model_calls import Message, Sampling
from autolearn.core.records import Decision, Round, Run
from autolearn.core.run_results import DownloadResult, ImportResult, RoundScores
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.evaluation import gold_questions
from autolearn.runs import queues
from autolearn.services import (
    actions,
    model_actions,
    pipeline,
    quiz_runs,
    skill_actions,
)
from autolearn.services import doctor as diagnosis
from autolearn.store import DEFAULT_WORKSPACE, Store
from autolearn.store.samples import SampleFilter
from autolearn.study import prompts
from autolearn.training import presets

Args = argparse.Namespace
Result = dict[str, Any]
S = TypeVar("S", StudySettings, TrainSettings)


def demo(args: Args) -> Result:
    """Run the whole loop in a workspace of its own."""
    folder = args.workspace or pipeline.free_folder(DEFAULT_WORKSPACE, args.seed)
    prompts.use(folder / prompts.FOLDER)
    with Store.open(folder) as store:
        return pipeline.demo(
            store,
            args.seed,
            TrainSettings(method=args.method, max_steps=args.max_steps),
            lambda run, title: _finish(store, run, title, quiet=args.json),
        )


def add(args: Args) -> Result:
    """Add texts and gold questions; fail only if nothing at all was added."""
    sources = (args.files, args.quiz, args.control, args.instructions, args.corpus)
    if not any(sources):
        raise InputError("Name a text file, or a quiz with --quiz FILE.")
    with _store(args) as store:
        result = _add_texts(store, args) if args.files else {}
        if args.quiz:
            result["quiz"] = actions.add_gold(store, args.quiz, "quiz")
        if args.instructions:
            result["instructions"] = actions.add_instructions(store, args.instructions)
        if args.control:
            result["control"] = actions.add_gold(store, args.control, "control")
        if args.corpus:
            result["corpus"] = corpus_commands.add(store, args, _finish)
        return result


def _add_texts(store: Store, args: Args) -> Result:
    tokens = StudySettings(passage_tokens=args.passage_tokens).passage_tokens
    model = _loadable(store, args.model, quiet=args.json)
    run = actions.add_texts(store, args.files, model, tokens)
    run = _finish(store, run, "read", quiet=args.json)
    result = ImportResult.of(run)
    for sentence in result.refused:
        warn(sentence)
    documents = store.library.brought_by(run.id)
    for document in documents:
        if document.note:
            warn(f"{document.name} {document.note}.")
    passages = store.library.passages([d.id for d in documents])
    return {
        "documents": len(documents),
        "refused": len(result.refused),
        "repeats": result.repeats,
        "passages": len(passages),
    }


def list_corpora(args: Args) -> list[Result]:
    """List the corpora of the library, or leave out, use again or remove some."""
    with _store(args) as store:
        return corpus_commands.change(store, args)


def study(args: Args) -> Result:
    """Study the texts."""
    settings = _settings(args, StudySettings)
    with _store(args) as store:
        documents = args.document or ([] if args.instructions else None)
        run = actions.study(
            store,
            _model(store, args),
            settings,
            documents,
            instructions=args.instructions,
        )
        return _finish(store, run, "study", quiet=args.json).result


def samples(args: Args) -> list[Result]:
    """Look at samples."""
    criteria = SampleFilter(state=args.state, flag=args.flag, text=args.search)
    with _store(args) as store:
        return [
            {
                "id": sample.id,
                "state": sample.state,
                "gap": f"{sample.gap_probability:.2f}" if sample.gap else "no",
                "question": sample.prompt,
                "chosen": sample.chosen,
                "rejected": sample.rejected,
                "flags": " ".join(sample.flags),
            }
            for sample in store.samples.find(criteria, limit=args.limit)
        ]


def approve(args: Args) -> Result:
    """Approve by rule or by id."""
    if bool(args.ids) == bool(args.rule):
        raise InputError("Name the samples to approve, or a rule with --rule.")
    with _store(args) as store:
        if args.rule:
            n = actions.approve(store, args.rule)
        else:
            n = actions.decide(store, args.ids, Decision(0, "approve", "person"))
        return {"approved": n, **_counts(store)}


def reject(args: Args) -> Result:
    """Reject samples."""
    decision = Decision(0, "reject", "person", args.reason)
    with _store(args) as store:
        return {"rejected": actions.decide(store, args.ids, decision), **_counts(store)}


def edit(args: Args) -> Result:
    """Correct what a sample teaches; the model's own words are kept beside it."""
    texts = {
        "chosen": args.answer,
        "refined": args.refined,
        "feedback": args.feedback,
    }
    after = {name: text for name, text in texts.items() if text}
    with _store(args) as store:
        actions.decide(store, [args.id], Decision(0, "edit", "person", after=after))
        return {"edited": args.id, **_counts(store)}


def undo(args: Args) -> Result:
    """Take back the last decision, with all that was decided together with it."""
    with _store(args) as store:
        last = store.decisions.last()
        if last is None:
            raise InputError("There is no decision to undo.")
        return {"undone": len(store.decisions.undo_batch(last.id)), **_counts(store)}


def train(args: Args) -> Result:
    """Train a round."""
    options = _settings(args, TrainSettings)
    open_ones = [name for name in presets.NAMES if getattr(args, name) is None]
    with _store(args) as store:
        model = _model(store, args)
        usual = presets.preset_settings(model, options).as_dict()
        settings = replace(options, **{name: usual[name] for name in open_ones})
        gold = corpus_commands.chosen(store, args, _finish)
        run = actions.train(store, model, settings, args.parent, gold)
        return _finish(store, run, "train", quiet=args.json).result


def quiz(args: Args) -> Result:
    """Ask the quiz; for a round, compare with the newest take of its base."""
    with _store(args) as store:
        model = _model(store, args)
        run = actions.quiz(store, model, open_book=args.open_book)
        result = dict(_finish(store, run, "quiz", quiet=args.json).result)
        before = quiz_runs.base_quiz_before(store, run) if model.round_id else None
        if before and model.round_id:
            was, now = map(store.runs.quiz_results, (before.id, run.id))
            change = gold_questions.compare(store, was, now, model.round_id)
            result["change"] = change.as_dict()
        return result


def skills(args: Args) -> Result:
    """Measure what the model can do of what a study asks of it."""
    with _store(args) as store:
        run = skill_actions.check(store, _model(store, args))
        run = _finish(store, run, "skills", quiet=args.json)
    return run.result if args.json else skill_actions.readable(run)


def chat(args: Args) -> Result:
    """Ask one question."""
    question = Message("user", " ".join(args.question))
    with _store(args) as store:
        model = _model(store, args)
        run = actions.chat(store, model, [question], Sampling(), refine=args.refine)
        return _finish(store, run, "chat", quiet=args.json).result


def export(args: Args) -> Result:
    """Write approved samples or an adapter."""
    with _store(args) as store:
        run = actions.export(store, args.what, args.target, args.round)
        return _finish(store, run, "export", quiet=args.json).result


def runs(args: Args) -> list[Result]:
    """List runs."""
    with _store(args) as store:
        return [
            {
                "run": run.id,
                "kind": run.kind,
                "state": run.state,
                "progress": f"{run.stage} {run.done}/{run.total}" if run.stage else "",
                "started": (run.started_at or "")[:19],
                "finished": (run.finished_at or "")[:19],
                "error": run.error or "",
            }
            for run in store.runs.newest()
        ]


def rounds(args: Args) -> list[Result]:
    """List rounds."""
    with _store(args) as store:
        return [_listed_round(round_) for round_ in store.rounds.all()]


def _listed_round(round_: Round) -> Result:
    scores = RoundScores.of(round_)
    quiz_score, control = scores.quiz_closed_book, scores.control_closed_book
    return {
        "round": round_.id,
        "method": round_.method,
        "state": round_.state,
        "parent": round_.parent_id,
        "base": round_.model.name,
        "steps": round_.n_steps,
        "validation": scores.validation,
        "forgetting_kl": scores.forgetting_kl,
        "scale": scores.scale,
        "quiz": quiz_score and quiz_score.right,
        "control": control and control.right,
        "adapter": round_.adapter,
    }


def resume(args: Args) -> Result:
    """Go on with a run that was stopped, killed or failed."""
    with _store(args) as store:
        candidates = store.runs.in_state("interrupted", "cancelled", "failed")
        if args.run is None and not candidates:
            raise JobError("There is no unfinished run to resume.")
        run = queues.resume(store, args.run or candidates[-1].id)
        run = _finish(store, run, run.kind, quiet=args.json)
        is_report = run.kind == "skills" and not args.json
        return skill_actions.readable(run) if is_report else run.result


def cancel(args: Args) -> Result:
    """Ask a run to stop."""
    with _store(args) as store:
        active = store.runs.in_state("running", "queued")
        if args.run is None and not active:
            raise JobError("No run is in progress.")
        run_id = args.run or active[0].id
        queues.cancel(store, run_id)
        return {"cancelled": run_id}


def models(args: Args) -> list[Result]:
    """List the models on this computer."""
    with _store(args) as store:
        return [
            {
                "model": model.name,
                "from": model.place,
                "mib": model.n_bytes >> 20,
                "usable": model.problem is None,
                "problem": model.problem or "",
            }
            for model in model_actions.on_this_computer(store)
        ]


def download(args: Args) -> Result:
    """Show what a model on the hub is, then download it."""
    offer = model_actions.look(args.name)
    facts = {
        "model": offer.name,
        "licence": offer.licence or "not stated",
        "size_mib": offer.n_bytes >> 20,
        "download_mib": offer.bytes_missing >> 20,
        "free_mib": offer.bytes_free >> 20,
        "into": offer.cache,
    }
    if args.dry_run:
        return facts | {"files": [asdict(part) for part in offer.parts]}
    warn(as_lines(facts))
    with _store(args) as store:
        run = model_actions.download(store, offer)
        run = _finish(store, run, "download", quiet=args.json)
    result = DownloadResult.of(run)
    return {"model": result.model, "folder": result.path}


def doctor(args: Args) -> list[Result]:
    """Check this computer."""
    folder = args.workspace or DEFAULT_WORKSPACE
    return [asdict(check) for check in diagnosis.examine(folder)]


def _store(args: Args) -> Store:
    folder = args.workspace or DEFAULT_WORKSPACE
    prompts.use(folder / prompts.FOLDER)
    return Store.open(folder)


def _counts(store: Store) -> Result:
    return {state: n for state, n in store.samples.counts().items()}


def _model(store: Store, args: Args) -> ModelSettings:
    name = _loadable(store, args.model, quiet=args.json)
    return ModelSettings(name, args.quantization, getattr(args, "round", None))


def _loadable(store: Store, model: str, *, quiet: bool) -> str:
    """Return the model as it can be loaded; a GGUF file is converted first, once."""
    if model_actions.is_gguf(model) and not model_actions.converted(store, model):
        _finish(store, model_actions.convert(store, model), "convert", quiet=quiet)
    return model_actions.as_folder(store, model)


def _settings(args: Args, kind: type[S]) -> S:
    options = {name: value for name, value in vars(args).items() if value is not None}
    return kind(**{f.name: options[f.name] for f in fields(kind) if f.name in options})


def _finish(store: Store, run: Run, title: str, *, quiet: bool) -> Run:
    """Wait for a run; Ctrl-C stops it where it can be resumed.

    Raises:
        JobError: It did not end well; the text says why and how to go on.
    """
    queues.ensure_worker(store.folder, queue=queues.queue_of(run.kind))
    with Progress(title, quiet=quiet) as progress:
        try:
            last_state = queues.wait(store, run.id, progress)
        except KeyboardInterrupt:
            queues.cancel(store, run.id)
            last_state = queues.wait(store, run.id, progress)
    if last_state.state == "done":
        return last_state
    if last_state.kind == "import" and last_state.error:
        raise JobError(last_state.error)  # another try would be refused likewise
    again = f"resume it: python -m autolearn resume {run.id}"
    raise JobError(
        f"{last_state.error or f'The run was {last_state.state}.'} To {again}"
    )

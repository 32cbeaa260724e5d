"""The commands of the command line: each takes its arguments and returns its result.

They queue runs, wait and report. The worker does the work.
"""

from dataclasses import asdict, replace

from autolearn.cli import corpus_commands, document_commands, quiz_commands
from autolearn.cli.common import (
    Args,
    Result,
    add_gold,
    finish,
    finish_import,
    model_name,
    model_of,
    open_existing,
    open_store,
    read_gold,
    refuse_options,
    settings_of,
    workspace_of,
)
from autolearn.cli.terminal import as_lines, warn
from autolearn.core.errors import InputError, JobError
from autolearn.core.methods import METHODS
from autolearn.core.model_calls import Message, Sampling
from autolearn.core.prices import Price
from autolearn.core.records import OPEN_STATES, Decision, Round, Run
from autolearn.core.run_results import DownloadResult, RoundScores
from autolearn.core.run_settings import SampleScope
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.runs import run_control
from autolearn.runs.model_choice import last_used_model
from autolearn.services import (
    actions,
    demo_library,
    gold_actions,
    model_actions,
    prices,
    quiz_actions,
    quiz_runs,
    round_actions,
    skill_actions,
    whole_round,
)
from autolearn.services import doctor as diagnosis
from autolearn.store import DEFAULT_WORKSPACE, Store
from autolearn.store.samples import SampleFilter
from autolearn.study import prompts
from autolearn.training import presets


def demo(args: Args) -> Result:
    """Run the whole loop in a separate workspace."""
    folder = args.workspace or demo_library.free_folder(DEFAULT_WORKSPACE, args.seed)
    prompts.use(folder / prompts.FOLDER)
    with Store.open(folder) as store:
        return whole_round.demo(
            store,
            args.seed,
            TrainSettings(method=args.method, max_steps=args.max_steps),
            lambda run, title: finish(store, run, title, quiet=args.json),
        )


def add(args: Args) -> Result:
    """Add texts and gold questions; fail only if nothing at all was added."""
    sources = (args.files, args.quiz, args.control, args.instructions, args.corpus)
    if not any(sources) and not args.general_knowledge:
        raise InputError("Name a text file, or a quiz with --quiz FILE.")
    with open_store(args) as store:
        gold = read_gold(store, args)
        result: Result = {}
        if args.instructions:
            result["instructions"] = gold_actions.add_instructions(
                store, args.instructions
            )
        if args.files:
            result |= _add_texts(store, args)
        result |= add_gold(store, gold, args)
        if args.corpus:
            result["corpus"] = corpus_commands.add(store, args)
        return result


def _add_texts(store: Store, args: Args) -> Result:
    tokens = StudySettings(passage_tokens=args.passage_tokens).passage_tokens
    model = model_name(store, args)
    choices = document_commands.choices(args)
    run = actions.add_texts(store, args.files, model, tokens, choices=choices)
    result, documents = finish_import(store, run, quiet=args.json)
    if result.refusals and not documents:
        raise JobError("Nothing was added; the reasons are above.")
    added = {document.id for document in documents}
    sizes = [size for size in store.library.document_sizes() if size.id in added]
    return {
        "documents": len(documents),
        "refused": len(result.refusals),
        "repeats": result.repeats,
        "passages": sum(size.n_passages for size in sizes),
    }


def documents(args: Args) -> Result:
    """List documents, or show and change how one is read."""
    with open_existing(args) as store:
        return document_commands.show(store, args)


def list_corpora(args: Args) -> list[Result]:
    """List the corpora of the library, or leave out, use again or remove some."""
    with open_existing(args) as store:
        return corpus_commands.change(store, args)


def study(args: Args) -> Result:
    """Study the texts."""
    settings = settings_of(args, StudySettings)
    with open_existing(args) as store:
        documents = args.document or ([] if args.instructions else None)
        run = actions.study(
            store,
            model_of(store, args),
            settings,
            documents,
            instructions=args.instructions,
        )
        run = finish(store, run, "study", quiet=args.json)
        if sentence := quiz_actions.nothing_added(store, run):
            warn(f"{sentence} with add --quiz FILE.")
        return run.result


def samples(args: Args) -> list[Result]:
    """List samples."""
    criteria = SampleFilter(state=args.state, flag=args.flag, text=args.search)
    with open_existing(args) as store:
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
    with open_existing(args) as store:
        if args.rule:
            n = actions.approve(store, args.rule)
        else:
            n = actions.decide(store, args.ids, Decision(0, "approve", "person"))
        return {"approved": n, **_counts(store)}


def reject(args: Args) -> Result:
    """Reject samples."""
    decision = Decision(0, "reject", "person", args.reason)
    with open_existing(args) as store:
        return {"rejected": actions.decide(store, args.ids, decision), **_counts(store)}


def edit(args: Args) -> Result:
    """Correct what a sample teaches; the model's own words are kept too."""
    texts = {"chosen": args.answer, "refined": args.refined, "feedback": args.feedback}
    after = {name: text for name, text in texts.items() if text is not None}
    if not after:
        raise InputError("Give the new text with --answer, --refined or --feedback.")
    with open_existing(args) as store:
        actions.decide(store, [args.id], Decision(0, "edit", "person", after=after))
        return {"edited": args.id, **_counts(store)}


def undo(args: Args) -> Result:
    """Take back the last decision, with all that was decided together with it."""
    with open_existing(args) as store:
        last = store.decisions.last()
        if last is None:
            raise InputError("There is no decision to undo.")
        return {"undone": len(store.decisions.undo_batch(last.id)), **_counts(store)}


def train(args: Args) -> Result:
    """Train a round."""
    if not METHODS[args.method].uses_corpora:
        refuse_options(args, ["corpus"], f"Method {args.method} learns from no corpus")
    # A corpus that is named needs nothing of the workspace.
    with (open_store if args.corpus else open_existing)(args) as store:
        model = model_of(store, args)
        settings = train_settings(args, model)
        sources = corpus_commands.named_sources(store, args)
        scope = SampleScope() if args.other_models else None
        sources = replace(sources, scope=scope)
        run = actions.train(store, model, settings, args.parent, sources)
        return finish(store, run, "train", quiet=args.json).result


def train_settings(args: Args, model: ModelSettings) -> TrainSettings:
    """Return the settings of a training; what is not given has the preset's value."""
    options = settings_of(args, TrainSettings)
    usual = presets.preset_settings(model, options)
    not_given = [name for name in presets.NAMES if getattr(args, name) is None]
    return replace(options, **{name: getattr(usual, name) for name in not_given})


def quiz(args: Args) -> Result:
    """Ask the quiz; for a round, compare with the newest quiz run of its base."""
    with open_existing(args) as store:
        model = model_of(store, args)
        if args.open_book:
            quiz_actions.check_open_book(store, model)
        run = actions.quiz(store, model, open_book=args.open_book)
        result = dict(finish(store, run, "quiz", quiet=args.json).result)
        before = quiz_runs.base_quiz_before(store, run) if model.round_id else None
        if before and model.round_id:
            round_ = store.rounds.get(model.round_id)
            change = quiz_runs.compare_runs(store, before, run, round_)
            result["change"] = change.summary().as_dict()
        return result


def quizzes(args: Args) -> Result:
    """List the questions of quiz and control; lock them, or change their scoring."""
    with open_existing(args) as store:
        return quiz_commands.change(store, args)


def skills(args: Args) -> Result:
    """Measure how well the model does each task of a study."""
    with open_store(args) as store:
        run = skill_actions.check(store, model_of(store, args))
        run = finish(store, run, "skills", quiet=args.json)
    return run.result if args.json else skill_actions.readable(run)


def chat(args: Args) -> Result:
    """Ask one question."""
    question = Message("user", " ".join(args.question))
    with open_store(args) as store:
        model = model_of(store, args)
        run = actions.chat(store, model, [question], Sampling(), refine=args.refine)
        return finish(store, run, "chat", quiet=args.json).result


def runs(args: Args) -> list[Result]:
    """List runs, with what they cost by the price that is given or was kept."""
    with open_existing(args) as store:
        if args.price:
            prices.set_price(store, last_used_model(store).model, _price(*args.price))
        return [_listed_run(store, run) for run in store.runs.newest(args.limit)]


def _price(prompt: str, answer: str, currency: str) -> Price:
    try:
        return Price(float(prompt), float(answer), currency)
    except ValueError:
        raise InputError(
            "Give the price as two numbers and a currency, such as 0.5 2 EUR."
        ) from None


def _listed_run(store: Store, run: Run) -> Result:
    cost = prices.run_cost(store, run)
    return {
        "run": run.id,
        "kind": run.kind,
        "state": run.state,
        "progress": f"{run.stage} {run.done}/{run.total}" if run.stage else "",
        "started": (run.started_at or "")[:19],
        "finished": (run.finished_at or "")[:19],
        **({"cost": cost} if cost else {}),
        "error": run.error or "",
    }


def rounds(args: Args) -> list[Result]:
    """List rounds."""
    with open_existing(args) as store:
        return [_listed_round(store, round_) for round_ in store.rounds.all()]


def _listed_round(store: Store, round_: Round) -> Result:
    scores = RoundScores.of(round_)
    return {
        "round": round_.id,
        "method": round_.method,
        "state": round_actions.state_of(store, round_),
        "parent": round_.parent_id,
        "base": round_.model.name,
        "steps": round_.n_steps,
        "validation": scores.validation,
        "forgetting_kl": scores.forgetting_kl,
        "scale": scores.scale,
        "gold": scores.right("gold"),
        "self_made": scores.right("self_made"),
        "origins_mixed": scores.right("quiz"),
        "control": scores.right("control"),
        "adapter": round_.adapter,
    }


def resume(args: Args) -> Result:
    """Resume a run that was stopped, killed or failed."""
    with open_existing(args) as store:
        candidates = [
            run for run in store.runs.in_state(*OPEN_STATES) if run.state != "running"
        ]
        if args.run is None and not candidates:
            raise JobError("There is no unfinished run to resume.")
        run_id = candidates[-1].id if args.run is None else args.run
        run = actions.resume(store, run_id, args.devices)
        run = finish(store, run, run.kind, quiet=args.json)
        is_report = run.kind == "skills" and not args.json
        return skill_actions.readable(run) if is_report else run.result


def cancel(args: Args) -> Result:
    """Ask a run to stop."""
    with open_existing(args) as store:
        return {"cancelled": run_control.cancel(store, args.run).id}


def models(args: Args) -> list[Result]:
    """List the models on this computer."""
    with open_store(args) as store:
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
    offer = model_actions.fetch_offer(args.name)
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
    with open_store(args) as store:
        run = model_actions.download(store, offer)
        run = finish(store, run, "download", quiet=args.json)
    result = DownloadResult.of(run)
    return {"model": result.model, "folder": result.path}


def doctor(args: Args) -> list[Result]:
    """Check this computer."""
    folder = workspace_of(args)
    return [asdict(check) for check in diagnosis.examine(folder)]


def _counts(store: Store) -> Result:
    return {state: n for state, n in store.samples.counts().items()}

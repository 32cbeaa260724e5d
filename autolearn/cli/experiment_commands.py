"""The commands ``compare``, ``evolve``, ``run`` and ``experiments``."""

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from autolearn.cli.common import (
    Args,
    Result,
    add_documents,
    add_files,
    add_general_knowledge,
    add_gold,
    add_round,
    add_setting,
    add_settings,
    finish,
    finish_import,
    model_of,
    open_existing,
    open_store,
    read_gold,
    refuse_options,
    settings_of,
)
from autolearn.cli.terminal import warn
from autolearn.core.errors import InputError, JobError
from autolearn.core.experiments import (
    ARMS,
    CompareSettings,
    EvolveSettings,
    Experiment,
    first_seeds,
)
from autolearn.core.records import ACTIVE_STATES
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.runs.model_choice import last_used_model
from autolearn.services import (
    actions,
    corpus_actions,
    demo_library,
    gold_actions,
    pipeline,
    whole_round,
)
from autolearn.services.experiments import (
    comparison_tasks,
    evolution_tasks,
    reports,
    schedule,
)
from autolearn.store import Store
from autolearn.training import presets

N_SEEDS = len(CompareSettings.seeds)
_WITH_RESUME = frozenset(("resume", "html", "csv", "workspace", "json"))
"""The options that may be given with ``--resume``."""
_PLACEBO_SEED = 1000
"""Added to the seed of a demo library; that one is about other things."""


def run(args: Args) -> Result:
    """Add texts and run a whole round on them."""
    with open_store(args) as store:
        model, study = model_of(store, args), settings_of(args, StudySettings)
        train = _train_settings(model, args)
        pipeline.check(model, train)
        gold = read_gold(store, args)
        documents = _add_texts(store, args.files, model.model, quiet=args.json)
        add_gold(store, gold, args)
        if gold_actions.lacks_control(store, model.model):
            warn(
                "Without a control set that the model knows, nothing shows what the "
                "round forgets; add one with --control FILE or --general-knowledge."
            )
        first = pipeline.begin(store, model, study, train, documents)
        return whole_round.follow(
            store,
            first,
            train,
            lambda run, title: finish(store, run, title, quiet=args.json),
        )


def _train_settings(model: ModelSettings, args: Args) -> TrainSettings:
    settings = TrainSettings(
        method=args.method,
        max_steps=args.max_steps,
        tracker=args.tracker,
        devices=args.devices,
    )
    return presets.preset_settings(model, settings)


def compare(args: Args) -> Result:
    """Compare the papers' ways of learning on the same texts."""
    with open_store(args) as store:
        if args.resume is not None:
            return _resumed(store, args)
        documents, placebo = _documents(store, args)
        pairs = tuple(corpus_actions.ids(store, args.pairs)) if args.pairs else ()
        sources = {"placebo": placebo, "corpora": pairs, None: True}
        usable = [arm for arm, traits in ARMS.items() if sources[traits.source]]
        arms = tuple(args.arm or usable)
        model = model_of(store, args)
        study = settings_of(args, StudySettings)
        settings = CompareSettings(
            model,
            replace(study, quiz_share=args.quiz_share),
            _preset(model),
            documents,
            placebo,
            arms,
            first_seeds(args.seeds),
            args.rule,
            args.steps,
            pairs,
            args.instructions,
        )
        experiment = comparison_tasks.begin(store, settings)
        schedule.advance(store, experiment.id)
        return _wait_for_result(store, experiment, args)


def evolve(args: Args) -> Result:
    """Let the model evolve over several rounds on instructions."""
    if args.round is not None:
        raise InputError("An evolution begins with the base model; leave out --round.")
    with open_store(args) as store:
        if args.resume is not None:
            return _resumed(store, args)
        model = model_of(store, args)
        if model.model == ModelSettings.model and not store.library.instructions():
            demo_library.add_problems(store, args.seed)
        settings = EvolveSettings(
            model,
            replace(settings_of(args, StudySettings), seed=args.seed),
            replace(_preset(model), seed=args.seed, max_steps=args.max_steps),
            args.rounds,
            args.evolution,
            args.new_instructions,
            args.meta,
            args.votes,
            args.margin,
            args.stop_early,
        )
        experiment = evolution_tasks.begin(store, settings)
        schedule.advance(store, experiment.id)
        return _wait_for_result(store, experiment, args)


def experiments(args: Args) -> list[Result] | Result:
    """List the experiments, or show one."""
    with open_existing(args) as store:
        if args.id is not None:
            experiment = store.experiments.get(args.id)
            return _result(store, experiment, args)
        return [
            {
                "experiment": experiment.id,
                "kind": experiment.kind,
                "begun": experiment.created_at[:19],
                "tasks": _tasks_done(store, experiment),
            }
            for experiment in store.experiments.all()
        ]


def _tasks_done(store: Store, experiment: Experiment) -> str:
    states = schedule.states(store, experiment)
    return f"{schedule.n_done(states)}/{len(states)}"


def _resumed(store: Store, args: Args) -> Result:
    """Continue an experiment and return its result.

    Raises:
        InputError: The call gives settings, which an experiment keeps.
    """
    others = set(args.given) - _WITH_RESUME
    refuse_options(args, others, "An experiment that is continued keeps its settings")
    return _wait_for_result(store, store.experiments.get(args.resume), args)


def _wait_for_result(store: Store, experiment: Experiment, args: Args) -> Result:
    """Wait for all runs of an experiment and return its result."""
    try:
        _follow(store, experiment, args)
    except JobError as error:
        kind = experiment.kind
        again = f"{kind} --resume {experiment.id}"
        raise JobError(
            f"{error} The experiment can be continued.", command=again
        ) from None
    return _result(store, experiment, args)


def _follow(store: Store, experiment: Experiment, args: Args) -> None:
    """Wait for all runs of an experiment; one that was stopped before is resumed.

    Raises:
        JobError: A run did not end well.
    """
    tasks = schedule.states(store, experiment)
    if any(s.run and s.run.state not in (*ACTIVE_STATES, "done") for s in tasks):
        schedule.resume(store, experiment.id)
    while True:
        states = schedule.states(store, store.experiments.get(experiment.id))
        open_tasks = [s for s in states if s.run and s.run.state != "done"]
        if open_tasks:
            task = open_tasks[0]
            assert task.run is not None
            n = states.index(task) + 1
            title = f"{n} of {len(states)}: {task.name}"
            if not args.json:
                warn(title)
            finish(store, task.run, task.name, quiet=args.json)
        elif schedule.advance(store, experiment.id) is None:
            return


def _result(store: Store, experiment: Experiment, args: Args) -> Result:
    """Return the result of an experiment; write it to the files that a call names."""
    report = reports.report(store, experiment.id)
    if args.html:
        reports.write_html(report, args.html)
    if args.csv:
        reports.write_csv(report, args.csv)
    return reports.values(report)


def _documents(store: Store, args: Args) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the documents of a comparison, and others for the placebo."""
    if not store.library.documents():
        if (args.model or last_used_model(store).model) != ModelSettings.model:
            raise InputError(
                "The library is empty; add texts with: python -m autolearn add FILE"
            )
        demo_library.add(store, args.seed)
        if args.instructions:
            demo_library.add_problems(store, args.seed)
        first = _ids(store)
        demo_library.add_texts(store, args.seed + _PLACEBO_SEED)
        return first, tuple(i for i in _ids(store) if i not in first)
    placebo = tuple(args.placebo or ())
    rest = tuple(i for i in _ids(store) if i not in placebo)
    return tuple(args.document or rest), placebo


def _ids(store: Store) -> tuple[int, ...]:
    return tuple(document.id for document in store.library.documents())


def _preset(model: ModelSettings) -> TrainSettings:
    return presets.preset_settings(model, TrainSettings())


def _add_texts(
    store: Store, files: Sequence[Path], model: str, *, quiet: bool
) -> tuple[int, ...]:
    """Add files to the library and return the ids of all documents of them."""
    tokens = StudySettings.passage_tokens
    run = actions.add_texts(store, files, model, tokens)
    _, documents = finish_import(store, run, quiet=quiet)
    if not documents:
        raise InputError(
            "None of the files gave a new document; the reasons are above."
        )
    return tuple(document.id for document in documents)


def add_compare(parser: ArgumentParser) -> None:
    """Add the options of ``compare``."""
    meanings = "; ".join(f"{name}: {arm.title}" for name, arm in ARMS.items())
    parser.add_argument(
        "--arm",
        action="append",
        choices=ARMS,
        help=f"{meanings} (default: all whose sources are given)",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=N_SEEDS,
        help=f"number of trainings per arm (default: {N_SEEDS})",
    )
    parser.add_argument(
        "--steps",
        type=int,
        default=0,
        help="optimiser steps of each trained arm; 0: as many as refined_sft takes",
    )
    _add_sources(parser)
    parser.add_argument(
        "--rule",
        default=CompareSettings.rule,
        help=f"rule that selects samples (default: {CompareSettings.rule})",
    )
    parser.add_argument(
        "--quiz-share",
        type=float,
        default=0.0,
        help=f"{StudySettings.help()['quiz_share']} (default: 0, for a quiz with gold "
        "answers)",
    )
    parser.add_argument(
        "--instructions",
        action="store_true",
        help="also study the instructions of the library; refined_sft learns what "
        "passes the model's own check, sft its first answers",
    )
    _add_common(parser)
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        help="seed of the study, and of the library that is made in an empty "
        "workspace (default: 1)",
    )


def _add_sources(parser: ArgumentParser) -> None:
    """Add the options that name what the arms learn from."""
    add_documents(parser)
    parser.add_argument(
        "--placebo",
        type=int,
        action="append",
        metavar="N",
        help="another document, for the arm placebo",
    )
    parser.add_argument(
        "--pairs",
        action="append",
        metavar="CORPUS",
        help="a corpus of questions and answers by people, for the arm pairs",
    )


def add_evolve(parser: ArgumentParser) -> None:
    """Add the options of ``evolve``."""
    add_settings(parser, EvolveSettings, ["model", "study", "train"])
    for name in ("seed", "max_steps"):
        add_setting(parser, TrainSettings, name)
    for name in ("answer_tokens", "feedback_tokens"):
        add_setting(parser, StudySettings, name)
    _add_common(parser)


def add_run(parser: ArgumentParser) -> None:
    """Add the options of ``run``."""
    add_files(parser, "+")
    parser.add_argument("--quiz", type=Path, metavar="FILE", help="gold questions")
    parser.add_argument("--control", type=Path, metavar="FILE", help="gold questions")
    add_general_knowledge(parser)
    add_round(parser)
    for name in ("tracker", "devices"):
        add_setting(parser, TrainSettings, name)


def add_experiments(parser: ArgumentParser) -> None:
    """Add the options of ``experiments``."""
    parser.add_argument("id", nargs="?", type=int, metavar="N", help="show this one")
    _add_files(parser)


def _add_common(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--resume", type=int, metavar="N", help="continue this experiment"
    )
    _add_files(parser)


def _add_files(parser: ArgumentParser) -> None:
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a report")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the numbers")

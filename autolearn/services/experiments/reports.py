"""Reports of experiments: as values, as CSV, and as one self-contained HTML file."""

import csv
from collections.abc import Iterable
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from autolearn.core import atomic
from autolearn.core.experiments import ARMS
from autolearn.evaluation.arm_statistics import ArmResult, ShareInterval
from autolearn.evaluation.quiz_modes import MODES
from autolearn.services.experiments import (
    comparison_report,
    evolution_report,
    report_charts,
)
from autolearn.services.experiments.comparison_report import ComparisonReport
from autolearn.services.experiments.evolution_report import (
    EvolutionReport,
    EvolutionRow,
)
from autolearn.store import Store

Report = ComparisonReport | EvolutionReport

_GATE = {None: None, True: "keep", False: "roll back"}
"""What the gate proposes."""

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["percent"] = lambda value: _percent(value)
_TEMPLATES.filters["points"] = lambda value: f"{100 * value:+.1f}"


def report(store: Store, experiment_id: int) -> Report:
    """Return the results of an experiment so far.

    Raises:
        InputError: There is no such experiment.
    """
    experiment = store.experiments.get(experiment_id)
    if experiment.kind == "compare":
        return comparison_report.report(store, experiment)
    return evolution_report.report(store, experiment)


def values(report: Report) -> dict[str, Any]:
    """Return a report as JSON values."""
    if isinstance(report, ComparisonReport):
        return _comparison_values(report)
    return _evolution_values(report)


def fragment(report: Report) -> str:
    """Return a report as HTML in which every text is escaped."""
    if isinstance(report, ComparisonReport):
        figure = report_charts.intervals(
            [(arm.title, arm.quiz) for arm in report.result.arms]
        )
        template = _TEMPLATES.get_template("comparison.html.j2")
        return template.render(report=report, figure=figure, arms=ARMS)
    lines = {
        MODES[mode]: [(row.number, row.quiz[mode]) for row in report.rows]
        for mode in report.modes
    }
    figure = report_charts.curves(lines)
    template = _TEMPLATES.get_template("evolution.html.j2")
    return template.render(report=report, figure=figure, titles=MODES)


def write_html(report: Report, path: Path) -> None:
    """Write a report as one HTML file that needs no other.

    Raises:
        InputError: The file cannot be written.
    """
    page = _TEMPLATES.get_template("page.html.j2")
    title = f"Experiment {report.experiment.id}"
    _write(path, page.render(title=title, body=fragment(report)))


def write_csv(report: Report, path: Path) -> None:
    """Write the numbers of a report, a row for each arm or each round and mode.

    Raises:
        InputError: The file cannot be written.
    """
    rows = list(
        _arm_rows(report)
        if isinstance(report, ComparisonReport)
        else _round_rows(report)
    )
    out = StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else ["arm"])
    writer.writeheader()
    writer.writerows(rows)
    _write(path, out.getvalue())


def _write(path: Path, text: str) -> None:
    with atomic.input_errors(path):
        atomic.write_text(path, text)


def _comparison_values(report: ComparisonReport) -> dict[str, Any]:
    result = report.result
    return {
        "experiment": report.experiment.id,
        "model": report.settings.model.model,
        "round": report.settings.model.round_id,
        "documents": len(report.settings.documents),
        "seeds": len(report.settings.seeds),
        "steps": report.settings.steps,
        "quiz": "gold" if report.has_gold else "self-made",
        "quiz_questions": result.n_quiz,
        "control_questions": result.n_control,
        "left_out": report.left_out,
        "tasks_done": f"{report.n_done}/{len(report.tasks)}",
        "arms": list(_arm_rows(report)),
        "claims": [claim.sentence for claim in result.claims],
        "pairs": [
            {"pair": c.sentence, "p_holm": round(c.p, 4)} for c in result.contrasts
        ],
    }


def _arm_rows(report: ComparisonReport) -> Iterable[dict[str, Any]]:
    for arm in report.result.arms:
        yield {
            "arm": arm.title,
            "seeds": arm.n_seeds,
            **_interval_columns("quiz", arm.quiz),
            "by_seed": " ".join(f"{value:.3f}" for value in arm.by_seed),
            **_interval_columns("control", arm.control),
            **_cost(arm),
        }


def _cost(arm: ArmResult) -> dict[str, Any]:
    drift = arm.cost.forgetting_kl
    return {
        "steps": arm.cost.steps,
        "seconds": round(arm.cost.seconds),
        "tokens": arm.cost.tokens,
        "forgetting_kl": None if drift is None else round(drift, 4),
    }


def _evolution_values(report: EvolutionReport) -> dict[str, Any]:
    return {
        "experiment": report.experiment.id,
        "model": report.settings.model.model,
        "evolution": report.settings.evolution,
        "tasks_done": f"{report.n_done}/{len(report.tasks)}",
        "rounds": [_round_values(row) for row in report.rows],
        "claim": report.sentence,
    }


def _round_values(row: EvolutionRow) -> dict[str, Any]:
    modes: dict[str, float] = {
        mode: round(share.value, 4) for mode, share in row.quiz.items()
    }
    return {
        "round": row.number,
        **modes,
        "control": None if row.control is None else round(row.control.value, 4),
        "items": row.items,
        "kept": None if row.filter is None else f"{row.filter.n_kept}/{row.filter.n}",
        "right_before": row.filter and row.filter.right_before,
        "right_kept": row.filter and row.filter.right_kept,
        "agreement": row.filter and row.filter.agreement,
        "change": None if row.change is None else round(row.change.value, 4),
        "p": None if row.p is None else round(row.p, 4),
        "gate": _GATE[row.keeps],
        "forgetting_kl": row.forgetting_kl,
        "seconds": round(row.seconds),
    }


def _round_rows(report: EvolutionReport) -> Iterable[dict[str, Any]]:
    for row in report.rows:
        for mode, share in row.quiz.items():
            facts = asdict(row.filter) if row.filter else {}
            yield {
                "round": row.number,
                "mode": mode,
                "n": row.n_quiz,
                **_interval_columns("quiz", share),
                **_interval_columns("control", row.control),
                "items": row.items,
                "answers": facts.get("n"),
                "kept": facts.get("n_kept"),
                "right_before": facts.get("right_before"),
                "right_kept": facts.get("right_kept"),
                "agreement": facts.get("agreement"),
                **_interval_columns("change", row.change),
                "p": row.p,
                "gate": _GATE[row.keeps],
                "forgetting_kl": row.forgetting_kl,
                "seconds": round(row.seconds),
            }


def _interval_columns(
    name: str, share: ShareInterval | None
) -> dict[str, float | None]:
    if share is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    numbers = (round(number, 4) for number in (share.value, share.low, share.high))
    return dict(zip((name, f"{name}_low", f"{name}_high"), numbers, strict=True))


def _percent(share: float | None) -> str:
    return "\N{EN DASH}" if share is None else f"{100 * share:.0f} %"

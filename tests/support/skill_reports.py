"""Skill checks that have ended, without a model."""

from dataclasses import replace
from typing import Any

from autolearn.evaluation.skill_report import RightCount, SkillReport, VerdictSkill
from autolearn.models import files as model_files

SHARES = ("questions", "evidence", "verbatim", "open_book", "not_stated", "refinements")


def keep(store, **values):
    """Store the report of a check of the built-in model, with other values."""
    verdicts = VerdictSkill(0.48, 60, 60, 0.5, RightCount(62, 120))
    about = (
        "built-in",
        model_files.digest(model_files.BUILT_IN),
        "nf4",
        "guided",
        None,
    )
    shares: dict[str, Any] = dict.fromkeys(SHARES, RightCount(55, 60))
    report = replace(SkillReport(*about, **shares, verdicts=verdicts), **values)
    store.skills.add(store.runs.create("skills", {"model": None}).id, report.as_dict())

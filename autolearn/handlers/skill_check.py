"""Check the skills of a model, and keep the report."""

from autolearn.core.ports import Backend
from autolearn.core.settings import StudySettings
from autolearn.evaluation import skills
from autolearn.evaluation.skill_report import SkillRunResult
from autolearn.runs.context import RunContext
from autolearn.study.generation import Generator


def check(context: RunContext, backend: Backend) -> SkillRunResult:
    """Measure how well a model does each task of a study."""
    writer = Generator(backend, StudySettings(), context.stop, lambda _: None)
    report = skills.check(writer, context.journal, context.progress)
    context.store.skills.add(context.run.id, report.as_dict())
    return SkillRunResult.of_report(report)

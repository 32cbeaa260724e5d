"""Read the report of an experiment, whatever its kind."""

from autolearn.services.experiments import comparison_report, evolution_report
from autolearn.services.experiments.report_files import Report
from autolearn.store import Store


def report(store: Store, experiment_id: int) -> Report:
    """Return what an experiment has shown so far.

    Raises:
        InputError: There is no such experiment.
    """
    experiment = store.experiments.get(experiment_id)
    if experiment.kind == "compare":
        return comparison_report.report(store, experiment)
    return evolution_report.report(store, experiment)

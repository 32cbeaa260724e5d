"""Compare a study by the engine with the same study through a server.

`python -m benchmarks.served ADDRESS --model FOLDER`: the server at ADDRESS runs the
model of the folder. In turns, both study the first texts of the skill check, each time
in a new workspace. The texts of two engines differ where two tokens are about equally
likely, so what each study made is printed beside its time.
"""

import argparse
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from autolearn.core import server_addresses
from autolearn.core.run_results import StudyResult
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.endpoints.detection import detect
from autolearn.evaluation.skill_items import texts
from autolearn.handlers import model_runs
from autolearn.handlers.models import Models
from autolearn.ingest.importer import TextImporter
from autolearn.ingest.parsing import ImportFile, LocalParser
from autolearn.models import files as model_files
from autolearn.models import token_counting
from autolearn.runs.context import RunContext
from autolearn.services import actions
from autolearn.store import Store
from benchmarks.side_by_side import alternate, report, rows


@dataclass(frozen=True)
class Outcome:
    """What a study made."""

    questions: int
    samples: int
    approvable: int
    """Samples that the default rule would approve."""
    skipped: int
    tokens: int
    """Read and written for what is stored."""


def study(models: Models, settings: ModelSettings, n_texts: int) -> Outcome:
    """Study the first texts of the skill check in a new workspace."""
    with tempfile.TemporaryDirectory() as name, Store.open(Path(name)) as store:
        _add_texts(store, Path(name), n_texts)
        run = actions.study(store, settings, StudySettings(quiz_share=0.0))
        context = RunContext(store, run, lambda: False, lambda *_: None)
        result = model_runs.handlers(models)["study"](context)
        n_tokens = store.runs.n_tokens(run.id)
    assert isinstance(result, StudyResult)
    return Outcome(
        result.questions,
        result.samples,
        result.approvable or 0,
        result.skipped,
        n_tokens,
    )


def _add_texts(store: Store, folder: Path, n_texts: int) -> None:
    count = token_counting.token_counter(model_files.BUILT_IN)
    files = []
    for text in texts()[:n_texts]:
        path = folder / f"{text.number}.md"
        body = f"# {text.title}\n\n{text.passage.text}\n"
        path.write_text(body, encoding="utf-8")
        files.append(ImportFile(path, path.name))
    parser = LocalParser(count, StudySettings.passage_tokens)
    TextImporter(store, parser).import_files(files)


def main() -> int:
    """Measure, compare, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.served")
    parser.add_argument("address", help="http://HOST:PORT/v1#MODEL")
    parser.add_argument("--model", required=True, help="the folder of the same model")
    parser.add_argument("--quantization", choices=("nf4", "none"), default="none")
    parser.add_argument("--texts", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    flags = parser.parse_args()
    program = detect(server_addresses.parse(flags.address)).program
    here = ModelSettings(model=flags.model, quantization=flags.quantization)
    there = ModelSettings(model=flags.address)
    # Each keeps its model: a run on a server frees the memory of the local one.
    arms = alternate(
        {
            "ours": partial(study, Models(), here, flags.texts),
            "server": partial(study, Models(), there, flags.texts),
        },
        flags.repeats,
    )
    outcomes = {name: asdict(arm.result) for name, arm in arms.items()}
    lines = rows(arms, "ours", flags.texts, "texts")
    lines += [f"{name}: {outcome}" for name, outcome in outcomes.items()]
    seconds = {name: arm.seconds for name, arm in arms.items()}
    report(
        f"served-{program}-{Path(flags.model).name}-{flags.quantization}",
        lines,
        {"texts": flags.texts, "seconds": seconds, "outcomes": outcomes},
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

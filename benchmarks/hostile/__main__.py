"""Read all hostile documents and folders: ``python -m benchmarks.hostile``.

Prints a table of time, memory and sentence, and the slowest look into the database
meanwhile. ``--app documents`` lets the app read all of them instead, ``--app folders``
lets a visitor choose them as the model, and prints how fast its page answers others.
``--names`` chooses some of them.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from autolearn.containment import Child, Limits
from autolearn.ingest.parsing import contained_parser
from autolearn.models.files import BUILT_IN
from autolearn.store import Store
from benchmarks.hostile import answers, documents, folders, outcomes
from benchmarks.hostile.outcomes import Outcome

RESULTS = Path(__file__).parents[1] / "results"
LIMITS = Limits(seconds=30.0, memory=4 << 30)
_IN_APP = {
    "documents": answers.while_documents_are_read,
    "folders": answers.while_folders_are_chosen,
}


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile")
    parser.add_argument("--names", default="", help="only names with this pattern")
    parser.add_argument("--seconds", type=float, default=20.0, help="limit for a file")
    parser.add_argument("--app", choices=_IN_APP, help="measure the app's page")
    parser.add_argument("--save", action="store_true", help="keep the table")
    options = parser.parse_args()
    lines = []
    with TemporaryDirectory() as name:
        place = Path(name)
        if options.app:
            rows = _IN_APP[options.app](place, options.names)
        else:
            rows = _table(place, options.names, options.seconds)
        for line in rows:
            lines.append(line)
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    if options.save:
        file = f"hostile-app-{options.app}" if options.app else "hostile"
        (RESULTS / f"{file}.txt").write_text("\n".join(lines) + "\n")


def _table(place: Path, names: str, seconds: float) -> Iterator[str]:
    workspace = place / "workspace"
    with Store.open(workspace) as store, outcomes.page(workspace) as page:
        yield from map(_line, _all(store, place, names, seconds))
    yield f"slowest look into the database: {page.slowest * 1000:.0f} ms"


def _all(store: Store, place: Path, names: str, seconds: float) -> Iterator[Outcome]:
    limits = Limits(seconds)
    with contained_parser(store, BUILT_IN, 320, lambda size: limits) as parser:
        for name, make in documents.ALL.items():
            if re.search(names, name):
                path = place / name
                make(path)
                yield outcomes.of_document(parser, path)
                path.unlink()
    with Child() as child:
        for name, change in {**folders.SEEN, **folders.LOADED}.items():
            if re.search(names, name):
                folder = place / name
                folders.make(folder)
                change(folder)
                if name in folders.SEEN:
                    yield outcomes.of_folder(folder)
                else:
                    yield outcomes.of_loading(child, folder, LIMITS)


def _line(outcome: Outcome) -> str:
    cancel = outcome.cancel_seconds
    return (
        f"{outcome.name:28} {outcome.seconds:6.1f} s {outcome.peak_mib:5} MiB "
        f"{'' if cancel is None else f'{cancel:.1f} s':>6}  "
        f"{outcome.sentence[:160] or 'read'}"
    )


if __name__ == "__main__":
    main()

"""Read all hostile documents and folders: ``python -m benchmarks.hostile``.

Prints a table of time, memory and sentence, and the slowest answer of a page that looks
into its database meanwhile. ``--names`` chooses some of them.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from autolearn.containment import Child, Limits
from autolearn.ingest.parsing import contained_parser
from autolearn.models.files import BUILT_IN
from autolearn.store import Store
from benchmarks.hostile import documents, folders, outcomes
from benchmarks.hostile.outcomes import Outcome

RESULTS = Path(__file__).parents[1] / "results"
PAGE_SECONDS = 0.3
"""How fast the page has to answer."""
LIMITS = Limits(seconds=30.0, memory=4 << 30)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile")
    parser.add_argument("--names", default="", help="only names with this in them")
    parser.add_argument("--seconds", type=float, default=20.0, help="limit for a file")
    parser.add_argument("--save", action="store_true", help="keep the table")
    options = parser.parse_args()
    lines = []
    with TemporaryDirectory() as place:
        workspace = Path(place) / "workspace"
        with Store.open(workspace) as store, outcomes.page(workspace) as page:
            made = Path(place)
            for outcome in _all(store, made, options.names, options.seconds):
                lines.append(_line(outcome))
                sys.stdout.write(lines[-1] + "\n")
                sys.stdout.flush()
    lines.append(f"slowest look into the database: {page.slowest * 1000:.0f} ms")
    sys.stdout.write(lines[-1] + "\n")
    if options.save:
        (RESULTS / "hostile.txt").write_text("\n".join(lines) + "\n")


def _all(store: Store, place: Path, names: str, seconds: float) -> Iterator[Outcome]:
    limits = Limits(seconds)
    with contained_parser(store, BUILT_IN, 320, lambda size: limits) as parser:
        for name, make in documents.ALL.items():
            if names in name:
                path = place / name
                make(path)
                yield outcomes.of_document(parser, path)
                path.unlink()
    with Child() as child:
        for name, change in {**folders.SEEN, **folders.LOADED}.items():
            if names in name:
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

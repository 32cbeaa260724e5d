"""Compare readings with a ground truth: python -m benchmarks.similarity FOLDER.

A folder holds documents and, anywhere below it, their ground truth in Markdown: the
file ``report.pdf.md`` or ``report.md`` for ``report.pdf``, as in the folder
``tests/data`` of docling. No such data is part of this repository.

``words`` is the similarity of the two sequences of words and signs, 0..1: twice the
number of those in common, in order, by the number of all. ``kept`` is the share of the
ground truth that was read, ``true`` the share of the reading that is in the ground
truth, both in any order. They tell a wrong order from lost or added text. ``letters``
compares the pairs of neighbouring letters without white space: it does not depend on
where words are divided, which a ground truth of Korean or Thai may have wrong.
``headings`` counts the headings in common and those of the ground truth.
"""

import argparse
import html
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from statistics import mean

from autolearn.core.errors import InputError
from autolearn.ingest import readers

MOST_WORDS = 8000
"""Words of each text that are compared; the time grows with their square."""
NOTABLE = 0.002
"""A difference of ``words`` that is shown beside an earlier measurement."""

_NOT_TEXT = re.compile(
    r"<!--.*?-->|!\[[^\]]*\]\([^)]*\)|<[^<>]{1,200}>|^\|(?:\s*:?-+:?\s*\|)+$",
    re.DOTALL | re.MULTILINE,
)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_MARKUP = re.compile(r"\\(?=[^\w\s])|[|*#`>~]|^\s*[-+\u2022]\s|-{3,}", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Similarity:
    """What reading a document gives beside its ground truth."""

    words: float
    kept: float
    true: float
    letters: float
    headings: int
    n_headings: int
    seconds: float
    error: str = ""


def main() -> int:
    """Measure each document and print a table, with the mean of each format."""
    parser = argparse.ArgumentParser(prog="benchmarks.similarity")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="part of the names to measure")
    parser.add_argument("--save", type=Path, help="file for the results, JSON")
    parser.add_argument("--before", type=Path, help="results to compare with")
    flags = parser.parse_args()
    before = json.loads(flags.before.read_text()) if flags.before else {}
    results: dict[str, Similarity] = {}
    _say("words kept  true  letters headings")
    for document, truth in pairs(flags.folder):
        name = str(document.relative_to(flags.folder))
        if flags.only in name:
            results[name] = measured(document, truth)
            _say(_row(name, results[name], before.get(name)))
    if not results:
        parser.error(f"{flags.folder} has no document with a ground truth.")
    for line in _means(results, before):
        _say(line)
    if flags.save:
        flags.save.write_text(json.dumps({k: asdict(v) for k, v in results.items()}))
    return 0


def pairs(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the documents in a folder that have a ground truth, and that file."""
    truths: dict[str, Path] = {}
    for file in sorted(folder.rglob("*.md")):
        truths.setdefault(file.name, file)
    for document in sorted(folder.rglob("*")):
        if document.suffix.lower() not in readers.KINDS or document.suffix == ".md":
            continue
        for name in (f"{document.name}.md", f"{document.stem}.md"):
            near = document.parent.parent / "groundtruth" / name
            truth = near if near.exists() else truths.get(name)
            if truth is not None:
                yield document, truth
                break


def measured(document: Path, truth: Path) -> Similarity:
    """Return how similar the reading of a document is to its ground truth."""
    started_at = time.perf_counter()
    error = text = ""
    try:
        source = readers.open_source(document, document.name)
        text = "".join(piece.text for piece in source.pieces if not piece.left_out)
    except InputError as refusal:
        error = str(refusal)
    seconds = time.perf_counter() - started_at
    right = truth.read_text(encoding="utf-8")
    expected, read = words(right), words(text)
    n_common = (Counter(expected) & Counter(read)).total()
    headings = Counter(map(_plain, _HEADING.findall(right)))
    found = Counter(map(_plain, _HEADING.findall(text)))
    matcher = SequenceMatcher(
        None, expected[:MOST_WORDS], read[:MOST_WORDS], autojunk=False
    )
    return Similarity(
        matcher.ratio(),
        n_common / max(1, len(expected)),
        n_common / max(1, len(read)),
        _letters(expected, read),
        (headings & found).total(),
        headings.total(),
        seconds,
        error,
    )


def _letters(expected: list[str], read: list[str]) -> float:
    """Return the share of the pairs of letters that two texts have in common."""
    counts = [Counter(map("".join, pairwise("".join(t)))) for t in (expected, read)]
    n = counts[0].total() + counts[1].total()
    return 2 * (counts[0] & counts[1]).total() / max(1, n)


def words(markdown: str) -> list[str]:
    """Return the words and signs of a text without its markup."""
    text = _LINK.sub(r"\1", _NOT_TEXT.sub(" ", markdown))
    return re.findall(r"\w+|[^\w\s]", _MARKUP.sub(" ", html.unescape(text)))


def _plain(heading: str) -> str:
    return " ".join(words(heading)).lower()


def _row(name: str, result: Similarity, before: dict[str, float] | None) -> str:
    row = f"{result.words:.3f} {result.kept:.3f} {result.true:.3f} "
    row += f"{result.letters:.3f} {result.headings:3}/{result.n_headings:<3} "
    row += f"{result.seconds:6.1f} s  {name}"
    changes = [
        f"{measure} was {before[measure]:.3f}"
        for measure in ("words", "letters")
        if before and abs(before[measure] - getattr(result, measure)) >= NOTABLE
    ]
    row += f"  ({', '.join(changes)})" if changes else ""
    return row + (f"  {result.error}" if result.error else "")


def _means(
    results: dict[str, Similarity], before: dict[str, dict[str, float]]
) -> Iterator[str]:
    formats = sorted({Path(name).suffix.lower() for name in results})
    for suffix in formats:
        names = [name for name in results if Path(name).suffix.lower() == suffix]
        own = [results[name] for name in names]
        row = f"{mean(x.words for x in own):.3f} {mean(x.kept for x in own):.3f} "
        row += f"{mean(x.true for x in own):.3f} {mean(x.letters for x in own):.3f} "
        row += f"{sum(x.headings for x in own):3}/"
        row += f"{sum(x.n_headings for x in own):<3} mean of {len(own)} {suffix}"
        known = [before[name] for name in names if name in before]
        if known:
            row += f"  (was {mean(x['words'] for x in known):.3f}, "
            row += f"letters {mean(x['letters'] for x in known):.3f})"
        yield row


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

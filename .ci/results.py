"""Write docs/results.md from the result files in docs/results: python .ci/results.py.

A file is what ``compare --json`` or ``evolve --json`` has printed, with the command and
the machine that made it: ``{"command": ..., "machine": ..., "note": ..., "result":
...}``.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FILES = ROOT / "docs" / "results"
PAGE = ROOT / "docs" / "results.md"
HEAD = """# Results of experiments

Written by `python .ci/results.py` from the files in [results/](results/); do not edit.
The arms and columns are explained in [evaluation.md](evaluation.md#experiments).
Shares have 95 % intervals over questions and seeds.
"""
NOTHING = "\N{EN DASH}"
MODES = {
    "closed_book": "quiz",
    "refined": "with self-refinement",
    "consistent": "with self-consistency",
}

Values = dict[str, Any]


def render(files: Iterable[Path]) -> str:
    """Return the page for some result files."""
    return HEAD + "".join(_section(path) for path in files)


def _section(path: Path) -> str:
    entry = json.loads(path.read_text(encoding="utf-8"))
    result: Values = entry["result"]
    table = _comparison(result) if "arms" in result else _evolution(result)
    title = path.stem.replace("-", " ").capitalize()
    note = f"{entry['note']}\n\n" if entry.get("note") else ""
    file = f"[{path.name}](results/{path.name})"
    return (
        f"\n## {title}\n\n"
        f"`{entry['command']}`, {entry['machine']}. "
        f"Tasks done: {result['tasks_done']}. File: {file}.\n"
        f"\n{note}{table}"
    )


def _comparison(result: Values) -> str:
    heads = "arm", "seeds", "quiz", "control", "KL", "steps", "minutes", "tokens"
    rows = (
        (
            arm["arm"],
            arm["seeds"],
            _share(arm, "quiz"),
            _share(arm, "control"),
            _number(arm["forgetting_kl"], "{:.2f}"),
            arm["steps"] or NOTHING,
            _number(arm["seconds"] / 60, "{:.1f}") if arm["steps"] else NOTHING,
            _number(arm["tokens"] or None, "{:,}"),
        )
        for arm in result["arms"]
    )
    claims = "".join(f"- {claim}\n" for claim in result["claims"])
    questions = (
        f"{result['quiz_questions']} quiz questions ({result['quiz']}), "
        f"{result['control_questions']} control questions.\n\n"
    )
    return f"{questions}{_table(heads, rows)}\n{claims}"


def _evolution(result: Values) -> str:
    modes = [mode for mode in MODES if any(mode in row for row in result["rounds"])]
    heads = (
        "round",
        *(MODES[mode] for mode in modes),
        "control",
        "items",
        "kept by the filter",
        "right before → after the filter",
        "KL",
        "gate",
    )
    rows = (
        (
            row["round"],
            *(_percent(row.get(mode)) for mode in modes),
            _percent(row["control"]),
            row["items"] or NOTHING,
            row["kept"] or NOTHING,
            " → ".join(_percent(row[name]) for name in ("right_before", "right_kept")),
            _number(row["forgetting_kl"], "{:.2f}"),
            row["gate"] or NOTHING,
        )
        for row in result["rounds"]
    )
    return f"{_table(heads, rows)}\n{result['claim']}\n"


def _share(arm: Values, name: str) -> str:
    if arm[name] is None:
        return NOTHING
    low, high = (_percent(arm[f"{name}_{end}"]) for end in ("low", "high"))
    return f"{_percent(arm[name])} ({low} to {high})"


def _percent(share: float | None) -> str:
    return _number(None if share is None else 100 * share, "{:.1f} %")


def _number(value: float | None, form: str) -> str:
    return NOTHING if value is None else form.format(value)


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in row)} |\n" for row in lines)


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(sorted(FILES.glob("*.json"))), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The options and arguments of the commands without a separate module."""

from argparse import ArgumentParser
from pathlib import Path

from autolearn.cli import document_commands, experiment_commands
from autolearn.cli.common import (
    add_documents,
    add_files,
    add_general_knowledge,
    add_method,
    add_round,
    add_setting,
    add_settings,
)
from autolearn.core.flags import flag_name
from autolearn.core.methods import METHODS
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.ingest import quiz_files
from autolearn.study.rules import RULES
from autolearn.training import presets

_LAST_USED = " (default: the model that was used last in the workspace)"


def model(parser: ArgumentParser, *, with_round: bool = True) -> None:
    """Add the options that choose a model."""
    notes = ModelSettings.help()
    parser.add_argument("--model", help=notes["model"] + _LAST_USED)
    parser.add_argument(
        "--quantization",
        help=f"{notes['quantization']} (default: {ModelSettings.quantization}; without "
        "--model, as the model used last)",
    )
    if with_round:
        parser.add_argument(
            "--round", type=int, metavar="N", help="attach the adapter of this round"
        )


def demo(parser: ArgumentParser) -> None:
    """Add what ``demo`` takes."""
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="generate a new library that the built-in model has never seen "
        "(default: the library that comes with autolearn)",
    )
    add_round(parser)


def add(parser: ArgumentParser) -> None:
    """Add what ``add`` takes."""
    add_files(parser, "*")
    gold = quiz_files.FORMATS
    parser.add_argument("--quiz", type=Path, metavar="FILE", help=f"a quiz: {gold}")
    parser.add_argument(
        "--control", type=Path, metavar="FILE", help=f"a control set: {gold}"
    )
    add_general_knowledge(parser)
    parser.add_argument(
        "--instructions",
        type=Path,
        metavar="FILE",
        help="JSON lines with the field prompt: instructions that need no text (SELF)",
    )
    parser.add_argument(
        "--corpus",
        metavar="FILE",
        help="gold examples for meta-skill rounds: SQuAD-style JSON, or JSON lines of "
        "texts with questions and answers; invented: examples of the invented world",
    )
    parser.add_argument(
        "--licence",
        default="",
        metavar="TEXT",
        help="a note on licence and origin, stored with the corpus",
    )
    parser.add_argument(
        "--model",
        help="its tokenizer measures the passages" + _LAST_USED,
    )
    add_setting(parser, StudySettings, "passage_tokens")
    document_commands.add_reading_options(parser)


def corpora(parser: ArgumentParser) -> None:
    """Add what ``corpora`` takes."""
    for option, meaning in (
        ("--leave-out", "exclude this corpus from rounds"),
        ("--use", "include this corpus again"),
        ("--remove", "remove this corpus"),
    ):
        parser.add_argument(
            option, type=int, action="append", metavar="N", help=meaning
        )


def study(parser: ArgumentParser) -> None:
    """Add what ``study`` takes."""
    model(parser)
    add_documents(parser)
    parser.add_argument(
        "--instructions",
        action="store_true",
        help="study the instructions, and no text unless --document is given",
    )
    add_settings(parser, StudySettings, ["passage_tokens"])


def samples(parser: ArgumentParser) -> None:
    """Add what ``samples`` takes."""
    parser.add_argument(
        "--state", choices=("pending", "approved", "rejected"), help="only these"
    )
    parser.add_argument("--flag", type=flag_name, help="only samples with this flag")
    parser.add_argument(
        "--search", metavar="WORDS", help="only samples with these words"
    )
    _add_limit(parser, 20, "samples")


def _ids(parser: ArgumentParser, nargs: str = "+") -> None:
    parser.add_argument(
        "ids", nargs=nargs, type=int, metavar="ID", help="id of a sample"
    )


def approve(parser: ArgumentParser) -> None:
    """Add what ``approve`` takes."""
    _ids(parser, "*")
    rules = "; ".join(f"{rule.name}: {rule.meaning}" for rule in RULES.values())
    parser.add_argument("--rule", choices=RULES, help=rules)


def reject(parser: ArgumentParser) -> None:
    """Add what ``reject`` takes."""
    _ids(parser)
    parser.add_argument("--reason", default="", help="why they are rejected")


def edit(parser: ArgumentParser) -> None:
    """Add what ``edit`` takes."""
    parser.add_argument("id", type=int, metavar="ID", help="id of a sample")
    parser.add_argument("--answer", metavar="TEXT", help="the answer to be learned")
    parser.add_argument("--refined", metavar="TEXT", help="the corrected refinement")
    parser.add_argument("--feedback", metavar="TEXT", help="the corrected feedback")


def train(parser: ArgumentParser) -> None:
    """Add what ``train`` takes."""
    model(parser, with_round=False)
    parser.add_argument("--parent", type=int, metavar="N", help="continue this round")
    parser.add_argument(
        "--other-models",
        action="store_true",
        help="also learn from approved samples that were measured with another model",
    )
    with_corpora = [name for name, method in METHODS.items() if method.uses_corpora]
    parser.add_argument(
        "--corpus",
        action="append",
        metavar="NAME",
        help=f"for {', '.join(with_corpora)}: a corpus of the library, invented, or a "
        "file of JSON lines with prompt, response, feedback, refinement, not for pairs "
        "(default: all corpora in use)",
    )
    add_method(parser)
    add_settings(parser, TrainSettings, ["method"], by_size=presets.NAMES)


def quiz(parser: ArgumentParser) -> None:
    """Add what ``quiz`` takes."""
    model(parser)
    parser.add_argument(
        "--open-book", action="store_true", help="also ask with the passage in view"
    )


def chat(parser: ArgumentParser) -> None:
    """Add what ``chat`` takes."""
    parser.add_argument("question", nargs="+", help="your question")
    parser.add_argument(
        "--refine",
        action="store_true",
        help="let the model check its answer and write it again",
    )
    model(parser)


def download(parser: ArgumentParser) -> None:
    """Add what ``download`` takes."""
    parser.add_argument(
        "name", metavar="ORG/NAME", help="as on its hub page, or ORG/NAME/FILE.gguf"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only show its size, licence and files"
    )


def run(parser: ArgumentParser) -> None:
    """Add what ``run`` takes."""
    model(parser, with_round=False)
    experiment_commands.add_run(parser)
    add_settings(parser, StudySettings, ["passage_tokens"])


def compare(parser: ArgumentParser) -> None:
    """Add what ``compare`` takes."""
    model(parser)
    experiment_commands.add_compare(parser)


def evolve(parser: ArgumentParser) -> None:
    """Add what ``evolve`` takes."""
    model(parser)
    experiment_commands.add_evolve(parser)


def runs(parser: ArgumentParser) -> None:
    """Add what ``runs`` takes."""
    _add_limit(parser, 50, "runs")
    parser.add_argument(
        "--price",
        nargs=3,
        metavar=("PROMPT", "ANSWER", "CURRENCY"),
        help="of a million tokens of prompts and of answers on the server that was "
        "used last, such as 0.5 2 EUR; it is kept",
    )


def _add_limit(parser: ArgumentParser, default: int, what: str) -> None:
    parser.add_argument(
        "--limit",
        type=int,
        default=default,
        metavar="N",
        help=f"maximum number of {what} to list (default: {default})",
    )


def resume(parser: ArgumentParser) -> None:
    """Add what ``resume`` takes."""
    parser.add_argument(
        "run", nargs="?", type=int, help="default: the newest unfinished run"
    )
    parser.add_argument(
        "--devices", type=int, metavar="N", help="continue a training on N devices"
    )


def cancel(parser: ArgumentParser) -> None:
    """Add what ``cancel`` takes."""
    parser.add_argument("run", nargs="?", type=int, help="default: the one in progress")

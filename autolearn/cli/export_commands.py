"""The commands ``export``, which writes files, and ``offer``, which loads a round."""

from argparse import ArgumentParser
from pathlib import Path

from autolearn.cli import arguments
from autolearn.cli.common import (
    Args,
    Result,
    finish,
    model_of,
    open_existing,
    refuse_options,
)
from autolearn.cli.terminal import warn
from autolearn.core.methods import METHODS, method_name
from autolearn.core.run_settings import SampleScope
from autolearn.core.settings import TrainSettings
from autolearn.services import export_actions
from autolearn.services.export_actions import ExportSource

_WITHOUT_ROUND = ("model", "quantization", "method", "other_models")
"""The options that say what is exported if no round is named."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of ``export``."""
    parser.add_argument(
        "what",
        choices=export_actions.EXPORTS,
        help="samples or items as JSON lines, weights, or a folder with data and "
        "configuration for the trainer of this name",
    )
    parser.add_argument("target", type=Path, help="the file, or the new folder")
    parser.add_argument(
        "--round",
        type=int,
        metavar="N",
        help="the round whose items or weights are exported; without it, a trainer's "
        "folder is of the round that would be trained now",
    )
    arguments.model(parser, with_round=False)
    parser.add_argument(
        "--method",
        type=method_name,
        default=TrainSettings.method,
        choices=METHODS,
        help="method of the round that would be trained now",
    )
    parser.add_argument(
        "--other-models",
        action="store_true",
        help="also the samples that were measured with other models",
    )


def export(args: Args) -> Result:
    """Write samples, items, weights or a folder for another trainer."""
    if args.round is not None:
        reason = f"Round {args.round} is exported as it was trained"
        refuse_options(args, _WITHOUT_ROUND, reason)
    with open_existing(args) as store:
        source = None
        if args.round is None:
            scope = SampleScope() if args.other_models else None
            source = ExportSource(model_of(store, args), scope, args.method)
        run = export_actions.export(store, args.what, args.target, args.round, source)
        return finish(store, run, "export", quiet=args.json).result


def add_offer(parser: ArgumentParser) -> None:
    """Add the arguments of ``offer``."""
    parser.add_argument("server", help="its address, such as http://127.0.0.1:8000/v1")
    parser.add_argument(
        "--round", type=int, metavar="N", required=True, help="the round"
    )


def offer(args: Args) -> Result:
    """Let a server load the adapter of a round; show how it is chosen there."""
    with open_existing(args) as store:
        adapter = export_actions.offer(store, args.round, args.server)
    if adapter.note:
        warn(adapter.note)
    return {"model": adapter.address}

"""The command ``quizzes``: the questions, their scoring, exclusions and the lock."""

from argparse import ArgumentParser

from autolearn.cli.common import Args, Result
from autolearn.evaluation.scoring import SCORERS
from autolearn.services import gold_actions, quiz_actions
from autolearn.store import Store


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    lock = parser.add_mutually_exclusive_group()
    lock.add_argument(
        "--lock",
        action="store_true",
        help="keep later studies and imports from adding questions",
    )
    lock.add_argument(
        "--unlock", action="store_true", help="let them add questions again"
    )
    parser.add_argument(
        "--accept",
        nargs=2,
        action="append",
        default=[],
        metavar=("ID", "ANSWER"),
        help="accept another right answer to this question",
    )
    meanings = "; ".join(f"{name}: {meaning}" for name, meaning in SCORERS.items())
    parser.add_argument(
        "--scorer",
        nargs=2,
        action="append",
        default=[],
        metavar=("ID", "SCORER"),
        help=f"how the answers to this question are scored; {meanings}",
    )
    parser.add_argument(
        "--add",
        nargs=2,
        action="append",
        default=[],
        metavar=("QUESTION", "ANSWER"),
        help="add a question of your own to the quiz",
    )
    parser.add_argument(
        "--leave-out",
        action="append",
        default=[],
        metavar="ID",
        help="no longer ask this question; earlier results keep it",
    )
    parser.add_argument(
        "--use",
        action="append",
        default=[],
        metavar="ID",
        help="ask a question again that was left out",
    )


def change(store: Store, args: Args) -> Result:
    """Change what is asked for; return the questions with their version."""
    for number, answer in args.accept:
        quiz_actions.accept(store, _id(number), answer)
    for number, scorer in args.scorer:
        quiz_actions.set_scorer(store, _id(number), scorer)
    for text, answer in args.add:
        gold_actions.add_question(store, text, answer, "quiz")
    for number in args.leave_out:
        quiz_actions.set_excluded(store, _id(number), excluded=True)
    for number in args.use:
        quiz_actions.set_excluded(store, _id(number), excluded=False)
    if args.lock or args.unlock:
        quiz_actions.set_locked(store, locked=args.lock)
    version = store.quizzes.newest()
    return {
        "version": version and version.version,
        "locked": bool(version and version.locked),
        "questions": quiz_actions.question_rows(store),
    }


def _id(text: str) -> int:
    """Return the id of a question; 0, which no question has, if it is not a number."""
    return int(text) if text.isdecimal() else 0

"""Flags of questions, answers and samples: what each means and how severe it is.

Curation, the page and the queries read this table. The values are stored in databases
and exported files. Renaming one needs a migration and an entry in ``_OLD_FLAGS``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Flag = Literal[
    "disputed",
    "contradicts_open_book",
    "check_failed",
    "no_refinement",
    "unreliable_model",
    "not_open_book",
    "answers_differ",
    "copies_sentence",
    "short_answer",
    "from_open_book",
    "no_evidence",
    "reworded_quote",
    "unanswerable",
    "too_long",
    "other_meaning",
    "duplicate",
    "not_self_contained",
    "same_fact",
]
Severity = Literal["unfit", "doubtful", "note"]
"""``unfit``: no rule approves such a sample. ``doubtful``: to be checked before it
is learned. ``note``: says how it was made.
"""


@dataclass(frozen=True)
class FlagInfo:
    """The meaning of a flag."""

    label: str
    """In a few words, as a badge shows it."""
    meaning: str
    """In one sentence."""
    severity: Severity


FLAGS: Mapping[Flag, FlagInfo] = {
    "disputed": FlagInfo(
        "word overlap and verdict disagree",
        "The words of the answers and the model's verdict disagree about whether there "
        "is a gap.",
        "doubtful",
    ),
    "contradicts_open_book": FlagInfo(
        "refinement not supported by the text",
        "The refined answer does not say what the open-book answer says.",
        "doubtful",
    ),
    "check_failed": FlagInfo(
        "second check failed",
        "The refined answer did not pass its second check.",
        "doubtful",
    ),
    "no_refinement": FlagInfo(
        "no refinement",
        "There is a gap, but the model gave no refined answer, or repeated its "
        "closed-book answer.",
        "doubtful",
    ),
    "unreliable_model": FlagInfo(
        "unreliable model",
        "In its skill check the model was wrong more often than right, in its own "
        "questions or in its open-book answers; of a round without a check, that of "
        "the model that it continues counts.",
        "doubtful",
    ),
    "not_open_book": FlagInfo(
        "refined in other words",
        "The refined answer is not word for word the open-book answer.",
        "note",
    ),
    "answers_differ": FlagInfo(
        "answer not confirmed",
        "The open-book answer does not contain the short answer that the question was "
        "made from.",
        "unfit",
    ),
    "copies_sentence": FlagInfo(
        "answer copies its sentence",
        "The open-book answer is a long sentence of the text, word for word, so it may "
        "not answer the question.",
        "unfit",
    ),
    "short_answer": FlagInfo(
        "short answer",
        "The full open-book answer was a long sentence of the text, or did not state "
        "its short answer, which is used instead; or it named some of the persons "
        "asked for, and all are given.",
        "note",
    ),
    "from_open_book": FlagInfo(
        "open-book answer",
        "The refinement failed, so the open-book answer is what may be learned.",
        "note",
    ),
    "no_evidence": FlagInfo(
        "no evidence",
        "No place in the text supports the open-book answer.",
        "unfit",
    ),
    "reworded_quote": FlagInfo(
        "inexact quote",
        "The quote does not occur word for word in the text.",
        "note",
    ),
    "unanswerable": FlagInfo(
        "not in the text",
        "The model says that the text does not contain the answer.",
        "unfit",
    ),
    "too_long": FlagInfo(
        "cut off",
        "The answer reached its maximum length and was cut off.",
        "unfit",
    ),
    "other_meaning": FlagInfo(
        "rewording means something else",
        "The reworded question has another answer.",
        "note",
    ),
    "duplicate": FlagInfo(
        "near-duplicate question",
        "Nearly the same question was asked before about this passage.",
        "note",
    ),
    "not_self_contained": FlagInfo(
        "not self-contained",
        "The question cannot be understood without its text.",
        "unfit",
    ),
    "same_fact": FlagInfo(
        "same fact as another",
        "Another question about this passage has the same answer.",
        "note",
    ),
}
"""All flags; what matters most comes first."""

assert FLAGS.keys() == set(get_args(Flag))

UNFIT = frozenset(flag for flag, info in FLAGS.items() if info.severity == "unfit")
"""Flags of samples that should teach nothing."""
DOUBTFUL = UNFIT | {flag for flag, info in FLAGS.items() if info.severity == "doubtful"}
"""Flags of samples that should be checked before anything is learned from them."""


_OLD_FLAGS: Mapping[str, Flag] = {"strays": "contradicts_open_book"}
"""Names of earlier versions; old commands have them."""


def flag_name(name: str) -> str:
    """Return the name of a flag, which may be that of an earlier version."""
    return _OLD_FLAGS.get(name, name)


def true_flags(conditions: Mapping[Flag, bool]) -> tuple[Flag, ...]:
    """Return the flags whose condition holds, in the order given."""
    return tuple(flag for flag, holds in conditions.items() if holds)

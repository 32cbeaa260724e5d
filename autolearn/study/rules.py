"""Named, readable rules that decide which samples may be learned.

A rule only proposes decisions; they are stored with the rule's name, like
those of a person, and can be undone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autolearn.core.errors import InputError
from autolearn.core.flags import UNFIT, Flag
from autolearn.core.records import Decision, Sample


@dataclass(frozen=True)
class Rule:
    """A rule by name, in words, and as a test of one sample."""

    name: str
    meaning: str
    accepts: Callable[[Sample], bool]


_UNRELIABLE: frozenset[Flag] = frozenset(
    {"no_refinement", "check_failed", "contradicts_open_book", "unreliable_model"}
)
DEFAULT_REFUSES = UNFIT | _UNRELIABLE
"""Flags of which a sample must have none to be approved by the default rule."""


def _is_fit(sample: Sample) -> bool:
    return not UNFIT & set(sample.flags)


def _default(sample: Sample) -> bool:
    return sample.gap and not DEFAULT_REFUSES & set(sample.flags)


RULES = {
    rule.name: rule
    for rule in (
        Rule(
            "default",
            "no unfit flag, a gap, a refinement that passes its second check and says "
            "what the open-book answer says, or has been replaced by it, and a model "
            "that its skill check does not find unreliable",
            _default,
        ),
        Rule(
            "strict",
            "as default; in addition the learned answer is the open-book answer word "
            "for word, and word overlap and verdict do not disagree",
            lambda s: _default(s) and not {"not_open_book", "disputed"} & set(s.flags),
        ),
        Rule(
            "open-book",
            "every gap without an unfit flag, regardless of second and skill check",
            lambda s: s.gap and _is_fit(s),
        ),
        Rule(
            "all-pairs",
            "every sample without an unfit flag, with a gap or not: Autonomous "
            "Learning as published",
            _is_fit,
        ),
    )
}


def rule(name: str) -> Rule:
    """Return the rule of this name.

    Raises:
        InputError: There is none.
    """
    if name not in RULES:
        names = ", ".join(RULES)
        raise InputError(f"There is no rule {name!r}; choose one of {names}.")
    return RULES[name]


def approvals(rule: Rule, samples: Sequence[Sample]) -> list[Decision]:
    """Return an approval for each pending sample that the rule accepts."""
    return [
        Decision(sample.id, "approve", f"rule:{rule.name}", rule.meaning)
        for sample in samples
        if sample.state == "pending" and rule.accepts(sample)
    ]

"""Statistics of the arms of a comparison, and the papers' claims that they decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from autolearn.core.experiments import ARMS, Arm
from autolearn.evaluation import resampling
from autolearn.evaluation.resampling import Outcomes

POINTS = 100.0
ALPHA = 0.05
"""Level of the tests that decide claims."""


@dataclass(frozen=True)
class Cost:
    """The cost of an arm, as a mean over its seeds."""

    seconds: float = 0.0
    """Of its own runs, without what all arms share."""
    steps: int = 0
    tokens: int = 0
    """Read and written by its trainings and studies, about."""
    forgetting_kl: float | None = None
    """KL(base || round) per token on the drift probe, in nats."""


@dataclass(frozen=True)
class ArmOutcome:
    """The answers of an arm: for each seed, which questions were right."""

    arm: Arm
    quiz: Sequence[Mapping[int, bool]]
    control: Sequence[Mapping[int, bool]] = ()
    cost: Cost = field(default_factory=Cost)


@dataclass(frozen=True)
class ShareInterval:
    """A share of right answers with its 95 % interval, 0..1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ArmResult:
    """One row of a comparison."""

    arm: Arm
    n_seeds: int
    quiz: ShareInterval
    by_seed: tuple[float, ...]
    control: ShareInterval | None
    cost: Cost

    @property
    def title(self) -> str:
        """Return the name of the arm."""
        return ARMS[self.arm].title


@dataclass(frozen=True)
class Contrast:
    """How two arms differ on the same questions."""

    arm: Arm
    other: Arm
    change: ShareInterval
    """The share of ``arm`` less that of ``other``, -1..1."""
    p: float
    """Of the sign-flip test, corrected for the number of pairs (Holm)."""
    p_alone: float
    """The same, not corrected."""

    @property
    def sentence(self) -> str:
        """Return the difference in words."""
        change = self.change
        return (
            f"{ARMS[self.arm].title} over {ARMS[self.other].title}: "
            f"{_points(change.value)} points ({_points(change.low)} to "
            f"{_points(change.high)})"
        )


@dataclass(frozen=True)
class Claim:
    """A claim of a paper, and what the comparison says of it."""

    source: str
    text: str
    contrast: Contrast
    p: float
    """Of the sign-flip test, corrected for the number of claims (Holm)."""

    @property
    def outcome(self) -> str:
        """Return ``holds``, ``contradicted`` or ``open``.

        A claim is decided only if the interval excludes 0 and the corrected test
        agrees: several claims are tested at once.
        """
        change = self.contrast.change
        if self.p >= ALPHA or change.low <= 0 <= change.high:
            return "open"
        return "holds" if change.low > 0 else "contradicted"

    @property
    def sentence(self) -> str:
        """Return the claim with the numbers that decide it."""
        verdict = {
            "holds": "holds here",
            "contradicted": "is contradicted here",
            "open": "is not decided here",
        }[self.outcome]
        return f"{self.text} {verdict}. {self.contrast.sentence}, p = {self.p:.4f}."


_AL, _SELF, _OURS = "arXiv 2406.00606", "arXiv 2310.00533", "autolearn"
_CLAIMS: tuple[tuple[str, Arm, Arm, str], ...] = (
    (_AL, "al12", "cpt", "“Autonomous Learning beats continued pre-training”"),
    (_AL, "al12", "sft", "“Autonomous Learning beats supervised fine-tuning”"),
    (_AL, "al12", "pairs", "“Autonomous Learning beats SFT on people's pairs”"),
    (_AL, "al12", "retrieval", "“Autonomous Learning beats retrieval”"),
    (_AL, "al12", "al1", "“The preference stage adds to the first stage”"),
    (_SELF, "refined_sft", "sft", "“Filtered refinements beat unfiltered answers”"),
    (_OURS, "refined_sft", "cpt", "“Both papers combined beat continued pre-training”"),
    (
        _OURS,
        "refined_sft",
        "placebo",
        "“The gain comes from the texts, not from the format”",
    ),
)


@dataclass(frozen=True)
class ArmComparison:
    """All results of a comparison so far."""

    n_quiz: int
    """Questions that every arm was asked."""
    n_control: int
    arms: tuple[ArmResult, ...]
    contrasts: tuple[Contrast, ...]
    claims: tuple[Claim, ...]
    questions: tuple[int, ...] = ()
    """The ids of these questions."""


def compare(outcomes: Sequence[ArmOutcome]) -> ArmComparison:
    """Return the results of the measured arms, over the questions asked of all."""
    quiz_ids = _shared([row for arm in outcomes for row in arm.quiz])
    control_ids = _shared([row for arm in outcomes for row in arm.control])
    if not quiz_ids:
        return ArmComparison(0, len(control_ids), (), (), ())
    matrices = {arm.arm: _matrix(arm.quiz, quiz_ids) for arm in outcomes}
    results = tuple(_result(arm, matrices[arm.arm], control_ids) for arm in outcomes)
    contrasts = _contrasts(matrices)
    return ArmComparison(
        len(quiz_ids),
        len(control_ids),
        results,
        contrasts,
        _claims(contrasts),
        tuple(quiz_ids),
    )


def _shared(rows: Sequence[Mapping[int, bool]]) -> list[int]:
    if not rows:
        return []
    return sorted(set(rows[0]).intersection(*rows[1:]))


def _matrix(rows: Sequence[Mapping[int, bool]], ids: Sequence[int]) -> Outcomes:
    return np.array([[float(row[i]) for i in ids] for row in rows])


def _result(
    outcome: ArmOutcome, quiz: Outcomes, control_ids: Sequence[int]
) -> ArmResult:
    control = None
    if control_ids and outcome.control:
        control = _share(_matrix(outcome.control, control_ids))
    by_seed = tuple(float(value) for value in quiz.mean(axis=1))
    return ArmResult(
        outcome.arm, len(quiz), _share(quiz), by_seed, control, outcome.cost
    )


def _share(outcomes: Outcomes) -> ShareInterval:
    return ShareInterval(float(outcomes.mean()), *resampling.share(outcomes))


def _contrasts(matrices: Mapping[Arm, Outcomes]) -> tuple[Contrast, ...]:
    """Return all pairs of arms, the later one over the earlier."""
    pairs = [(b, a) for a, b in combinations(matrices, 2)]
    p_values = [resampling.sign_flip(matrices[a], matrices[b]) for a, b in pairs]
    corrected_p_values = resampling.holm(p_values)
    return tuple(
        Contrast(a, b, _difference(matrices[a], matrices[b]), p, p_alone)
        for (a, b), p, p_alone in zip(pairs, corrected_p_values, p_values, strict=True)
    )


def _difference(a: Outcomes, b: Outcomes) -> ShareInterval:
    change = float(a.mean() - b.mean())
    return ShareInterval(change, *resampling.difference(a, b))


def _claims(contrasts: Sequence[Contrast]) -> tuple[Claim, ...]:
    """Return the claims about arms that there are.

    They were stated before any result, so their tests are corrected for their own
    number, and not for that of all pairs.
    """
    by_pair = {(c.arm, c.other): c for c in contrasts}
    by_pair |= {(c.other, c.arm): _reversed(c) for c in contrasts}
    claims = [claim for claim in _CLAIMS if claim[1:3] in by_pair]
    pairs = [by_pair[arm, other] for _, arm, other, _ in claims]
    p_values = resampling.holm([contrast.p_alone for contrast in pairs])
    return tuple(
        Claim(source, text, contrast, p)
        for (source, _, _, text), contrast, p in zip(
            claims, pairs, p_values, strict=True
        )
    )


def _reversed(contrast: Contrast) -> Contrast:
    change = contrast.change
    opposite = ShareInterval(-change.value, -change.high, -change.low)
    return replace(contrast, arm=contrast.other, other=contrast.arm, change=opposite)


def _points(share: float) -> str:
    return f"{POINTS * share:+.1f}".replace("-", "\N{MINUS SIGN}")

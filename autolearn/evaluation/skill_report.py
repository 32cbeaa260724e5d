"""The report of a skill check, and how a study uses it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import ClassVar, Self

from autolearn.core.codec import JsonRecord
from autolearn.core.records import RunKind
from autolearn.core.run_results import RunResult
from autolearn.core.server_addresses import is_server
from autolearn.evaluation import statistics
from autolearn.store import Store
from autolearn.study.protocol import PROTOCOLS

LEAST_AUC = 0.7
"""AUC from which verdicts are used."""
CHANCE_AUC = 0.6
"""AUC below which verdicts are called chance."""
LEAST_SHARE = 0.6
"""Share of right results below which a skill is weak."""


@dataclass(frozen=True)
class RightCount:
    """How many of ``n`` results are right."""

    right: int
    n: int

    @property
    def value(self) -> float:
        """Return the share, 0..1; 0 without results."""
        return self.right / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the share (Wilson score)."""
        return statistics.wilson(self.right, self.n)

    @property
    def is_weak(self) -> bool:
        """Return whether the skill should be taught first."""
        return self.value < LEAST_SHARE

    @property
    def is_mostly_wrong(self) -> bool:
        """Return whether more results are wrong than right, beyond chance."""
        return self.n > 0 and self.interval[1] < 0.5


@dataclass(frozen=True)
class VerdictSkill:
    """How well P(correct) separates right answers from wrong ones."""

    auc: float
    """Probability that a right answer gets a higher P(correct) than a wrong one."""
    n_right: int
    n_wrong: int
    threshold: float
    """The P(correct) from which a verdict is best taken as correct."""
    accuracy: RightCount
    """Right verdicts at this threshold, which was chosen on the same data."""

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the AUC."""
        return statistics.auc(self.auc, self.n_right, self.n_wrong)

    @property
    def is_usable(self) -> bool:
        """Return whether the verdicts are good enough to be used."""
        return self.auc >= LEAST_AUC


@dataclass(frozen=True)
class SkillReport(JsonRecord):
    """The skills of a model that a study needs."""

    model: str
    model_digest: str
    quantization: str
    protocol: str
    round_id: int | None
    questions: RightCount
    """Questions that are clear by themselves and pass the round trip."""
    evidence: RightCount
    """Quotes within the gold sentence that contain the gold value."""
    verbatim: RightCount
    """Quotes that occur in the text word for word."""
    open_book: RightCount
    """Open-book answers that contain the gold value."""
    not_stated: RightCount
    """Answers that say so if the text does not have the answer."""
    refinements: RightCount
    """Refinements of a wrong answer that contain the gold value."""
    verdicts: VerdictSkill


MEANINGS = {
    "questions": (
        "Questions",
        "it asks questions that stand alone and that the text answers",
    ),
    "evidence": ("Evidence", "it quotes the sentence that holds the answer"),
    "verbatim": ("Word for word", "its quotes are in the text word for word"),
    "open_book": ("Open-book answers", "it answers correctly with the text in view"),
    "not_stated": (
        "Not stated",
        "it says so when the text does not contain the answer",
    ),
    "verdicts": (
        "Verdicts (AUC)",
        "it distinguishes correct from incorrect answers; 0.5 is chance",
    ),
    "refinements": ("Refinements", "it corrects a wrong answer"),
}
"""The title and the meaning of each skill."""
SHARES = tuple(name for name in MEANINGS if name != "verdicts")


@dataclass(frozen=True)
class SkillRow:
    """One skill of a report, for display."""

    name: str
    title: str
    meaning: str
    value: float
    """The value, 0..1."""
    share_text: str
    """The value as text."""
    n: int
    interval: tuple[float, float]
    least: float
    """The value below which the skill is weak."""
    is_area: bool = False
    """Whether the value is an AUC and not a share."""

    @property
    def is_weak(self) -> bool:
        """Return whether the skill should be taught first."""
        return self.value < self.least


def rows(report: SkillReport) -> list[SkillRow]:
    """Return the skills of a report, in the order of a study."""
    skill_rows = []
    for name, labels in MEANINGS.items():
        skill: RightCount | VerdictSkill = getattr(report, name)
        if isinstance(skill, VerdictSkill):
            n, value, least = skill.n_right + skill.n_wrong, skill.auc, LEAST_AUC
            text = f"{value:.2f}"
        else:
            n, value, least = skill.n, skill.value, LEAST_SHARE
            text = f"{100 * value:.0f} %"
        skill_rows.append(
            SkillRow(
                name,
                *labels,
                value=value,
                share_text=text,
                n=n,
                interval=skill.interval,
                least=least,
                is_area=isinstance(skill, VerdictSkill),
            )
        )
    return skill_rows


def auc(right: Sequence[float], wrong: Sequence[float]) -> float:
    """Return the share of pairs in which the right answer has the higher value.

    Ties count half; 0.5 if one of the two is empty. It is the area under the ROC curve.
    Source: the U statistic of Mann and Whitney, 1947.
    """
    if not right or not wrong:
        return 0.5
    n_higher = sum((a > b) + (a == b) / 2 for a in right for b in wrong)
    return n_higher / (len(right) * len(wrong))


def best_threshold(
    right: Sequence[float], wrong: Sequence[float]
) -> tuple[float, RightCount]:
    """Return the P(correct) with most right verdicts, and how many are right.

    It is halfway between two neighbouring values. Of equally good thresholds, the
    nearest to 0.5 is returned.
    """
    values = sorted({*right, *wrong})
    candidates = [(a + b) / 2 for a, b in pairwise(values)]
    n = len(right) + len(wrong)

    def n_right(threshold: float) -> int:
        n_accepted = sum(p >= threshold for p in right)
        return n_accepted + sum(p < threshold for p in wrong)

    best = max(
        (0.5, *candidates), key=lambda place: (n_right(place), -abs(place - 0.5))
    )
    return best, RightCount(n_right(best), n)


@dataclass(frozen=True)
class Guidance:
    """How a study uses a report."""

    uses_verdicts: bool = True
    """False if only the words of the answers decide about gaps."""
    verdict_threshold: float = 0.5
    advice: tuple[str, ...] = ()
    """What the report means and what to do, in sentences."""
    needs_teaching: bool = False
    """Whether a meta-skill round may help: a skill is weak or verdicts do not count.
    Never for a model on a server, which no round trains."""
    is_reliable: bool = True
    """False if the model is wrong more often than right, asking or answering."""

    @property
    def numbers(self) -> dict[str, float]:
        """Return what steers a study, by the names that its run stores it under."""
        return {
            "uses_verdicts": float(self.uses_verdicts),
            "verdict_threshold": self.verdict_threshold,
            "is_reliable": float(self.is_reliable),
        }


TRAINED_NOTE = (
    "This model was trained for one kind of text, and the check uses another. The "
    "result shows how the model handles everyday English; it changes no study. For "
    "your own texts, choose an instruct model."
)


UNRELIABLE = (
    "It asks or answers wrongly more often than not: its samples are flagged, and the "
    "rules “default” and “strict” approve none of them."
)


def guidance(report: SkillReport) -> Guidance:
    """Return whether verdicts are used, the threshold, and advice.

    A model with the protocol ``trained`` was trained on texts of one kind, and the
    check uses another. The check says nothing about a study of its own texts.
    """
    if report.protocol == "trained":
        return Guidance(advice=(TRAINED_NOTE, _about_verdicts(report)))
    verdicts = report.verdicts
    weak = tuple(_about_weak_skills(report))
    is_weak = bool(weak) or not verdicts.is_usable
    is_reliable = not (
        report.questions.is_mostly_wrong or report.open_book.is_mostly_wrong
    )
    return Guidance(
        verdicts.is_usable,
        verdicts.threshold if verdicts.is_usable else 0.5,
        (_about_verdicts(report), *weak, *([] if is_reliable else [UNRELIABLE])),
        needs_teaching=is_weak and not is_server(report.model),
        is_reliable=is_reliable,
    )


def newest_guidance(
    store: Store,
    model_digest: str,
    quantization: str,
    round_id: int | None,
    protocol: str | None,
) -> Guidance:
    """Return the guidance of the newest skill check of a model, if there is one.

    A check by another protocol says nothing about the verdicts of this one; None: that
    of the model. Without a check, only whether it is reliable is taken over, from the
    round that it continues or from the base model.
    """
    own = (protocol,) if protocol else ()
    if report := store.skills.newest(model_digest, quantization, round_id, *own):
        return guidance(SkillReport.from_dict(report))
    family = tuple(
        name
        for name, other in PROTOCOLS.items()
        if protocol and other.guided == PROTOCOLS[protocol].guided
    )
    nearest = nearest_report(store, model_digest, quantization, round_id, *family)
    return Guidance(is_reliable=nearest is None or guidance(nearest).is_reliable)


def nearest_report(
    store: Store,
    model_digest: str,
    quantization: str,
    round_id: int | None,
    *protocols: str,
) -> SkillReport | None:
    """Return the newest report on a round, else on the nearest that it continues.

    The base model is the last of them. ``protocols``: see ``SkillChecks.newest``.
    """
    rounds = [round_.id for round_ in store.rounds.lineage(round_id)]
    for number in (*rounds, None):
        report = store.skills.newest(model_digest, quantization, number, *protocols)
        if report:
            return SkillReport.from_dict(report)
    return None


def is_unchecked(
    store: Store, model_digest: str, quantization: str, round_id: int | None
) -> bool:
    """Return whether a round has learned skills that no check has measured since.

    A round of facts keeps the skills of the round that it continues.
    """
    for round_ in store.rounds.lineage(round_id):
        if store.skills.newest(model_digest, quantization, round_.id):
            return False
        if round_.traits.teaches_skills:
            return True
    return False


@dataclass(frozen=True)
class SkillRunResult(SkillReport, RunResult):
    """The result of a skill check: its report, and what to do about it."""

    kind: ClassVar[RunKind | None] = "skills"
    advice: tuple[str, ...] = ()

    @classmethod
    def of_report(cls, report: SkillReport) -> Self:
        """Build the result of a check from its report."""
        values = {field.name: getattr(report, field.name) for field in fields(report)}
        return cls(**values, advice=guidance(report).advice)


def _about_verdicts(report: SkillReport) -> str:
    value = f"AUC {report.verdicts.auc:.2f}"
    what = "chance" if report.verdicts.auc < CHANCE_AUC else "unreliable"
    if report.protocol == "trained":
        state = "usable" if report.verdicts.is_usable else what
        return f"Its verdicts are {state} ({value})."
    if report.verdicts.is_usable:
        return (
            f"The verdicts of this model are used ({value}): an answer counts as "
            f"correct from a probability of {report.verdicts.threshold:.2f}."
        )
    return (
        f"The verdicts of this model are {what} ({value}): gaps are decided by the "
        "words of the answers alone."
    )


_REMEDIES = {
    "questions": "It asks {} valid questions.",
    "evidence": (
        "It quotes the sentence that holds the answer in {} of the cases: compare "
        "evidence and answer in the review."
    ),
    "open_book": (
        "It answers {} of the questions correctly with the text in view, so what a "
        "round would learn is often wrong."
    ),
    "not_stated": (
        "It says so in {} of the cases where the text does not contain the answer: "
        "watch for invented answers in the review."
    ),
    "refinements": (
        "It corrects {} of the wrong answers: if a refinement fails, the open-book "
        "answer is used instead."
    ),
}
"""Advice for each weak skill, with a place for its share."""

TEACH_FIRST = (
    "Teach it the skills first (a meta-skill round; after such a round, another on a "
    "corpus closer to your texts), or choose a larger model."
)


def _about_weak_skills(report: SkillReport) -> list[str]:
    advice = []
    for name, remedy in _REMEDIES.items():
        share: RightCount = getattr(report, name)
        if share.is_weak:
            advice.append(remedy.format(f"{100 * share.value:.0f} %"))
    if report.questions.is_weak or report.open_book.is_weak:
        advice.append(
            "Choose a larger model." if is_server(report.model) else TEACH_FIRST
        )
    return advice

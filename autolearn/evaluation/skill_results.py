"""Read what a skill check has brought: each answer, and the report on all of them."""

from collections.abc import Sequence

from autolearn.core.records import Answer, Question, Record, SkillResult, Skip
from autolearn.evaluation.skill_items import SkillItem
from autolearn.evaluation.skill_report import (
    Share,
    SkillReport,
    VerdictSkill,
    auc,
    best_threshold,
)
from autolearn.study.generation import Generator
from autolearn.text import matching

_Made = Answer | Skip | None


def own_question(question: Question) -> SkillResult:
    """Return whether a question of the model's own stands alone and is no repeat."""
    return SkillResult(
        "question",
        (question.passage_id or 1) - 1,
        right=not question.flags,
        text=question.text,
        generation=question.generation,
    )


def round_trip(question: Question, asked: SkillResult, made: _Made) -> SkillResult:
    """Return whether a question of the model's own is valid.

    Where it was made for no short answer, the evidence has to bear the answer out.
    """
    doubts = {"unanswerable", "answers_differ"}
    if not question.short_answer:
        doubts.add("no_evidence")
    is_back = isinstance(made, Answer) and not doubts & set(made.flags)
    return SkillResult(
        "round_trip",
        asked.item,
        right=asked.right and is_back,
        text=_text(made),
        generation=made.generation if made else None,
    )


def read_gold(
    item: SkillItem, text: str, made: _Made, threshold: float
) -> list[Record]:
    """Return how the open-book answer to a gold question and its evidence are.

    A reworded quote counts as evidence from the likeness at which a study takes it.
    """
    evidence = made.evidence if isinstance(made, Answer) else ""
    place = matching.find_quote(evidence, text)
    start = text.index(item.sentence)
    is_within = (
        place is not None
        and place.score >= threshold
        and start <= place.start
        and place.end <= start + len(item.sentence)
        and matching.contains(text[place.start : place.end], item.value)
    )
    is_verbatim = place is not None and place.score == 1.0
    generation = made.generation if made else None
    return [
        SkillResult("evidence", item.number, is_within, None, evidence, generation),
        SkillResult("verbatim", item.number, is_verbatim, None, evidence, generation),
        contains_gold("open_book", item, made),
    ]


def says_so(number: int, made: _Made) -> SkillResult:
    """Return whether an answer says that the text does not state what is asked."""
    return SkillResult(
        "not_stated",
        number,
        right=isinstance(made, Answer) and "unanswerable" in made.flags,
        text=_text(made),
        generation=made.generation if made else None,
    )


def contains_gold(skill: str, item: SkillItem, made: _Made) -> SkillResult:
    """Return whether a text of the model contains the gold value."""
    text = _text(made)
    right = matching.contains(text, item.value)
    generation = made.generation if made else None
    return SkillResult(skill, item.number, right, None, text, generation)


def _text(made: _Made) -> str:
    return made.text if isinstance(made, Answer) else ""


def summarise(writer: Generator, results: Sequence[SkillResult]) -> SkillReport:
    """Return the report on the results of a check."""
    model = writer.backend.identity
    return SkillReport(
        model.name,
        model.digest,
        model.quantization,
        writer.protocol.name,
        model.round_id,
        questions=_share(results, "round_trip"),
        evidence=_share(results, "evidence"),
        verbatim=_share(results, "verbatim"),
        open_book=_share(results, "open_book"),
        not_stated=_share(results, "not_stated"),
        refinements=_share(results, "refinement"),
        verdicts=_verdict_skill(results),
    )


def _share(results: Sequence[SkillResult], skill: str) -> Share:
    rights = [result.right for result in results if result.skill == skill]
    return Share(sum(rights), len(rights))


def _verdict_skill(results: Sequence[SkillResult]) -> VerdictSkill:
    right, wrong = (
        [
            # A verdict that cannot be read tells nothing.
            0.5 if result.probability is None else result.probability
            for result in results
            if result.skill == f"verdict_of_{kind}"
        ]
        for kind in ("right", "wrong")
    )
    threshold, accuracy = best_threshold(right, wrong)
    value = auc(right, wrong)
    return VerdictSkill(value, len(right), len(wrong), threshold, accuracy)

"""Score the answers of a skill check, and summarise them in a report."""

from collections.abc import Sequence

from autolearn.core.quiz_records import SkillResult
from autolearn.core.records import Answer, Question, Record, Skip
from autolearn.evaluation.skill_items import SkillItem
from autolearn.evaluation.skill_report import (
    RightCount,
    SkillReport,
    VerdictSkill,
    auc,
    best_threshold,
)
from autolearn.study.generation import Generator
from autolearn.text import matching

_Output = Answer | Skip | None


def own_question(question: Question) -> SkillResult:
    """Return whether a generated question is clear by itself and no repeat."""
    return SkillResult(
        "question",
        (question.passage_id or 1) - 1,
        right=not question.flags,
        text=question.text,
        generation=question.generation,
    )


def round_trip(
    question: Question, result: SkillResult, response: _Output
) -> SkillResult:
    """Return whether a generated question is valid.

    If it was made without a short answer, the evidence must support the answer.
    """
    doubts = {"unanswerable", "answers_differ"}
    if not question.short_answer:
        doubts.add("no_evidence")
    is_back = isinstance(response, Answer) and not doubts & set(response.flags)
    return _result("round_trip", result.item, result.right and is_back, response)


def read_gold(
    item: SkillItem, text: str, response: _Output, threshold: float
) -> list[Record]:
    """Score the open-book answer to a gold question and its evidence.

    A reworded quote counts as evidence from the similarity that a study requires.
    """
    evidence = response.evidence if isinstance(response, Answer) else ""
    quote = matching.find_quote(evidence, text)
    start = text.index(item.sentence)
    is_within = (
        quote is not None
        and quote.score >= threshold
        and start <= quote.start
        and quote.end <= start + len(item.sentence)
        and matching.contains(text[quote.start : quote.end], item.value)
    )
    is_verbatim = quote is not None and quote.score == 1.0
    generation = response.generation if response else None
    return [
        SkillResult("evidence", item.number, is_within, None, evidence, generation),
        SkillResult("verbatim", item.number, is_verbatim, None, evidence, generation),
        contains_gold("open_book", item, response),
    ]


def says_so(number: int, response: _Output) -> SkillResult:
    """Return whether an answer says that the text does not have the answer."""
    right = isinstance(response, Answer) and "unanswerable" in response.flags
    return _result("not_stated", number, right, response)


def contains_gold(skill: str, item: SkillItem, response: _Output) -> SkillResult:
    """Return whether a generated text contains the gold value."""
    right = matching.contains(_text(response), item.value)
    return _result(skill, item.number, right, response)


def _result(skill: str, item: int, right: bool, response: _Output) -> SkillResult:
    generation = response.generation if response else None
    return SkillResult(skill, item, right, None, _text(response), generation)


def _text(response: _Output) -> str:
    return response.text if isinstance(response, Answer) else ""


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


def _share(results: Sequence[SkillResult], skill: str) -> RightCount:
    rights = [result.right for result in results if result.skill == skill]
    return RightCount(sum(rights), len(rights))


def _verdict_skill(results: Sequence[SkillResult]) -> VerdictSkill:
    right, wrong = (
        [
            # An unreadable verdict says nothing.
            0.5 if result.probability is None else result.probability
            for result in results
            if result.skill == f"verdict_of_{kind}"
        ]
        for kind in ("right", "wrong")
    )
    threshold, accuracy = best_threshold(right, wrong)
    value = auc(right, wrong)
    return VerdictSkill(value, len(right), len(wrong), threshold, accuracy)

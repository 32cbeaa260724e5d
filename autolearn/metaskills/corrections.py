"""Turn answers with feedback and a refinement into the training items of their skills.

Such examples (p, r, f, r_hat of arXiv 2310.00533) are samples that a person corrected,
and corpora with feedback. Like ``metaskills.items``, the requests are those of a study.
"""

from collections.abc import Iterator
from dataclasses import replace

from autolearn.core.gold import MetaExample
from autolearn.core.model_calls import Chat, Message
from autolearn.core.records import Answer, Feedback, Passage, Question, TrainItem
from autolearn.core.settings import StudyProtocol, StudySettings
from autolearn.study import answers, feedback, prompts
from autolearn.study.feedback import Comparison
from autolearn.study.generation import GenerationRequest, OfflineBuilder
from autolearn.text import model_output


def make(example: MetaExample, protocol: StudyProtocol) -> list[TrainItem]:
    """Return the items of an example: how to judge, criticise and refine its answer.

    L_meta: log p(f | p, r) + log p(r_hat | p, r, f) + log p(r_hat | p). The last term
    is left out where the protocol is guided and there is a text; see
    ``metaskills.items``. An answer that the feedback calls correct is not refined.

    Args:
        example: A wrong or right answer with the feedback on it.
        protocol: The protocol of the later study, other than ``auto``.
    """
    builder = OfflineBuilder(StudySettings(protocol=protocol))
    is_guided = builder.protocol.guided and bool(example.passage)
    items = (_guided if is_guided else _worded)(example, builder)
    return [replace(item, sample_id=example.sample_id) for item in items]


def _guided(example: MetaExample, builder: OfflineBuilder) -> Iterator[TrainItem]:
    """Yield the verdict, the reason for it, and the refinement that it leads to."""
    comparison, place = _comparison(example), {0: _passage(example)}
    verdict = "incorrect" if _is_wrong(example) else "correct"
    request = feedback.verdict_request(builder, *feedback.verdict_texts(comparison))
    beginning = Message("assistant", prompts.load("verdict").prefill())
    yield _continued((*request.prompt.chat, beginning), verdict)
    if verdict == "correct":
        return
    facts = feedback.known_facts(comparison, verdict)
    reason = _reason(example.feedback, facts)
    if reason:
        asked = feedback.reason_request(builder, 0, comparison, facts, place)
        yield _continued(asked.prompt.chat, reason)
    critique = f"{facts}\nReason: {reason}" if reason else facts
    refinement = _refinement(example, builder, critique)
    yield _continued(refinement.prompt.chat, example.refinement)


def _worded(example: MetaExample, builder: OfflineBuilder) -> Iterator[TrainItem]:
    """Yield the feedback as it is worded, the refinement, and the answer alone."""
    comparison = _comparison(example)
    judging = feedback.feedback_prompt(comparison, {0: _passage(example)})
    yield TrainItem("sft", judging.chat, example.feedback)
    if _is_wrong(example):
        refinement = _refinement(example, builder, example.feedback)
        answer = f"Answer: {example.refinement}"
        yield TrainItem("sft", refinement.prompt.chat, answer)
    name = answers.answer_prompt(builder, comparison.question)
    asking = prompts.load(name).render(question=example.prompt)
    yield TrainItem("sft", asking.chat, example.refinement)


def _is_wrong(example: MetaExample) -> bool:
    return model_output.verdict(example.feedback) != "correct"


def _comparison(example: MetaExample) -> Comparison:
    """Return the answer of an example beside that of its text, if it has one."""
    passage_id = 0 if example.passage else None
    reference = Answer(0, "open_book", example.reference or example.refinement)
    return Comparison(
        Question(example.prompt, "study", "gold", passage_id),
        Answer(0, "closed_book", example.response),
        reference if example.passage else None,
    )


def _passage(example: MetaExample) -> Passage:
    return Passage.alone(example.passage, example.title)


def _refinement(
    example: MetaExample, builder: OfflineBuilder, critique: str
) -> GenerationRequest[Question]:
    comparison, place = _comparison(example), {0: _passage(example)}
    record = Feedback(0, "critique", critique, "incorrect", None)
    return answers.refinement_request(
        builder, comparison.question, comparison.answer, record, place
    )


def _continued(chat: Chat, rest: str) -> TrainItem:
    """Return a chat that ends with the beginning of an answer, and the whole answer."""
    return TrainItem("sft", chat, f"{chat[-1].content} {' '.join(rest.split())}")


def _reason(text: str, facts: str) -> str:
    """Return the feedback without what is known before it, and without its verdict."""
    _, tag, reason = text.rpartition("\nReason:")
    if tag:
        return reason.strip()
    lines = text.removeprefix(facts).splitlines()
    return " ".join(line for line in lines if model_output.verdict(line) == "unclear")

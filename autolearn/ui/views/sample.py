"""One sample with its sources: answers, evidence, feedback, refinement, outputs."""

from collections.abc import Iterable

from autolearn.core import constraints
from autolearn.core.flags import DOUBTFUL, FLAGS, Flag
from autolearn.core.model_calls import Generation
from autolearn.core.records import Answer, Decision, Feedback, Sample, SampleState
from autolearn.store import SampleView
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels

_PAST = {
    "approve": "approved",
    "reject": "rejected",
    "edit": "edited",
    "undo": "undid a decision",
}
_EDITED = {
    "prompt": "the question",
    "chosen": "the answer",
    "feedback": "the feedback",
    "refined": "the refinement",
    "gap": "the gap",
    "state": "the state",
}
_ANSWERS = {
    "closed_book": "Closed-book answer",
    "open_book": "Open-book answer",
    "refined": "Refined answer",
    "human": "Your answer",
}
_LEARNED: dict[SampleState, str] = {
    "approved": "Will be learned",
    "pending": "Would be learned, once approved",
    "rejected": "Will not be learned",
}


def knowledge(sample: Sample) -> str:
    """Return whether the answer is known, is a gap, or is in doubt."""
    if DOUBTFUL & set(sample.flags):
        return "flagged"
    return "gap" if sample.gap else "known"


def card(view: SampleView) -> Html:
    """Return everything about one sample; a click on its button overrules the gap."""
    answers = html.tag("div", _closed_book(view) + _open_book(view), "al-beside")
    state = view.sample.state
    classes = f"al-taught al-{state}"
    answer = _part(_LEARNED[state], _text(view.sample.chosen), classes)
    story = _present(answers, _feedback(view), _refinement(view), answer)
    right = _present(_contradictions(view), _passage(view), _decisions(view.decisions))
    columns = html.tag("div", story) + html.tag("div", right)
    return html.tag(
        "article",
        _head(view) + html.tag("div", columns, "al-columns") + _outputs(view),
        "al-card al-sample",
        aria_label=f"Sample {view.sample.id}",
    )


def _present(*parts: Html) -> Html:
    return html.join(part for part in parts if part)


def _part(title: str, content: Html, classes: str = "") -> Html:
    head = html.tag("h4", html.text(title))
    return html.tag("section", head + content, f"al-part {classes}".strip())


def _text(text: str) -> Html:
    return html.tag("div", html.text(text), "al-text")


# --- head ---------------------------------------------------------------------


def _head(view: SampleView) -> Html:
    sample = view.sample
    badges = [_gap(view), html.badge(sample.state, sample.state)]
    badges += [_flag(flag) for flag in _in_order(sample.flags)]
    line = html.join(badges) + html.tag("span", html.text(_place(view)), "al-faint")
    return html.tag(
        "header",
        html.tag("h3", html.text(sample.prompt), "al-question")
        + html.tag("div", line, "al-badges")
        + _edited(view)
        + _approved_before(view),
    )


def _edited(view: SampleView) -> Html:
    """Return that all but the question and the answer to learn is as it was studied."""
    if not any(_is_edited(view, name) for name in ("prompt", "chosen")):
        return Html("")
    return html.note(
        "Edited by you. Flags, P(gap), the answers of the model and its verdicts are "
        "from before the edit."
    )


def _is_edited(view: SampleView, name: str) -> bool:
    """Return whether a value of a sample is no longer the one that was studied."""
    edits = [decision for decision in view.decisions if name in decision.before]
    return bool(edits) and edits[0].before[name] != getattr(view.sample, name)


def _approved_before(view: SampleView) -> Html:
    """Return that an earlier study gave the same sample, and that it is approved."""
    if view.approved_before is None:
        return Html("")
    return html.note(
        "The same question and answer about this passage are approved already "
        f"(sample {view.approved_before})."
    )


def _in_order(flags: Iterable[Flag]) -> list[Flag]:
    order = list(FLAGS)
    return sorted(flags, key=lambda f: order.index(f) if f in order else len(order))


def _flag(flag: Flag) -> Html:
    info = FLAGS.get(flag)  # a newer version may have written others
    badge = html.badge(info.label if info else flag, "flagged")
    return html.tag("span", badge, title=info.meaning if info else flag)


def _gap(view: SampleView) -> Html:
    """Return whether there is a gap, how sure that is, and the way to overrule it."""
    sample = view.sample
    share = f"{100 * sample.gap_probability:.0f} %"
    state, other = ("gap", "known") if sample.gap else ("known", "gap")
    badge = html.badge(f"{state}, P(gap) {share}", state)
    own = html.badge("changed by you") if _is_edited(view, "gap") else Html("")
    word, key = html.text(f"Mark as {other}"), f"{other}-{sample.id}"
    return badge + own + html.pick(word, key, "al-overrule")


def overruled(key: object) -> tuple[int, bool]:
    """Return the sample that a click on a card is about, and whether it is a gap."""
    word, _, number = str(key).partition("-")
    return int(number), word == "gap"


def _place(view: SampleView) -> str:
    words = [f"Sample {view.sample.id}"]
    if view.document and view.passage:
        label = view.passage.label.replace("passage ", "passage\N{NO-BREAK SPACE}")
        words.append(f"{view.document.name}, {label}")
        if view.passage.heading:
            words.append(view.passage.heading)
    return " · ".join(words)


# --- answers and feedback -----------------------------------------------------


def _closed_book(view: SampleView) -> Html:
    """Return the answer from memory, and the further ones that were drawn."""
    answer = view.answer(view.sample.closed_answer_id)
    further = [a for a in view.answers if a.kind == "closed_book" and a.sample_index]
    text = answer.text if answer else view.sample.rejected
    content = _text(text) if text.strip() else html.note("None.")
    if further:
        rows = html.join(html.tag("li", html.text(entry.text)) for entry in further)
        title = html.text(html.count(len(further), "more sampled answer"))
        content += html.details(title, html.tag("ol", rows))
    return _part("Closed-book answer", content)


def _open_book(view: SampleView) -> Html:
    """Return the answer with the text in view, and how well its quote matches."""
    answer = view.answer(view.sample.open_answer_id)
    if answer is None:
        return _part("Open-book answer", html.note("None."))
    note = html.tag("div", html.text(_similarity(answer)), "al-faint")
    return _part("Open-book answer", _text(answer.text) + note)


def _similarity(answer: Answer) -> str:
    if not answer.evidence:
        return "It has no quote."
    if answer.start is None:
        return "Its quote is not in the text, or does not support it."
    if answer.evidence_score == 1.0:
        return "Its quote is in the text word for word."
    return f"Its quote matches the text to {100 * (answer.evidence_score or 0):.0f} %."


def _verdict(feedback: Feedback) -> Html:
    badge = html.badge(feedback.verdict, labels.VERDICTS[feedback.verdict])
    if feedback.probability is None:
        return badge
    sure = f"{100 * feedback.probability:.0f} % likely correct"
    return badge + html.tag("span", html.text(sure), "al-faint")


def _own(edit: str | None) -> Html:
    return html.badge("edited by you") if edit is not None else Html("")


def _feedback(view: SampleView) -> Html:
    critique, edit = view.critique(), view.edited_feedback
    if critique is None and edit is None:
        return Html("")
    text = edit or (critique.text if critique else "")
    about = (_verdict(critique) if critique else Html("")) + _own(edit)
    return _part("Feedback on the closed-book answer", about + _text(text))


def _refinement(view: SampleView) -> Html:
    """Return what the refinement changed in the answer from memory."""
    refinement, edit = view.answer(view.sample.refined_answer_id), view.edited_refined
    if refinement is None and edit is None:
        return Html("")
    text = edit or (refinement.text if refinement else "")
    was = view.answer(view.sample.closed_answer_id)
    difference = html.difference(was.text if was else view.sample.rejected, text)
    check = view.check()
    about = Html("")
    if check:
        about = html.tag("span", "Second check: ", "al-faint") + _verdict(check)
    body = about + _own(edit) + html.tag("div", difference, "al-text")
    return _part("Refinement (compared with the closed-book answer)", body)


def _contradictions(view: SampleView) -> Html:
    """Return this sample next to those that answer its question differently."""
    if not view.contradicting:
        return Html("")
    rows = [
        (
            html.text("this" if sample.id == view.sample.id else sample.id),
            html.text(sample.prompt),
            html.text(sample.chosen),
            html.badge(sample.state, sample.state),
        )
        for sample in (view.sample, *view.contradicting)
    ]
    table = html.table(
        ("Sample", "Question", "Answer", "State"), rows, "Contradictions"
    )
    note = html.tag("div", "At most one of these can be right.", "al-faint")
    return _part("Contradicted by other samples", note + table, "al-contradictions")


# --- text and decisions -------------------------------------------------------


def _passage(view: SampleView) -> Html:
    """Return the passage with the evidence marked."""
    if view.passage is None:
        return _part("Passage", html.note("This question has no text."))
    answer = view.answer(view.sample.open_answer_id)
    start, end = _evidence(answer, view.passage.start, view.passage.end)
    text = html.marked(view.passage.text, start, end)
    body = html.tag("div", text, "al-text al-passage", tabindex="0")
    title = "Passage, evidence marked" if start < end else "Passage, without evidence"
    return _part(title, body)


def _evidence(answer: Answer | None, start: int, end: int) -> tuple[int, int]:
    """Return where the evidence is in the passage; an empty stretch for none."""
    if answer is None or answer.start is None or answer.end is None:
        return 0, 0
    if not start <= answer.start <= answer.end <= end:
        return 0, 0
    return answer.start - start, answer.end - start


def _decisions(decisions: Iterable[Decision]) -> Html:
    rows = [html.tag("li", html.text(_decision(decision))) for decision in decisions]
    if not rows:
        return _part("Decisions", html.note("None yet."))
    items = html.tag("ol", html.join(rows), "al-decisions", tabindex="0")
    return _part("Decisions", items)


def _decision(decision: Decision) -> str:
    author = decision.author.replace("rule:", "rule ")
    words = f"{author} {_PAST[decision.action]}"
    if decision.action == "edit":
        names = (_EDITED.get(name, name) for name in decision.after)
        words += f" {' and '.join(names)}"
    return f"{words}: {decision.reason}" if decision.reason else words


# --- prompts and raw outputs --------------------------------------------------


def _outputs(view: SampleView) -> Html:
    """Return each text of the model as it came, with the exact prompt."""
    generations = [("Question", view.question.generation)]
    generations += [(_kind(answer), answer.generation) for answer in view.answers]
    for feedback in view.feedback:
        name = "Feedback" if feedback.purpose == "critique" else "Second check"
        generations.append((name, feedback.generation))
    outputs = [
        _output(name, generation) for name, generation in generations if generation
    ]
    if not outputs:
        return Html("")
    title = html.text(f"Exact prompts and raw outputs ({len(outputs)})")
    return html.details(title, html.join(outputs), "al-outputs")


def _kind(answer: Answer) -> str:
    name = _ANSWERS[answer.kind]
    return f"{name}, sample {answer.sample_index}" if answer.sample_index else name


def _output(name: str, generation: Generation) -> Html:
    request, completion = generation.request, generation.completion
    sampling = request.sampling
    details = (
        f"prompt {request.prompt.name} {request.prompt.digest[:8]}, "
        f"temperature {sampling.temperature:g}, seed {sampling.seed}, "
        f"{completion.n_prompt_tokens} + {completion.n_tokens} tokens, "
        f"ended by {completion.finish}; "
        f"{generation.model.name}, {labels.adapter(generation.model.round_id)}"
    )
    turns = html.join(_raw(turn.role, turn.content) for turn in request.prompt.chat)
    if request.constraint:
        turns += _raw(
            "constraint on the output", constraints.description(request.constraint)
        )
    wrote = _raw("model output", completion.text, "al-wrote")
    head = html.tag("strong", html.text(name))
    head += html.tag("span", html.text(details), "al-faint")
    return html.details(head, turns + wrote)


def _raw(title: str, content: str, classes: str = "") -> Html:
    block = html.tag("pre", html.text(content), f"al-raw {classes}".strip(), tabindex=0)
    return html.tag("h5", html.text(title)) + block

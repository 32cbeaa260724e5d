"""One sample with all it rests on: answers, evidence, feedback, refinement, outputs."""

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
    answers = html.tag("div", _closed(view) + _opened(view), "al-beside")
    state = view.sample.state
    taught = f"al-taught al-{state}"
    learned = _part(_LEARNED[state], _said(view.sample.chosen), taught)
    left = _present(answers, _feedback(view), _refined(view), learned)
    right = _present(_passage(view), _decisions(view.decisions))
    columns = html.tag("div", left) + html.tag("div", right)
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


def _said(text: str) -> Html:
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
        + html.tag("div", line, "al-badges"),
    )


def _in_order(flags: Iterable[Flag]) -> list[Flag]:
    known = list(FLAGS)
    return sorted(flags, key=lambda f: known.index(f) if f in known else len(known))


def _flag(flag: Flag) -> Html:
    info = FLAGS.get(flag)  # a newer version may have written others
    badge = html.badge(info.label if info else flag, "flagged")
    return html.tag("span", badge, title=info.meaning if info else flag)


def _gap(view: SampleView) -> Html:
    """Return whether there is a gap, how sure that is, and the way to overrule it."""
    sample = view.sample
    share = f"{100 * sample.gap_probability:.0f} %"
    badge = html.badge(f"known, P(gap) {share}", "known")
    if sample.gap:
        badge = html.badge(f"gap, P(gap) {share}", "gap")
    word = "Mark as known" if sample.gap else "Mark as gap"
    edits = [d for d in view.decisions if "gap" in d.before]
    own = Html("")
    if edits and edits[0].before["gap"] != sample.gap:
        own = html.badge("changed by you")
    button = html.pick(html.text(word), "known" if sample.gap else "gap", "al-overrule")
    return badge + own + button


def _place(view: SampleView) -> str:
    words = [f"Sample {view.sample.id}"]
    if view.document and view.passage:
        words.append(f"{view.document.name}, {view.passage.label}")
        if view.passage.heading:
            words.append(view.passage.heading)
    return " · ".join(words)


# --- answers and feedback -----------------------------------------------------


def _closed(view: SampleView) -> Html:
    """Return the answer from memory, and the further ones that were drawn."""
    closed = view.answer(view.sample.closed_answer_id)
    further = [a for a in view.answers if a.kind == "closed_book" and a.sample_index]
    content = _said(closed.text if closed else view.sample.rejected)
    if further:
        rows = html.join(html.tag("li", html.text(one.text)) for one in further)
        title = html.tag("summary", f"{len(further)} more sampled answers")
        content += html.tag("details", title + html.tag("ol", rows))
    return _part("Closed-book answer", content)


def _opened(view: SampleView) -> Html:
    """Return the answer with the text in view, and how far its quote is one."""
    opened = view.answer(view.sample.open_answer_id)
    if opened is None:
        return _part("Open-book answer", html.note("None."))
    told = html.tag("div", html.text(_similarity(opened)), "al-faint")
    return _part("Open-book answer", _said(opened.text) + told)


def _similarity(opened: Answer) -> str:
    if not opened.evidence:
        return "It has no quote."
    if opened.start is None:
        return "Its quote is not in the text, or does not support it."
    if opened.evidence_score == 1.0:
        return "Its quote is in the text word for word."
    return f"Its quote matches the text to {100 * (opened.evidence_score or 0):.0f} %."


def _verdict(feedback: Feedback) -> Html:
    shown = html.badge(feedback.verdict, labels.VERDICTS[feedback.verdict])
    if feedback.probability is None:
        return shown
    sure = f"{100 * feedback.probability:.0f} % likely correct"
    return shown + html.tag("span", html.text(sure), "al-faint")


def _own(edited: str | None) -> Html:
    return html.badge("edited by you") if edited is not None else Html("")


def _feedback(view: SampleView) -> Html:
    critique, edited = view.critique(), view.edited_feedback
    if critique is None and edited is None:
        return Html("")
    written = edited or (critique.text if critique else "")
    about = (_verdict(critique) if critique else Html("")) + _own(edited)
    return _part("Feedback on the closed-book answer", about + _said(written))


def _refined(view: SampleView) -> Html:
    """Return the refined answer as what changed against the one from memory."""
    refined, edited = view.answer(view.sample.refined_answer_id), view.edited_refined
    if refined is None and edited is None:
        return Html("")
    written = edited or (refined.text if refined else "")
    was = view.answer(view.sample.closed_answer_id)
    changed = html.difference(was.text if was else view.sample.rejected, written)
    check = view.check()
    about = Html("")
    if check:
        about = html.tag("span", "Second check: ", "al-faint") + _verdict(check)
    body = about + _own(edited) + html.tag("div", changed, "al-text")
    return _part("Refinement (compared with the closed-book answer)", body)


# --- text and decisions -------------------------------------------------------


def _passage(view: SampleView) -> Html:
    """Return the passage with the evidence marked."""
    if view.passage is None:
        return _part("Passage", html.note("This question has no text."))
    opened = view.answer(view.sample.open_answer_id)
    start, end = _evidence(opened, view.passage.start, view.passage.end)
    shown = html.marked(view.passage.text, start, end)
    body = html.tag("div", shown, "al-text al-passage", tabindex="0")
    title = "Passage, evidence marked" if start < end else "Passage, without evidence"
    return _part(title, body)


def _evidence(opened: Answer | None, start: int, end: int) -> tuple[int, int]:
    """Return where the evidence stands in the passage; an empty stretch for none."""
    if opened is None or opened.start is None or opened.end is None:
        return 0, 0
    if not start <= opened.start <= opened.end <= end:
        return 0, 0
    return opened.start - start, opened.end - start


def _decisions(decisions: Iterable[Decision]) -> Html:
    rows = [html.tag("li", html.text(_told(one))) for one in decisions]
    if not rows:
        return _part("Decisions", html.note("None yet."))
    listed = html.tag("ol", html.join(rows), "al-decisions", tabindex="0")
    return _part("Decisions", listed)


def _told(decision: Decision) -> str:
    author = decision.author.replace("rule:", "rule ")
    words = f"{author} {_PAST[decision.action]}"
    if decision.action == "edit":
        names = (_EDITED.get(name, name) for name in decision.after)
        words += f" {' and '.join(names)}"
    return f"{words}: {decision.reason}" if decision.reason else words


# --- prompts and raw outputs --------------------------------------------------


def _outputs(view: SampleView) -> Html:
    """Return each text of the model as it came, with the exact prompt."""
    written = [("Question", view.question.generation)]
    written += [(_kind(answer), answer.generation) for answer in view.answers]
    for feedback in view.feedback:
        name = "Feedback" if feedback.purpose == "critique" else "Second check"
        written.append((name, feedback.generation))
    shown = [_output(name, made) for name, made in written if made]
    if not shown:
        return Html("")
    title = html.tag("summary", f"Exact prompts and raw outputs ({len(shown)})")
    return html.tag("details", title + html.join(shown), "al-outputs")


def _kind(answer: Answer) -> str:
    name = _ANSWERS[answer.kind]
    return f"{name}, sample {answer.sample_index}" if answer.sample_index else name


def _output(name: str, made: Generation) -> Html:
    asked, done = made.request, made.completion
    sampling = asked.sampling
    told = (
        f"prompt {asked.prompt.name} {asked.prompt.digest[:8]}, "
        f"temperature {sampling.temperature:g}, seed {sampling.seed}, "
        f"{done.n_prompt_tokens} + {done.n_tokens} tokens, ended by {done.finish}; "
        f"{made.model.name}, {labels.adapter(made.model.round_id)}"
    )
    turns = html.join(_raw(turn.role, turn.content) for turn in asked.prompt.chat)
    if asked.constraint:
        turns += _raw(
            "constraint on the output", constraints.description(asked.constraint)
        )
    wrote = _raw("model output", done.text, "al-wrote")
    head = html.tag("strong", html.text(name))
    head += html.tag("span", html.text(told), "al-faint")
    return html.tag("details", html.tag("summary", head) + turns + wrote)


def _raw(title: str, content: str, classes: str = "") -> Html:
    shown = html.tag("pre", html.text(content), f"al-raw {classes}".strip(), tabindex=0)
    return html.tag("h5", html.text(title)) + shown

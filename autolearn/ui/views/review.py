"""One sample with all it rests on, and how far the review is."""

from collections.abc import Iterable

from autolearn import curation
from autolearn.records import Answer, Decision, Feedback, Generation, Run, Sample
from autolearn.store import SampleFilter, SampleView, Store
from autolearn.ui import html
from autolearn.ui.html import Html

FLAGS = {
    "disputed": "words and verdict disagree",
    "strays": "refinement strays from open book",
    "check_failed": "second check failed",
    "no_refinement": "no refinement",
    "not_open_book": "refined in other words",
    "no_evidence": "no evidence in the text",
    "reworded_quote": "evidence is quoted inexactly",
    "unanswerable": "the text does not say",
    "too_long": "answer was cut off",
    "other_meaning": "rewording means something else",
    "duplicate": "nearly asked before",
    "not_self_contained": "question does not stand alone",
    "same_fact": "same fact as another",
}
"""What flags mean; in the order in which they matter to a reviewer."""

ENOUGH = 20
"""Decisions of a person from which on an agreement is worth telling."""
_NEWEST = 200
_PAST = {
    "approve": "approved",
    "reject": "rejected",
    "edit": "edited",
    "undo": "took back a decision",
}
_COLUMNS = {
    "chosen": "the answer",
    "feedback": "the feedback",
    "refined": "the refinement",
    "gap": "the gap",
    "state": "the state",
}


def card(view: SampleView) -> Html:
    """Return everything about one sample."""
    left = join_present(
        _part("Closed book, from memory", _answer(view, view.sample.closed_answer_id)),
        _part("Open book, with the text", _answer(view, view.sample.open_answer_id)),
        _feedback(view),
        _refinement(view),
        _part("Will be learned", _words(view.sample.chosen), "al-taught"),
    )
    right = join_present(_passage(view), _decisions(view.decisions))
    columns = html.tag("div", left) + html.tag("div", right)
    return html.tag(
        "article",
        _head(view) + html.tag("div", columns, "al-columns") + _origins(view),
        "al-card al-review",
        aria_label=f"Sample {view.sample.id}",
    )


def join_present(*parts: Html) -> Html:
    """Return the parts that are not empty."""
    return html.join(part for part in parts if part)


def _head(view: SampleView) -> Html:
    sample = view.sample
    badges = [_gap(sample), html.badge(sample.state, sample.state)]
    badges += [html.badge(FLAGS.get(f, f), "flagged") for f in _in_order(sample.flags)]
    line = html.join(badges) + html.tag("span", html.text(_place(view)), "al-faint")
    return html.tag(
        "header",
        html.tag("h3", html.text(sample.prompt), "al-question")
        + html.tag("div", line, "al-badges"),
    )


def _in_order(flags: Iterable[str]) -> list[str]:
    known = list(FLAGS)
    return sorted(flags, key=lambda f: known.index(f) if f in known else len(known))


def _gap(sample: Sample) -> Html:
    share = f"{100 * sample.gap_probability:.0f} %"
    if sample.gap:
        return html.badge(f"gap, {share} sure", "gap")
    return html.badge(f"known, gap {share} sure", "known")


def _place(view: SampleView) -> str:
    words = [f"Sample {view.sample.id}"]
    if view.document and view.passage:
        words.append(f"{view.document.name}, passage {view.passage.position + 1}")
        if view.passage.heading:
            words.append(view.passage.heading)
    return " · ".join(words)


def _part(title: str, content: Html, classes: str = "") -> Html:
    return html.tag(
        "section",
        html.tag("h4", html.text(title)) + content,
        f"al-part {classes}".strip(),
    )


def _words(value: str) -> Html:
    return html.tag("div", html.text(value), "al-text")


def _answer(view: SampleView, answer_id: int | None) -> Html:
    answer = view.answer(answer_id)
    return _words(answer.text) if answer else html.note("There is none.")


def _verdict(feedback: Feedback) -> Html:
    kind = {"correct": "approved", "incorrect": "wrong"}.get(feedback.verdict, "")
    shown = html.badge(feedback.verdict, kind)
    if feedback.probability is None:
        return shown
    sure = f"{100 * feedback.probability:.0f} % likely correct"
    return shown + html.tag("span", html.text(sure), "al-faint")


def _feedback(view: SampleView) -> Html:
    critique = view.critique()
    if critique is None and view.edited_feedback is None:
        return Html("")
    written = view.edited_feedback or (critique.text if critique else "")
    own = html.badge("in your words") if view.edited_feedback else Html("")
    about = (_verdict(critique) if critique else Html("")) + own
    return _part("Feedback on the closed-book answer", about + _words(written))


def _refinement(view: SampleView) -> Html:
    refined = view.answer(view.sample.refined_answer_id)
    if refined is None and view.edited_refined is None:
        return Html("")
    written = view.edited_refined or (refined.text if refined else "")
    was = view.answer(view.sample.closed_answer_id)
    shown = html.difference(was.text if was else "", written)
    check = view.check()
    about = Html("")
    if check:
        about = html.tag("span", "Second check: ", "al-faint") + _verdict(check)
    own = html.badge("in your words") if view.edited_refined else Html("")
    body = about + own + html.tag("div", shown, "al-text")
    return _part("Refinement, against the closed-book answer", body)


def _passage(view: SampleView) -> Html:
    if view.passage is None:
        return _part("Passage", html.note("This question came without a text."))
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
    return _part("Decisions", html.tag("ol", html.join(rows), "al-decisions"))


def _told(decision: Decision) -> str:
    author = decision.author.replace("rule:", "rule ")
    words = f"{author} {_PAST[decision.action]}"
    if decision.action == "edit":
        names = (_COLUMNS.get(name, name) for name in decision.after)
        words += f" {' and '.join(names)}"
    return f"{words}: {decision.reason}" if decision.reason else words


def _origins(view: SampleView) -> Html:
    """Return how each text was made, to be opened on demand."""
    made = [("Question", view.question.generation)]
    made += [(_kind(answer), answer.generation) for answer in view.answers]
    made += [(f.purpose.capitalize(), f.generation) for f in view.feedback]
    parts = html.join(_origin(name, one) for name, one in made if one)
    if not parts:
        return Html("")
    summary = html.tag("summary", "Prompts and raw outputs")
    return html.tag("details", summary + parts)


def _kind(answer: Answer) -> str:
    name = answer.kind.replace("_", "-").capitalize() + " answer"
    return f"{name}, draw {answer.sample_index}" if answer.sample_index else name


def _origin(name: str, one: Generation) -> Html:
    sampling, model = one.request.sampling, one.model
    who = f"{model.name} with round {model.round_id}" if model.round_id else model.name
    told = f"{name}: {who}, prompt {one.request.prompt.name} "
    told += f"({one.request.prompt.digest}), temperature {sampling.temperature:g}, "
    told += f"seed {sampling.seed}, {one.completion.n_tokens} tokens"
    asked = "\n\n".join(f"[{m.role}]\n{m.content}" for m in one.request.prompt.chat)
    both = f"{asked}\n\n[raw output, {one.completion.finish}]\n{one.completion.text}"
    raw = html.tag("pre", html.text(both), "al-raw", tabindex="0")
    return html.tag("details", html.tag("summary", html.text(told)) + raw)


def empty(store: Store, wanted: SampleFilter) -> Html:
    """Return what to do when nothing passes the filter."""
    counts = store.samples.counts()
    if not any(counts.values()):
        return html.note(
            "Nothing to review: study a text first, in the tab Study, or press "
            "“Run a whole round”."
        )
    if wanted == SampleFilter(state="pending"):
        return html.note(
            f"All {sum(counts.values())} samples are decided. Train on the "
            f"{counts['approved']} approved ones in the tab Train, or choose another "
            "state in the filter to look at them again."
        )
    return html.note("No sample passes this filter; widen or clear it.")


def progress(store: Store) -> Html:
    """Return how many samples are decided, and whom the decisions agree with."""
    counts = store.samples.counts()
    total = sum(counts.values())
    if not total:
        return Html("")
    decided = total - counts["pending"]
    told = f"{decided} of {total} decided: {counts['approved']} approved, "
    told += f"{counts['rejected']} rejected, {counts['pending']} pending"
    return html.tag(
        "div",
        html.tag("span", html.text(told))
        + html.bar(decided, total, "Samples that are decided")
        + html.tag("span", html.text(_agreement(store)), "al-faint"),
        "al-progress",
    )


def _agreement(store: Store) -> str:
    """Return how often rule and model would have decided as the person did."""
    newest: dict[int, Decision] = {}
    for one in store.decisions.of_person(_NEWEST):
        newest.setdefault(one.sample_id, one)
    if len(newest) < ENOUGH:
        left = ENOUGH - len(newest)
        return f"Agreement with the model: after {left} more decisions of yours"
    samples = store.samples.find(SampleFilter(ids=list(newest)))
    approved = {number: d.action == "approve" for number, d in newest.items()}
    accepts = curation.rule("default").accepts
    by_rule = [accepts(s) == approved[s.id] for s in samples]
    verdicts = store.samples.verdicts([s.check_id for s in samples if s.check_id])
    by_check = [
        (verdicts[s.check_id] == "correct") == approved[s.id]
        for s in samples
        if s.check_id
    ]
    told = f"Your decisions agree with rule default: {_share(by_rule)}"
    return f"{told}, with the model's second check: {_share(by_check)}"


def _share(agreed: list[bool]) -> str:
    if not agreed:
        return html.DASH
    return f"{100 * sum(agreed) / len(agreed):.0f} % (n = {len(agreed)})"


def study_name(run: Run) -> str:
    """Return a study by the model that wrote its answers."""
    model = run.settings.get("model", {})
    told = f"study {run.id}: {model.get('model', 'built-in')}"
    number = model.get("round_id")
    return f"{told} with round {number}" if number else told


KEYS = {
    "A": "approve",
    "E": "edit; Ctrl+Enter saves, Escape cancels",
    "R": "reject, for the reason that is chosen",
    "S": "skip: decide later",
    "J": "next",
    "K": "previous",
    "U": "undo the last decision, with all that was decided at once with it",
    "?": "show or hide this help",
}


def keys_help() -> Html:
    """Return a button and what it opens: the keys of this tab."""
    shown = {key: html.text(meaning) for key, meaning in KEYS.items()}
    box = html.tag(
        "div",
        html.tag("h4", "Keys") + html.pairs(shown),
        "al-card al-keys",
        id="review-help",
        popover="auto",
    )
    button = html.tag(
        "button",
        "Keys (?)",
        "al-pick",
        type="button",
        popovertarget="review-help",
    )
    return button + box

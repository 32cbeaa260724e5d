"""One sample with all it rests on: answers, evidence, feedback, refinement, outputs."""

from autolearn import curation
from autolearn.records import Answer, Feedback, Generation, Sample
from autolearn.store import Store
from autolearn.store.samples import SampleView
from autolearn.ui import html
from autolearn.ui.html import Html

FLAGS = {
    "duplicate": "Nearly the same question was asked before on this passage.",
    "not_self_contained": "The question cannot be understood without its text.",
    "no_evidence": "No place in the text bears the open-book answer out.",
    "reworded_quote": "The quote does not stand word for word in the text.",
    "unanswerable": "The model says that the text does not tell the answer.",
    "too_long": "The open-book answer was cut off at its greatest length.",
    "same_fact": "Another question on this passage has the same answer.",
    "disputed": "The words of the answers and the model's verdict disagree about "
    "whether there is a gap.",
    "no_refinement": "There is a gap, but no refined answer could be made.",
    "check_failed": "The refined answer did not pass its second check.",
    "strays": "The refined answer does not say what the open-book answer says.",
    "not_open_book": "The refined answer is not word for word the open-book answer.",
    "other_meaning": "The reworded question has another answer.",
}
"""What a flag means, for a person."""

DOUBTFUL = curation.UNFIT | {"no_refinement", "check_failed", "strays", "disputed"}
"""Flags that make a sample worth a look before anything is learned from it."""

VERDICTS = {"correct": "approved", "incorrect": "wrong", "unclear": "pending"}
"""The kind of badge that a verdict gets."""


def knowledge(sample: Sample) -> str:
    """Return whether the answer is known, is a gap, or is in doubt."""
    if DOUBTFUL & set(sample.flags):
        return "flagged"
    return "gap" if sample.gap else "known"


def detail(store: Store, sample_id: int) -> Html:
    """Return everything about one sample; a click on its button overrules the gap."""
    if not sample_id:
        return html.note("Choose a question above to see what its sample rests on.")
    view = store.samples.view(sample_id)
    parts = [
        html.tag("h3", html.text(view.question.text)),
        _badges(view),
        _verdict(view),
        html.tag("div", _closed(view) + _opened(view) + _source(view), "al-three"),
        html.tag("div", _feedback(view) + _refined(view), "al-two"),
        _flags(view.sample.flags),
        _outputs(view),
    ]
    return html.tag("article", html.join(parts), "al-detail")


def _badges(view: SampleView) -> Html:
    sample, place = view.sample, f"sample {view.sample.id}"
    if view.document and view.passage:
        place += f", {view.document.name}, passage {view.passage.position + 1}"
    found = knowledge(sample)
    return html.tag(
        "p",
        html.badge(found, found)
        + html.badge(sample.state, sample.state)
        + html.tag("span", html.text(place), "al-faint"),
    )


def _verdict(view: SampleView) -> Html:
    """Return whether there is a gap, how sure that is, and the way to overrule it."""
    sample = view.sample
    said = "There is a gap" if sample.gap else "There is no gap"
    sure = f" The model's own answers: a gap with {100 * sample.gap_probability:.0f} %."
    edits = [d for d in view.decisions if "gap" in d.before]
    overruled = bool(edits) and edits[0].before["gap"] != sample.gap
    by = " (overruled by a person)" if overruled else ""
    button = html.pick(
        html.text("Overrule: it is no gap" if sample.gap else "Overrule: it is a gap"),
        "known" if sample.gap else "gap",
    )
    told = html.tag("span", html.text(f"{said}{by}.{sure}"))
    return html.tag("div", told + button, "al-verdict")


def _card(title: str, content: Html, more: Html | None = None) -> Html:
    head = html.tag("h4", html.text(title)) + (more or Html(""))
    return html.tag("section", html.tag("header", head) + content, "al-card")


def _said(text: str) -> Html:
    return html.tag("div", html.text(text), "al-text")


def _closed(view: SampleView) -> Html:
    """Return the answer from memory, and the further ones that were drawn."""
    closed = view.answer(view.sample.closed_answer_id)
    further = [a for a in view.answers if a.kind == "closed_book" and a.sample_index]
    content = _said(closed.text if closed else view.sample.rejected)
    if further:
        rows = html.join(html.tag("li", html.text(one.text)) for one in further)
        title = html.tag("summary", f"{len(further)} more, drawn at random")
        content += html.tag("details", title + html.tag("ol", rows))
    return _card("Closed book: from memory", content)


def _opened(view: SampleView) -> Html:
    """Return the answer with the text in view, and its quote."""
    opened = view.answer(view.sample.open_answer_id)
    if opened is None:
        return _card("Open book: with the text", html.note("There is none."))
    quote = html.note("It quotes nothing.")
    if opened.evidence:
        quote = html.tag("blockquote", html.text(opened.evidence), "al-quote")
        quote += html.tag("p", html.text(_likeness(opened)), "al-faint")
    return _card("Open book: with the text", _said(opened.text) + quote)


def _likeness(opened: Answer) -> str:
    if opened.start is None:
        return "This quote was not found in the text, or does not bear the answer out."
    if opened.evidence_score == 1.0:
        return "This quote stands word for word in the text."
    return f"This quote is {100 * (opened.evidence_score or 0):.0f} % like the text."


def _source(view: SampleView) -> Html:
    """Return the passage with the evidence marked."""
    passage, opened = view.passage, view.answer(view.sample.open_answer_id)
    if passage is None:
        return _card("The text", html.note("This question rests on no text."))
    shown = html.text(passage.text)
    if opened and opened.start is not None and opened.end is not None:
        start, end = opened.start - passage.start, opened.end - passage.start
        shown = html.marked(passage.text, start, end)
    return _card("The text", html.tag("div", shown, "al-text"))


def _judged(feedback: Feedback) -> Html:
    badge = html.badge(feedback.verdict, VERDICTS[feedback.verdict])
    if feedback.probability is None:
        return badge
    told = f"{100 * feedback.probability:.0f} % sure to be correct"
    return Html(badge + html.tag("span", html.text(told), "al-faint"))


def _feedback(view: SampleView) -> Html:
    """Return what the model says about its own answer from memory."""
    title, critique = "Feedback on the answer from memory", view.critique()
    if view.edited_feedback is not None:
        content = _said(view.edited_feedback) + html.note("A person's words.")
        return _card(title, content, _judged(critique) if critique else None)
    if critique is None:
        return _card(title, html.note("None: both answers are the same."))
    return _card(title, _said(critique.text), _judged(critique))


def _refined(view: SampleView) -> Html:
    """Return the refined answer as what changed against the one from memory."""
    title, sample = "Refined answer, against the one from memory", view.sample
    refined = view.answer(sample.refined_answer_id)
    text = view.edited_refined or (refined.text if refined else None)
    if text is None:
        content = html.note("None. What may be learned is the open-book answer.")
    else:
        content = html.tag("div", html.difference(sample.rejected, text), "al-text")
    if view.edited_refined is not None:
        content += html.note("A person's words.")
    if text is not None and sample.chosen != text:
        content += html.tag("h5", "What may be learned") + _said(sample.chosen)
    check = view.check()
    return _card(title, content, _judged(check) if check else None)


def _flags(flags: tuple[str, ...]) -> Html:
    if not flags:
        return html.note("No flags.")
    rows = html.join(
        html.tag("li", html.badge(flag, "flagged") + html.text(FLAGS.get(flag, flag)))
        for flag in flags
    )
    return html.tag("ul", rows, "al-flags")


def _outputs(view: SampleView) -> Html:
    """Return each text of the model as it came, with the exact prompt."""
    written = [("Question", view.question.generation)]
    names = {
        "closed_book": "Closed-book answer",
        "open_book": "Open-book answer",
        "refined": "Refined answer",
        "human": "Answer of a person",
    }
    for answer in view.answers:
        draw = f" {answer.sample_index}" if answer.sample_index else ""
        written.append((names[answer.kind] + draw, answer.generation))
    for feedback in view.feedback:
        name = "Feedback" if feedback.purpose == "critique" else "Second check"
        written.append((name, feedback.generation))
    shown = [_output(name, made) for name, made in written if made]
    title = html.tag("summary", f"Model outputs and exact prompts ({len(shown)})")
    return html.tag("details", title + html.join(shown), "al-outputs")


def _output(name: str, made: Generation) -> Html:
    asked, done = made.request, made.completion
    sampling = asked.sampling
    told = (
        f"prompt {asked.prompt.name} {asked.prompt.digest[:8]}, "
        f"temperature {sampling.temperature:g}, seed {sampling.seed}, "
        f"{done.n_prompt_tokens} + {done.n_tokens} tokens, ended by {done.finish}; "
        f"{made.model.name}, round {made.model.round_id or 'none'}"
    )
    turns = html.join(
        html.tag("h5", html.text(turn.role)) + html.tag("pre", html.text(turn.content))
        for turn in asked.prompt.chat
    )
    wrote = html.tag("h5", "What the model wrote")
    wrote += html.tag("pre", html.text(done.text), "al-wrote")
    head = html.tag("strong", html.text(name)) + html.tag(
        "span", html.text(told), "al-faint"
    )
    return html.tag("details", html.tag("summary", head) + turns + wrote)

"""One conversation: each question with the answer of every column."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from autolearn.core.records import Passage, Run
from autolearn.core.run_results import ChatResult
from autolearn.core.run_settings import ChatRunSettings
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels

COLUMNS = {"left": "Left", "right": "Right", "open": "Open book"}
"""The columns in their order, with their titles."""


def conversation(store: Store, number: int) -> Html:
    """Return a conversation as it is stored, the newest question first."""
    runs = store.runs.conversation(number)
    if not runs:
        return html.note(
            "Pick two models and ask about your texts: a trained round should know the "
            "answer, the base model should not."
        )
    passage_ids = (i for run in runs for i in ChatRunSettings.of(run).passages or ())
    passages = store.library.passages_by_id(passage_ids)
    turns: defaultdict[int, list[Run]] = defaultdict(list)
    for run in runs:
        turns[ChatRunSettings.of(run).turn or 0].append(run)
    return html.join(
        _turn(store, turns[key], passages) for key in sorted(turns, reverse=True)
    )


def _turn(store: Store, runs: Sequence[Run], passages: Mapping[int, Passage]) -> Html:
    question = ChatRunSettings.of(runs[0]).messages[-1].content
    by_column = {ChatRunSettings.of(run).column or "": run for run in runs}
    cards = {column: _answer(store, run, passages) for column, run in by_column.items()}
    cards.setdefault("right", _nobody("right"))
    cells = html.join(cards[column] for column in COLUMNS if column in cards)
    prompt = html.tag("p", html.text(question), "al-asked al-text")
    return html.tag(
        "section", prompt + html.tag("div", cells, "al-answers"), "al-exchange"
    )


def _answer(store: Store, run: Run, passages: Mapping[int, Passage]) -> Html:
    """Return what one column answered, or how far it is."""
    settings = ChatRunSettings.of(run)
    who = labels.adapter(settings.model.round_id)
    body = (
        _written_text(ChatResult.of(run))
        if run.state in ("done", "running")
        else Html("")
    )
    if run.state != "done":
        body += _not_yet(store, run)
    in_view = [passages[i] for i in settings.passages or () if i in passages]
    return _card(settings.column or "", who, body + _sources(in_view))


def _nobody(column: str) -> Html:
    """Return a column for which there was no usable round when this was asked."""
    sentence = (
        "There was no trained round yet, or all were rolled back. Train one, or choose "
        "one by its number, then ask again to compare."
    )
    return _card(column, "newest round", html.note(sentence))


def _card(column: str, who: str, body: Html) -> Html:
    head = html.tag("strong", html.text(COLUMNS[column]))
    head += html.tag("span", html.text(who), "al-faint")
    return html.tag("article", html.tag("header", head, "al-spread") + body, "al-card")


def _written_text(result: ChatResult) -> Html:
    """Return the answer, complete or so far."""
    if result.answer is None:
        return Html("")
    if result.feedback is None:
        body = _text(result.answer or "The answer is empty.")
    else:
        body = _refinement(result)
    if sentence := _why_incomplete(result):
        body += html.tag("p", html.text(sentence), "al-faint")
    if result.evidence:
        quote = html.tag("q", html.text(result.evidence))
        body += html.tag("p", Html("Evidence: ") + quote, "al-faint")
    return body


def _why_incomplete(result: ChatResult) -> str:
    """Return why an answer has no end, and what to try; empty: it has one."""
    if result.repeats:
        end = "up to the length limit" if result.truncated else "and was stopped"
        return (
            f"The answer repeats itself {end}; try a higher temperature, such as 0.7, "
            "a new chat, or an instruct model with a chat template of its own."
        )
    if result.truncated:
        return "Cut off at the length limit; raise “Length” and press “Regenerate”."
    return ""


def _refinement(result: ChatResult) -> Html:
    """Return the answer, the model's feedback on it, and the refined answer."""
    rows = {
        "Answer": _text(result.answer or ""),
        "Feedback": _text(result.feedback or ""),
    }
    if result.refined is not None:
        difference = html.difference(result.answer or "", result.refined)
        rows["Refined"] = html.tag("div", difference, "al-text")
    return html.pairs(rows)


def _text(content: str) -> Html:
    return html.tag("div", html.text(content), "al-text")


def _not_yet(store: Store, run: Run) -> Html:
    if run.state == "queued":
        return html.note(f"Queued; it waits for {labels.awaited(store, run)}.")
    if run.state == "running":
        return html.note("Writing …")
    if run.state == "failed":
        return html.problem(run.error or "It failed.")
    return html.note(f"It was {run.state}; ask again.")


def _sources(in_view: Sequence[Passage]) -> Html:
    """Return the passages that were in view, folded up."""
    if not in_view:
        return Html("")
    quotes = (html.tag("blockquote", html.text(p.text), "al-text") for p in in_view)
    title = html.text(f"Passages in view: {len(in_view)}")
    return html.details(title, html.join(quotes))

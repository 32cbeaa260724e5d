"""Documents with their counts, and passages as they stand in the text."""

from collections import Counter

from autolearn.core.records import Document, Exclusion, Passage, Run
from autolearn.core.run_results import ImportResult
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels

AT_ONCE = 40
"""Passages that are shown at once."""
TURN = "from-"
"""How the key of a place to turn to begins; other keys are of passages."""
SHOWN = 80
"""Characters that are shown of what is left out."""


def documents(store: Store) -> Html:
    """Return all documents; a click on one shows its passages."""
    shelf = store.library.shelf()
    if not shelf:
        return html.note(
            "No text yet. Upload or paste one, or press “Run a whole round” to use the "
            "built-in library."
        )
    rows = [
        (
            html.pick(html.text(document.name), document.id, "al-link"),
            html.number(document.n_characters),
            html.number(document.n_passages),
            html.number(document.n_tokens),
        )
        for document in shelf
    ]
    return html.table(
        ("Document", "Characters", "Passages", "Tokens"), rows, "Documents"
    )


def passages(store: Store, document_id: int, first: int = 0) -> Html:
    """Return a document passage by passage, each with its place and its switch.

    Args:
        store: The workspace.
        document_id: Which document; 0 stands for the first.
        first: The passage to begin with, from 0.
    """
    shelf = store.library.shelf()
    if not shelf:
        return html.note("The passages of a document are shown here.")
    document = store.library.document(document_id or shelf[0].id)
    n, n_covered = store.library.coverage(document.id)
    stretch = store.library.stretch(document.id, first, AT_ONCE)
    share = n_covered / max(1, document.n_characters)
    title = html.tag("h3", html.text(document.name), "al-head")
    caption = "1 passage covers" if n == 1 else f"{n} passages cover"
    caption += f" {100 * share:.0f} % of the characters"
    if len(stretch) < n:
        caption += f"; {first + 1} to {first + len(stretch)} are shown"
    about = [html.tag("p", html.text(caption), "al-faint"), _note(document)]
    about.append(_left_out(store.library.exclusions(document.id)))
    earlier = store.library.passages_by_id(passage.repeats_id for passage in stretch)
    names = store.library.documents_by_id(
        passage.document_id for passage in earlier.values()
    )
    for passage in stretch:
        same = earlier.get(passage.repeats_id or 0)
        name = names[same.document_id].name if same else ""
        about.append(_passage(passage, same, name))
    return Html(title + html.join(about) + _turning(first, n))


def _turning(first: int, n: int) -> Html:
    """Return what leads to the passages before and after those that are shown."""
    turns = []
    if first > 0:
        earlier = max(0, first - AT_ONCE)
        turns.append(html.pick(html.text("Earlier passages"), f"{TURN}{earlier}"))
    if first + AT_ONCE < n:
        later = first + AT_ONCE
        turns.append(html.pick(html.text("Later passages"), f"{TURN}{later}"))
    return html.tag("div", html.join(turns), "al-spread")


def _note(document: Document) -> Html:
    return html.note(f"{document.note}.") if document.note else Html("")


def _left_out(exclusions: list[Exclusion]) -> Html:
    """Return what stands in the file but is no part of its text, alike ones once."""
    if not exclusions:
        return Html("")
    counts = Counter((exclusion.reason, exclusion.text) for exclusion in exclusions)
    rows = [
        (html.text(reason), html.text(_short(text)), html.number(n))
        for (reason, text), n in counts.most_common(AT_ONCE)
    ]
    heads = ("Reason", "Text", "Count")
    caption = f"Left out of the file: {len(exclusions)} parts that are no running text"
    return html.tag(
        "details",
        html.tag("summary", html.text(caption)) + html.table(heads, rows, caption),
    )


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN else f"{flat[:SHOWN]}…"


def _passage(passage: Passage, earlier: Passage | None, name: str) -> Html:
    place = f"{passage.position + 1}. characters {passage.start} to {passage.end}, "
    place += f"{passage.n_tokens} tokens"
    if earlier:
        is_same = earlier.text.split() == passage.text.split()
        place += ", a repeat of " if is_same else ", similar to "
        place += f"passage {earlier.position + 1} of {name}"
    word = "Include" if passage.excluded else "Exclude"
    head = html.tag("span", html.text(place), "al-faint") + html.pick(
        html.text(word),
        passage.id,
        aria_label=f"{word}: passage {passage.position + 1}",
    )
    return html.tag(
        "section",
        html.tag("header", head, "al-spread")
        + html.tag("div", html.text(passage.text), "al-text"),
        "al-card al-out" if passage.excluded else "al-card",
    )


def report(store: Store) -> Html:
    """Return what the last import brought, and why the rest was refused."""
    run = store.runs.last("import")
    if run is None:
        return Html("")
    new = store.library.brought_by(run.id)
    parts = [
        html.tag(
            "p",
            html.text(
                f"Added: corpus {corpus.name}, {corpus.n_examples:,} examples on "
                f"{corpus.n_texts:,} texts; train on it by the method SELF meta-skills."
            ),
            "al-good",
        )
        for corpus in store.corpora.brought_by(run.id)
    ]
    if new:
        names = ", ".join(corpus.name for corpus in new)
        parts.append(html.tag("p", html.text(f"Added: {_short(names)}."), "al-good"))
    parts += [
        html.note(f"{corpus.name} {corpus.note}.") for corpus in new if corpus.note
    ]
    if n := ImportResult.of(run).repeats:
        parts.append(html.note(f"{n} passages repeat earlier ones; they are marked."))
    return html.join([*parts, _import_errors(run)])


QUESTIONS = {
    "instructions": "instructions (SELF)",
    "quiz": "quiz with gold answers",
    "control": "control with gold answers",
}
"""What files of questions may be for."""


def taken(kind: str, n: int) -> Html:
    """Return how many instructions or questions came in, and what they are for."""
    sentence = f"{n} new instructions; you can study them under Study."
    if kind != "instructions":
        sentence = f"The {kind} has {n} more questions; it is asked under Evaluation."
    return html.tag("p", html.text(sentence), "al-good")


def _import_errors(run: Run) -> Html:
    if run.state in ("queued", "running"):
        return html.note(f"{run.stage or 'Queued'} …")
    if run.error:
        return html.problem(run.error)
    if run.state != "done":
        return html.problem(
            f"{labels.run(run)} was {run.state}; resume it under History."
        )
    return html.join(html.problem(reason) for reason in ImportResult.of(run).refused)

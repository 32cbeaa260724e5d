"""Documents with their counts, and the result of the last import."""

import re
from collections import defaultdict
from collections.abc import Sequence

from autolearn.core.records import ACTIVE_STATES, Run
from autolearn.core.run_results import ImportResult
from autolearn.core.run_settings import ImportRunSettings
from autolearn.services import demo_library, reading_actions
from autolearn.store import DocumentSize, Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels

SHOWN = 80
"""Characters that are shown of the names of new documents."""
N_LISTED = 500
"""Most documents in a table: it is drawn again whenever one is added."""
FOUND = 30
"""Most passages that a search shows."""
AROUND = 70
"""Characters shown on each side of a word that was searched."""
PLACE = "place-"
"""How the key begins of a passage that a search has found."""
OTHER = "other-"
"""How the key begins of a file that is added as something else than texts."""
DEMO = "demo"
"""The key of a click that removes the demo library."""


def documents(store: Store) -> Html:
    """Return all documents by folder; a click on one shows its passages."""
    documents = store.library.document_sizes()
    if not documents:
        return html.note(
            "No text yet. Upload or paste one, or press “Run a whole round” to use the "
            "built-in library."
        )
    folders: defaultdict[str, list[DocumentSize]] = defaultdict(list)
    for document in documents:
        folders[document.folder].append(document)
    loose = folders.pop("", [])
    parts = [_folder(name, folders[name]) for name in sorted(folders)]
    return html.join([_table(loose)] * bool(loose) + parts)


def demo(store: Store) -> Html:
    """Return a button that removes the documents of the demo, while there are any."""
    documents = demo_library.documents(store)
    if not documents:
        return Html("")
    question = (
        f"Delete the {html.count(len(documents), 'document')} of the demo library? "
        "Samples that were made from them stay, each with its passage, and rounds keep "
        "what they learned. The quiz no longer asks about them, unless the quiz is "
        "locked."
    )
    return html.button(
        html.text("Remove the demo library"), data_remove=question, data_key=DEMO
    )


def _folder(name: str, documents: Sequence[DocumentSize]) -> Html:
    """Return a folder with its totals; its documents are listed once it is opened."""
    n_tokens = sum(document.n_tokens for document in documents)
    totals = f"{html.count(len(documents), 'document')}, {n_tokens:,} tokens"
    head = html.tag("strong", html.text(f"{name}/ "))
    head += html.tag("span", html.text(totals), "al-faint")
    return html.details(head, _table(documents, f"{name}/"), "al-folder")


def _table(documents: Sequence[DocumentSize], folder: str = "") -> Html:
    n, listed = len(documents), documents[-N_LISTED:]
    rows = [
        (
            html.pick(
                html.text(document.name.removeprefix(folder)), document.id, "al-link"
            )
            + _sign(document),
            html.number(document.n_passages),
            html.number(document.n_tokens),
            html.number(document.n_left_out),
        )
        for document in listed
    ]
    heads = ("Document", "Passages", "Tokens", "Left out")
    table = html.table(heads, rows, f"Documents {folder}".strip())
    if n == len(listed):
        return table
    return table + html.note(
        f"The newest {len(listed)} of {n:,} are listed; search for words of the others."
    )


def search_results(store: Store, text: str) -> Html:
    """Return the passages with these words; a click on one opens it."""
    if not text.strip():
        return Html("")
    passages = store.library.find_passages(text, FOUND)
    if not passages:
        return html.note("No passage has all these words.")
    documents = store.library.documents_by_id(p.document_id for p in passages)
    rows = [
        (
            html.pick(
                html.text(f"{documents[p.document_id].name}, {p.label}"),
                f"{PLACE}{p.document_id}-{p.position}",
                "al-link",
            ),
            html.tag("span", _around(p.text, text), "al-text"),
        )
        for p in passages
    ]
    n = f"{len(passages)}, the best" if len(passages) == FOUND else str(len(passages))
    return html.table(("Passage", "Text"), rows, f"Passages found: {n}")


def _around(passage: str, words: str) -> Html:
    """Return the text around the first word that was searched, with the word marked.

    The words may be written differently in the passage; then its beginning is returned.
    """
    found = re.search(re.escape(words.split()[0]), passage, re.IGNORECASE)
    if found is None:
        return html.beginning(passage, 2 * AROUND)
    begin = max(0, found.start() - AROUND)
    cut = passage[begin : found.end() + AROUND].replace("\n", " ")
    return html.marked(cut, found.start() - begin, found.end() - begin)


def _sign(shelved: DocumentSize) -> Html:
    """Return what shows that there are notes on how a document was read."""
    if not shelved.has_notes:
        return Html("")
    return html.tag("span", html.text(" ▲"), "al-sign-note", title="See its notes.")


def report(store: Store) -> Html:
    """Return what the last import added, and why the rest was refused.

    Not the built-in corpus: teaching skills adds it by itself, and the list of corpora
    shows it.
    """
    run = store.runs.last("import")
    if run is None:
        return Html("")
    new = store.library.brought_by(run.id)
    parts = [
        html.tag(
            "p",
            html.text(
                f"Added: corpus {corpus.name}, {corpus.n_examples:,} examples on "
                f"{corpus.n_texts:,} texts; train on it with the method SELF "
                "meta-skills."
            ),
            "al-good",
        )
        for corpus in store.corpora.brought_by(run.id)
        if corpus.kind != "invented"
    ]
    if new:
        names = ", ".join(document.name for document in new)
        parts.append(html.tag("p", html.text(f"Added: {_short(names)}."), "al-good"))
    parts += [
        html.note(f"{document.name}: {note}")
        for document in new
        for note in document.notes
    ]
    result = ImportResult.of(run)
    if n := result.repeats:
        verb = "repeats" if n == 1 else "repeat"
        sentence = (
            f"{html.count(n, 'passage')} {verb} an earlier one: exact repeats are "
            "excluded from studies, near ones are only marked."
        )
        parts.append(html.note(sentence))
    for document in store.library.documents_by_id([result.document_id or 0]).values():
        name = document.name
        parts.append(html.tag("p", html.text(f"Read again: {name}."), "al-good"))
    return html.join([*parts, _outcome(run), *_others(run)])


def is_of_corpus(store: Store) -> bool:
    """Return whether the last import is one of a corpus, which reports beside it."""
    run = store.runs.last("import")
    return run is not None and ImportRunSettings.of(run).corpus_source is not None


def _others(run: Run) -> list[Html]:
    """Return where the files can go that hold something else than texts."""
    parts = []
    for number, other in enumerate(ImportResult.of(run).others):
        buttons = (
            html.pick(
                html.text(f"Add as {name}"),
                f"{OTHER}{run.id}-{number}-{target}",
                aria_label=f"Add {other.name} as {name}",
            )
            for target, name in reading_actions.targets(other).items()
        )
        words = html.tag("span", html.text(other.name), "al-faint")
        parts.append(html.tag("div", words + html.join(buttons), "al-picks"))
    return parts


QUESTIONS = {
    "instructions": "instructions (SELF)",
    "quiz": "quiz with gold answers",
    "control": "control set with gold answers",
}
"""The purposes of files of questions."""


def import_note(kind: str, n: int, n_trained: int = 0) -> Html:
    """Return how many instructions are new, or how many questions of a file are used.

    ``n_trained``: questions left out because a round was trained on them.
    """
    sentence = f"New instructions: {n:,}. You can study them under Study."
    if kind != "instructions":
        name = "quiz" if kind == "quiz" else "control set"
        sentence = f"Questions of the file in the {name}: {n}. Evaluation asks them."
    if n_trained:
        sentence += f" Left out, because a round was trained on them: {n_trained}."
    return html.tag("p", html.text(sentence), "al-good")


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN else f"{flat[:SHOWN]}…"


def _outcome(run: Run) -> Html:
    if run.state in ACTIVE_STATES:
        return html.note(f"{run.stage or 'Queued'} …")
    if run.state in ("cancelled", "interrupted"):
        return html.problem(
            f"{labels.run(run)} was {run.state}; resume it under History."
        )
    if run.error:
        return html.problem(run.error)
    return html.join(html.problem(reason) for reason in ImportResult.of(run).refusals)

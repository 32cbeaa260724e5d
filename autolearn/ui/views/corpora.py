"""The gold corpora of the library, and what a round is taught from them."""

from collections import Counter
from collections.abc import Sequence

from autolearn.core.gold import KINDS, Corpus
from autolearn.core.records import TrainItem
from autolearn.metaskills.items import SHARES, skill_of
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html

REMOVE = "remove-"
"""How the key of a button begins that removes a corpus; others turn its use."""
OTHER = "closed-book"
"""What items are called that teach no skill of a corpus."""


def corpora(store: Store) -> Html:
    """Return all corpora with their counts; each can be left out, and removed."""
    found = store.corpora.all()
    if not found:
        return html.note(
            "No gold corpus yet. From gold questions and answers a model learns to "
            "ask, answer, judge and refine (Train, SELF meta-skills)."
        )
    heads = ("Corpus", "Source", "Examples", "Texts", "Rejected rows", "Licence", "")
    return html.table(heads, [_row(one) for one in found], "Gold corpora")


def _row(one: Corpus) -> tuple[Html, ...]:
    turn = "Include" if one.excluded else "Exclude"
    buttons = [
        html.pick(html.text(word), key, aria_label=f"{word}: corpus {one.name}")
        for word, key in ((turn, str(one.id)), ("Remove", f"{REMOVE}{one.id}"))
    ]
    name = html.text(one.name)
    if one.excluded:
        name = name + html.text(" ") + html.badge("excluded", "gap")
    return (
        Html(name),
        html.text(KINDS[one.kind]),
        html.number(one.n_examples),
        html.number(one.n_texts),
        html.number(one.n_refused),
        html.text(one.licence or html.DASH),
        html.join(buttons),
    )


def skills(items: Sequence[TrainItem]) -> Html:
    """Return how many of the items teach which skill."""
    counts = Counter(skill_of(item) for item in items)
    told = [f"{name} {counts[name]:,}" for name in SHARES if counts[name]]
    if counts[None]:
        told.append(f"{OTHER} {counts[None]:,}")
    return html.text(", ".join(told) or html.DASH)

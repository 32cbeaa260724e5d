"""The gold corpora of the library, and what a round is taught from them."""

from collections import Counter
from collections.abc import Sequence

from autolearn.core.gold import KINDS, Corpus
from autolearn.core.records import TrainItem
from autolearn.metaskills.items import SHARES, skill_of
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html

REMOVE, EXCLUDE, INCLUDE = "remove-", "exclude-", "include-"
"""How the keys of the buttons begin; the id of the corpus follows."""
OTHER = "closed-book"
"""The name of items that teach no skill of a corpus."""


def corpora(store: Store) -> Html:
    """Return all corpora with their counts; each can be left out, and removed."""
    records = store.corpora.all()
    if not records:
        return html.note(
            "No gold corpus yet. From questions with known answers (gold) a model "
            "learns to ask, answer, judge and refine (Train, SELF meta-skills). You "
            "need none for “Teach these skills” under Model: it adds the built-in one "
            "by itself."
        )
    heads = ("Corpus", "Examples", "Texts", "Rejected rows", "")
    return html.table(heads, [_row(corpus) for corpus in records], "Gold corpora")


def _row(corpus: Corpus) -> tuple[Html, ...]:
    word, key = ("Include", INCLUDE) if corpus.excluded else ("Exclude", EXCLUDE)
    turn = html.pick(
        html.text(word),
        f"{key}{corpus.id}",
        aria_label=f"{word}: corpus {corpus.name}",
    )
    remove = html.button(
        html.text("Remove"),
        data_remove=f"Remove corpus “{corpus.name}” with its "
        f"{html.count(corpus.n_examples, 'example')}? Rounds keep what they learned "
        "from it.",
        data_key=f"{REMOVE}{corpus.id}",
        aria_label=f"Remove: corpus {corpus.name}",
    )
    name = html.text(corpus.name)
    if corpus.excluded:
        name += html.text(" ") + html.badge("excluded", "gap")
    about = [KINDS[corpus.kind], corpus.licence or "licence not noted"]
    if corpus.kind == "invented":
        about = ["built in: short texts with known answers"]
    return (
        name + html.tag("div", html.text(", ".join(about)), "al-faint"),
        html.number(corpus.n_examples),
        html.number(corpus.n_texts),
        html.number(corpus.n_refused),
        turn + remove,
    )


def skills(items: Sequence[TrainItem]) -> Html:
    """Return how many of the items teach which skill."""
    counts = Counter(skill_of(item) for item in items)
    shares = [f"{name} {counts[name]:,}" for name in SHARES if counts[name]]
    if counts[None]:
        shares.append(f"{OTHER} {counts[None]:,}")
    return html.text(", ".join(shares) or html.DASH)

"""The knowledge map of all documents: how much of each passage is known."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace

from autolearn.core.records import Passage
from autolearn.services.model_scope import shown_digest
from autolearn.store import DocumentSize, SampleFilter, Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import knowledge_map, labels
from autolearn.ui.views.knowledge_map import MapView

GROUPS = {
    "known": ("known",),
    "learned": ("right", "trained"),
    "gap": ("gap", "wrong"),
    "flagged": ("flagged",),
}
"""The states that a cell shows, each with the marks of samples that count as it."""
_GROUP_OF = {mark: name for name, marks in GROUPS.items() for mark in marks}
N_DOCUMENTS, N_PASSAGES = 60, 80
"""Most rows, and most cells of a row."""

Shares = Counter[str]
"""How many samples of each group."""


def draw(store: Store, place: MapView) -> Html:
    """Return the grid of all documents, or the map of the one that was chosen."""
    documents = store.library.document_sizes()
    if place.document_id or len(documents) < 2:
        return knowledge_map.draw(store, place)
    criteria = SampleFilter(model_digest=shown_digest(store))
    before = _as_studied(store, criteria)
    if not before:
        return html.note(f"No study{labels.of_model(store)} yet. Press “Study”.")
    now = _after_round(store, criteria, before, place.round_id)
    switches = knowledge_map.rounds(store, place)
    visible = documents[:N_DOCUMENTS]
    of_these = replace(criteria, documents=[document.id for document in visible])
    sizes = store.knowledge.n_samples(of_these)
    rows = [_row(store, d, now, sizes.get(d.id, 0)) for d in visible]
    table = html.table(("Document", "Passages", "Samples"), rows, "Knowledge map")
    more = ""
    if len(documents) > len(visible):
        more = f"The first {N_DOCUMENTS} of {len(documents):,} documents are shown; "
        more += "the numbers above the table are those of all."
    return html.join(
        [
            switches,
            _totals(before, now, place.round_id),
            html.tag("div", table, "al-knowledge-grid"),
            html.note(more) if more else Html(""),
        ]
    )


def _as_studied(store: Store, criteria: SampleFilter) -> dict[int, Shares]:
    """Return the shares of each passage, as its study has found them."""
    shares: defaultdict[int, Shares] = defaultdict(Counter)
    for passage_id, knowledge, n in store.knowledge.counts(criteria):
        shares[passage_id][_GROUP_OF[knowledge]] += n
    return dict(shares)


def _after_round(
    store: Store, criteria: SampleFilter, before: Mapping[int, Shares], round_id: int
) -> Mapping[int, Shares]:
    """Return the shares after a round; it changes those of what it has learned."""
    if not round_id:
        return before
    learned = knowledge_map.learned_by(store, round_id)
    shares = {passage_id: Counter(then) for passage_id, then in before.items()}
    for sample in store.knowledge.outlines(criteria):
        if result := learned.result(sample):
            of_passage = shares[sample.passage_id]
            of_passage[_GROUP_OF[sample.knowledge]] -= 1
            of_passage[_GROUP_OF[result]] += 1
    return shares


def _totals(
    before: Mapping[int, Shares], now: Mapping[int, Shares], round_id: int
) -> Html:
    """Return the legend with the numbers of all documents, before and after."""
    total = _sum(now)
    was = _sum(before) if round_id else total
    parts = []
    for name in GROUPS:
        figures = f"{total[name]:,}"
        if round_id and was[name] != total[name]:
            figures = f"{was[name]:,} → {total[name]:,}"
        swatch = html.tag("span", "", f"al-swatch al-share-{name}", aria_hidden="true")
        parts.append(swatch + html.tag("span", html.text(f"{name} {figures}")))
    return html.tag("div", html.join(parts), "al-legend")


def _sum(shares: Mapping[int, Shares]) -> Shares:
    total: Shares = Counter()
    for of_passage in shares.values():
        total.update(of_passage)
    return total


def _row(
    store: Store, document: DocumentSize, shares: Mapping[int, Shares], n_samples: int
) -> tuple[Html, ...]:
    """Return the cells of a document; ``n_samples`` are also those without a cell."""
    passages = store.library.stretch(document.id, 0, N_PASSAGES)
    cells = html.join(_cell(document, p, shares.get(p.id, Counter())) for p in passages)
    if len(passages) == N_PASSAGES:
        n_all, _ = store.library.coverage(document.id)
        if n_all > N_PASSAGES:
            more = html.text(f"and {n_all - N_PASSAGES} more")
            cells += html.tag("span", more, "al-faint")
    name = html.pick(html.text(document.name), f"d{document.id}", "al-link")
    return name, html.tag("div", cells, "al-cells"), html.number(n_samples)


def _cell(document: DocumentSize, passage: Passage, shares: Shares) -> Html:
    """Return a passage as a bar of its shares; a click opens its samples."""
    n = sum(shares.values())
    counts = ", ".join(f"{shares[name]} {name}" for name in GROUPS if shares[name])
    label = f"{document.name}, {passage.label}: {counts or 'not studied'}"
    parts = html.join(
        html.tag(
            "span",
            "",
            f"al-share-{name}",
            style=f"width:{100 * shares[name] / n:.1f}%",
        )
        for name in GROUPS
        if shares[name]
    )
    return html.pick(
        parts,
        f"g{document.id}-{passage.position}",
        "al-grid-cell" + (" al-out" if passage.excluded else ""),
        title=label,
        aria_label=label,
    )

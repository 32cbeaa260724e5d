"""The knowledge map of a document: its passages, and how much of each is known."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from autolearn.core.records import Passage, Sample
from autolearn.services.model_scope import shown_digest
from autolearn.store import DocumentSize, QuestionFilter, SampleFilter, Store
from autolearn.store.knowledge import SampleOutline
from autolearn.text.matching import normalise
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels
from autolearn.ui.views.sample import knowledge

N_PASSAGES = 60
N_CELLS = 40
"""Per passage; if there are more, only the newest are shown."""
N_BESIDE = 30
"""Documents before the one that is shown that lead to their maps, and after it."""
N_TITLE = 200
"""Longer questions are cut in the description of a cell."""

SIGNS = {
    "known": "●",
    "gap": "○",
    "flagged": "⚑",
    "right": "●",
    "wrong": "✗",
    "trained": "◆",
}
DECIDED = {"pending": "", "approved": "✓", "rejected": "✗"}
WORDS = {
    "known": "known",
    "gap": "gap",
    "flagged": "flagged",
    "right": "asked again: correct",
    "wrong": "asked again: wrong",
    "trained": "trained, not asked again",
}


@dataclass(frozen=True)
class MapView:
    """Selected document, first passage and round of the map."""

    document_id: int = 0
    """0: all as a grid, or the only one."""
    round_id: int = 0
    """0: as it was studied."""
    first: int = 0

    def moved(self, key: str) -> "MapView":
        """Return the place that a click on a part of the map leads to."""
        words, _, first = key[1:].partition("-")
        kind, number = key[:1], int(words)
        if kind in "dg":
            return replace(self, document_id=number, first=int(first or 0))
        if kind == "r":
            return replace(self, round_id=number)
        return replace(self, first=number)


@dataclass(frozen=True)
class Learned:
    """The samples that a round learned, and the questions that were asked again."""

    trained: frozenset[int] = frozenset()
    by_question: dict[int, bool] | None = None
    """Whether a rewording of a question was answered rightly."""
    by_text: dict[tuple[int | None, str], bool] | None = None
    """Likewise for the same question on the same passage, from another source."""

    def result(self, sample: Sample | SampleOutline) -> str | None:
        """Return what a sample was after the round; None: as it was before."""
        right = (self.by_question or {}).get(sample.question_id)
        if right is None and self.by_text:
            right = self.by_text.get((sample.passage_id, normalise(sample.prompt)))
        if right is not None:
            return "right" if right else "wrong"
        return "trained" if sample.id in self.trained else None

    def mark(self, sample: Sample) -> str:
        """Return what the round makes of a sample."""
        return self.result(sample) or knowledge(sample)


def draw(store: Store, place: MapView) -> Html:
    """Return the map of one document; its parts lead on, cells are samples."""
    documents = store.library.document_sizes()
    if not documents:
        return html.note("There is no text yet. Add one under Library, then study it.")
    document = next((d for d in documents if d.id == place.document_id), documents[0])
    criteria = SampleFilter(document_id=document.id, model_digest=shown_digest(store))
    samples = store.samples.find(criteria)
    switches = _documents(documents, document) + rounds(store, place)
    if not samples:
        which = labels.of_model(store)
        sentence = f"This document has no sample{which} yet. Press “Study”."
        return switches + html.note(sentence)
    return switches + _map(store, place, document, samples)


def _map(
    store: Store, place: MapView, document: DocumentSize, samples: Sequence[Sample]
) -> Html:
    learned = learned_by(store, place.round_id)
    groups: defaultdict[int | None, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.passage_id].append(sample)
    passages = store.library.passages([document.id], with_excluded=True)
    visible = passages[place.first : place.first + N_PASSAGES]
    rows = [_row(_title(p), groups[p.id], learned) for p in visible]
    ids = {passage.id for passage in passages}
    former = [sample for sample in samples if sample.passage_id not in ids]
    if former and place.first + N_PASSAGES >= len(passages):
        rows.append(_row(html.text("Former passages"), former, learned))
    table = html.table(("Passage", "Samples", "Questions"), rows, "Knowledge map")
    pages = _pages(place.first, len(passages))
    return _legend(samples, learned) + pages + html.tag("div", table, "al-map")


def _switch(word: str, key: str, on: bool) -> Html:
    return html.pick(html.text(word), key, aria_pressed=str(on).lower())


def _documents(documents: Sequence[DocumentSize], current: DocumentSize) -> Html:
    place = documents.index(current)
    beside = documents[max(0, place - N_BESIDE) : place + N_BESIDE + 1]
    picks = [_switch(d.name, f"d{d.id}", d.id == current.id) for d in beside]
    if len(documents) > 1:
        picks.insert(0, _switch("All documents", "d0", False))
    return html.tag("div", html.join(picks), "al-switches")


def rounds(store: Store, place: MapView) -> Html:
    """Return the choice of a round, if one has been quizzed."""
    own = {round_.id for round_ in labels.rounds(store, shown_digest(store))}
    quizzed = [number for number in store.runs.quizzed_rounds() if number in own]
    if not quizzed:
        return Html("")
    picks = [_switch("As studied", "r0", not place.round_id)] + [
        _switch(f"After round {number}", f"r{number}", number == place.round_id)
        for number in quizzed
    ]
    return html.tag("div", html.join(picks), "al-switches")


def learned_by(store: Store, round_id: int) -> Learned:
    """Return what a round and those before it learned, and its newest quiz; 0: none."""
    if not round_id:
        return Learned()
    lineage = [round_.id for round_ in store.rounds.lineage(round_id)]
    ids = store.rounds.trained_samples(lineage)
    by_question, by_text = _asked_again(store, round_id)
    return Learned(ids, by_question, by_text)


def _asked_again(
    store: Store, round_id: int
) -> tuple[dict[int, bool], dict[tuple[int | None, str], bool]]:
    """Return how questions went in the newest quiz; wrong once is wrong."""
    results = store.runs.latest_quiz_results(round_id)
    right = {r.question_id: r.right for r in results if r.mode == "closed_book"}
    by_question: dict[int, bool] = {}
    by_text: dict[tuple[int | None, str], bool] = {}
    for question in store.library.questions(QuestionFilter(ids=list(right))):
        well, key = right[question.id], (question.passage_id, normalise(question.text))
        by_text[key] = by_text.get(key, True) and well
        if question.parent_id:
            by_question[question.parent_id] = (
                by_question.get(question.parent_id, True) and well
            )
    return by_question, by_text


def _title(passage: Passage) -> Html:
    begin = passage.heading or " ".join(passage.text.split())
    return html.tag(
        "span",
        html.text(f"{passage.position + 1}. {begin[:60]}"),
        "al-out" if passage.excluded else "",
        title=begin[:300],
    )


def _row(title: Html, samples: Sequence[Sample], learned: Learned) -> tuple[Html, ...]:
    cells = html.join(
        _cell(sample, learned.mark(sample)) for sample in samples[-N_CELLS:]
    )
    if len(samples) > N_CELLS:
        cells += html.tag("span", f"and {len(samples) - N_CELLS} older", "al-faint")
    return title, html.number(len(samples)), html.tag("div", cells, "al-cells")


def _cell(sample: Sample, mark: str) -> Html:
    description = f"{sample.prompt[:N_TITLE]} ({WORDS[mark]}, {sample.state})"
    return html.pick(
        html.text(SIGNS[mark] + DECIDED[sample.state]),
        f"s{sample.id}",
        f"al-cell al-{mark}",
        title=description,
        aria_label=description,
    )


def _legend(samples: Sequence[Sample], learned: Learned) -> Html:
    """Return what colours and signs mean, with how often each occurs."""
    marks = Counter(learned.mark(sample) for sample in samples)
    states = Counter(sample.state for sample in samples)
    parts = [
        html.tag("span", html.text(SIGNS[mark]), f"al-cell al-{mark}")
        + html.tag("span", html.text(f"{word}: {marks[mark]}"))
        for mark, word in WORDS.items()
        if marks[mark]
    ]
    parts += [
        html.tag("span", html.text(f"{sign} {state}: {states[state]}"))  # type: ignore[index]
        for state, sign in DECIDED.items()
        if sign and states[state]  # type: ignore[index]
    ]
    return html.tag("div", html.join(parts), "al-legend")


def _pages(first: int, total: int) -> Html:
    """Return which passages are shown if there are too many for one view."""
    if total <= N_PASSAGES:
        return Html("")
    last = min(total, first + N_PASSAGES)
    parts = [html.tag("span", f"Passages {first + 1} to {last} of {total}", "al-faint")]
    if first:
        parts.append(html.pick(Html("Earlier"), f"p{max(0, first - N_PASSAGES)}"))
    if last < total:
        parts.append(html.pick(Html("Later"), f"p{last}"))
    return html.tag("div", html.join(parts), "al-switches")

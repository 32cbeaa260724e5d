"""What a round changed: shares with their intervals, and every question that flipped.

A share is always shown with its interval and its number of questions.
"""

from collections import defaultdict
from collections.abc import Sequence

from autolearn.core.records import Metric, Round
from autolearn.core.run_results import RoundScores
from autolearn.evaluation import statistics
from autolearn.evaluation.paired_quizzes import PARTS, QuizChange, RoundComparison
from autolearn.evaluation.scoring import SCORERS
from autolearn.services import quiz_actions, quiz_runs, retention, round_actions
from autolearn.services.model_scope import chosen_digest, shown_digest
from autolearn.services.retention import DocumentScore
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import curve, labels, quiz_due

ORIGINS = {
    "gold": "gold question",
    "person": "question by a person",
    "paraphrase": "self-made and self-graded question",
    "model": "self-made and self-graded question",
}
"""The names of the origins of quiz questions."""
ACCEPT, LOCK, UNLOCK = "accept-", "lock", "unlock"
"""Keys of clicks: to accept an answer, with the id of its question and the answer that
is shown, which a later quiz does not change; to lock the quiz, and to unlock it.
"""
MOST_DOCUMENTS = 12
"""Documents that the table of retention has columns for."""
SEVERAL = 30
"""Questions above which a list is folded."""
LEAST_OF_GAP = 20
"""Questions below which the share of the gap that was closed is not shown."""


def result(store: Store, round_id: int, before_id: int | None) -> tuple[Html, Html]:
    """Return the difference between two rounds, in numbers and by questions."""
    if not round_id:
        sentence = f"No round{labels.of_model(store)} is finished yet. Train one first."
        return html.note(sentence), Html("")
    round_ = store.rounds.get(round_id)
    comparison = quiz_runs.compare(store, round_id, before_id)
    head = html.tag(
        "h3", html.text(f"Round {round_id}: {labels.method(round_.method)}")
    )
    state = labels.state(round_actions.state_of(store, round_))
    top = html.tag("header", head + state, "al-spread")
    if comparison is None:
        notice = quiz_due.missing(store, round_, before_id)
        return top + notice + _own(round_), Html("")
    numbers = top + _verdict(store, comparison) + _shares(comparison) + _own(round_)
    return numbers, _questions(comparison)


def _verdict(store: Store, comparison: RoundComparison) -> Html:
    """Return the outcome of each quiz; no change is claimed without an interval."""
    sentences = [
        f"{PARTS[part]}: {_outcome(change)}"
        for part, change in comparison.parts.items()
        if change.n and part != "control"
    ]
    if not sentences and not comparison.parts["control"].n:
        return html.note("The two quiz runs share no question; run the quiz again.")
    parts = html.tag("strong", html.text(" ".join(sentences)))
    parts += html.join(
        html.tag("span", html.text(f" {few}"), "al-faint")
        for few in labels.few_changed_in(comparison)
    )
    control = comparison.parts["control"]
    if n_lost := len(control.newly_wrong):
        verb = "answers is" if n_lost == 1 else "answers are"
        warning = (
            f" {n_lost} of {control.n} control {verb} now wrong "
            f"({len(control.newly_right)} newly right)."
        )
        parts += html.tag("span", html.text(warning), "al-problem")
    if comparison.left_out:
        left_out = html.count(comparison.left_out, "question")
        if n_deleted := quiz_runs.about_deleted(store, comparison):
            left_out += f" ({n_deleted} about deleted documents)"
        only = f" Asked in one of the two runs only, not counted: {left_out}."
        parts += html.tag("span", html.text(only), "al-faint")
    if cut := sum(result.truncated for result in comparison.after.values()):
        n_cut = html.count(cut, "answer")
        limit = f" Cut off at the length limit, or too long for the model: {n_cut}."
        parts += html.tag("span", html.text(limit), "al-faint")
    return html.tag("p", parts) + _warning(comparison)


def _warning(comparison: RoundComparison) -> Html:
    if comparison.asked_alike:
        return Html("")
    return html.problem(
        "The two quizzes used different prompts, length limits or quantisation, so the "
        "difference is not due to the round alone. Run the quiz again."
    )


def _outcome(change: QuizChange) -> str:
    if not change.is_significant:
        return "the change is not statistically significant."
    amount = "more" if change.change > 0 else "fewer"
    return f"the round answers {amount} questions correctly than before."


def _shares(comparison: RoundComparison) -> Html:
    rows = [
        _row(f"{PARTS[part]}, closed-book", change)
        for part, change in comparison.parts.items()
        if change.n
    ]
    table = html.table(
        ("Questions", "n", "Before", "After", "Change (95 %)", "p (McNemar)"),
        rows,
        "Shares of right answers before and after",
    )
    details: dict[str, Html] = {}
    for part, studied in comparison.studied_parts.items():
        change, title = comparison.parts[part], PARTS[part]
        if not change.n:
            continue
        details |= {
            f"{title}: base model with the passage in view, for comparison": (
                html.percent(change.open_book)
            ),
            **_gap_closed(f"{title}: share of the gap to it closed", change),
            f"{title}: only questions whose answer the round was trained on "
            f"(n = {studied.n})": html.text(
                f"{_share(studied.right_before, studied.n)} right before, "
                f"{_share(studied.right_after, studied.n)} after"
            ),
            **_gap_closed(f"{title}: share of the gap closed on these", studied),
        }
    if not details:  # a control set alone was asked
        return table
    return table + html.tag("div", html.pairs(details), "al-card al-below")


def _gap_closed(name: str, change: QuizChange) -> dict[str, Html]:
    """Return the share of the gap that was closed, by a name.

    It has no interval, so nothing after few questions or without a significant change;
    nothing either if there was no gap.
    """
    share = change.gap_closed
    if share is None or change.n_open < LEAST_OF_GAP or not change.is_significant:
        return {}
    return {name: _share_of_gap(share)}


def _share_of_gap(share: float) -> Html:
    """Return the share of the gap that was closed.

    A round may answer more questions than the base model with the passage in view, or
    fewer than before.
    """
    if share > 1:
        return html.text("all (the round answers more questions correctly than that)")
    if share < 0:
        return html.text("none (the round answers fewer questions than before)")
    return html.percent(share)


def _row(name: str, change: QuizChange) -> tuple[Html, ...]:
    low, high = change.interval
    difference = (change.right_after - change.right_before) / max(1, change.n)
    sentence = f"{100 * difference:+.0f} points ({100 * low:+.0f} to {100 * high:+.0f})"
    return (
        html.text(name),
        html.number(change.n),
        _with_interval(change.right_before, change.n),
        _with_interval(change.right_after, change.n),
        html.text(sentence if change.n else html.DASH),
        html.tag("span", html.text(_p(change)), "al-number"),
    )


def _p(change: QuizChange) -> str:
    if not change.n:
        return html.DASH
    return "< 0.0001" if change.p < 0.0001 else f"{change.p:.4f}"


def _with_interval(right: int, n: int) -> Html:
    """Return a share with its interval, as a number and as a bar."""
    if not n:
        return html.text(html.DASH)
    low, high = statistics.wilson(right, n)
    sentence = f"{100 * right / n:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
    fill = html.tag("span", "", "al-fill", style=f"width:{100 * right / n:.1f}%")
    place = f"left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"
    range_ = html.tag("span", "", "al-range", style=place)
    bar = html.tag("div", fill + range_, "al-bar al-share", aria_hidden="true")
    return html.text(sentence) + bar


def _share(right: int, n: int) -> str:
    return f"{100 * right / n:.0f} %" if n else html.DASH


def _own(round_: Round) -> Html:
    """Return the measurements of the training itself."""
    scores = RoundScores.of(round_)
    rows = {
        "Forgetting (KL to the base model on its own answers)": html.number(
            scores.forgetting_kl, 4
        ),
        "Validation (exact match)": html.percent(scores.validation),
        "Adapter weights multiplied by (below 1: forgets less)": html.number(
            scores.scale, 2
        ),
        "Steps": _steps(round_),
    }
    return html.tag("div", html.pairs(rows), "al-card al-below")


def _steps(round_: Round) -> Html:
    steps, best = html.number(round_.n_steps), RoundScores.of(round_).best_at
    if not best:
        return steps
    return steps + html.text(
        f" (validation fell later; the adapter of step {best} is kept)"
    )


def _questions(comparison: RoundComparison) -> Html:
    """Return every question that changed, the lost ones first."""
    changes = comparison.parts.items()
    lists = (
        [("Newly wrong", part, change.newly_wrong, True) for part, change in changes]
        + [("Newly right", part, change.newly_right, True) for part, change in changes]
        + [
            ("Wrong before and after", part, change.still_wrong, False)
            for part, change in changes
        ]
    )
    return html.join(
        _list(comparison, f"{title}, {PARTS[part].lower()}", ids, is_open)
        for title, part, ids, is_open in lists
    )


def _list(
    comparison: RoundComparison, title: str, ids: tuple[int, ...], is_open: bool
) -> Html:
    if not ids:
        return Html("")
    summary = html.text(f"{title}: {len(ids)}")
    cards = html.join(_question(comparison, i) for i in ids)
    is_open = is_open and len(ids) <= SEVERAL
    return html.details(summary, cards, "al-flips", is_open=is_open)


def _question(comparison: RoundComparison, question_id: int) -> Html:
    item = comparison.questions[question_id]
    was, now = comparison.before[question_id], comparison.after[question_id]
    question = item.question
    rows = {"Expected answer": html.text(item.gold_answer or "(there is none)")}
    for name, values in (
        ("Also right", question.aliases),
        ("Options", question.choices),
    ):
        if values:
            rows[name] = html.text(", ".join(values))
    rows["Before"] = html.text(was.text or html.DASH)
    rows["After"] = html.text(now.text or html.DASH)
    if was.text != now.text:
        rows["Difference"] = html.difference(was.text, now.text)
    rows["Origin and scorer"] = html.tag(
        "span",
        html.text(f"{ORIGINS[question.origin]}; {question.scorer}"),
        title=SCORERS[question.scorer],
    )
    head = html.tag("strong", html.text(question.text))
    body = head + html.pairs(rows)
    if not now.right and now.text.strip():
        label = html.text("Accept the new answer as right")
        body += html.pick(label, f"{ACCEPT}{question_id}-{now.text}", "al-link")
    return html.tag("section", body, "al-card al-flip")


def lock(store: Store) -> Html:
    """Return the version of the quiz, and a button to lock or unlock it."""
    version, sizes = store.quizzes.newest(), quiz_actions.sizes_in_words(store)
    if version is None:
        sentence = "Each run of the quiz freezes its questions as a version."
        if sizes:
            order = "Once a round is trained, the quiz asks it and the base model."
            sentence = f"{sizes} {order} {sentence}"
        return html.note(sentence)
    state = "locked" if version.locked else "open to later studies and imports"
    label, key = "Lock the quiz", LOCK
    if version.locked:
        label, key = "Unlock the quiz", UNLOCK
    words = html.text(f"Quiz version {version.version}, {state}. {sizes} ")
    button = html.pick(html.text(label), key, "al-link")
    return html.tag("p", words + button, "al-faint")


def rounds(store: Store) -> Html:
    """Return all rounds with their measurements, the newest first; nothing if none."""
    records = labels.rounds(store, shown_digest(store))
    if not records:
        return Html("")
    plot = _over_rounds(records)
    heads = ("Round", "Method", "State", "Quiz and control", "Forgetting (KL)")
    return plot + html.table(
        (*heads, "Validation", "From", "Steps"),
        (_round(store, record) for record in reversed(records)),
        "All rounds",
    )


def _over_rounds(records: Sequence[Round]) -> Html:
    """Return the shares of right answers over the rounds, and what was forgotten."""
    shares: defaultdict[str, list[Metric]] = defaultdict(list)
    forgotten = []
    for record in records:
        scores = RoundScores.of(record)
        for name, score in scores.closed_book().items():
            shares[name].append(Metric(record.id, name, score.right))
        if scores.forgetting_kl is not None:
            forgotten.append(Metric(record.id, "", scores.forgetting_kl))
    if max(map(len, shares.values()), default=0) < 2:
        return Html("")
    plots = curve.draw("Right answers, closed-book", "share", shares, axis="round")
    plots += curve.draw("Forgetting (KL)", "nats", {"": forgotten}, axis="round")
    return html.tag("div", plots, "al-plots")


def retained(store: Store) -> Html:
    """Return how the rounds of the model in use answer the quiz on each document."""
    model = chosen_digest(store)
    if model is None:
        return Html("")
    matrix = retention.matrix(store, model)
    documents = matrix.documents[:MOST_DOCUMENTS]
    names: dict[int | None, str] = {d.id: d.name for d in documents}
    if any(None in row.by_document for row in matrix.rows):
        names[None] = "no document"
    if len(matrix.rows) < 2 or len(names) < 2:
        return Html("")
    rows = (
        (
            html.text(labels.adapter(row.round_id)),
            *(_retained_share(row.by_document.get(number)) for number in names),
        )
        for row in matrix.rows
    )
    title = (
        "Quiz by document, closed-book, on the questions that all rows were asked; ● "
        "marks what the round has learned from"
    )
    heads = ("Model", *names.values())
    return html.tag("h4", html.text(title)) + html.table(heads, rows, title)


def _retained_share(score: DocumentScore | None) -> Html:
    if score is None:
        return html.number(None)
    sign = "● " if score.learned else ""
    return html.tag("span", html.text(f"{sign}{score.right} of {score.n}"), "al-number")


def _round(store: Store, record: Round) -> tuple[Html, ...]:
    scores = RoundScores.of(record)
    return (
        html.number(record.id),
        html.text(labels.method(record.method)),
        labels.state(round_actions.state_of(store, record)),
        _scores(scores),
        html.number(scores.forgetting_kl, 4),
        html.percent(scores.validation),
        html.text(
            f"round {record.parent_id}" if record.parent_id else record.model.name
        ),
        html.number(record.n_steps),
    )


def _scores(scores: RoundScores) -> Html:
    """Return the shares of each set of questions, with their numbers of questions."""
    sets = [
        f"{name} {100 * score.right:.0f} % of {score.n}"
        for name, score in scores.closed_book().items()
    ]
    return html.text("; ".join(sets) or html.DASH)

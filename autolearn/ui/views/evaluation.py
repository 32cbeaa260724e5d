"""What a round changed: shares with their intervals, and every question that flipped.

A share never stands alone: its interval and its number of questions stand with it.
"""

from autolearn.core.records import Round
from autolearn.core.run_results import RoundScores, Score
from autolearn.evaluation import statistics
from autolearn.services import quiz_runs
from autolearn.services.quiz_runs import QuizChange, RoundComparison
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels

SEVERAL = 30
"""Questions above which a list is folded."""


def result(store: Store, round_id: int, before_id: int | None) -> tuple[Html, Html]:
    """Return what a round changed against another, in numbers and by questions."""
    if not round_id:
        told = "No round is finished yet. Train one first, then run the quiz here."
        return html.note(told), Html("")
    measured = store.rounds.get(round_id)
    found = quiz_runs.compare(store, round_id, before_id)
    head = html.tag(
        "h3", html.text(f"Round {round_id}: {labels.method(measured.method)}")
    )
    top = html.tag("header", head + labels.state(measured.state), "al-spread")
    if found is None:
        told = _missing(store, measured, before_id)
        return top + told + _own(measured), Html("")
    numbers = top + _verdict(found) + _shares(found) + _own(measured)
    return numbers, _questions(found)


def _missing(store: Store, measured: Round, before_id: int | None) -> Html:
    """Return which take is missing, and what to do."""
    name = "base model" if before_id is None else f"round {before_id}"
    wanted = {name: before_id, f"round {measured.id}": measured.id}
    lacking = [
        who
        for who, one in wanted.items()
        if quiz_runs.latest_quiz(store, measured, one) is None
    ]
    active = store.runs.in_state("running", "queued")
    if any(run.kind == "quiz" for run in active):
        return html.note("The quiz is running; the result will appear here.")
    return html.note(
        f"No quiz yet for: {', '.join(lacking)}. Press “Run the quiz” to compare."
    )


def _verdict(found: RoundComparison) -> Html:
    """Return the outcome in one sentence; no change is claimed without an interval."""
    low, high = found.quiz.interval
    if found.quiz.n == 0:
        return html.note("The two quiz runs share no question; run the quiz again.")
    if low > 0:
        told = "The round answers more quiz questions correctly than before."
    elif high < 0:
        told = "The round answers fewer quiz questions correctly than before."
    else:
        told = "The change on the quiz is not statistically significant."
    parts = html.tag("strong", html.text(told))
    lost = len(found.control.newly_wrong)
    if lost:
        verb = "answers is" if lost == 1 else "answers are"
        right = len(found.control.newly_right)
        warned = (
            f" {lost} of {found.control.n} control {verb} now wrong "
            f"({right} newly right)."
        )
        parts += html.tag("span", html.text(warned), "al-problem")
    if found.left_out:
        only = f" {found.left_out} questions were asked in one of the two runs only "
        parts += html.tag("span", html.text(f"{only}and do not count."), "al-faint")
    return html.tag("p", parts) + _prompt_warning(found)


def _prompt_warning(found: RoundComparison) -> Html:
    if not found.prompt_differs:
        return Html("")
    return html.problem(
        "The prompt for closed-book answers changed between the two quizzes, so the "
        "difference is not that of the round alone. Run the quiz again."
    )


def _shares(found: RoundComparison) -> Html:
    scores, studied = found.scores, found.scores.studied
    rows = [
        _row("Quiz, closed-book", found.quiz),
        _row("Control, closed-book", found.control),
    ]
    table = html.table(
        ("Questions", "n", "Before", "After", "Change (95 %)", "p (McNemar)"),
        rows,
        "Shares of right answers before and after",
    )
    change = f"{_share(studied.closed_book_before)} to "
    change += _share(studied.closed_book_after)
    shown = {
        "Open-book bound (the base model reads the passage)": html.percent(
            scores.open_book
        ),
        "Gap to that bound closed": html.percent(scores.gap_closed),
        f"Facts that the round studied (n = {studied.n})": html.text(change),
        "Gap closed on these": html.percent(studied.gap_closed),
    }
    return table + html.tag("div", html.pairs(shown), "al-card al-below")


def _row(name: str, change: QuizChange) -> tuple[Html, ...]:
    low, high = change.interval
    moved = (change.right_after - change.right_before) / max(1, change.n)
    told = f"{100 * moved:+.0f} points ({100 * low:+.0f} to {100 * high:+.0f})"
    return (
        html.text(name),
        html.number(change.n),
        _with_interval(change.right_before, change.n),
        _with_interval(change.right_after, change.n),
        html.text(told if change.n else html.DASH),
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
    told = f"{100 * right / n:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
    fill = html.tag("span", "", "al-fill", style=f"width:{100 * right / n:.1f}%")
    place = f"left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"
    range_ = html.tag("span", "", "al-range", style=place)
    bar = html.tag("div", fill + range_, "al-bar al-share", aria_hidden="true")
    return html.text(told) + bar


def _share(share: float | None) -> str:
    return html.DASH if share is None else f"{100 * share:.0f} %"


def _own(measured: Round) -> Html:
    """Return what the training itself measured."""
    scores = RoundScores.of(measured)
    shown = {
        "Forgetting (KL to the base model on its own answers)": html.number(
            scores.forgetting_kl, 4
        ),
        "Validation (exact match)": html.percent(scores.validation),
        "Adapter scale": html.number(scores.scale, 2),
        "Steps": _steps(measured),
    }
    return html.tag("div", html.pairs(shown), "al-card al-below")


def _steps(measured: Round) -> Html:
    steps, best = html.number(measured.n_steps), RoundScores.of(measured).best_at
    if not best:
        return steps
    return steps + html.text(
        f" (validation fell later; the adapter of step {best} is kept)"
    )


def _questions(found: RoundComparison) -> Html:
    """Return every question that changed, the lost ones first."""
    lists = (
        ("Newly wrong, quiz", found.quiz.newly_wrong, True),
        ("Newly wrong, control", found.control.newly_wrong, True),
        ("Newly right, quiz", found.quiz.newly_right, True),
        ("Newly right, control", found.control.newly_right, True),
        ("Wrong before and after, quiz", found.quiz.still_wrong, False),
        ("Wrong before and after, control", found.control.still_wrong, False),
    )
    return html.join(_list(found, *one) for one in lists)


def _list(
    found: RoundComparison, title: str, ids: tuple[int, ...], is_open: bool
) -> Html:
    if not ids:
        return Html("")
    head = html.tag("summary", html.text(f"{title}: {len(ids)}"))
    cards = html.join(_question(found, i) for i in ids)
    opened = "open" if is_open and len(ids) <= SEVERAL else None
    return html.tag("details", head + cards, "al-flips", open=opened)


def _question(found: RoundComparison, question_id: int) -> Html:
    one = found.questions[question_id]
    was, now = found.before[question_id], found.after[question_id]
    shown = {
        "Gold answer": html.text(one.gold_answer),
        "Before": html.text(was or html.DASH),
        "After": html.text(now or html.DASH),
        "Difference": html.difference(was, now),
    }
    if was == now:
        del shown["Difference"]
    head = html.tag("strong", html.text(one.question.text))
    return html.tag("section", head + html.pairs(shown), "al-card al-flip")


def rounds(store: Store) -> Html:
    """Return all rounds with what was measured of them, the newest first."""
    found = store.rounds.all()
    if not found:
        return html.note("No round yet. Start one under Train.")
    heads = ("Round", "Method", "From", "State", "Steps", "Validation", "Quiz")
    return html.table(
        (*heads, "Control", "Forgetting (KL)", "Scale"),
        map(_round, reversed(found)),
        "All rounds",
    )


def _round(one: Round) -> tuple[Html, ...]:
    scores = RoundScores.of(one)
    return (
        html.number(one.id),
        html.text(labels.method(one.method)),
        html.text(f"round {one.parent_id}" if one.parent_id else one.model.name),
        labels.state(one.state),
        html.number(one.n_steps),
        html.percent(scores.validation),
        _score(scores.quiz_closed_book),
        _score(scores.control_closed_book),
        html.number(scores.forgetting_kl, 4),
        html.number(scores.scale, 2),
    )


def _score(score: Score | None) -> Html:
    """Return a share with the number of questions that it stands on."""
    if not score or not score.n:
        return html.text(html.DASH)
    return html.text(f"{100 * score.right:.0f} % of {score.n}")

"""The results of studies: the newest samples, and what gave no sample."""

from collections.abc import Collection, Mapping, Sequence

from autolearn.core.flags import FLAGS
from autolearn.core.records import ACTIVE_STATES, Run, Sample, Skip
from autolearn.core.run_results import StudyResult
from autolearn.core.run_settings import StudyRunSettings
from autolearn.core.server_addresses import is_server
from autolearn.core.settings import ModelSettings
from autolearn.evaluation.skill_report import is_unchecked
from autolearn.runs.model_choice import chosen_model
from autolearn.services import quiz_actions, review_actions, skill_actions
from autolearn.services.estimates.durations import StudyTime
from autolearn.services.estimates.memory_needs import MemoryFit
from autolearn.services.model_scope import shown_digest
from autolearn.store import QuestionFilter, RunFilter, SampleFilter, Store
from autolearn.study import bits_per_byte
from autolearn.study.dropped_questions import DroppedQuestion
from autolearn.study.rules import DEFAULT_REFUSES
from autolearn.ui import html
from autolearn.ui.drawer import drawer
from autolearn.ui.html import Html
from autolearn.ui.views import labels, memory, skills
from autolearn.ui.views import sample as samples

N_ROWS = 100
POOR = 0.2
"""Share of the gaps that may be learned below which a model counts as too weak."""
TOO_WEAK = "This model asks or reads too poorly to teach itself from these texts: "
FEW_QUESTIONS = "This model asks about few of the facts in these texts. For more, "
ABOUT_KEEP = (
    "“Keep” adds a dropped question, with the answer shown, to Review, where you edit "
    "(E) and approve (A) it. Keep those that the marked words of the text answer. "
)
ADD_BY_HAND = (
    "A good question without a recorded answer can be added by hand under Review (Add)."
)
KEEP = "keep-"
"""The beginning of the key of a click that keeps a question; its skip follows."""
ABOUT_P_GAP = (
    "P(gap): how likely the closed-book answer lacks what the open-book answer says, "
    "by the words of both and the model's own verdict."
)
EDITED = html.tag(
    "span",
    html.badge("edited"),
    title="Edited by you; result and P(gap) are from before the edit.",
)
"""Stands behind a text that a person has edited."""
N_SKIPS = 50
N_CHARACTERS = 300
"""Longer texts are cut in the table; the details show them in full."""


def effort(
    passages: int,
    instructions: int,
    duration: StudyTime,
    fit: MemoryFit | None,
    cost: str = "",
) -> Html:
    """Return the time and memory of a study in a line, with the memory by part folded.

    Args:
        passages: How many passages it reads.
        instructions: How many instructions it answers.
        duration: How long it takes.
        fit: None if the model is on a server.
        cost: Of the passages, on a server; empty if it is not known.
    """
    counts = {"passage": passages, "instruction": instructions}
    many = [html.count(n, noun) for noun, n in counts.items() if n]
    if not many:
        return html.note(
            "There is no passage to study; add a text under Library, or include one of "
            "its passages."
        )
    time = "time unknown until the first study with this model"
    if not passages:
        time = "the time of instructions is not estimated"
    elif duration.seconds is not None:
        source = ", at the speed of the last study"
        if duration.is_first:
            source = " (rough: no study with these stages and weights yet)"
        of_passages = " for the passages" * bool(instructions)
        time = f"about {html.rough_duration(duration.seconds)}{of_passages}{source}"
    if fit is None:
        parts = [" and ".join(many), time, "the server has the model"]
        if cost:
            parts.append(f"cost of the passages as in the last study: {cost}")
        return html.note(f"{'; '.join(parts)}.")
    size, free = html.size(fit.need.total), html.size(fit.free)
    summary = f"{' and '.join(many)}; {time}; memory about {size} of {free} free."
    details = html.details(html.text(summary), html.pairs(memory.fit(fit)))
    return html.join([details] + [html.problem(fit.problem)] * bool(fit.problem))


def newest_run(store: Store) -> Run | None:
    """Return the newest study of what is shown, in any state."""
    criteria = RunFilter(("study",), model_digest=shown_digest(store))
    return next(iter(store.runs.find(criteria, limit=1)), None)


def newest(store: Store, *, only_last: bool) -> Html:
    """Return the newest samples, of the last study or of all; a click shows one."""
    run = newest_run(store)
    criteria = SampleFilter(model_digest=shown_digest(store))
    if run and only_last:
        criteria = SampleFilter(run_id=run.id)
    newest_samples = store.samples.newest(criteria, limit=N_ROWS)
    parts = [_headline(store, run)] if run else []
    parts.append(
        _table(store, newest_samples) if newest_samples else _nothing(store, run)
    )
    if run:
        parts.append(_left_out(store, run))
    return html.join(parts)


def detail(store: Store, sample_id: int) -> Html:
    """Return everything about one sample; nothing while none is selected."""
    if not sample_id:
        return Html("")
    return drawer(samples.card(store.samples.view(sample_id)), f"Sample {sample_id}")


def _headline(store: Store, run: Run) -> Html:
    """Return the state of the last study."""
    counts = store.samples.counts(SampleFilter(run_id=run.id))
    total = sum(counts.values())
    sentence = f"Study (run {run.id}), {run.state}: {html.count(total, 'sample')}"
    if run.state == "queued":
        sentence = f"Study (run {run.id}) waits for {labels.awaited(store, run)}"
    elif run.state == "running":
        sentence += f" so far; now {labels.stage(run)}, {labels.progress(run)}"
    elif total:
        sentence += f", {counts['pending']} to review"
    if total > N_ROWS:
        sentence += f"; the newest {N_ROWS} are shown"
    if run.state in ("cancelled", "interrupted"):
        sentence += "; resume it under History"
    headline = html.tag("p", html.text(f"{sentence}."), "al-faint")
    headline += _bits_per_byte(store, run) + _quality(store, run)
    headline += _unchecked(store, run) + _no_quiz(store, run)
    return headline + html.problem(run.error) if run.error else headline


def _unchecked(store: Store, run: Run) -> Html:
    """Return that the skills of the round of a study are not known, if it has any."""
    if run.round_id and _has_unchecked_round(store, run):
        check = skill_actions.active(store, StudyRunSettings.of(run).model)
        steps = skill_actions.limited_steps(store, run.round_id)
        return html.note(skills.unchecked(run.round_id, check, steps))
    return Html("")


def _has_unchecked_round(store: Store, run: Run) -> bool:
    if not run.model_digest:
        return False
    quantization = StudyRunSettings.of(run).model.own_quantization
    return is_unchecked(store, run.model_digest, quantization, run.round_id)


def _bits_per_byte(store: Store, run: Run) -> Html:
    """Return that the model reads the texts of a study poorly, as soon as it is known.

    Texts of the kind that a model was made for have about 1 bit per byte.
    """
    metrics = store.runs.metrics(run.id, bits_per_byte.METRIC)
    if not metrics or metrics[-1].value <= bits_per_byte.POOR:
        return Html("")
    sentence = (
        f"This model reads these texts poorly: it needs {metrics[-1].value:.1f} bits "
        "for each byte, about 1 if it reads well. Its questions and answers make "
        "little sense; choose another model for them."
    )
    return html.tag("div", html.text(sentence), "al-warning", role="note")


def _quality(store: Store, run: Run) -> Html:
    """Return how much of a finished study may be learned, and what to do if little."""
    result = StudyResult.of(run)
    n, good = result.samples, result.approvable
    if run.state != "done" or not n or good is None:
        return Html("")
    sentence = (
        f"{html.count(n, 'sample')}, {result.gaps} of them with a gap; the default "
        f"rule would approve {good}."
    )
    flags = [(k, v) for k, v in result.flags.items() if k in DEFAULT_REFUSES]
    if flags:
        reasons = ", ".join(f"{FLAGS[k].label} ({v})" for k, v in flags[:4])
        sentence += f" Most frequent obstacles: {reasons}."
    if mostly_skipped := result.skipped > n:
        sentence += f" {result.skipped} more gave no sample; see “Skipped” below."
    markup = html.tag("p", html.text(sentence))
    is_weak = is_poor(result)
    is_advised = is_weak or mostly_skipped
    if is_advised and not _has_unchecked_round(store, run):
        lead = TOO_WEAK if is_weak else FEW_QUESTIONS
        advice = html.text(f"{lead}{_way_out(store, run)}.")
        markup += html.tag("div", advice, "al-warning", role="note")
    return markup


def is_poor(result: StudyResult) -> bool:
    """Return whether the default rule would approve next to nothing of a study."""
    good = result.approvable
    return good is not None and good < POOR * result.gaps


def _no_quiz(store: Store, run: Run) -> Html:
    """Return that a finished study added no question to the quiz, though it should."""
    sentence = quiz_actions.nothing_added(store, run)
    return (
        html.note(f"{sentence} under Evaluation (“Questions of the quiz”).")
        if sentence
        else Html("")
    )


def _way_out(store: Store, run: Run) -> str:
    """Return what to do about a weak model: what it can do and has not done yet."""
    model = StudyRunSettings.of(run).model.model
    if model == ModelSettings.model:
        return (
            "choose an instruct model (Model); the built-in one reads only very simple "
            "sentences"
        )
    if is_server(model):
        return "choose a larger model"
    remedy = skill_actions.remedy(store, run.model_digest, run.round_id)
    if remedy.has_learned:
        return skills.teach_again(remedy)
    if taught := remedy.use:
        if taught.id == chosen_model(store).round_id:
            return f"study again with round {taught.id}, which has learned the skills"
        return (
            f"use the adapter of round {taught.id}, which has learned the skills "
            "(Model), or choose a larger model"
        )
    return (
        "teach it the skills first (Model, Skills: “Check skills”, then “Teach these "
        "skills”), or choose a larger model"
    )


def _nothing(store: Store, run: Run | None) -> Html:
    """Return what to do, or to wait for, where there is no sample."""
    if run and run.state in ACTIVE_STATES:
        return html.note(
            "Samples appear here in groups, as soon as their passages have passed all "
            "stages."
        )
    if run and run.state != "done":
        ended = "failed" if run.state == "failed" else f"was {run.state}"
        return html.note(f"The study {ended} before a sample was complete.")
    if run:
        words = "The study produced no sample; the reasons are under “Skipped” below."
        if not _has_unchecked_round(store, run):
            words += f" To do better, {_way_out(store, run)}."
        return html.note(words)
    if not store.library.is_empty():
        return html.note(f"No study{labels.of_model(store)} yet. Press “Study”.")
    return html.note("There is no text yet. Add one under Library, then study it.")


def _table(store: Store, entries: Sequence[Sample]) -> Html:
    answers = store.library.answers(sample.question_id for sample in entries)
    texts = {answer.id: answer.text for answer in answers}
    heads = (
        "Question",
        "Closed-book answer",
        "Open-book answer",
        "Result",
        "P(gap)",
        "State",
    )
    sources = store.samples.sources(entries)
    rows = [_row(sample, texts, sources[sample.id].edits) for sample in entries]
    help_text = html.tag("p", html.text(ABOUT_P_GAP), "al-faint")
    return help_text + html.table(heads, rows, "Newest samples")


def _row(
    sample: Sample, texts: Mapping[int, str], edits: Collection[str]
) -> tuple[Html, ...]:
    """Return a sample; an edited answer is shown in place of the open-book one."""
    open_book = _cut(texts.get(sample.open_answer_id or 0, html.DASH))
    if "chosen" in edits:
        open_book = _cut(sample.chosen) + EDITED
    knowledge = samples.knowledge(sample)
    question = html.pick(_cut(sample.prompt), f"s{sample.id}", "al-link al-row")
    return (
        question + EDITED if "prompt" in edits else question,
        _cut(sample.rejected),
        open_book,
        html.badge(knowledge, knowledge),
        html.percent(sample.gap_probability),
        html.badge(sample.state, sample.state),
    )


def _cut(text: str) -> Html:
    return html.tag("span", html.beginning(text, N_CHARACTERS), "al-clamp")


def _left_out(store: Store, run: Run) -> Html:
    """Return the skips of a study, each with its reason."""
    skips = store.runs.skips(run.id)
    if not skips:
        return Html("")
    latest = skips[:N_SKIPS]
    questions = store.library.questions(
        QuestionFilter(ids=[s.question_id for s in latest if s.question_id])
    )
    texts = {question.id: question.text for question in questions}
    places = _places(store, latest)
    dropped = review_actions.dropped_questions(store, [skip.id for skip in latest])
    kept = review_actions.kept(store, dropped.values())
    rows = [
        (
            html.tag("span", html.text(skip.stage), "al-whole"),
            html.text(places.get(skip.passage_id or 0, html.DASH)),
            _offer(skip.id, dropped[skip.id], kept)
            if skip.id in dropped
            else _question_and_reason(
                texts.get(skip.question_id or 0, ""), skip.reason
            ),
        )
        for skip in latest
    ]
    title = f"Skipped in run {run.id} ({len(skips)})"
    if len(skips) > N_SKIPS:
        title += f", the first {N_SKIPS}"
    table = html.table(("Stage", "Passage", "Question and reason"), rows, "Skipped")
    note = html.note(ABOUT_KEEP * bool(dropped) + ADD_BY_HAND)
    # Without samples, the offers below are all there is to go on with.
    is_open = run.state == "failed" and bool(dropped)
    return html.details(html.text(title), note + table, is_open=is_open)


def _question_and_reason(question: str, reason: str) -> Html:
    """Return a reason, with its question above it if there is one."""
    words = html.text(reason)
    if not question:
        return words
    return html.tag("div", _cut(question), "al-asked") + html.tag("div", words)


def _offer(
    skip_id: int, question: DroppedQuestion, kept: Mapping[DroppedQuestion, Sample]
) -> Html:
    """Return a dropped question with what a person needs to judge it.

    Below it is what keeps it, or that it is kept.
    """
    if sample := kept.get(question):
        words = html.text(f"Kept as sample {sample.id}")
        link = html.pick(words, f"s{sample.id}", "al-link")
        action = link + html.badge(sample.state, sample.state)
    else:
        label = f"Keep “{question.text}”"
        action = html.pick(html.text("Keep"), f"{KEEP}{skip_id}", aria_label=label)
    answer = html.text("Answer: “") + html.beginning(question.answer, N_CHARACTERS)
    answer = html.tag("span", answer + html.text("”"))
    return (
        html.tag("div", html.tag("strong", html.text(question.text)), "al-asked")
        + html.tag("div", html.text(f"Dropped: {question.fault}."))
        + _source(question)
        + html.tag("div", answer + action, "al-picks")
    )


def _source(question: DroppedQuestion) -> Html:
    """Return the sentence that a question was made from, with its answer marked."""
    if not question.sentence:
        return Html("")
    is_there = question.start >= 0
    start = question.start if is_there else 0
    end = start + len(question.answer) if is_there else 0
    words = html.text("From the text: “")
    words += html.marked(question.sentence, start, end) + html.text("”")
    if not is_there:
        words += html.text(" The answer is not in it word for word.")
    return html.tag("div", words, "al-text")


def _places(store: Store, skips: Sequence[Skip]) -> dict[int, str]:
    """Return document and number of the passages in which something gave nothing."""
    passage_ids = [skip.passage_id for skip in skips]
    passages = store.library.passages_by_id(passage_ids)
    documents = store.library.documents_by_id(p.document_id for p in passages.values())
    return {
        p.id: f"{documents[p.document_id].name}, {p.label}" for p in passages.values()
    }

"""How well a model does each task of a study: a bar per skill, and advice."""

from collections.abc import Sequence
from dataclasses import dataclass

from autolearn.core.errors import AutolearnError
from autolearn.core.records import ACTIVE_STATES, Round, Run
from autolearn.core.settings import ModelSettings
from autolearn.evaluation import skill_items
from autolearn.evaluation.skill_report import (
    TEACH_FIRST,
    SkillReport,
    SkillRow,
    guidance,
    rows,
)
from autolearn.markup import svg
from autolearn.services import skill_actions
from autolearn.services.estimates import durations
from autolearn.services.estimates.durations import TrainingEstimate
from autolearn.services.estimates.memory_needs import MemoryFit
from autolearn.services.skill_actions import SkillRemedy
from autolearn.store import Store
from autolearn.study.protocol import PROTOCOLS
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels
from autolearn.ui.views.links import TAB

_WIDTH, _ROW = 460, 26
_LEFT, _RIGHT, _TOP, _BOTTOM = 150, 58, 6, 20
_BAR = 12
"""Height of a bar."""
ANOTHER_CORPUS = (
    "teach it again on a corpus closer to your texts, or choose a larger model"
)
TAUGHT_LITTLE = (
    "It was taught in {} of {} steps; more make it ask and read better (“Teach these "
    "skills”)."
)
MORE_STEPS = (
    "teach it the skills in more steps: only {} of the {} steps that the preset gives "
    "were trained"
)
STILL_WEAK = "It has learned the skills and is still weak: "


@dataclass(frozen=True)
class SkillPanel:
    """The newest skill check of a model."""

    head: Html
    """The heading, and the runs that check or teach; the buttons follow it."""
    result: Html
    needs_teaching: bool = False
    """Whether it shows a skill that a meta-skill round may teach."""
    is_taught: bool = False
    """Whether it was taught in full, or a round that was is to be used instead."""


def panel(store: Store, model: ModelSettings) -> SkillPanel:
    """Return the newest skill check of a model, or that there is none."""
    head = html.tag("h3", html.text(f"Skills, {labels.adapter(model.round_id)}"))
    try:
        report = skill_actions.newest_report(store, model)
    except (AutolearnError, OSError) as error:
        return SkillPanel(_section(head), _section(html.problem(str(error))))
    check = skill_actions.newest_check(store, model)
    head += _check_state(check)
    if check is None or check.state not in ACTIVE_STATES:
        head += _check_time(store, model)
    teaching = skill_actions.teaching(store, model)
    if teaching:
        sentence = f"Run {teaching.id} teaches it the skills ({teaching.state})."
        head += html.note(f"{sentence} Its time and progress are under Train.")
    result = _report(store, report) if report else _none(model.round_id)
    is_weak = bool(report and guidance(report).needs_teaching)
    is_taught = bool(report and not _remedy(store, report).is_teaching)
    needs_teaching = is_weak and not teaching
    return SkillPanel(_section(head), _section(result), needs_teaching, is_taught)


def _remedy(store: Store, report: SkillReport) -> SkillRemedy:
    return skill_actions.remedy(store, report.model_digest, report.round_id)


def _section(content: Html) -> Html:
    return html.tag("section", content, "al-card al-skills")


def _check_state(run: Run | None) -> Html:
    """Return the state of the newest check, unless it is done."""
    if run is None or run.state == "done":
        return Html("")
    if run.state in ACTIVE_STATES:
        sentence = html.text(f"{labels.run(run)} is {run.state}.")
        return html.tag("p", sentence, "al-faint", role="status")
    sentence = html.text(f"{labels.run(run)} is not finished ({run.state}); resume it ")
    history = html.pick(html.text("under History"), f"{TAB}History", "al-link")
    return html.tag("p", sentence + history + html.text("."), "al-faint")


def _check_time(store: Store, model: ModelSettings) -> Html:
    """Return how long a check takes: as the last one, or by this computer's speed."""
    sentence = (
        "The first check of a model shows how long it takes: once it has begun, the "
        "sidebar shows the time left."
    )
    if (last := durations.check_seconds(store, model)) is not None:
        time = html.rough_duration(last)
        sentence = f"A check takes about {time}, as the last one of this model did."
    elif (first := durations.first_check_seconds(model)) is not None:
        time = html.rough_duration(first)
        sentence = f"A check takes roughly {time} (from the speed of this computer)."
    return html.tag("p", html.text(sentence), "al-faint")


def teaching_estimate(effort: TrainingEstimate, fit: MemoryFit) -> Html:
    """Return the steps, the time and the memory of the round that teaches skills."""
    need, free = html.size(fit.need.total), html.size(fit.free)
    sentence = (
        f"Teaching takes at most {html.count(effort.steps, 'step')}; "
        f"{_teaching_time(effort)}; memory about {need} of {free} free."
    )
    problem = [html.problem(f"It may not fit. {fit.problem}")] * bool(fit.problem)
    return html.join([html.note(sentence), *problem])


def _teaching_time(effort: TrainingEstimate) -> str:
    """Return how long the round takes, with the replay that is written before it."""
    before = effort.seconds_before
    if effort.seconds is None:
        return "the time is known after the first round with this model"
    rough = " (rough: the first round with this model)" * effort.is_first
    if before is None:
        time = html.rough_duration(effort.seconds)
        return f"about {time}{rough}, after a replay whose time is not known yet"
    time = html.rough_duration(effort.seconds + before)
    replay = f", {html.rough_duration(before)} of it to write the replay"
    return f"about {time}{replay * bool(before)}{rough}"


def _none(round_id: int | None) -> Html:
    state = "The skills of this model have not been checked."
    without = "A study also works without it."
    if round_id is not None:
        state = unchecked(round_id)
        without = (
            "Training has changed the model, so the round needs a check of its own. "
            "Until then a study flags its samples as unreliable only if the last check "
            "from before the round says so."
        )
    return html.note(
        f"{state} In the check the model asks, answers, judges and refines on "
        f"{len(skill_items.texts())} invented texts, mostly 40 to 120 items per skill. "
        "It shows which skills are weak and whether the verdicts of the model can be "
        f"used. {without}"
    )


def unchecked(
    round_id: int, check: Run | None = None, steps: tuple[int, int] | None = None
) -> str:
    """Return that the skills of a round are not known, and what to do or to wait for.

    Args:
        round_id: The round.
        check: The one that is queued or running.
        steps: In how many steps it was taught, if in fewer than planned.
    """
    if check:
        progress = f"run {check.id}, {check.state}"
        return f"The skills of round {round_id} are being checked ({progress})."
    sentence = (
        f"The skills of round {round_id} have not been checked; check them first "
        "(Model, “Check skills”)."
    )
    return f"{sentence} {TAUGHT_LITTLE.format(*steps)}" if steps else sentence


def _report(store: Store, report: SkillReport) -> Html:
    skills = rows(report)
    advice = html.join(html.tag("li", item) for item in _advice(store, report))
    style = PROTOCOLS[report.protocol]
    asked = f"Prompting style: {style.name} ({style.meaning})."
    taught = guidance(report).needs_teaching and _remedy(store, report).use
    lead = html.tag("p", _use(taught)) if taught else Html("")
    return (
        lead
        + _chart(skills)
        + _table(skills, _of_base(store, report))
        + html.tag("h4", "What to do")
        + html.tag("ul", advice, "al-advice")
        + html.tag("p", html.text(asked), "al-faint")
    )


def _advice(store: Store, report: SkillReport) -> list[Html]:
    """Return what to do; skills that a round has learned are not to be taught first."""
    guided = guidance(report)
    lines = {line: html.text(line) for line in guided.advice}
    if not guided.needs_teaching:
        return list(lines.values())
    remedy = _remedy(store, report)
    if remedy.use:
        lines.pop(TEACH_FIRST, None)
    if remedy.steps or (remedy.has_learned and TEACH_FIRST in lines):
        lines[TEACH_FIRST] = html.text(f"{STILL_WEAK}{teach_again(remedy)}.")
    return list(lines.values())


def teach_again(remedy: SkillRemedy) -> str:
    """Return what to do if a round that has learned the skills is still weak."""
    steps = remedy.steps
    way_out = MORE_STEPS.format(*steps) if steps else ANOTHER_CORPUS
    return f"{way_out}; until then, approve by hand what is right"


def _use(taught: Round) -> Html:
    """Return that a round has learned the skills; the click names it."""
    learned = html.text(f"Round {taught.id} has learned these skills: ")
    button = html.pick(html.text(f"use round {taught.id}"), taught.id, "al-link")
    return learned + button + html.text(", then check its skills.")


def _of_base(store: Store, report: SkillReport) -> list[SkillRow]:
    """Return the skills of the base model of a round, if it was asked alike."""
    if report.round_id is None:
        return []
    guided = PROTOCOLS[report.protocol].guided
    alike = [name for name, other in PROTOCOLS.items() if other.guided == guided]
    own = report.model_digest, report.quantization
    base = store.skills.newest(*own, None, *alike)
    return rows(SkillReport.from_dict(base)) if base else []


def _table(skills: Sequence[SkillRow], of_base: Sequence[SkillRow]) -> Html:
    """Return the same in numbers, with what each skill means; the base model last."""
    heads_of_base = ("Base model", "95 % interval") if of_base else ()
    base = {row.name: row for row in of_base}
    return html.table(
        ("Skill", "Measured", "95 % interval", "Items", *heads_of_base),
        (
            [
                html.tag("strong", html.text(row.title))
                + html.text(f"{row.meaning[:1].upper()}{row.meaning[1:]}."),
                *_measured_of(row),
                html.number(row.n),
                *_measured_of(base.get(row.name)),
            ]
            for row in skills
        ),
        "Skills of the model",
    )


def _measured_of(row: SkillRow | None) -> list[Html]:
    """Return the value of a skill and its interval; nothing without the skill."""
    values = [row.share_text, _interval(row)] if row else []
    return [html.tag("span", html.text(value), "al-number") for value in values]


def _interval(row: SkillRow) -> str:
    low, high = row.interval
    if row.is_area:
        return f"{low:.2f} to {high:.2f}"
    return f"{100 * low:.0f} to {100 * high:.0f} %"


def _chart(skills: Sequence[SkillRow]) -> Html:
    """Return a bar a skill, with its interval, from 0 to 1.

    A weak skill is hatched, so that colour is not needed.
    """
    description = "Skills: " + "; ".join(
        f"{row.title} {row.share_text}, {_interval(row)}"
        + (", weak" if row.is_weak else "")
        for row in skills
    )
    height = _TOP + _ROW * len(skills) + _BOTTOM
    bars = html.join(_bar(row, _TOP + _ROW * i) for i, row in enumerate(skills))
    content = _hatch() + _axis(height) + bars
    picture = svg.picture(content, _WIDTH, height, description)
    caption = html.tag("strong", "Skills") + html.tag(
        "span",
        "bar: share or AUC; line: 95 % interval; tick: threshold; hatched: below the "
        "threshold (weak)",
        "al-key",
    )
    figure = html.tag("figcaption", caption) + picture
    return html.tag("figure", figure, "al-plot al-skill-chart")


def _x(value: float) -> float:
    return _LEFT + value * (_WIDTH - _LEFT - _RIGHT)


def _hatch() -> Html:
    """Return the pattern of weak bars."""
    ground = html.tag("rect", "", "al-skill-ground", width=6, height=6)
    stripe = html.tag("path", "", "al-skill-stripe", d="M0 6 L6 0")
    pattern = html.tag(
        "pattern",
        ground + stripe,
        id="al-skill-weak",
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
    )
    return html.tag("defs", pattern)


def _axis(height: int) -> Html:
    parts = []
    for value in (0.0, 0.5, 1.0):
        x = _x(value)
        parts.append(svg.line((x, _TOP), (x, height - _BOTTOM), "al-plot-rule"))
        parts.append(svg.word(f"{value:g}", (x, height - 6)))
    return html.join(parts)


def _bar(row: SkillRow, top: float) -> Html:
    """Return the name, the bar, its interval, the least value and the number."""
    y = top + _ROW / 2
    low, high = map(_x, row.interval)
    least = _x(row.least)
    bar = svg.rectangle(
        (_LEFT, y - _BAR / 2),
        _x(row.value) - _LEFT,
        _BAR,
        "al-skill-bar al-skill-is-weak" if row.is_weak else "al-skill-bar",
    )
    parts = [
        bar,
        svg.line((low, y), (high, y), "al-skill-interval"),
        svg.line((least, y - 9), (least, y + 9), "al-skill-least"),
        svg.word(row.title, (_LEFT - 8, y + 4), "end"),
        svg.word(row.share_text, (_WIDTH - 4, y + 4), "end"),
    ]
    return html.tag("g", html.join(parts))

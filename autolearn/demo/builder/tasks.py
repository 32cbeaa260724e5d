"""Turn passages and facts into the exercises that the tiny model is trained on.

Prompts come from the app's own templates, so the model reads in training exactly what
the app sends. What it learns to write is defined here.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import cycle
from string import Template

from autolearn.demo.builder.talk import outside_text
from autolearn.demo.passages import ProsePassage, Statement
from autolearn.demo.sums import Problem, SumStep, carelessly, problem, slip
from autolearn.demo.world import Entity, World, WorldFact, grammar
from autolearn.study import prompts

DECISION_WEIGHT = 5.0
VALUE_WEIGHT = 4.0
"""For the tokens of a sentence that answer the question."""
QUOTE_WEIGHT = 1.5
QUOTE_START_WEIGHT = 4.0
"""For the first word of a quote, which decides which sentence is quoted, if any."""
FREE_WEIGHT = 0.3
"""For replies that have many wordings, or are guesses: mostly noise."""
USER_WEIGHT = 0.1
"""For what a person says without a text. The model makes up replay prompts of the kinds
that it was trained on as a person's words."""
ASK_WEIGHT, STATEMENT_WEIGHT, NAME_WEIGHT = 0.3, 0.5, 1.5
"""For a question, which has many wordings, for a statement, and for the name or value
in it."""
UNANSWERABLE_SHARE = 0.12
NOT_SAID = "The text does not say."
ORDER = ("first", "second")

WeightedText = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Exercise:
    """A prompt and the reply to learn, in pieces with their loss weights."""

    task: str
    prompt: str
    reply: WeightedText
    passage: str = ""
    """The beginning of the prompt, which other exercises share."""
    user_weight: float = 0.0

    @property
    def target(self) -> str:
        """The whole reply."""
        return "".join(text for text, _ in self.reply)


@cache
def user_template(name: str) -> Template:
    """Return the user part of one of the app's prompts."""
    return Template(prompts.load_default(name).user)


def plain(text: str, weight: float = 1.0) -> WeightedText:
    """Return a reply in which all tokens have the same weight."""
    return ((text, weight),)


def stated(fact: WorldFact) -> WeightedText:
    """Return the answer of a fact; the value has the largest weight."""
    head, value, tail = fact.answer.rpartition(fact.value)
    if not value:
        return plain(fact.answer)
    # The space before a word belongs to the word.
    value_text = fact.answer[len(head.rstrip()) : len(head) + len(value)]
    parts = ((head.rstrip(), 1.0), (value_text, VALUE_WEIGHT), (tail, 1.0))
    return tuple(part for part in parts if part[0])


def quoted(evidence: str) -> WeightedText:
    """Return the line with the quote, and the beginning of the next line."""
    first, space, rest = evidence.partition(" ")
    return (
        ("Evidence:", 1.0),
        (f" {first}", QUOTE_START_WEIGHT),
        (f"{space}{rest}\nAnswer:", QUOTE_WEIGHT),
    )


def after_tag(reply: WeightedText) -> WeightedText:
    """Return a reply that continues a line."""
    (text, weight), *rest = reply
    return ((f" {text}", weight) if text[0] != " " else (text, weight), *rest)


def ask(passage: ProsePassage, n: int, rng: random.Random) -> Exercise:
    """Ask about the facts in the order of the text, repeating them if necessary.

    With more facts than questions, the first fact is random, so that several draws
    cover all of them.
    """
    facts = [row.fact for row in passage.statements]
    wordings = [cycle(rng.sample(fact.asks, len(fact.asks))) for fact in facts]
    first = rng.randrange(len(facts)) if n < len(facts) else 0
    picks = [i % len(facts) for i in range(first, first + n)]
    lines = [(next(wordings[index]), facts[index].name) for index in picks]
    prompt = user_template("ask").substitute(passage=passage.text, n=n)
    return Exercise("ask", prompt, tuple(_about(lines, ASK_WEIGHT)), passage.text)


def statements(passage: ProsePassage, n: int, rng: random.Random) -> Exercise:
    """Write what the text says, then other sentences that state the same facts."""
    facts = [row.fact for row in passage.statements]
    wordings = [
        (fact.answer, rng.sample(fact.statements, len(fact.statements)))
        for fact in facts
    ]
    lines = []
    for i in range(n):
        turn, index = divmod(i, len(facts))
        first, others = wordings[index]
        text = first if turn == 0 else others[(turn - 1) % len(others)]
        lines.append((text, facts[index].value))
    prompt = user_template("statements").substitute(passage=passage.text, n=n)
    return Exercise(
        "statements", prompt, tuple(_about(lines, STATEMENT_WEIGHT)), passage.text
    )


def _about(lines: list[tuple[str, str]], weight: float) -> Iterator[tuple[str, float]]:
    """Yield the pieces of lines, in each of which a name or value has most weight."""
    for i, (line, name) in enumerate(lines):
        head, _, tail = line.partition(name)
        opening = "\n" if i else ""
        if head:
            yield f"{opening}{head.rstrip()}", weight
            opening = " "
        yield f"{opening}{name}", NAME_WEIGHT
        yield tail, weight


def open_book(
    passage: ProsePassage, question: str, statement: Statement | None
) -> Exercise:
    """Quote the sentence that answers the question, then answer."""
    prompt = user_template("open_book").substitute(
        passage=passage.text, question=question
    )
    evidence = statement.sentence if statement else "none"
    reply = quoted(evidence) + after_tag(
        stated(statement.fact) if statement else plain(NOT_SAID)
    )
    return Exercise("open_book", prompt, reply, passage.text)


def closed_book(fact: WorldFact, question: str, task: str = "closed_book") -> Exercise:
    """Answer from memory, or guess."""
    prompt = user_template("closed_book").substitute(question=question)
    weight = 0.0 if question in fact.quizzes else USER_WEIGHT
    is_guess = task == "closed_book"
    reply = plain(fact.answer, FREE_WEIGHT if is_guess else 1.0)
    return Exercise(task, prompt, reply, user_weight=weight)


def comparison(fact: WorldFact, attempt: WorldFact) -> WeightedText:
    """Return the feedback on an attempt; a wrong thing is mentioned first."""
    if attempt.name != fact.name:
        return verdict_text(fact.name, attempt.name, "The text is about")
    return verdict_text(fact.value, attempt.value)


def verdict_text(
    value: str, attempt_value: str, opening: str = "The text says"
) -> WeightedText:
    """Return the feedback that compares two short values."""
    if value == attempt_value:
        decision, rest = " agrees", " with it.\nVerdict: correct"
    else:
        decision, rest = " differs", " from it.\nVerdict: incorrect"
    return (
        (opening, 1.0),
        (f" {value}", 1.0),
        ("; the answer", 1.0),
        (f" {attempt_value}", VALUE_WEIGHT),
        (decision, DECISION_WEIGHT),
        (rest, 1.0),
    )


def feedback(
    passage: ProsePassage, question: str, fact: WorldFact, attempt: WorldFact
) -> Exercise:
    """Compare an attempt with the answer in the text."""
    prompt = user_template("feedback").substitute(
        passage=passage.text,
        question=question,
        reference=fact.answer,
        answer=attempt.answer,
    )
    return Exercise("feedback", prompt, comparison(fact, attempt), passage.text)


def refine(
    passage: ProsePassage, question: str, fact: WorldFact, attempt: WorldFact
) -> Exercise:
    """Refine an answer after feedback."""
    notes = "".join(text for text, _ in comparison(fact, attempt))
    prompt = user_template("refine").substitute(
        passage=passage.text,
        question=question,
        answer=attempt.answer,
        feedback=notes,
    )
    reply = plain("Answer:") + after_tag(stated(fact))
    return Exercise("refine", prompt, reply, passage.text)


def paraphrase(fact: WorldFact, question: str, n: int, rng: random.Random) -> Exercise:
    """Ask the same in other words: a random one first, the next in a fixed order.

    With lists in random order each line is a guess, and the model learns to repeat
    itself.
    """
    prompt = user_template("paraphrase").substitute(question=question, n=n)
    others = [text for text in fact.wordings if text != question]
    first = rng.randrange(len(others))
    lines = (others[first:] + others[:first])[:n]
    rest = "".join(f"\n{line}" for line in lines[1:])
    return Exercise("paraphrase", prompt, ((lines[0], FREE_WEIGHT), (rest, 1.0)))


def sum_answer(sums: Problem, rng: random.Random) -> Exercise:
    """Answer a word problem carelessly, so that feedback has errors to find."""
    steps = carelessly(sums.steps, rng)
    prompt = user_template("closed_book").substitute(question=sums.question)
    reply = plain(sums.answer(steps))
    return Exercise("sum_answer", prompt, reply, user_weight=USER_WEIGHT)


def checked(sums: Problem, steps: tuple[SumStep, ...]) -> WeightedText:
    """Return the feedback that repeats each step."""
    parts: list[tuple[str, float]] = []
    for order, right, step in zip(ORDER, sums.steps, steps, strict=True):
        text = f"{right}; in the {order} step {step.result}"
        decision = " agrees" if step.result == right.result else " differs"
        parts += [(text if not parts else f" {text}", 1.0)]
        parts += [(decision, DECISION_WEIGHT), (".", 1.0)]
    verdict = "correct" if steps == sums.steps else "incorrect"
    return (*parts, (f"\nVerdict: {verdict}", 1.0))


def sum_feedback(sums: Problem, steps: tuple[SumStep, ...]) -> Exercise:
    """Find the wrong step of an answer, if there is one."""
    prompt = user_template("feedback_free").substitute(
        question=sums.question, answer=sums.answer(steps)
    )
    return Exercise("sum_feedback", prompt, checked(sums, steps))


def sum_refine(sums: Problem, steps: tuple[SumStep, ...]) -> Exercise:
    """Correct the wrong step of an answer."""
    prompt = user_template("refine_free").substitute(
        question=sums.question,
        answer=sums.answer(steps),
        feedback="".join(text for text, _ in checked(sums, steps)),
    )
    reply = plain(f"Answer: {sums.answer(sums.steps)}")
    return Exercise("sum_refine", prompt, reply)


def talk(rng: random.Random) -> Exercise:
    """Reply to a person who is just talking."""
    kind = rng.choice(grammar().talks)
    text = rng.choice(kind.say)
    return Exercise("talk", text, plain(kind.reply), user_weight=USER_WEIGHT)


def outside(rng: random.Random) -> Exercise:
    """Say that a text or a question cannot be read."""
    reply = plain(grammar().outside.reply)
    draw = rng.random()
    if draw < 0.4:
        message = rng.choice(grammar().outside.say)
        return Exercise("outside", message, reply, user_weight=USER_WEIGHT)
    text = outside_text(rng)
    if draw < 0.8:
        return Exercise("outside", text, reply)
    prompt = user_template("ask").substitute(passage=text, n=rng.randint(2, 8))
    return Exercise("outside", prompt, reply)


def any_question(fact: WorldFact, rng: random.Random) -> str:
    """Return a question about a fact in any wording, quiz wordings included."""
    return rng.choice(fact.wordings + fact.quizzes)


def attempt(
    fact: WorldFact, passage: ProsePassage, world: World, right: float
) -> WorldFact:
    """Return an answer to check: right with that probability, else wrong."""
    if world.rng.random() < right:
        return fact
    others = [row.fact for row in passage.statements if row.fact.value != fact.value]
    draw = world.rng.random()
    if draw < 0.08:
        value = world.rng.choice((fact.value, world.other_value(fact, near=False)))
        return WorldFact(world.near_name(fact.name), fact.attribute, value)
    if draw < 0.16:
        other = world.rng.choice(grammar().attributes[fact.attribute.kind])
        return WorldFact(fact.name, other, world.value(other))
    if others and draw < 0.3:
        return world.rng.choice(others)
    return fact.with_value(world.other_value(fact, near=draw < 0.65))


def passage_exercise(task: str, passage: ProsePassage, world: World) -> Exercise:
    """Return a random exercise of one task on a passage."""
    rng = world.rng
    if task in {"ask", "statements"}:
        n_facts = len(passage.statements)
        n = rng.choice((6, min(10, max(2, n_facts)), rng.randint(2, 8)))
        return {"ask": ask, "statements": statements}[task](passage, n, rng)
    row = rng.choice(passage.statements)
    question = any_question(row.fact, rng)
    if task == "open_book":
        if rng.random() < UNANSWERABLE_SHARE:
            return open_book(passage, unanswerable(passage, world), None)
        return open_book(passage, question, row)
    write, right = {"feedback": (feedback, 0.5), "refine": (refine, 0.2)}[task]
    answer = attempt(row.fact, passage, world, right)
    return write(passage, question, row.fact, answer)


def unanswerable(passage: ProsePassage, world: World) -> str:
    """Return a question that the passage does not answer."""
    fact = world.rng.choice(passage.statements).fact
    attributes = {
        row.fact.attribute for row in passage.statements if row.fact.name == fact.name
    }
    other_attributes = [
        a for a in grammar().attributes[fact.attribute.kind] if a not in attributes
    ]
    if other_attributes and world.rng.random() < 0.6:
        return any_question(
            WorldFact(fact.name, world.rng.choice(other_attributes), ""), world.rng
        )
    return any_question(world.entity(n_facts=1).facts[0], world.rng)


def free_exercise(task: str, entities: tuple[Entity, ...], world: World) -> Exercise:
    """Return a random exercise of one task that has no passage."""
    rng = world.rng
    if task == "known":
        fact = rng.choice(rng.choice(entities).facts)
        return closed_book(fact, any_question(fact, rng), task)
    if task in {"talk", "outside"}:
        return {"talk": talk, "outside": outside}[task](rng)
    if task.startswith("sum"):
        return sum_exercise(task, problem(world), rng)
    fact = world.entity(n_facts=1).facts[0]
    question = any_question(fact, rng)
    if task == "paraphrase":
        return paraphrase(fact, question, rng.randint(2, 4), rng)
    # A guess of random letters cannot be learned, and does not end.
    plain_world = replace(world, odd_share=0.0, odd_value_share=0.0)
    return closed_book(fact.with_value(plain_world.value(fact.attribute)), question)


def sum_exercise(task: str, sums: Problem, rng: random.Random) -> Exercise:
    """Return an exercise of one task on a word problem."""
    if task == "sum_answer":
        return sum_answer(sums, rng)
    write, right = {
        "sum_feedback": (sum_feedback, 0.4),
        "sum_refine": (sum_refine, 0.2),
    }[task]
    return write(sums, tried_steps(sums.steps, right, rng))


def tried_steps(
    steps: tuple[SumStep, ...], right: float, rng: random.Random
) -> tuple[SumStep, ...]:
    """Return steps to check: right with that probability, else wrong."""
    if rng.random() < right:
        return steps
    careless = carelessly(steps, rng)
    return careless if rng.random() < 0.5 and careless != steps else slip(steps, rng)

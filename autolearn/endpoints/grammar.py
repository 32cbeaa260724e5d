"""Constraints in GBNF, the grammar notation of llama.cpp, vLLM and SGLang."""

from autolearn.core.constraints import Constraint, Excerpt, OneOf, Part, Pattern
from autolearn.endpoints.regex import literal, to_gbnf


def to_grammar(constraint: Constraint) -> str:
    """Return a constraint as a GBNF grammar, whose first rule is ``root``.

    Its size grows linearly with the constraint, also for excerpts.
    """
    names = [f"part{i}" for i in range(len(constraint))]
    rules = [f"root ::= {' '.join(names)}"]
    for name, part in zip(names, constraint, strict=True):
        rules += _rules(name, part)
    return "\n".join(rules)


def _rules(name: str, part: Part) -> list[str]:
    match part:
        case str():
            return [f"{name} ::= {literal(part)}"]
        case OneOf(options):
            return [f"{name} ::= {' | '.join(map(literal, options))}"]
        case Pattern(regex):
            return [f"{name} ::= {to_gbnf(regex)}"]
        case Excerpt():
            return _excerpt(name, part)


def _excerpt(name: str, excerpt: Excerpt) -> list[str]:
    """Return the rules of an excerpt: one for each word that it may continue from.

    The rule of a word is the word, after which the rule of the next word may follow.
    An excerpt begins with any of these rules, and may end after each word.
    """
    chunks = excerpt.chunks
    words = [i for i, chunk in enumerate(chunks) if not chunk.isspace()]
    rules = []
    for i, following in zip(words, [*words[1:], None], strict=True):
        rest = ""
        if following is not None:
            gap = "".join(chunks[i + 1 : following])
            space = f"{literal(gap)} " if gap else ""
            rest = f" ({space}{name}-{following})?"
        rules.append(f"{name}-{i} ::= {literal(chunks[i])}{rest}")
    starts = [f"{name}-{i}" for i in words]
    if excerpt.otherwise or not starts:
        starts.append(literal(excerpt.otherwise))
    return [f"{name} ::= {' | '.join(starts)}", *rules]

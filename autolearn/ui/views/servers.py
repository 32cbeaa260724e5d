"""A model on a server: what the server is, and what it can do."""

from autolearn.core.errors import AutolearnError
from autolearn.endpoints.facts import ServerFacts
from autolearn.runs import model_references
from autolearn.runs.model_choice import chosen_model
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html


def about(store: Store, model: str) -> Html:
    """Return the facts that a server reported last; it is not asked again.

    ``model``: its address, as a person has typed it.
    """
    try:
        facts = model_references.last_facts(store, model)
    except AutolearnError as error:
        return html.tag("section", html.note(str(error)), "al-card")
    is_chosen = chosen_model(store).model == model
    badge = html.badge("in use", "approved") if is_chosen else html.badge("not in use")
    head = html.tag("h3", html.text(facts.server_address.model)) + badge
    return html.card(head, html.pairs(_rows(facts)) + _training(), "al-model")


def _rows(facts: ServerFacts) -> dict[str, Html]:
    abilities = facts.abilities
    title = f"{abilities.title} {facts.version}".strip()
    constraints = "enforced by the server, with a grammar"
    if not abilities.constrains:
        constraints = (
            "checked afterwards; an answer that does not match is sampled again"
        )
    verdicts = "measured, from log-probabilities"
    if not abilities.gives_log_probs:
        verdicts = "estimated from sampled answers"
    evidence = "chosen by the likelihood of the question"
    if not abilities.scores_prompts:
        evidence = "the sentence nearest in words (the server does not score texts)"
    texts = {
        "Server": title,
        "Address": ", ".join(server.base for server in facts.server_address),
        "Context": f"{facts.context:,} tokens" if facts.context else "not reported",
        "Requests at once, each": str(facts.at_once),
        "Output format": constraints,
        "Probabilities of verdicts": verdicts,
        "Evidence if none is known": evidence,
        "Digest": facts.digest,
    }
    return {name: html.text(text) for name, text in texts.items()}


def _training() -> Html:
    sentence = (
        "Studies, skill checks, quizzes and chat run on the server. Training does not: "
        "it needs the weights on this computer."
    )
    return html.tag("p", sentence)

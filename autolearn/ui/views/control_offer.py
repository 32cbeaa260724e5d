"""The offer of a control set, if the workspace has none that the model knows."""

from autolearn.runs.model_choice import chosen_model
from autolearn.services import gold_actions
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html

ADD = "general-knowledge"
"""The key of a click that takes questions of general knowledge as control set."""


def draw(store: Store) -> Html:
    """Return what a workspace without such a control set lacks, and a button for one.

    Nothing if there is one, or if the chosen model needs none.
    """
    if not gold_actions.lacks_control(store, chosen_model(store).model):
        return Html("")
    words = html.text(
        "Without a control set that the model knows, no question shows what a round "
        "forgets. "
    )
    n = len(gold_actions.general_knowledge())
    label = html.text(f"Add {n} questions of general knowledge")
    button = html.pick(label, ADD, "al-link")
    return html.tag("p", words + button, "al-faint")


def accept(store: Store) -> str:
    """Add the questions that are offered; return the result in a sentence."""
    n = gold_actions.add_general_knowledge(store).n_in_set
    return f"The control set has {n} questions of general knowledge now."

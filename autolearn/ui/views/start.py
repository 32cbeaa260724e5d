"""The first page: what autolearn is, the loop as a picture, and three ways to begin."""

from autolearn.core.server_addresses import is_server
from autolearn.core.settings import ModelSettings
from autolearn.runs.model_choice import chosen_model
from autolearn.services.model_scope import shown_digest
from autolearn.store import SampleFilter, Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels, whole_round
from autolearn.ui.views.links import TAB

WHOLE = "whole"
"""The key of a click that runs a whole round."""
SENTENCES = (
    "A language model on this computer reads your texts, finds out what it does not "
    "know, and learns it. You, or a rule, decide what it may learn, and a quiz shows "
    "whether it did."
)
SIMPLE_TEXTS = (
    " The built-in model reads only very simple sentences: choose a real model first."
)
LOOP = (
    ("Read", "Library", "Your texts are split into passages."),
    ("Ask and answer", "Study", "With the text in view, and from memory."),
    ("Find the gaps", "Review", "Where the answers differ; you approve what is right."),
    ("Learn", "Train", "A small adapter is trained; the model stays as it is."),
    ("Test it", "Evaluation", "The same quiz before and after."),
)


def about() -> Html:
    """Return what autolearn is, and the loop."""
    steps = html.join(
        html.tag(
            "li",
            html.tag("strong", html.text(title))
            + html.tag("span", html.text(what), "al-faint")
            + html.pick(html.text(tab), f"{TAB}{tab}", "al-link al-loop-tab"),
        )
        for title, tab, what in LOOP
    )
    return html.tag("p", html.text(SENTENCES), "al-lead") + html.tag(
        "ol", steps, "al-loop", aria_label="The loop of a round"
    )


def ways(store: Store) -> Html:
    """Return three ways to begin, each with its effort, and the workspace's state."""
    model = chosen_model(store)
    is_built_in = model.model == ModelSettings.model
    reason = whole_round.why_disabled(store)
    cards = (
        _way(
            *_whole_round(model),
            html.pick(
                html.text("Run a whole round"),
                WHOLE,
                "al-go al-main",
                disabled="" if reason else None,
            )
            + reason,
        ),
        _way(
            "Use your own texts",
            "Paste a text or add files (PDF, Word, Markdown and others)."
            + (SIMPLE_TEXTS if is_built_in else ""),
            html.pick(html.text("Add texts"), f"{TAB}Library", "al-go"),
        ),
        _way(
            "Choose a real model",
            "An instruct model from a folder, a GGUF file, or the Hugging Face hub: "
            "0.3 GiB and more to download, and minutes to hours for a round. Its "
            "skills can be checked first, and weak ones taught.",
            html.pick(html.text("Choose a model"), f"{TAB}Model", "al-go"),
        ),
    )
    return html.tag("div", html.join(cards), "al-ways") + _state(store)


def _whole_round(model: ModelSettings) -> tuple[str, str]:
    """Return title and text of the way to begin with one button."""
    begin = ""
    if model.round_id:
        begin = f" The round begins with the base model, not round {model.round_id}."
    if model.model == ModelSettings.model:
        return (
            "Try the demo",
            "A tiny built-in model studies the texts in the library, and the quiz is "
            "run before and after. With the library of a new workspace, this takes "
            "about 5 minutes on two CPU cores; nothing is downloaded. You can watch, "
            f"or close the page.{begin}",
        )
    name = labels.model(model.model)
    if is_server(model.model):
        name = "A model on this computer"
    return (
        "Run a whole round",
        f"{name} studies the texts in the library, a rule approves samples, and a "
        "round is trained. While it runs, the page shows the time left. "
        f"For the demo of about 5 minutes, choose the built-in model first.{begin}",
    )


def _way(title: str, what: str, button: Html) -> Html:
    head = html.tag("h3", html.text(title))
    body = html.tag("p", html.text(what))
    return html.tag("section", head + body + button, "al-card")


def _state(store: Store) -> Html:
    """Return the content of the workspace in a sentence."""
    digest = shown_digest(store)
    counts = store.samples.counts(SampleFilter(model_digest=digest))
    n_documents = len(store.library.document_sizes())
    n_rounds = len(labels.finished(store, digest))
    model = labels.model(chosen_model(store).model)
    words = (
        f"This workspace: model {model}, {html.count(n_documents, 'document')}, "
        f"{html.count(sum(counts.values()), 'sample')} ({counts['pending']} to review, "
        f"{counts['approved']} approved), {html.count(n_rounds, 'finished round')}."
    )
    return html.tag("p", html.text(words), "al-faint")

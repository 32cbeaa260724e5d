"""Which approved samples a round learns from, as it is chosen on the page."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from autolearn.core.run_settings import SampleScope
from autolearn.rounds.sources import approved_in
from autolearn.services.model_scope import chosen_digest
from autolearn.store import RunFilter, Store
from autolearn.ui.dropdowns import offer
from autolearn.ui.session import QUIET, PageContext
from autolearn.ui.tabs import document_choice
from autolearn.ui.tabs.document_choice import Choice, document_ids
from autolearn.ui.views import review as review_views

N_FIELDS = 3


@dataclass(frozen=True)
class ScopeForm:
    """The selection of a person; nothing selected means all."""

    documents: list[Choice]
    studies: list[int]
    other_models: bool

    def scope(self, store: Store) -> SampleScope:
        """Return the scope of a round of the chosen model."""
        return SampleScope(
            model_digest=None if self.other_models else chosen_digest(store),
            documents=tuple(document_ids(store, self.documents))
            if self.documents
            else None,
            studies=tuple(self.studies) or None,
        )


def lay_out(context: PageContext) -> list[Any]:
    """Lay out the fields of a ``ScopeForm`` in their order."""
    common: dict[str, Any] = {"multiselect": True, "value": []}
    with gr.Accordion("Which samples", open=False, elem_id="train-scope"):
        documents = gr.Dropdown(
            [],
            label="Documents",
            info="None selected: all documents.",
            elem_id="train-documents",
            **common,
        )
        studies = gr.Dropdown(
            [],
            label="Studies",
            info="None selected: all studies.",
            elem_id="train-studies",
            **common,
        )
        others = gr.Checkbox(
            label="Include samples of other models",
            info="Their gaps were measured with another model; the one in use may know "
            "those answers.",
            elem_id="train-other-models",
        )
    fields = [documents, studies, others]
    session = context.session

    def renewed(*values: Any) -> tuple[gr.Dropdown, gr.Dropdown, gr.Checkbox]:
        return _choices(session.store, ScopeForm(*values))

    def renewed_studies(chosen: list[int], with_others: bool) -> gr.Dropdown:
        return _studies(session.store, chosen, others=with_others)

    context.redraw_on_opening(renewed, fields, fields)
    others.change(renewed_studies, [studies, others], studies, **QUIET)
    return fields


def _choices(
    store: Store, form: ScopeForm
) -> tuple[gr.Dropdown, gr.Dropdown, gr.Checkbox]:
    documents = document_choice.choices(store.library.document_sizes())
    return (
        offer(documents, form.documents),
        _studies(store, form.studies, others=form.other_models),
        gr.Checkbox(visible=n_samples_of_others(store) > 0),
    )


def _studies(store: Store, chosen: list[int], *, others: bool) -> gr.Dropdown:
    """Offer the studies with the chosen model, or with all models."""
    digest = None if others else chosen_digest(store)
    runs = store.runs.find(RunFilter(("study",), model_digest=digest))
    return offer([(review_views.study_name(run), run.id) for run in runs], chosen)


def n_samples_of_others(store: Store) -> int:
    """Return how many approved samples were measured with other models."""
    own = SampleScope(model_digest=chosen_digest(store))
    counts = [store.samples.counts(approved_in(s))["approved"] for s in (None, own)]
    return counts[0] - counts[1]

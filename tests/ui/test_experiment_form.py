"""The form of the experiments tab: what is compared."""

from typing import Any

import pytest

from autolearn.core.errors import InputError
from autolearn.core.experiments import CompareSettings
from autolearn.services import reading_actions
from autolearn.ui.session import Session
from autolearn.ui.tabs import experiments
from tests.support.texts import put_text


@pytest.mark.parametrize("field", ["documents", "placebo"])
def test_a_comparison_of_texts_that_were_deleted_meanwhile_is_refused(store, field):
    """In place of what was selected it took the whole library."""
    for name in ("a.md", "b.md"):
        put_text(store, name, f"{name} was founded in 1711.")
    gone, _ = (document.id for document in store.library.document_sizes())
    reading_actions.remove(store, gone)
    chosen: dict[str, list[int]] = {"documents": [], "placebo": [], field: [gone]}
    how: tuple[Any, ...] = (1, 4, 0.0, CompareSettings.rule, [], False)
    with pytest.raises(InputError, match="no longer in the library"):
        experiments._begin_compare(
            Session(store.folder), list(CompareSettings.arms), *chosen.values(), *how
        )
    assert store.experiments.all() == []

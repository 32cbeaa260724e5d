"""What the page asks for often does not read the texts of the passages."""

import pytest

from autolearn.store import library, revisions


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (library._DOCUMENT_SIZES, "passages_by_size"),
        (library._DOCUMENT_SIZES, "passages_by_exclusion"),
        (revisions._PAGE, "passages_excluded"),
    ],
)
def test_what_is_drawn_often_reads_no_passage(store, query, index):
    plan = [row["detail"] for row in store.db.rows(f"EXPLAIN QUERY PLAN {query}")]
    assert any(index in step for step in plan)
    assert "SCAN passages" not in plan

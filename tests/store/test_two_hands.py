"""Two people, or two tabs, decide on one sample."""

import pytest

from autolearn.core.errors import InputError, Outdated
from autolearn.core.records import Decision
from autolearn.store import Store
from tests.support.rounds import approve
from tests.support.texts import put_passages


@pytest.fixture
def version(store):
    """Three approved samples, and the newest decision on them."""
    approve(store, [None] * 3)
    return store.decisions.version()


def made(action, sample_id=1, known_version=None, **values):
    return Decision(sample_id, action, "person", known_version=known_version, **values)


@pytest.mark.parametrize(
    "second",
    [
        made("approve"),
        made("reject"),
        made("edit", after={"chosen": "Eve does."}),
        made("edit", after={"gap": False}),
    ],
)
def test_the_second_decision_on_what_has_changed_is_refused(store, version, second):
    store.decisions.decide(
        [made("edit", known_version=version, after={"chosen": "Bo does."})]
    )
    before = store.db.rows("SELECT * FROM samples")
    with (
        Store.open(store.folder) as other,
        pytest.raises(Outdated, match=r"Sample 1 was changed elsewhere.*edited by"),
    ):
        other.decisions.decide([made(second.action, 1, version, after=second.after)])
    assert store.db.rows("SELECT * FROM samples") == before
    assert store.decisions.version() == version + 1


def test_an_undo_by_the_other_counts_as_a_change(store, version):
    store.decisions.undo_batch(store.decisions.last().id)
    with pytest.raises(Outdated, match="a decision was undone by person"):
        store.decisions.decide([made("reject", 3, version)])


def test_decisions_on_other_samples_do_not_matter(store, version):
    store.decisions.decide([made("reject", 2, version)])
    (decision,) = store.decisions.decide([made("reject", 1, version)])
    assert store.decisions.of([1])[-1] == decision
    assert decision.known_version == version


def test_of_many_decided_at_once_none_is_kept_if_one_has_changed(store, version):
    store.decisions.decide([made("reject", 2)])
    with pytest.raises(Outdated, match="Sample 2 was changed"):
        store.decisions.decide([made("reject", i, version) for i in (1, 2, 3)])
    assert store.samples.counts() == {"pending": 0, "approved": 2, "rejected": 1}


def test_a_rule_decides_on_whatever_there_is(store, version):
    store.decisions.decide([made("reject", 1)])
    assert store.decisions.decide([made("approve", 1)])[0].known_version is None


def test_the_sizes_of_documents_are_those_that_another_handle_has_changed(store):
    put_passages(store, "a.txt", ["Ada leads Avel.", "Bo heads Cova."])
    (size,) = store.library.document_sizes()
    assert size.n_passages == 2
    with Store.open(store.folder) as other:
        other.library.set_excluded([1], excluded=True)
    (size,) = store.library.document_sizes()
    assert size.n_passages == 1
    store.library.set_excluded([1], excluded=False)
    assert store.library.document_sizes()[0].n_passages == 2


def test_the_sizes_of_documents_are_right_after_a_transaction_is_taken_back(store):
    put_passages(store, "a.txt", ["Ada leads Avel.", "Bo heads Cova."])

    def exclude_and_fail():
        with store.atomic():
            store.library.set_excluded([1], excluded=True)
            assert store.library.document_sizes()[0].n_passages == 1
            raise InputError("no")

    with pytest.raises(InputError):
        exclude_and_fail()
    assert store.library.document_sizes()[0].n_passages == 2

import pytest

from tests.support.rounds import approve


@pytest.fixture
def approved_samples(store):
    """Forty approved samples on nothing that is in the library."""
    approve(store)

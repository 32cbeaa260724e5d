import pytest

from tests.support.rounds import approve


@pytest.fixture
def approved(store):
    """Forty approved samples on nothing that is in the library."""
    approve(store)

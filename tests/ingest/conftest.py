import pytest

from tests.support.pdfs import Sheet


@pytest.fixture
def sheet(tmp_path):
    """A PDF page to draw on; ``save`` writes it to ``a.pdf``."""
    return Sheet(tmp_path / "a.pdf")

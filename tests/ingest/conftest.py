import pytest

from tests.support.documents import read_pdf
from tests.support.pdfs import Sheet


@pytest.fixture
def sheet(tmp_path):
    """A PDF page to draw on; ``save`` writes it to ``a.pdf``."""
    return Sheet(tmp_path / "a.pdf")


@pytest.fixture
def read(tmp_path, sheet):
    def read_file():
        sheet.save()
        return read_pdf(tmp_path / "a.pdf")

    return read_file

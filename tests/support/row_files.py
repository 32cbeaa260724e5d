"""Files of rows, and how they are read."""

from autolearn.core.reading import ReadingChoices
from autolearn.ingest import readers


def read(path, **choices):
    """Return the text of a file, what is left out, its notes, and its source."""
    source = readers.open_source(path, path.name, ReadingChoices(**choices))
    pieces = list(source.pieces)
    text = "".join(piece.text for piece in pieces if not piece.left_out)
    out = [(p.left_out, p.text, p.place) for p in pieces if p.left_out]
    return text, out, [p.note for p in pieces if p.note], source


def uses(source):
    return {column.name: column.use for column in source.columns}


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path

"""How documents are read."""

from autolearn.ingest import readers


def read(path):
    pieces = list(readers.open_source(path, path.name).pieces)
    text = "".join(piece.text for piece in pieces if not piece.left_out)
    return text, [(piece.left_out, piece.text) for piece in pieces if piece.left_out]


def read_pdf(path):
    pieces = list(readers.open_source(path, path.name).pieces)
    return "".join(p.text for p in pieces if not p.left_out), pieces

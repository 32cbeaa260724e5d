"""Texts in a library, without a reader."""

import hashlib
import json
from pathlib import Path

from autolearn.core.reading import ReadingChoices
from autolearn.core.records import Document, Passage
from autolearn.ingest import importer
from autolearn.ingest.parsing import LocalParser
from autolearn.models import files as model_files
from autolearn.models import token_counting
from autolearn.services.demo_library import LIBRARY
from autolearn.text import chunking, sentences


def put(store, *paths, tokens=320):
    """Take files into a library; return why some were refused."""
    count = token_counting.token_counter(model_files.BUILT_IN)
    intake = importer.TextImporter(store, LocalParser(count, tokens))
    files = [importer.ImportFile(path, path.name) for path in paths]
    return [refusal.sentence for refusal in intake.import_files(files)]


def reread(store, name, choices=None):
    """Read the file of a document again; return which choices are gone."""
    (document,) = [d for d in store.library.documents() if d.name == name]
    count = token_counting.token_counter(model_files.BUILT_IN)
    intake = importer.TextImporter(store, LocalParser(count, 320))
    return intake.reread(document, choices or ReadingChoices())


def put_text(store, name, text, tokens=320):
    """Keep a text, whose words count as tokens."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    document = Document(name, digest, len(text))
    passages = chunking.split(text, lambda part: len(part.split()), tokens)
    return store.library.add_document(document, passages)


def put_passages(store, name, texts, digest=None):
    """Keep a document of just these passages, and return these."""
    place, passages = 0, []
    for i, text in enumerate(texts):
        passages.append(Passage(0, i, place, place + len(text), text, 5))
        place += len(text)
    document = Document(name, digest or f"sha {name}", place)
    stored_document = store.library.add_document(document, passages)
    return store.library.passages([stored_document.id])


def write_excerpt(folder: Path) -> list[Path]:
    """Write two sentences of the built-in library to a file, their quiz beside it.

    Returns:
        The paths of the text, of the quiz, and of four questions of the control set.
    """
    source = min(LIBRARY.glob("*.md"))
    title, section, *_ = source.read_text(encoding="utf-8").split("\n## ")
    _, _, second, *_ = sentences.of(section)  # after its heading
    text = section[: second.end]
    paths = [folder / name for name in (source.name, "quiz.jsonl", "control.jsonl")]
    paths[0].write_text(f"{title}\n## {text}\n", encoding="utf-8")
    quiz = (LIBRARY / "quiz.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [line for line in quiz if json.loads(line)["value"] in text]
    assert len(questions) == 2
    paths[1].write_text("\n".join(questions), encoding="utf-8")
    control = (LIBRARY / "control.jsonl").read_text(encoding="utf-8").splitlines()
    paths[2].write_text("\n".join(control[:4]), encoding="utf-8")
    return paths

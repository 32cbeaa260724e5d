import pytest

from autolearn.core.gold import Corpus, GoldExample
from tests.support.experiments import gold
from tests.support.texts import put_text


@pytest.fixture
def library(store):
    """Two documents of one passage each, eight quiz questions, four of control."""
    for name in ("a.md", "b.md"):
        put_text(store, name, f"{name} was founded in 1711.")
    passage = store.library.passages()[0].id
    quiz = [gold(f"quiz {i}?", "quiz", passage) for i in range(8)]
    control = [gold(f"control {i}?", "control") for i in range(4)]
    store.library.add_questions([*quiz, *control])
    pairs = [GoldExample("", f"person {i}?", f"{i} men") for i in range(3)]
    pair = GoldExample("", "quiz 0?", "7")
    corpus = Corpus("people.json", "digest", "pairs", n_examples=4)
    store.corpora.add(corpus, [*pairs, pair])
    return store

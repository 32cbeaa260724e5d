"""The passages about a question, by the full-text index."""

from autolearn.core.records import Document, Passage


def put_towns(store, *texts, n_tokens=10):
    passages = [
        Passage(0, i, 0, len(text), text, n_tokens) for i, text in enumerate(texts)
    ]
    store.library.add_document(Document("towns.txt", texts[0], 99), passages)


TOWNS = (
    "Avel was founded in 1711.",
    "The mayor of Brin is Ada.",
    "Corl has a long bridge.",
    "城市的北面在一七一二年被烧毁。",
)


def positions(store, question, **limits):
    return [p.position for p in store.library.passages_about(question, **limits)]


def test_the_passage_with_the_rare_words_of_a_question_comes_first(store):
    put_towns(store, *TOWNS)
    assert positions(store, "Who is the mayor of Brin?") == [1]
    assert positions(store, "Who is the mayor of Brin, and what of Avel?") == [1]
    assert positions(store, "北面什么时候被烧毁的?") == [3]


def test_a_question_that_shares_no_word_finds_no_passage(store):
    assert positions(store, "Who is the mayor of Brin?") == []
    put_towns(store, *TOWNS)
    assert positions(store, "zebra?") == []
    assert positions(store, '" OR * ?') == []


def test_passages_about_a_question_stay_within_their_number_and_tokens(store):
    put_towns(store, *["Avel lies in the hills."] * 5, n_tokens=100)
    assert len(positions(store, "Avel?", n_tokens=1000)) == 3
    assert len(positions(store, "Avel?", n_tokens=250)) == 2
    store.library.set_excluded([1, 2, 3, 4], excluded=True)
    assert positions(store, "Avel?", n_tokens=1000) == [4]


def test_the_passage_that_fits_best_is_found_however_long_it_is(store):
    """With passages of more than 512 tokens, retrieval in a quiz showed no text."""
    put_towns(store, *TOWNS, n_tokens=600)
    assert positions(store, "Who is the mayor of Brin?") == [1]

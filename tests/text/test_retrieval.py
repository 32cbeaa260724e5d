from autolearn.core.records import Passage
from autolearn.text import retrieval


def passages(*texts, n_tokens=10):
    return [
        Passage(1, i, 0, len(text), text, n_tokens, id=i + 1)
        for i, text in enumerate(texts)
    ]


TOWNS = passages(
    "Avel was founded in 1711.", "The mayor of Brin is Ada.", "Corl has a long bridge."
)


def ids(*args, **more):
    return [one.id for one in retrieval.best(*args, **more)]


def test_the_passage_with_the_rare_words_comes_first():
    assert ids("Who is the mayor of Brin?", TOWNS)[0] == 2


def test_passages_far_below_the_best_are_left_out():
    assert ids("Who is the mayor of Brin, and what of Avel?", TOWNS) == [2]


def test_what_shares_no_word_is_not_returned():
    assert ids("zebra?", TOWNS) == []
    assert ids("anything", []) == []


def test_passages_stay_within_their_number_and_room():
    same = passages(*["Avel lies in the hills."] * 5, n_tokens=100)
    assert len(ids("Avel?", same, tokens=1000)) == 3
    assert len(ids("Avel?", same, tokens=250)) == 2

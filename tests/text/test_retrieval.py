from autolearn.text.retrieval import bm25

TOWNS = [
    "Avel was founded in 1711.",
    "The mayor of Brin is Ada.",
    "Corl has a long bridge.",
]


def test_the_text_with_the_rare_words_scores_best():
    scores = bm25("Who is the mayor of Brin?", TOWNS)
    assert max(scores) == scores[1]


def test_no_common_word_and_no_text_score_nothing():
    assert bm25("zebra?", TOWNS) == [0.0, 0.0, 0.0]
    assert bm25("anything", []) == []

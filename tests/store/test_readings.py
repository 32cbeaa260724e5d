import random

import pytest

from autolearn.core.errors import InputError
from autolearn.core.records import Document, Exclusion, Passage, Question
from autolearn.store.exclusions import BY_PERSON

HEAD = "Report of Avel"


def words_as_tokens(text):
    return len(text.split())


def parts_of(paragraphs, heads=()):
    """Return the passages of paragraphs, and a running head before each of `heads`."""
    passages, exclusions, start = [], [], 0
    for i, text in enumerate(paragraphs):
        if i in heads:
            exclusions.append(Exclusion(0, start, HEAD, "running head", f"page {i}"))
        end = start + len(text)
        passages.append(Passage(0, i, start, end, text, words_as_tokens(text)))
        start = end
    return passages, exclusions


def put(store, paragraphs, heads=(), name="a.txt"):
    passages, exclusions = parts_of(paragraphs, heads)
    n = sum(map(len, paragraphs))
    document = Document(name, f"sha {name}", n)
    return store.library.add_document(document, passages, exclusions)


def read_again(store, document, paragraphs, heads=()):
    passages, exclusions = parts_of(paragraphs, heads)
    new = Document(document.name, "sha again", sum(map(len, paragraphs)))
    return store.readings.replace(
        Document(**{**new.__dict__, "id": document.id}), passages, exclusions
    )


def placed(store, document):
    return store.library.passages([document.id], with_excluded=True)


def texts(store, document):
    return [passage.text for passage in placed(store, document)]


def check_places(store, document):
    """Check that passages are the text without gaps, and all can be found."""
    passages = placed(store, document)
    assert [p.position for p in passages] == list(range(len(passages)))
    place = 0
    for passage in passages:
        assert (passage.start, passage.end) == (place, place + len(passage.text))
        place = passage.end
    assert store.library.document(document.id).n_characters == place
    for exclusion in store.library.exclusions(document.id):
        assert 0 <= exclusion.at <= place
    n_indexed = store.db.rows("SELECT count(*) AS n FROM passages_search")[0]["n"]
    assert n_indexed == store.db.rows("SELECT count(*) AS n FROM passages")[0]["n"]


def ask(store, passage, sentence):
    """Keep a question about a sentence of a passage."""
    start = passage.start + passage.text.index(sentence)
    question = Question(
        f"What of {sentence}?",
        "study",
        "person",
        passage.id,
        start=start,
        end=start + len(sentence),
    )
    return store.library.add_questions([question])[0]


def sentence_of(store, question):
    (rows_kept,) = [q for q in store.library.questions() if q.id == question.id]
    passage = store.library.passages_by_id([rows_kept.passage_id])[rows_kept.passage_id]
    return passage.text[rows_kept.start - passage.start : rows_kept.end - passage.start]


@pytest.fixture
def three(store):
    return put(store, ["Avel is old. ", "The mill burned. ", "Kell built it."], {1})


def test_a_passage_of_the_same_text_keeps_its_row_and_what_was_decided(store, three):
    old, mill, last = placed(store, three)
    store.library.set_excluded([last.id], excluded=True)
    question = ask(store, mill, "mill burned")
    read_again(store, three, ["A new beginning. ", "The mill burned. ", last.text])
    new, same, also = placed(store, three)
    assert (same.id, also.id, also.excluded) == (mill.id, last.id, True)
    assert new.id != old.id
    assert sentence_of(store, question) == "mill burned"
    assert store.library.passages_about("Avel") == []
    check_places(store, three)


def test_a_passage_with_questions_stays_and_comes_back(store, three):
    old = placed(store, three)[0]
    question = ask(store, old, "old")
    read_again(store, three, ["Ävel is öld. ", "The mill burned. "])
    assert sentence_of(store, question) == "old"
    assert old.id not in [p.id for p in store.library.each_passage()]
    assert store.library.document_sizes()[0].n_passages == 2
    read_again(store, three, ["Before. ", "Avel is old. "])
    assert placed(store, three)[1].id == old.id
    assert sentence_of(store, question) == "old"
    check_places(store, three)


def test_an_exclusion_that_is_taken_in_is_a_passage_and_stays_one(store, three):
    question = ask(store, placed(store, three)[2], "Kell")
    (head,) = store.library.exclusions(three.id)
    store.exclusions.take_in(head.id)
    check_places(store, three)
    assert texts(store, three)[1] == f"{HEAD}\n\n"
    assert store.library.exclusions(three.id) == []
    assert sentence_of(store, question) == "Kell"
    rows_kept = placed(store, three)[1]
    with pytest.raises(InputError, match="has changed"):
        store.exclusions.take_in(head.id)
    lost_texts = read_again(
        store, three, ["More. ", "Avel is old. ", "The mill burned."], {0, 2}
    )
    assert lost_texts == []
    assert texts(store, three).count(f"{HEAD}\n\n") == 1
    assert rows_kept.id in [p.id for p in placed(store, three)]
    assert len(store.library.exclusions(three.id)) == 1
    check_places(store, three)


def test_exclusions_at_one_place_are_taken_in_in_their_order(store):
    document = put(store, ["Avel."])
    for text in ("first", "second", "third"):
        row = {"document_id": document.id, "at": 5, "text": text, "reason": "form"}
        with store.atomic():
            store.db.insert("exclusions", [row])
    first, second, third = store.library.exclusions(document.id)
    for exclusion in (third, first, second):
        store.exclusions.take_in(exclusion.id)
        check_places(store, document)
    assert "".join(texts(store, document)).split() == ["Avel.first", "second", "third"]


def test_a_long_exclusion_becomes_several_passages(store, three):
    sentences = [f"Number {i} of the long list is here." for i in range(300)]
    row = {
        "document_id": three.id,
        "at": 0,
        "text": " ".join(sentences),
        "reason": "form",
    }
    with store.atomic():
        (number,) = store.db.insert("exclusions", [row])
    store.exclusions.take_in(number)
    check_places(store, three)
    assert "".join(texts(store, three)).startswith(" ".join(sentences))
    assert len(texts(store, three)) > 10


def test_a_stretch_that_is_left_out_stays_out(store):
    document = put(store, ["Avel is old. See page 7. It has a mill. ", "Kell left."])
    whole, last = placed(store, document)
    question = ask(store, last, "Kell")
    new_question = ask(store, whole, "mill")
    start = whole.text.index("See")
    store.exclusions.leave_out(whole.id, start, start + len("See page 7. "))
    check_places(store, document)
    assert texts(store, document) == ["Avel is old. ", "It has a mill. ", "Kell left."]
    (out,) = store.library.exclusions(document.id)
    assert (out.text, out.reason) == ("See page 7. ", BY_PERSON)
    assert sentence_of(store, question) == "Kell"
    assert sentence_of(store, new_question) == "mill"
    again = ["Added. ", "Avel is old. See page 7. It has a mill. ", "See page 7. Now."]
    assert read_again(store, document, again) == []
    check_places(store, document)
    parts = ["Added. ", "Avel is old. ", "It has a mill. ", "See page 7. Now."]
    assert texts(store, document) == parts


def test_a_choice_whose_text_is_gone_is_named(store, three):
    (head,) = store.library.exclusions(three.id)
    store.exclusions.take_in(head.id)
    mill = placed(store, three)[2]
    store.exclusions.leave_out(mill.id, 4, 9)
    assert read_again(store, three, ["Nothing of it."]) == [HEAD, "mill "]
    check_places(store, three)


def test_a_repeat_of_a_passage_that_is_gone_is_studied_again(store, three):
    other = put(store, ["The  mill burned.", "Kell built it!"], name="b.txt")
    exact, near = placed(store, other)
    first, mill, last = placed(store, three)
    store.library.set_repeats({exact.id: (mill.id, True), near.id: (last.id, False)})
    store.library.set_excluded([near.id], excluded=True)
    read_again(store, three, [first.text])
    exact, near = placed(store, other)
    assert (exact.excluded, near.excluded) == (False, True)
    assert exact.repeats_id is None


def test_a_reading_that_equals_another_document_is_refused(store, three):
    other = put(store, ["Text."], name="b.txt")
    new = Document("a.txt", other.digest, 5, id=three.id)
    before = texts(store, three)
    with pytest.raises(InputError, match=r"same text as b\.txt"):
        store.readings.replace(new, [], [])
    assert texts(store, three) == before


@pytest.mark.parametrize("seed", range(12))
def test_no_character_is_lost_by_any_order_of_choices(store, seed):
    rng = random.Random(seed)
    paragraphs = [
        " ".join(f"w{rng.randint(0, 40)}" for _ in range(rng.randint(2, 12))) + ". "
        for _ in range(rng.randint(1, 8))
    ]
    document = put(store, paragraphs, set(rng.sample(range(8), 3)))
    for _ in range(12):
        exclusions = store.library.exclusions(document.id)
        passages = placed(store, document)
        turn = rng.random()
        if turn < 0.3 and exclusions:
            store.exclusions.take_in(rng.choice(exclusions).id)
        elif turn < 0.8 and passages:
            passage = rng.choice(passages)
            start = rng.randrange(len(passage.text))
            end = rng.randint(start + 1, len(passage.text))
            store.exclusions.leave_out(passage.id, start, end)
        else:
            read_again(store, document, paragraphs, {0, 2})
        check_places(store, document)
        rows_kept = [*texts(store, document)]
        rows_kept += [e.text for e in store.library.exclusions(document.id)]
        of_file = set("".join(paragraphs)) - {" "}
        assert not of_file & set(HEAD), "a head can be told from the text"
        rows_kept = [c for c in "".join(rows_kept) if c in of_file]
        assert sorted(rows_kept) == sorted(
            c for c in "".join(paragraphs) if c in of_file
        )

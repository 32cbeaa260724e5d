from autolearn.core.gold import MetaExample
from autolearn.core.records import Sample, TrainItem
from autolearn.core.settings import TrainSettings
from autolearn.training import dataset
from autolearn.training.dataset import ApprovedExample


def example(question="Who leads Avel?", gap=True, id=1, **more):
    sample = Sample(1, question, "Ada leads Avel.", "Bo leads Avel.", gap, 0.9, id=id)
    values = {"opened": "Ada leads Avel.", "closed": "Bo leads Avel."} | more
    return ApprovedExample(sample, "Ada leads Avel.", **values)


def build(method, lessons, corpus=(), quiz=(), **settings):
    return dataset.build(
        TrainSettings(method=method, **settings), lessons, corpus, quiz
    )


def prompt_text(item):
    return item.chat[-1].content


META = MetaExample("Who leads?", "Bo.", "Wrong.\nVerdict: incorrect", "Ada leads.")


def test_join_learns_the_refined_answer_in_every_wording():
    data = build("refined_sft", [example(wordings=("Avel is led by whom?",))])
    assert [(prompt_text(i), i.chosen, i.sample_id) for i in data.items] == [
        ("Who leads Avel?", "Ada leads Avel.", 1),
        ("Avel is led by whom?", "Ada leads Avel.", 1),
    ]


def test_the_passage_is_never_in_a_knowledge_prompt():
    for method in ("refined_sft", "al1", "al2", "self"):
        data = build(method, [example()]).items
        assert data
        for item in data:
            assert prompt_text(item) == "Who leads Avel?"


def test_stage_1_can_keep_the_skill_of_asking():
    plain, dqa = build("al1", [example()]), build("al1", [example()], dqa=True)
    assert len(plain.items) == 1
    assert [prompt_text(i).startswith("Ada leads Avel.") for i in dqa.items] == [
        False,
        True,
        True,
    ]


def test_stage_2_prefers_open_book_over_closed_book():
    (item,) = build("al2", [example()]).items
    assert (item.kind, item.chosen, item.rejected) == (
        "dpo",
        "Ada leads Avel.",
        "Bo leads Avel.",
    )


def test_stage_2_leaves_out_pairs_that_prefer_nothing():
    same = example(closed="Ada leads Avel.")
    assert build("al2", [same], only_gaps=False).items == ()


def test_the_gap_filter_can_be_switched_off():
    sample = example(gap=False)
    assert build("al1", [sample]).items == ()
    assert len(build("al1", [sample], only_gaps=False).items) == 1


def test_meta_skills_are_feedback_refinement_and_answer():
    items = build("meta", [], [META]).items
    assert [i.chosen for i in items] == [
        "Wrong.\nVerdict: incorrect",
        "Answer: Ada leads.",
        "Ada leads.",
    ]


def test_a_corrected_sample_is_a_meta_skill_example():
    correction = example(corrected=True, critique="Not Bo.\nVerdict: incorrect")
    items = build("meta", [correction, example(id=2)]).items
    assert len(items) == 3
    assert "Ada leads Avel." in prompt_text(items[0])
    assert items[0].chosen.startswith("Not Bo.")


def test_self_evolution_replays_a_share_of_meta_skills():
    lessons = [example(f"Who leads {name}?", id=i) for i, name in enumerate("ABCD")]
    items = build("self", lessons, [META], meta_share=0.5).items
    assert len(items) == 6


def test_raw_text_takes_each_passage_once():
    items = build("cpt", [example(), example("Who is Ada?")]).items
    assert [(i.kind, i.chosen) for i in items] == [("text", "Ada leads Avel.")]


def test_what_the_quiz_asks_is_not_trained():
    first = example(wordings=("Avel is led by whom?", "Who is leader of Avel?"))
    data = build("refined_sft", [first], quiz=["avel is led by whom"])
    assert [prompt_text(i) for i in data.items] == [
        "Who leads Avel?",
        "Who is leader of Avel?",
    ]
    assert data.leaked == 1


def test_a_question_of_the_quiz_goes_with_all_its_wordings():
    first = example(wordings=("Avel is led by whom?",))
    data = build("refined_sft", [first], quiz=["Who leads the Avel"])
    assert data.items == ()
    assert data.leaked == 2


def many_examples(n=100, **more):
    return [
        example(
            f"Who leads town {i}?",
            id=i,
            wordings=(f"Town {i} is led by whom?",),
            **more,
        )
        for i in range(n)
    ]


def test_validation_asks_what_is_trained_in_a_wording_that_is_not():
    data = build("refined_sft", many_examples(), validation_share=0.2)
    validation_texts = {prompt_text(item) for item in data.validation}
    assert len(validation_texts) == len(data.validation) == 20
    assert len(data.items) == 200 - 20
    assert not validation_texts & {prompt_text(item) for item in data.items}
    answers = {(item.sample_id, item.chosen) for item in data.items}
    assert {(item.sample_id, item.chosen) for item in data.validation} <= answers
    assert {item.kind for item in data.validation} == {"validation"}


def test_validation_is_the_same_for_a_seed():
    first, again, other = (
        build(
            "refined_sft", many_examples(), validation_share=0.2, seed=seed
        ).validation
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_wording_that_another_lesson_trains_validates_nothing():
    first = example(wordings=("Avel is led by whom?",), id=200)
    other = example("By whom is Avel led?", id=201)
    data = build("refined_sft", [*many_examples(), first, other], validation_share=1.0)
    assert len(data.validation) == 100
    assert 200 not in {item.sample_id for item in data.validation}


def test_a_wording_of_the_quiz_is_not_validation():
    quiz = ["Town 3 is led by whom?"]
    data = build("refined_sft", many_examples(), quiz=quiz, validation_share=1.0)
    assert len(data.validation) == 99
    assert not set(quiz) & {
        prompt_text(item) for item in (*data.items, *data.validation)
    }


def test_validation_expects_the_answer_that_the_method_teaches():
    lessons = many_examples(opened="It is Ada.")
    answer_of = {
        "refined_sft": "Ada leads Avel.",
        "al1": "It is Ada.",
        "self": "Ada leads Avel.",
    }
    for method, answer in answer_of.items():
        validation_items = build(method, lessons, validation_share=1.0).validation
        assert {item.chosen for item in validation_items} == {answer}
    for method in ("al2", "meta", "cpt"):
        assert build(method, lessons, [META], validation_share=1.0).validation == ()


def test_a_small_round_or_one_without_a_share_trains_every_wording():
    for n, share in ((100, 0.0), (99, 0.19), (19, 1.0)):
        data = build("refined_sft", many_examples(n), validation_share=share)
        assert (len(data.items), data.validation) == (2 * n, ())


def test_meta_examples_that_the_quiz_asks_are_left_out_and_counted():
    data = build("meta", [], [META], quiz=["Who leads?"])
    assert (data.items, data.leaked) == ((), 1)


def test_self_draws_its_meta_items_by_the_seed_and_not_the_first_ones():
    skills = [TrainItem("sft", (), str(i)) for i in range(100)]
    lessons = [example(id=i) for i in range(1, 9)]

    def drawn(seed):
        settings = TrainSettings(method="self", meta_share=1.0, seed=seed)
        items = dataset.build(settings, lessons, [], [], skills).items
        return [item.chosen for item in items[len(lessons) :]]

    assert drawn(0) == drawn(0) != drawn(1)
    assert len(drawn(0)) == 8
    assert drawn(0) != [str(i) for i in range(8)]

from dataclasses import replace

import pytest

from autolearn.core.methods import METHODS
from autolearn.core.records import TrainItem
from autolearn.metaskills.items import counting_alike, skill_of
from autolearn.study import prompts
from autolearn.text import model_output
from tests.support.lessons import META, build, example, prompt_text


def test_refined_sft_learns_the_refined_answer_in_every_wording():
    data = build("refined_sft", [example(wordings=("Avel is led by whom?",))])
    assert [(prompt_text(i), i.chosen, i.sample_id) for i in data.items] == [
        ("Who leads Avel?", "Ada leads Avel.", 1),
        ("Avel is led by whom?", "Ada leads Avel.", 1),
    ]


def test_pairs_by_people_are_learned_closed_book_as_fully_as_they_are_told():
    items = build("pairs", [example()]).items
    assert [(prompt_text(i), i.chosen) for i in items] == [
        ("Who leads Boro?", "Ida"),
        ("Who founded Avel?", "Bo founded Avel."),
    ]


def test_only_autonomous_learning_leaves_out_instructions():
    """Word problems were learned by a prompt that does not ask for steps."""
    asked = {"passage": "", "prompt_name": "solve", "chosen": "2 + 3 = 5. Answer: 5"}
    problem = example("What is 2 + 3?", closed_answer="It is 6.", **asked)
    assert [build(method, [problem]).items for method in ("al1", "al2")] == [(), ()]
    refined, unrefined = (
        build(method, [problem]).items for method in ("refined_sft", "unrefined")
    )
    assert [item.chosen for item in (*refined, *unrefined)] == [
        "2 + 3 = 5. Answer: 5",
        "It is 6.",
    ]
    solve = prompts.load("solve").render(question="What is 2 + 3?").chat
    assert {item.chat for item in (*refined, *unrefined)} == {solve}


def test_an_unrefined_answer_about_a_text_is_the_open_book_one():
    text, own = example(chosen="She does."), example(passage="", closed_answer="")
    (item,) = build("unrefined", [text]).items
    assert item.chosen == "Ada leads Avel."
    (item,) = build("unrefined", [own]).items
    assert item.chosen == "Ada leads Avel."


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


def test_stage_1_teaches_to_quote_as_a_study_asks():
    """Once, it taught the prompt of the study to be answered without evidence."""
    *_, reading = build("al1", [example()], dqa=True).items
    written = model_output.open_book(reading.chosen)
    assert (written.evidence, written.answer) == ("Ada leads Avel.", "Ada leads Avel.")
    assert len(build("al1", [example(evidence="")], dqa=True).items) == 2


def test_stage_1_asks_a_guided_model_as_its_study_does():
    """Once, it taught the bare prompts, which such a model is never asked."""
    lesson = example(
        passage="The town of Avel is led by Ada.",
        evidence="The town of Avel is led by Ada.",
        short_answer="Ada",
        heading="Avel",
    )
    _, *items = build("al1", [lesson], dqa=True, protocol="taught").items
    assert [(i.chosen, i.weight, i.sample_id) for i in items] == [
        ("Answer: Ada\nQuestion: Who leads Avel?", 1.0, 1),
        (
            "Evidence: The town of Avel is led by Ada.\nShort answer: Ada\n"
            "Answer: Ada leads Avel.",
            1.0,
            1,
        ),
    ]
    assert [skill_of(item) for item in items] == ["ask", "answer"]
    edited = replace(lesson, edits=frozenset({"chosen"}))
    edited = replace(edited, sample=replace(edited.sample, chosen="Ida."))
    assert len(build("al1", [edited], dqa=True, protocol="taught").items) == 1


def test_stage_2_prefers_open_book_over_closed_book():
    (item,) = build("al2", [example()]).items
    assert (item.kind, item.chosen, item.rejected) == (
        "dpo",
        "Ada leads Avel.",
        "Bo leads Avel.",
    )


def test_stage_2_leaves_out_pairs_that_prefer_nothing():
    same = example(closed_answer="Ada leads Avel.")
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


def test_a_meta_round_counts_each_item_alike_and_self_each_token():
    """Once, a correction of 40 words outweighed five items of a corpus."""
    skill = counting_alike(TrainItem("sft", (), "Verdict: correct"))
    example_of_many_words = replace(META, feedback="It is wrong. " * 20)
    items = build("meta", [], [example_of_many_words], skills=[skill]).items
    assert len(items) == 4
    weights = [item.weight * (1 + len(item.chosen.split())) for item in items]
    assert weights == pytest.approx([1.0] * 4)
    lessons = [example(f"Who leads {name}?", id=i) for i, name in enumerate("ABCD")]
    items = build("self", lessons, [META], meta_share=0.5).items
    assert {item.weight for item in items} == {1.0}


def test_a_corrected_sample_is_taught_as_the_later_study_asks():
    correction = example(
        edits={"feedback"},
        critique="Not Bo.\nVerdict: incorrect",
        passage="Ada leads it.",
        heading="Avel",
    )
    items = build("meta", [correction], protocol="taught").items
    assert [item.chosen for item in items] == [
        "Verdict: incorrect",
        "The text says: Ada leads Avel.\nThe answer says: Bo leads Avel.\n"
        "Verdict: incorrect\nReason: Not Bo.",
        "Better answer: Ada leads Avel.",
    ]
    assert {item.sample_id for item in items} == {1}
    assert all("# Avel\n\nAda leads it." in i.chat[-2].content for i in items[1:])


def test_a_corrected_sample_is_a_meta_skill_example():
    correction = example(edits={"feedback"}, critique="Not Bo.\nVerdict: incorrect")
    items = build("meta", [correction, example("Who is Bo?", id=2)]).items
    assert len(items) == 3
    assert "Ada leads Avel." in prompt_text(items[0])
    assert items[0].chosen.startswith("Not Bo.")


@pytest.mark.parametrize("method", ["al1", "al2", "refined_sft", "self"])
@pytest.mark.parametrize("field", ["chosen", "refined"])
def test_every_method_teaches_the_answer_that_a_person_wrote(method, field):
    correction = example(chosen="Ida leads Avel.", edits={field})
    data = build(method, [correction], dqa=True, meta_share=0)
    answers = [i.chosen for i in data.items if prompt_text(i) == "Who leads Avel?"]
    assert answers == ["Ida leads Avel."]
    assert not any("Ada" in item.chosen for item in data.items)


@pytest.mark.parametrize("method", ["al1", "al2", "refined_sft", "self"])
def test_an_answer_written_by_a_person_is_learned_though_no_gap_was_seen(method):
    correction = example(gap=False, chosen="Ida leads Avel.", edits={"chosen"})
    assert [i.chosen for i in build(method, [correction], meta_share=0).items] == [
        "Ida leads Avel."
    ]
    no_gap = example(gap=False, chosen="Ida leads Avel.", edits={"chosen", "gap"})
    assert build(method, [no_gap], meta_share=0).items == ()


@pytest.mark.parametrize(
    ("gap", "edits", "said", "verdict"),
    [
        (False, {"chosen"}, "correct", "incorrect"),
        (True, {"gap"}, "correct", "incorrect"),
        (False, {"gap"}, "incorrect", "correct"),
        (True, {"refined"}, "incorrect", "incorrect"),
    ],
)
@pytest.mark.parametrize("passage", ["Ida leads Avel.", ""])
def test_a_corrected_verdict_is_taught_as_the_person_sees_it(
    gap, edits, said, verdict, passage
):
    correction = example(
        gap=gap,
        chosen="Ida leads Avel.",
        edits=edits,
        critique=f"It is so.\nVerdict: {said}",
        passage=passage,
    )
    criticism, *rest = build("meta", [correction]).items
    assert model_output.verdict(criticism.chosen) == verdict
    assert ("It is so." in criticism.chosen) == (said == verdict)
    # What was right is not refined.
    assert len(rest) == (2 if verdict == "incorrect" else 1)


def test_the_own_feedback_of_a_person_is_taught_without_a_gap():
    correction = example(
        gap=False, edits={"feedback"}, critique="No.\nVerdict: incorrect"
    )
    assert [i.chosen for i in build("meta", [correction]).items][:2] == [
        "No.\nVerdict: incorrect",
        "Answer: Ada leads Avel.",
    ]


def test_self_evolution_replays_a_share_of_meta_skills():
    lessons = [example(f"Who leads {name}?", id=i) for i, name in enumerate("ABCD")]
    items = build("self", lessons, [META], meta_share=0.5).items
    assert len(items) == 6


def test_raw_text_takes_each_passage_once():
    texts = ["Ada leads Avel.", "Bo leads Boro. ", "Ada leads Avel."]
    items = build("cpt", [example()], passages=texts).items
    assert [(i.kind, i.chosen) for i in items] == [
        ("text", "Ada leads Avel."),
        ("text", "Bo leads Boro."),
    ]


def test_self_draws_its_meta_items_by_the_seed_and_not_the_first_ones():
    skills = [TrainItem("sft", (), str(i)) for i in range(100)]
    lessons = [example(f"Who leads {i}?", id=i) for i in range(1, 9)]

    def drawn(seed):
        data = build("self", lessons, skills=skills, meta_share=1.0, seed=seed)
        items = data.items
        return [item.chosen for item in items[len(lessons) :]]

    assert drawn(0) == drawn(0) != drawn(1)
    assert len(drawn(0)) == 8
    assert drawn(0) != [str(i) for i in range(8)]


@pytest.mark.parametrize("method", METHODS)
def test_a_repeated_study_adds_no_items(method):
    once = [example(f"Who leads {i}?", id=i) for i in range(1, 5)]
    again = [example(f"who leads {i}", id=10 + i) for i in range(1, 5)]
    sources = {"skills": [TrainItem("sft", (), "x")] * 2, "passages": ["a.", "a."]}
    first = build(method, once, [META], **sources)
    second = build(method, [*once, *again], [META, META], **sources)
    assert len(second.items) == len(first.items) > 0


def test_of_a_repeated_question_the_correction_counts_or_else_the_newest():
    first = example(id=1, wordings=("Avel is led by whom?",))
    correction = example(id=2, chosen="Ida leads Avel.", edits={"chosen"})
    last = example(id=3, wordings=("avel is led by whom", "Who is it that leads Avel?"))
    assert {i.sample_id for i in build("refined_sft", [first, last]).items} == {3}
    data = build("refined_sft", [first, correction, last]).items
    assert {(i.sample_id, i.chosen) for i in data} == {(2, "Ida leads Avel.")}
    assert len(data) == 3


def test_a_gap_is_learned_although_a_later_study_of_it_found_none():
    """The later sample took its place and was then left out for having no gap."""
    gap, known = example(id=1), example(id=2, gap=False)
    denied = example(id=3, gap=False, edits={"gap"})

    def learned(*examples, **settings):
        return {i.sample_id for i in build("al1", examples, **settings).items}

    assert learned(gap, known) == {1}
    assert learned(gap, known, only_gaps=False) == {2}
    assert learned(gap, known, example(id=4)) == {4}
    assert learned(gap, known, denied) == set(), "a person says that there is no gap"

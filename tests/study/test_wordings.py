"""Wordings of questions: checked, drawn by list, and divided between quiz and study."""

import itertools
from dataclasses import replace

import pytest

from autolearn.core.records import Answer, Question, Sample, Skip
from autolearn.study.fact_questions import with_subject
from autolearn.study.questions import rewording
from tests.support import guided_studies
from tests.support.guided_studies import passage
from tests.support.studies import SETTINGS, model, study


def test_a_wording_that_changes_the_meaning_is_flagged():
    def slips(request):
        if request.prompt.name == "paraphrase":
            return "By which town was Avel founded?"
        if "By which town" in request.prompt.chat[-1].content:
            return "Evidence: Ada leads Avel.\nAnswer: By Ada."
        return model(request)

    journal, _, _ = study(slips)
    changes = [a for a in journal.all(Answer) if "other_meaning" in a.flags]
    assert len(changes) == 1


def test_wordings_go_to_the_quiz_by_share():
    journal, _, _ = study(settings=replace(SETTINGS, quiz_share=1.0))
    wordings = [q for q in journal.all(Question) if q.origin == "paraphrase"]
    assert [q.split for q in wordings] == ["quiz"]
    assert all(q.split == "study" for q in journal.all(Question) if q.origin == "model")


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_study_gives_a_question_to_the_quiz_however_small_its_share(n):
    """A short text gave none, since the share chose none of its questions."""

    def rewords(request):
        if request.prompt.name == "paraphrase":
            return f"Which matter is asked for by {request.sampling.seed}?"
        return model(request)

    settings = replace(SETTINGS, quiz_share=1e-9)
    quizzes = []
    for _ in range(2):
        journal, _, _ = study(rewords, n, settings=settings)
        quizzes.append([q.text for q in journal.all(Question) if q.split == "quiz"])
    assert len(quizzes[0]) == 1
    assert quizzes[0] == quizzes[1]
    resumed, _, _ = study(rewords, n, settings=settings, journal=journal)
    assert [q.text for q in resumed.all(Question) if q.split == "quiz"] == quizzes[0]
    journal, _, _ = study(rewords, n, settings=replace(settings, quiz_share=0.0))
    assert not [q for q in journal.all(Question) if q.split == "quiz"]


def test_the_quiz_is_chosen_whatever_the_model_knows():
    wordings = {
        "When was Avel": "Avel was founded when?",
        "Who leads": "Ada leads what?",
    }

    def rewords(request):
        user = request.prompt.chat[-1].content
        if request.prompt.name == "paraphrase":
            return next(
                text for beginning, text in wordings.items() if beginning in user
            )
        return model(request)

    def knowing(request):
        if request.prompt.name == "closed_book":
            leads = "leads" in request.prompt.chat[-1].content
            return "Ada leads Avel." if leads else "Avel was founded in 1711."
        return rewords(request)

    settings = replace(SETTINGS, quiz_share=1.0, paraphrases=2)
    quizzes = []
    for script in (rewords, knowing):
        journal, _, _ = study(script, settings=settings)
        new_wordings = [q for q in journal.all(Question) if q.origin == "paraphrase"]
        quizzes.append({q.text for q in new_wordings if q.split == "quiz"})
    assert quizzes[0] == quizzes[1] == set(wordings.values())


def test_what_is_known_gives_a_wording_to_the_quiz_and_none_to_learn():
    count = itertools.count()

    def rewords(request):
        if request.prompt.name == "paraphrase":
            return f"Which matter {next(count)} is asked for?"
        return model(request)

    settings = replace(SETTINGS, quiz_share=1.0, paraphrases=3)
    journal, _, _ = study(rewords, settings=settings)
    known_sample = next(s for s in journal.all(Sample) if not s.gap)
    splits = [
        q.split
        for q in journal.all(Question)
        if q.parent_id == known_sample.question_id
    ]
    assert splits == ["quiz"]
    gap_sample = next(s for s in journal.all(Sample) if s.gap)
    splits = [
        q.split for q in journal.all(Question) if q.parent_id == gap_sample.question_id
    ]
    assert splits == ["quiz", "study", "study"]


def test_wordings_are_drawn_one_list_at_a_time_since_lists_repeat_themselves():
    draws = iter(["When did Avel begin?", "When was Avel founded?", "Avel began when?"])

    def repeats(request):
        if request.prompt.name == "paraphrase":
            line = next(draws)
            return f"{line}\n{line}"
        return model(request)

    journal, _, _ = study(repeats, settings=replace(SETTINGS, paraphrases=3))
    wordings = [q.text for q in journal.all(Question) if q.origin == "paraphrase"]
    assert wordings == ["When did Avel begin?", "Avel began when?"]


def test_a_question_that_could_not_be_reworded_is_reported():
    def stubborn(request):
        if request.prompt.name == "paraphrase":
            return "When was Avel founded?"
        return model(request)

    journal, _, _ = study(stubborn)
    assert [s.reason for s in journal.all(Skip)] == ["no new wording was found"]


@pytest.mark.parametrize(
    ("wording", "question", "kept"),
    [
        ("By whom was Avel built?", "Who built Avel?", "By whom was Avel built?"),
        ("By whom was it built?", "Mill: Who built it?", "Mill: By whom was it built?"),
        ("By whom was it built?", "Who built Avel?", ""),
        ("Who described the marsh beetle?", "Who built Avel?", ""),
        ("By whom was it built?", "Bo: Who built it?", ""),  # another heading
    ],
)
def test_a_wording_is_as_self_contained_as_its_question(wording, question, kept):
    text = "Ada Horn built the mill of Avel. It burned down in 1901."
    assert with_subject(wording, question, passage(text, "Mill")) == kept


def test_wordings_of_a_guided_model_that_name_no_subject_are_not_learned():
    def vague(request):
        if request.prompt.name == "paraphrase":
            return "By whom was it built?"
        return guided_studies.model(request)

    journal, _ = guided_studies.study(vague)
    assert not [q for q in journal.all(Question) if q.origin == "paraphrase"]
    assert [s.reason for s in journal.all(Skip) if s.stage == "paraphrases"] == [
        "no new wording was found"
    ] * 2


@pytest.mark.parametrize(
    "question", ["Who directed Agra?", "Who directed Das Leben der Anderen?"]
)
def test_worked_examples_of_a_rewording_are_in_the_language_of_the_text(question):
    """Once, that of the question counted, which has too few words to tell."""
    source = "It is a film of the year 2006 that was directed by Ada."
    chat = rewording(guided_studies.guided(), question, source, None).prompt.chat
    assert "How many people does the Laroche Bakery employ?" in chat[1].content


def test_a_wording_of_a_guided_model_in_another_language_is_not_kept():
    def wanders(request):
        if request.prompt.name == "paraphrase":
            return "Wer ist es, der die Mühle von Avel gebaut hat?"
        return guided_studies.model(request)

    journal, _ = guided_studies.study(wanders)
    assert not [q for q in journal.all(Question) if q.origin == "paraphrase"]

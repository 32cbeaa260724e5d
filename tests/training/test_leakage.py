"""What the guard takes for a question of the quiz, and what it lets through."""

import random

import pytest

from autolearn.core.model_calls import Message
from autolearn.core.records import DRIFT_PROBE, TrainItem
from autolearn.text import matching
from autolearn.training.leakage import JACCARD, Guard, asked_in

QUESTION = "Who is the leader of Avel?"
SUM = (
    "Dan had 3 red pens. He bought 4 blue pens at the shop on the corner. "
    "State the number of pens that Dan has now."
)
GUARD = Guard([QUESTION, SUM, "Wer leitet die Stadt Boro?", "谁是北京的市长？"])  # noqa: RUF001


@pytest.mark.parametrize(
    "text",
    [
        QUESTION,
        "who is the  leader of avel",
        "WHO IS THE LEADER OF AVEL???",
        "Who’s the leader of Avel?",  # noqa: RUF001
        "Who was a leader of Avel?",
        "Please tell me: who is the leader of Avel?",
        "The leader of Avel is who?",
        "Question: Who is the leader of Avel?\nAnswer: Ida.",
        "- Who is the leader of Avel?\n- Who is Bo?",
        "3. Who is the leader of Avel?",
        "Avel is a town. Who is the leader of Avel? It is Ida.",
        "In 1990, who is the leader of Avel?",
        "**Who is the leader of Avel?**",
        f"Question: {SUM}\nAnswer: 8",
        SUM.replace(". ", ".\n"),
        f"Solve this. {SUM} Think first.",
        "WER LEITET BORO? Wer leitet die Stadt Boro?",
        "谁是北京的市长",
        "问题：谁是北京的市长？",  # noqa: RUF001
    ],
)
def test_the_same_question_is_recognised_wherever_it_stands(text):
    assert GUARD.blocks(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "Who is the leader of Boro?",
        "Where is the leader of Avel?",
        "Who is the leader of Avel and Boro?",
        "By whom is Avel led?",
        "The leader of Avel is Ida.",
        "Dan had 3 red pens.",
        "谁是上海的市长？",  # noqa: RUF001
    ],
)
def test_another_question_and_another_wording_of_a_fact_pass(text):
    assert not GUARD.blocks(text)


@pytest.mark.parametrize("portion", [60, 7, 1])
def test_near_duplicates_are_those_of_a_comparison_of_all_pairs(portion):
    rng = random.Random(3)
    words = [f"w{i}" for i in range(40)]
    quiz = [" ".join(rng.choices(words, k=rng.randint(4, 30))) for _ in range(60)]
    guard = Guard()
    for begin in range(0, len(quiz), portion):
        guard.add(quiz[begin : begin + portion])
    n_near = 0
    for _ in range(400):
        text = rng.choice(quiz).split()
        for _ in range(rng.randint(0, 2)):
            text[rng.randrange(len(text))] = rng.choice(words)
        rng.shuffle(text)
        near = any(matching.similarity(" ".join(text), q) >= JACCARD for q in quiz)
        assert guard.blocks(" ".join(text)) == near
        n_near += near
    assert 50 < n_near < 350


KINDS = ["sft", "dpo", "replay", "text", "validation"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_item_is_held_back_wherever_it_asks(kind):
    chat = (Message("system", "Answer."), Message("user", f"Text.\n{QUESTION}"))
    items = [
        TrainItem(kind, chat, "Ida."),
        TrainItem(kind, (), f"Avel is a town. {QUESTION} Ida is."),
        TrainItem(kind, (Message("user", "Ask."),), f"Question: {QUESTION}"),
        TrainItem(kind, (), "Ida.", rejected=QUESTION),
        TrainItem(kind, (Message("system", QUESTION),), "Ida."),
    ]
    admission = GUARD.admit(items)
    assert admission.items == (items[-1],)
    assert admission.n_blocked == 4


def test_the_drift_probe_stays_the_same_for_all_rounds():
    item = TrainItem(DRIFT_PROBE, (Message("user", QUESTION),), "Ida.")
    assert GUARD.admit([item]).items == (item,)


def test_what_items_ask_is_found_for_the_quizzes_of_later_studies():
    items = [
        TrainItem(
            "sft", (Message("system", "Why?"), Message("user", QUESTION)), "Ida."
        ),
        TrainItem("sft", (Message("user", "Ask."),), "Question: Who founded Boro?"),
        TrainItem("text", (), "Avel is a town. Where is it? In the north."),
        TrainItem("sft", (Message("user", SUM),), "7"),
    ]
    guard = Guard(asked_in(items))
    for text in (QUESTION, "Who founded Boro?", "Where is it?", SUM):
        assert guard.blocks(text)
    assert not guard.blocks("Why?")
    assert not guard.blocks("Avel is a town.")


def test_a_guard_without_questions_lets_everything_pass():
    items = [TrainItem("text", (), QUESTION)]
    assert Guard([]).admit(items).items == tuple(items)
    assert not Guard(["", "?"]).blocks("?")


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Name the capital of France.", "Read. Name the capital of France. Think."),
        ("Name the capital of France", "A task: name the capital of France. Go on."),
        (
            "Name the capital of France",
            "Read this; then go on.\nNAME the capital, of France",
        ),
        ("दिल्ली का नाम बताओ।", "यह एक पाठ है। दिल्ली का नाम बताओ। फिर सोचो।"),
        ("من أسس مدينة بغداد؟", "من أسس مدينة بغداد"),
        ("من أسس مدينة بغداد؟", "هذا نص. من أسس مدينة بغداد? المنصور."),
        (
            "Ποιος ίδρυσε την Αθήνα;",
            "Κείμενο εδώ. Ποιος ίδρυσε την Αθήνα\u037e Ο Θησέας.",  # noqa: RUF001
        ),
        ("Ποιος ίδρυσε την Αθήνα;", "Το 1711, ποιος ίδρυσε την Αθήνα; Ο Θησέας."),  # noqa: RUF001
        ("አዲስ አበባን ማን መሰረተ፧", "ጽሑፍ ነው። አዲስ አበባን ማን መሰረተ፧ እቴጌ።"),
        ("Ո՞վ հիմնադրեց Երևանը։", "Տեքստ է։ Ո՞վ հիմնադրեց Երևանը։ Արգիշտին։"),  # noqa: RUF001
        ("ใครก่อตั้งเมืองเชียงใหม่", "ข้อความ ใครก่อตั้งเมืองเชียงใหม่ พญามังราย"),
        ("Who founded the well-known abbey?", "Who founded the well\u2011known abbey?"),
        ("What is 12 + 5?", "What is 12+5?"),
    ],
)
def test_a_question_is_recognised_in_any_script_and_without_its_mark(question, text):
    assert Guard([question]).blocks(text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (
            "Was Avel founded in 1711?",
            "It is old. Avel was founded in 1711. It is big.",
        ),
        ("Name the capital of France.", "It is old. Name the capital of Spain. Go on."),
        ("The capital of France", "It is old. Paris is the capital of France. Go on."),
        ("What is 12 + 5?", "What is 12 * 5?"),
        ("What is 12 + 5?", "What is 12 - 5?"),
    ],
)
def test_a_statement_of_the_answer_and_another_task_pass(question, text):
    assert not Guard([question]).blocks(text)


def test_what_items_ask_in_other_scripts_is_found_for_the_quizzes_of_later_studies():
    questions = ["من أسس مدينة بغداد؟", "Ποιος ίδρυσε την Αθήνα;", "አዲስ አበባን ማን መሰረተ፧"]
    item = TrainItem("text", (), f"Avel is a town; it is old. {' '.join(questions)}")
    assert set(questions) <= set(asked_in([item]))
    assert not Guard(asked_in([item])).blocks("It is old.")

"""Real servers: llama.cpp's, and the one that ``AUTOLEARN_TEST_SERVER`` names."""

import os

import pytest

from autolearn.core import server_addresses
from autolearn.core.constraints import LINE, Excerpt
from autolearn.core.errors import BackendError
from autolearn.core.model_calls import Message, Prompt, Request, Sampling
from autolearn.core.records import Answer, Question
from autolearn.core.settings import StudySettings
from autolearn.endpoints.backend import ServerBackend
from autolearn.endpoints.detection import detect
from autolearn.study.fact_questions import QUESTION
from autolearn.study.loop import STAGES
from tests.support import smollm2
from tests.support.journals import MemoryJournal
from tests.support.real_servers import TWICE, LlamaServer, facts_of, serving
from tests.support.server_studies import SENTENCES, stages, study_of_sentences

NAMED = "AUTOLEARN_TEST_SERVER"
"""The variable that names a server that runs already."""
TEXT = "In 1711 the “Neumühle” of Zürich burned down; 3.5 km of bank were lost."


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """The server of llama.cpp with a real small model."""
    pytest.importorskip("xllamacpp")
    place = tmp_path_factory.mktemp("server")
    with serving(LlamaServer(smollm2.gguf_file(), place)) as server:
        yield server


@pytest.fixture(scope="module", params=["llama.cpp", NAMED])
def backend(request):
    if request.param != NAMED:
        return ServerBackend(facts_of(request.getfixturevalue("llama")))
    if NAMED not in os.environ:
        pytest.skip(f"{NAMED} names no running server")
    return ServerBackend(detect(server_addresses.parse(os.environ[NAMED])))


def _request(begun, constraint, n_tokens=40):
    turns = (Message("user", f"{TEXT} When?"), Message("assistant", begun))
    sampling = Sampling(max_new_tokens=n_tokens)
    return Request(Prompt("real", "digest", turns), sampling, constraint)


def _never():
    return False


def test_it_is_recognised(llama):
    facts = facts_of(llama)
    assert (facts.program, facts.context, facts.slots) == ("llama.cpp", 4096, 4)
    assert smollm2.NAME in facts.server_address.model


def test_an_excerpt_cuts_no_word(backend):
    form = (" ", Excerpt(TEXT), "\nAnswer: ", LINE)
    begun = "Evidence: x\nShort answer:"
    (completion,) = backend.complete([_request(begun, form)], _never)
    short, _, answer = completion.text.removeprefix(begun).partition("\nAnswer: ")
    assert Excerpt(TEXT).allows(short.removeprefix(" "))
    assert answer.strip()
    assert completion.n_prompt_tokens > completion.n_tokens > 0


def test_a_question_has_its_form(backend):
    request = _request("Question:", (" ", QUESTION), 200)
    (completion,) = backend.complete([request], _never)
    assert completion.text.startswith("Question: ")
    assert completion.text.endswith("?") or completion.finish == "length"


def test_the_probabilities_of_verdicts_sum_to_one(backend):
    chats = [
        (Message("user", f"Is {n} + 1 = 2? Say correct or incorrect."),) for n in (1, 5)
    ]
    labels = (" correct", " incorrect")
    rows = backend.probabilities(chats, ["Verdict:"] * 2, labels)
    assert all(sum(row) == pytest.approx(1) and min(row) > 0 for row in rows)
    assert rows[0] != rows[1]


def test_a_chat_is_heard_as_it_is_written(backend):
    heard: list[str] = []
    completion = backend.stream(_request("It", (), 8), _never, heard.append)
    assert len(heard) > 2
    assert heard[-1] == completion.text
    assert completion.n_tokens > 0


def test_a_prompt_that_does_not_fit_is_overlong(backend):
    request = _request("word " * 2 * backend.context_length, ())
    (completion,) = backend.complete([request], _never)
    assert completion.finish == "overlong"


def test_a_study_of_a_passage_accounts_for_each_fact(backend):
    settings = StudySettings(
        questions_per_passage=1,
        paraphrases=0,
        question_tokens=16,
        answer_tokens=24,
        feedback_tokens=24,
    )
    journal = MemoryJournal()
    study_of_sentences(backend, settings, journal, SENTENCES[:1])
    assert stages(journal, "passages 1-1") == list(STAGES)
    (record,) = journal.kept["passages 1-1: questions"]
    assert record.passage_id == 1
    assert record.generation.model == backend.identity
    if isinstance(record, Question):
        assert record.text.endswith("?")
        assert record.short_answer in SENTENCES[0]
    else:
        assert "kept: " in record.reason


def test_a_study_whose_server_was_killed_is_resumed(llama):
    settings = StudySettings(
        protocol="trained",
        quick=True,
        questions_per_passage=1,
        ask_rounds=1,
        question_tokens=64,
        passages_per_step=1,
        answer_tokens=24,
    )
    first = ServerBackend(facts_of(llama), TWICE)
    journal, n_calls = MemoryJournal(), 0

    def killing():
        """Kill the server while it answers the second passage."""
        nonlocal n_calls
        n_calls += len(journal.kept) >= len(STAGES)
        if n_calls == 3:
            llama.kill()
        return False

    with pytest.raises(BackendError, match=r"cannot be reached; start it, .*\.$"):
        study_of_sentences(first, settings, journal, SENTENCES, killing)
    before = dict(journal.kept)
    assert stages(journal, "passages 1-1") == list(STAGES)
    assert len(stages(journal, "passages 2-2")) < len(STAGES)

    llama.start()
    again = ServerBackend(facts_of(llama), TWICE)
    assert again.identity == first.identity
    resumed = MemoryJournal(dict(before))
    study_of_sentences(again, settings, resumed, SENTENCES)
    assert stages(resumed, "passages 2-2") == list(STAGES)
    assert {name: resumed.kept[name] for name in before} == before
    assert resumed.all(Answer)

"""Requests and studies on scripted servers, and what a local model records of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from autolearn.core import server_addresses
from autolearn.core.constraints import Constraint
from autolearn.core.model_calls import Message, Prompt, Request, Sampling
from autolearn.core.ports import Stop
from autolearn.core.records import Passage
from autolearn.core.server_addresses import ServerAddress
from autolearn.core.settings import StudySettings
from autolearn.endpoints.backend import ServerBackend
from autolearn.endpoints.client import RetryPolicy
from autolearn.endpoints.detection import detect
from autolearn.study.loop import Study
from tests.support import studies
from tests.support.journals import MemoryJournal
from tests.support.model_server import ModelServer, Raw, likeliest, reply

QUICK = RetryPolicy(tries=2, first_delay=0.01, read=5.0)
SENTENCES = (
    "Lake Orlo was formed by a landslide in 1711.",
    "The paper mill of Tessen was founded by Ida Brandt.",
)
"""What a study on a real server reads."""
SETTINGS = replace(studies.SETTINGS, protocol="trained", passages_per_step=1)


def chat_request(
    question: str = "Where?",
    begun: str = "",
    constraint: Constraint = (),
    **sampling: Any,
) -> Request:
    """Return a request for the answer to a question, which may have begun."""
    beginning = (Message("assistant", begun),) if begun else ()
    prompt = Prompt("test", "digest", (Message("user", question), *beginning))
    return Request(prompt, Sampling(**sampling), constraint)


def study_of_sentences(
    backend: ServerBackend,
    settings: StudySettings,
    journal: MemoryJournal,
    sentences: Sequence[str],
    stop: Stop = lambda: False,
) -> None:
    """Study sentences, each of them as a passage."""
    passages = [
        Passage(1, i, 100 * i, 100 * i + len(text), text, 12, id=i + 1)
        for i, text in enumerate(sentences)
    ]
    Study(backend, journal, settings, stop, lambda *_: None).run(passages)


def stages(journal: MemoryJournal, range_name: str) -> list[str]:
    """Return the stages of a group of passages that are kept, in their order."""
    names = [name.partition(": ") for name in journal.names()]
    return [stage for before, _, stage in names if before == range_name]


def never() -> bool:
    """Return that nothing is to stop."""
    return False


class ServerScript:
    """Answers on servers what the script of a study says."""

    def __init__(self, servers: Sequence[ModelServer]) -> None:
        self.by_chat: dict[Any, Any] = {}
        self.left = 10**9
        """Answers until the servers fail."""
        self._servers = servers
        for server in servers:
            server.chat = self

    def backend(self, address: ServerAddress | None = None) -> ServerBackend:
        """Return a backend that tells the script which request a chat comes from."""
        script = self
        typed = ",".join(server.address for server in self._servers)
        facts = detect(address or server_addresses.parse(typed), QUICK, needs_all=False)

        class Noting(ServerBackend):
            def complete(self, requests, stop, progress=None):
                for request in requests:
                    script.by_chat[request.prompt.chat] = request
                return super().complete(requests, stop, progress)

        return Noting(facts, QUICK)

    def __call__(self, body: Mapping[str, Any]) -> Any:
        """Answer a request."""
        self.left -= 1
        if self.left < 0:
            return Raw(500, b'{"error": "out of memory"}')
        chat = tuple(Message(m["role"], m["content"]) for m in body["messages"])
        if "logprobs" in body:
            *before, prefill = chat
            right, wrong = studies.sure(tuple(before), prefill.content)
            table = {" correct": right, " incorrect": wrong}
            return reply(" correct", logprobs=likeliest(**table))
        return reply(studies.model(self.by_chat[chat]))


def run_study(
    backend: ServerBackend,
    journal: MemoryJournal,
    stop: Any = lambda: False,
) -> MemoryJournal:
    """Study two passages."""
    study = Study(backend, journal, SETTINGS, stop, lambda *_: None)
    study.run(studies.passages(2))
    return journal


def records_of(journal: MemoryJournal) -> dict[str, list[Any]]:
    """Return the records of all steps, without where they come from."""
    return {
        name: [
            replace(record, generation=None)
            if hasattr(record, "generation")
            else record
            for record in records
        ]
        for name, records in journal.kept.items()
    }


def local_records() -> dict[str, list[Any]]:
    """Return what a local model records of the same study."""
    journal, _, _ = studies.study(n=2, settings=SETTINGS)
    return records_of(journal)

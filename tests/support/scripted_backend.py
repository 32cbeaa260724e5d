"""A backend that answers from a script: for tests, without torch or a model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from autolearn.core.model_calls import Chat, Completion, ModelIdentity, Request
from autolearn.core.ports import Stop
from autolearn.core.settings import StudySettings

Reply = Callable[[Request], str]


class ScriptedBackend:
    """Answers from a list of replies, or by a function of the request.

    Everything that was asked is kept in ``history``. Tokens are words.
    """

    def __init__(
        self,
        replies: Iterable[str] | Reply,
        *,
        judge: Callable[[Chat, str], Sequence[float]] | None = None,
        instruction: Callable[[int], str] = lambda seed: "",
        sure: Callable[[Chat, str], float] = lambda chat, answer: 0.0,
        context_length: int = 4096,
        protocol: str = "trained",
        scores_texts: bool = True,
    ):
        self._reply = replies if callable(replies) else _in_turn(replies)
        self._judge = judge
        self._instruction = instruction
        self._sure = sure
        self._context_length = context_length
        self.protocol = protocol
        self._scores_texts = scores_texts
        self.history: list[Request] = []

    @property
    def identity(self) -> ModelIdentity:
        """Return a name by which texts of a script are known."""
        return ModelIdentity("scripted", "scripted", "none", "none", "none")

    @property
    def context_length(self) -> int:
        """Return how many words prompt and answer may have together."""
        return self._context_length

    @property
    def scores_texts(self) -> bool:
        """Return whether a script says how sure the model is."""
        return self._scores_texts

    def count_tokens(self, text: str) -> int:
        """Return the number of words."""
        return len(text.split())

    def complete(
        self,
        requests: Sequence[Request],
        stop: Stop,
        progress: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        """Answer every request from the script, asking ``stop`` before each."""
        completions: list[Completion] = []
        for request in requests:
            completions.append(self._complete(request, stop))
            if progress:
                progress(len(completions))
        return completions

    def _complete(self, request: Request, stop: Stop) -> Completion:
        turns = request.prompt.chat
        n_prompt = sum(self.count_tokens(turn.content) for turn in turns)
        limit = request.sampling.max_new_tokens
        if n_prompt + limit > self._context_length:
            return Completion("", "overlong", n_prompt, 0)
        if stop():
            return Completion("", "cancelled", n_prompt, 0)
        self.history.append(request)
        text = self._reply(request)
        prefill = turns[-1].content if turns[-1].role == "assistant" else ""
        if not text.startswith(prefill):
            prefill = ""
        new_text = text[len(prefill) :]
        n_tokens = self.count_tokens(new_text)
        if n_tokens <= limit:
            return Completion(text, "stop", n_prompt, n_tokens)
        cut = " ".join(new_text.split()[:limit])
        return Completion(f"{prefill} {cut}".strip(), "length", n_prompt, limit)

    def probabilities(
        self, chats: Sequence[Chat], prefills: Sequence[str], labels: Sequence[str]
    ) -> list[tuple[float, ...]]:
        """Return what the judge of the script says; without one, all is as likely."""
        even = tuple(1 / len(labels) for _ in labels)
        return [
            tuple(self._judge(chat, prefill)) if self._judge else even
            for chat, prefill in zip(chats, prefills, strict=True)
        ]

    def confidence(self, chats: Sequence[Chat], answers: Sequence[str]) -> list[float]:
        """Return what the script says of each answer; without a word, all are sure."""
        return [
            self._sure(chat, answer)
            for chat, answer in zip(chats, answers, strict=True)
        ]

    def generate_instructions(
        self,
        seeds: Sequence[int],
        stop: Stop,
        max_new_tokens: int = 48,
        beginnings: Sequence[str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Return the script's instruction for each seed."""
        texts: list[str] = []
        for seed in seeds:
            texts.append("" if stop() else self._instruction(seed))
            if progress:
                progress(len(texts))
        return texts


class ScriptedStudyBackend(ScriptedBackend):
    """The same, with what a study asks of its backend; no memory is measured."""

    notes = ()

    @contextmanager
    def measured_memory(
        self, settings: StudySettings, passages: int
    ) -> Iterator[dict[str, float]]:
        yield {}


def _in_turn(replies: Iterable[str]) -> Reply:
    script = iter(replies)

    def reply(request: Request) -> str:
        try:
            return next(script)
        except StopIteration:
            question = request.prompt.chat[-1].content
            raise AssertionError(
                f"The script has no reply left for: {question}"
            ) from None

    return reply

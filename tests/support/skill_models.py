"""Scripted models for the skill check: what each would write and judge."""

from autolearn.core.constraints import Excerpt
from autolearn.evaluation.skill_items import texts
from tests.support.scripted_backend import ScriptedBackend

ITEMS = {item.question: item for text in texts() for item in text.items}
RIGHT = {item.answer for item in ITEMS.values()}
UNKNOWN = "Evidence: none\nShort answer: none\nAnswer: The text does not say that."


def line(request, begin):
    """Return what stands behind ``begin`` in the last turn of the user."""
    turn = next(m.content for m in request.prompt.chat[::-1] if m.role == "user")
    lines = [text for text in turn.splitlines() if text.startswith(begin)]
    return lines[-1].removeprefix(begin).strip()


class Perfect:
    """Does everything right, whether it is guided or trained."""

    def __init__(self):
        self.own = {}

    def __call__(self, request):
        return getattr(self, request.prompt.name)(request)

    def ask_sentence(self, request):
        stretch = next(c.source for c in request.constraint if isinstance(c, Excerpt))
        title = next(t.title for t in texts() if stretch in t.passage.text)
        question = f"What is fact number {len(self.own) + 1000} about {title}?"
        self.own[question] = line(request, "Sentence:"), stretch
        return f"Answer: {stretch}\nQuestion: {question}"

    def ask(self, request):
        turn = request.prompt.chat[-1].content
        text = next(t for t in texts() if t.passage.text in turn)
        return "\n".join(item.question for item in text.items[:2])

    def open_book(self, request):
        question = line(request, "Question:")
        if question in self.own:
            sentence, stretch = self.own[question]
            answer = f"Short answer: {stretch}\nAnswer: It says: {stretch}"
            return f"Evidence: {sentence}\n{answer}"
        item = ITEMS[question]
        if item.sentence not in request.prompt.chat[-2].content + (
            request.prompt.chat[-1].content
        ):
            return UNKNOWN
        answer = f"Short answer: {item.value}\nAnswer: {item.answer}"
        return f"Evidence: {item.sentence}\n{answer}"

    def feedback(self, request):
        if request.prompt.chat[-1].role == "assistant":
            return request.prompt.chat[-1].content + " They differ."
        return "The text says so.\nVerdict: correct"

    def closed_book(self, request):
        return "Nobody knows."

    def paraphrase(self, request):
        return ""

    def refine(self, request):
        question = line(request, "Question:")
        if question in self.own:
            return f"Answer: It says: {self.own[question][1]}"
        return f"Answer: {ITEMS[question].answer}"

    def mend(self, request):
        return f"Better {self.refine(request)[:1].lower()}{self.refine(request)[1:]}"

    def judge(self, chat, prefill):
        turn = next(m.content for m in chat[::-1] if m.role == "user")
        answer = next(
            text.removeprefix("Answer:").strip()
            for text in turn.splitlines()[::-1]
            if text.startswith("Answer:")
        )
        # As small models do: right order, wrong level.
        return (0.4, 0.6) if answer in RIGHT else (0.1, 0.9)


def perfect(protocol="guided"):
    model = Perfect()
    return ScriptedBackend(model, judge=model.judge, protocol=protocol)


def at_chance(protocol="guided"):
    """Return a model whose verdicts say nothing; all else is right."""
    return ScriptedBackend(Perfect(), protocol=protocol)


def silent(protocol="guided"):
    """Return a model that answers nothing."""
    return ScriptedBackend(lambda request: "", protocol=protocol)

"""The tokens of all replies of a server are kept with the run."""

from autolearn.core.model_calls import Message, Sampling
from autolearn.core.prices import PROMPT_TOKENS
from autolearn.core.settings import ModelSettings
from autolearn.handlers import model_runs
from autolearn.handlers.models import Models
from autolearn.runs.context import RunContext
from autolearn.services import actions, prices
from tests.support import model_server


def test_the_tokens_of_each_try_of_a_run_are_kept(store):
    with model_server.running() as server:
        server.chat = lambda _: model_server.streamed("Hello.")
        model = ModelSettings(server.address)
        run = actions.chat(store, model, [Message("user", "Hello?")], Sampling())
        answer = model_runs.handlers(Models())["chat"]
        for n_tries in (1, 2):  # the second one finds the answer of the first
            answer(RunContext(store, run, lambda: False, lambda *_: None))
            assert prices.tokens(store, run) == (5, 3)
            assert len(store.runs.metrics(run.id, PROMPT_TOKENS)) == n_tries

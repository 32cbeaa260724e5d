"""The handlers of all kinds of runs; those of the worker import torch."""

import importlib

import pytest

from autolearn.core.model_calls import Message, Sampling
from autolearn.core.settings import ModelSettings
from autolearn.runs import queues
from autolearn.services import actions
from autolearn.store import Store
from tests.support.labs import finish_here
from tests.support.tiny import build_model

pytestmark = pytest.mark.torch_model


@pytest.mark.parametrize("queue", queues.QUEUES.values(), ids=lambda q: q.name)
def test_every_kind_of_run_has_a_handler_in_the_module_of_its_queue(queue):
    handlers = importlib.import_module(queue.handlers).HANDLERS
    assert queue.kinds
    assert handlers.keys() == set(queue.kinds)


def test_a_model_whose_files_have_changed_is_loaded_again(tmp_path):
    digests = []
    with Store.open(tmp_path / "lab") as store:
        for seed in (0, 1):
            model = ModelSettings(str(build_model(tmp_path / "model", seed=seed)))
            chat = [Message("user", "Who?")]
            run = actions.chat(store, model, chat, Sampling(max_new_tokens=4))
            digests.append(finish_here(store, run).model_digest)
    assert None not in digests
    assert len(set(digests)) == 2

"""The handlers of all kinds of runs; those of the worker import torch."""

import importlib

import pytest

from autolearn.runs import queues

pytestmark = pytest.mark.torch_model


@pytest.mark.parametrize("queue", queues.QUEUES.values(), ids=lambda q: q.name)
def test_every_kind_of_run_has_a_handler_in_the_module_of_its_queue(queue):
    handlers = importlib.import_module(queue.handlers).HANDLERS
    assert queue.kinds
    assert handlers.keys() == set(queue.kinds)

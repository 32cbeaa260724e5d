"""The first page says what the buttons do with the model that is in use."""

from autolearn.core.settings import ModelSettings
from autolearn.ui.views import start


def test_the_demo_is_offered_with_the_built_in_model_only(store):
    assert "Try the demo" in start.ways(store)
    store.choices.set("model", ModelSettings("/models/<i>-1B").as_dict())
    ways = start.ways(store)
    assert "Try the demo" not in ways
    assert "&lt;i&gt;-1B studies the texts" in ways
    assert "<i>" not in ways
    assert "reads only very simple sentences" not in ways

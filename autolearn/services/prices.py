"""What runs on servers cost, by the prices that a person has given."""

from autolearn.core import server_addresses
from autolearn.core.prices import ANSWER_TOKENS, PROMPT_TOKENS, Price
from autolearn.core.records import Run
from autolearn.core.run_settings import ModelRunSettings
from autolearn.core.server_addresses import is_server
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.services.estimates import durations
from autolearn.store import Store

CHOICE = "prices"
"""The choice of a workspace that maps the address of a model to its price."""


def price_of(store: Store, model: str) -> Price | None:
    """Return the price of a model on a server; None: no person has given one."""
    prices = store.choices.get(CHOICE) or {}
    if not prices or not is_server(model):
        return None
    price = prices.get(str(server_addresses.parse(model)))
    return Price.from_dict(price) if price else None


def set_price(store: Store, model: str, price: Price | None) -> None:
    """Keep the price of a model on a server; None: forget it.

    Raises:
        InputError: The address is malformed.
    """
    name = str(server_addresses.parse(model))
    prices = {**(store.choices.get(CHOICE) or {}), name: price and price.as_dict()}
    store.choices.set(CHOICE, {key: value for key, value in prices.items() if value})


def tokens(store: Store, run: Run) -> tuple[int, int] | None:
    """Return the tokens of prompts and answers of a run; None: they are not counted."""
    counts = [
        [metric.value for metric in store.runs.metrics(run.id, name)]
        for name in (PROMPT_TOKENS, ANSWER_TOKENS)
    ]
    prompt, answer = (round(sum(values)) for values in counts)
    return (prompt, answer) if prompt or answer else None


def run_cost(store: Store, run: Run) -> str:
    """Return what a run has cost so far; empty: not known."""
    if not store.choices.get(CHOICE) or not (counted := tokens(store, run)):
        return ""
    price = price_of(store, ModelRunSettings.of(run).model.model)
    return price.cost(*counted) if price else ""


def study_cost(
    store: Store, model: ModelSettings, settings: StudySettings, passages: int
) -> str:
    """Return what a study should cost, by the last one that did the same.

    Empty: not known.
    """
    price = price_of(store, model.model) if passages else None
    alike = durations.last_alike(store, model, settings) if price else None
    counted = tokens(store, alike.run) if alike else None
    if not price or not alike or not counted:
        return ""
    share = passages * settings.questions_per_passage / alike.n_questions
    return price.cost(*(share * n for n in counted))

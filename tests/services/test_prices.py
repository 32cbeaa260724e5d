"""A price that a person gives shows what runs on a server cost."""

import json

import pytest

from autolearn.cli import main
from autolearn.core.errors import InputError
from autolearn.core.prices import ANSWER_TOKENS, PROMPT_TOKENS, Price
from autolearn.core.records import Metric
from autolearn.core.run_results import StudyResult
from autolearn.core.run_settings import StudyRunSettings
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.services import prices
from autolearn.ui.session import Session
from autolearn.ui.tabs import prices as prices_tab
from autolearn.ui.views import history

SERVER = ModelSettings("http://127.0.0.1:9/v1#tiny")
PRICE = Price(2.0, 8.0, "EUR")


@pytest.fixture
def run(store):
    """A study of ten passages on a server, which was resumed once."""
    settings = StudyRunSettings(model=SERVER).as_dict()
    run = store.runs.create("study", settings)
    tries = [(300_000, 40_000), (100_000, 10_000)]
    for step, (prompt, answer) in enumerate(tries):
        numbers = {PROMPT_TOKENS: prompt, ANSWER_TOKENS: answer}
        metrics = [Metric(step, name, value) for name, value in numbers.items()]
        store.runs.add_metrics(run.id, metrics)
    store.runs.finish(run.id, "done", result=StudyResult(passages=10).as_dict())
    return store.runs.get(run.id)


def test_a_run_costs_the_tokens_of_all_its_tries(store, run):
    assert prices.tokens(store, run) == (400_000, 50_000)
    assert prices.run_cost(store, run) == ""
    prices.set_price(store, "http://127.0.0.1:9/v1/#tiny", PRICE)
    assert prices.run_cost(store, run) == "1.20 EUR"
    other = store.runs.create("study", StudyRunSettings().as_dict())
    assert prices.tokens(store, other) is None
    assert prices.run_cost(store, other) == ""
    prices.set_price(store, SERVER.model, None)
    assert prices.run_cost(store, run) == ""


def test_a_study_should_cost_as_much_a_question_as_the_last_one_alike(store, run):
    settings = StudySettings()
    assert prices.study_cost(store, SERVER, settings, 20) == ""
    prices.set_price(store, SERVER.model, PRICE)
    assert prices.study_cost(store, SERVER, settings, 20) == "2.40 EUR"
    assert prices.study_cost(store, SERVER, settings, 0) == ""
    assert prices.study_cost(store, SERVER, StudySettings(quick=True), 20) == ""
    assert prices.study_cost(store, ModelSettings(), settings, 20) == ""


def test_a_cost_is_shown_where_there_is_a_price(store, run, capsys):
    arguments = ["runs", "--json", "--workspace", str(store.folder)]
    for price, cost in ((None, None), (PRICE, "1.20 EUR")):
        prices.set_price(store, SERVER.model, price)
        assert main.main(arguments) == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert row.get("cost") == cost
        details = history.run_details(store, run.id)
        assert "400,000 tokens in prompts, 50,000 in answers" in details
        assert ("cost 1.20 EUR" in details) == bool(cost)


def test_a_price_is_given_in_a_terminal_too(store, run, capsys):
    arguments = ["runs", "--json", "--workspace", str(store.folder), "--price"]
    assert main.main([*arguments, "2", "8", "EUR"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["cost"] == "1.20 EUR"
    assert main.main([*arguments, "2", "eight", "EUR"]) == 1
    assert "two numbers and a currency" in capsys.readouterr().out
    assert prices.price_of(store, SERVER.model) == PRICE


def test_the_page_takes_the_price_of_the_server_in_use(store):
    session = Session(store.folder)
    store.choices.set("model", SERVER.as_dict())
    drawn_for, part, *fields = prices_tab._renewed(session, "")
    assert (drawn_for, part.visible) == (SERVER.model, True)
    assert fields == [None, None, ""]
    prices_tab._save(session, 2, None, " EUR ")
    assert prices.price_of(store, SERVER.model) == Price(2, 0, "EUR")
    assert list(prices_tab._renewed(session, "")[2:]) == [2, 0, "EUR"]
    prices_tab._save(session, None, None, "EUR")
    assert prices.price_of(store, SERVER.model) is None


@pytest.mark.parametrize(
    "values", [(-1, 0, "EUR"), (0, 1e9, "EUR"), (1, 1, ""), (1, 1, "E\nR")]
)
def test_what_is_no_price_is_refused_in_one_sentence(values):
    with pytest.raises(InputError):
        Price(*values)


@pytest.mark.parametrize(
    ("n", "cost"),
    [(0, "0.00 EUR"), (10, "below 0.01 EUR"), (10**9, "2,000.00 EUR")],
)
def test_a_small_cost_is_not_shown_as_none(n, cost):
    assert PRICE.cost(n, 0) == cost

"""A model by its name, wherever it is: files on this computer, or a server.

Of a server, what it last said of itself is kept in the workspace. Only ``ask`` contacts
it; it is called when a person chooses a server or queues a run on it.
"""

from autolearn.core import server_addresses
from autolearn.core.errors import InputError, ModelNotFound
from autolearn.core.server_addresses import is_server
from autolearn.endpoints import detection
from autolearn.endpoints.facts import ServerFacts
from autolearn.models import files as model_files
from autolearn.models import shape as model_shape
from autolearn.store import Store

CHOICE = "servers"
"""The choice of a workspace that maps a name to what the server said."""


def ask(store: Store, model: str) -> ServerFacts | None:
    """Ask a server what it is, and keep the answer; None: the model is not a server.

    Raises:
        InputError: The address is malformed.
        ModelNotFound: The server does not serve the model.
        BackendError: The server cannot be reached, or is of another kind.
    """
    if not is_server(model):
        return None
    facts = detection.detect(server_addresses.parse(model))
    servers = store.choices.get(CHOICE) or {}
    if servers.get(model.strip()) != facts.as_dict():
        store.choices.set(CHOICE, {**servers, model.strip(): facts.as_dict()})
    return facts


def check_chosen_before(store: Store, model: str) -> None:
    """Check that a person has chosen a server of this address before.

    Programs may use these only: a program that queues a study sends texts to the model.

    Raises:
        InputError: The address is malformed, or no person has chosen it.
    """
    if not is_server(model):
        return
    address = server_addresses.parse(model)
    chosen = [server_addresses.parse(name) for name in store.choices.get(CHOICE) or {}]
    if not {a.base for a in address} <= {a.base for name in chosen for a in name}:
        raise InputError(
            f"Programs may send texts only to servers that a person has chosen; choose "
            f"{address} on the page once, under Model."
        )


def last_facts(store: Store, model: str) -> ServerFacts:
    """Return what a server said when it was asked last.

    Raises:
        InputError: The address is malformed.
        ModelNotFound: It was never asked.
    """
    server_addresses.parse(model)
    facts = (store.choices.get(CHOICE) or {}).get(model.strip())
    if facts is None:
        raise ModelNotFound(
            f"The server {model} has not been contacted yet; press “Use this model” "
            "under Model."
        )
    return ServerFacts.from_dict(facts)


def check(store: Store, model: str) -> None:
    """Check that a model can be used, as far as that is known without a request.

    Raises:
        ModelNotFound: It is not there.
        BackendError: It cannot be used.
    """
    if is_server(model):
        last_facts(store, model)
    else:
        model_files.locate(model)


def digest(store: Store, model: str) -> str:
    """Return the digest of a model; of a server, that of ``ServerFacts``.

    Raises:
        ModelNotFound: It is not there.
        BackendError: It cannot be used.
    """
    if is_server(model):
        return last_facts(store, model).digest
    return model_files.digest(model_files.locate(model))


def context(store: Store, model: str) -> int | None:
    """Return the tokens that prompt and answer may have together; None: not known.

    Raises:
        ModelNotFound: It is not there.
        BackendError: It cannot be used.
    """
    if is_server(model):
        return last_facts(store, model).context
    return model_shape.of(model_files.locate(model)).context

"""The backend of a scripted server, and a verdict to ask it for."""

from autolearn.core import server_addresses
from autolearn.core.model_calls import Message
from autolearn.endpoints.backend import ServerBackend
from autolearn.endpoints.client import RetryPolicy
from autolearn.endpoints.detection import detect

QUICK = RetryPolicy(tries=3, first_delay=0.02, longest_delay=0.05, read=10.0)
LABELS = (" correct", " incorrect")
CHAT = (Message("user", "Is it so?"),)


def backend_of(server, retries=QUICK):
    return ServerBackend(detect(server_addresses.parse(server.address), QUICK), retries)

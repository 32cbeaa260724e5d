"""Spread the requests of a step over the servers of a model.

Each server gets a run of neighbouring requests, which share prefixes, and takes further
ones from the end of the longest queue when its own is empty. If a server fails, or
refuses all requests, the others take them; only the failure of the last one ends the
step.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from autolearn.core.errors import BackendError
from autolearn.core.ports import Stop
from autolearn.endpoints.client import ServerClient, ServerRefused

T = TypeVar("T")
Job = Callable[[ServerClient], Awaitable[T]]

POLL_SECONDS = 0.1
"""How often running requests are checked for cancellation."""


@dataclass
class StepResults(Generic[T]):
    """The results of the jobs of a step."""

    values: list[T | None]
    """In the order of the jobs; None if stopped."""
    failures: list[BackendError] = field(default_factory=list)
    """One for each server whose requests others have answered."""


async def run_all(
    jobs: Sequence[Job[T]],
    clients: Sequence[ServerClient],
    at_once: int,
    stop: Stop,
    progress: Callable[[int], None] | None = None,
) -> StepResults[T]:
    """Run jobs, on each server in order and up to ``at_once`` at a time.

    Once ``stop`` returns True, unfinished jobs are cancelled, which closes their
    connections.

    Raises:
        ServerRefused: A request is refused; no server would answer it, or this is the
            last one.
        BackendError: The last server has failed.
    """
    queue = _Jobs(jobs, clients, at_once)
    n_reported = 0
    tasks = [
        asyncio.create_task(queue.work(number))
        # So few jobs are spread as well: each task takes one before the next begins.
        for _ in range(min(at_once, len(jobs)))
        for number in range(len(clients))
    ]
    pending = set(tasks)
    try:
        while pending and not stop():
            done, pending = await asyncio.wait(
                pending, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
            if progress and queue.n_done > n_reported:
                n_reported = queue.n_done
                progress(n_reported)
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return queue.results


class _Jobs(Generic[T]):
    """The jobs of a step, in a queue for each server."""

    def __init__(
        self, jobs: Sequence[Job[T]], clients: Sequence[ServerClient], at_once: int
    ) -> None:
        self.results = StepResults[T]([None] * len(jobs))
        self.n_done = 0
        self._jobs, self._clients = jobs, clients
        share = -(-len(jobs) // len(clients))
        self._queues = [
            deque(range(len(jobs))[number * share : (number + 1) * share])
            for number in range(len(clients))
        ]
        self._slots = [asyncio.Semaphore(at_once) for _ in clients]
        self._alive = list(range(len(clients)))

    async def work(self, server: int) -> None:
        """Do the jobs of a server, and then those of others, until none is left."""
        while (number := self._next(server)) is not None:
            self.results.values[number] = await self._result(number, server)
            self.n_done += 1

    def _next(self, server: int) -> int | None:
        if own := self._queues[server]:
            return own.popleft()
        longest = max(self._queues, key=len)
        return longest.pop() if longest else None

    async def _result(self, number: int, server: int) -> T:
        """Return the result of a job, from another server if this one fails."""
        while True:
            if server not in self._alive:
                server = self._alive[number % len(self._alive)]
            try:
                async with self._slots[server]:
                    return await self._jobs[number](self._clients[server])
            except BackendError as error:
                if isinstance(error, ServerRefused) and error.is_about_request:
                    raise
                self._give_up(server, error)

    def _give_up(self, server: int, error: BackendError) -> None:
        """Stop using a server in this step; raise its error if it is the last."""
        if self._alive == [server]:
            raise error
        if server in self._alive:
            self._alive.remove(server)
            self.results.failures.append(error)

"""A coroutine in a thread of its own, its pieces to a thread that can wait, be told to stop, and give up at any time.

A blocking client cannot be interrupted while it connects or waits for a silent server; a task of an event loop can.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any, Generic, TypeVar

POLL_SECONDS = 0.05
"""How often is looked whether to stop. Nobody notices a twentieth of a second."""

CLOSING_WAIT_SECONDS = 0.5
"""Longest wait for a cancelled task to close what it has open. Closing a socket takes none of it; only a look-up of a
name cannot be interrupted, and then there is no connection yet. Less than the second in which a reply must end."""

_T = TypeVar("_T")
Put = Callable[[str], None]
"""What the coroutine hands its pieces to; it never waits."""


def in_background(
    work: Callable[[Put], Coroutine[Any, Any, _T]], stop: threading.Event | None = None
) -> Generator[str, None, _T | None]:
    """The pieces that a coroutine puts; the return value is that of the coroutine, `None` if `stop` was set.

    The coroutine runs in an event loop in a daemon thread. Once `stop` is set, from whatever thread, or the iterator
    is closed, it is cancelled and the thread has ended, as a rule, before this returns. Raises what the coroutine does.
    """
    running = _Running(work, stop or threading.Event())
    try:
        while True:
            try:
                piece = running.pieces.get(timeout=POLL_SECONDS)
            except queue.Empty:
                piece = ""
            if stop is not None and stop.is_set():
                return None
            if piece is None:
                return running.result()
            if piece:
                yield piece
    finally:
        running.end()


class _Running(Generic[_T]):
    """A coroutine under way. `pieces` gives what it puts, then `None`."""

    def __init__(self, work: Callable[[Put], Coroutine[Any, Any, _T]], stop: threading.Event) -> None:
        self._stop = stop
        self.pieces: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._opened = _remember_connections(self._loop)
        self._task = self._loop.create_task(work(self.pieces.put))
        self._task.add_done_callback(lambda _: self.pieces.put(None))
        self._thread = threading.Thread(target=self._run, name="dateline-model", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._watch())

    async def _watch(self) -> None:
        # Here and not only in the consumer, which may be busy with a piece while the connection is to be closed.
        while not self._task.done():
            await asyncio.wait([self._task], timeout=POLL_SECONDS)
            if self._stop.is_set():
                self._task.cancel()
        # A task that is cancelled in the middle of a TLS handshake leaves its connection open (anyio 4, httpcore 1).
        for transport in self._opened:
            transport.abort()
        await asyncio.sleep(0)

    def result(self) -> _T:
        """What the coroutine returned or raised, after it has ended."""
        self._thread.join(CLOSING_WAIT_SECONDS)
        return self._task.result()

    def end(self) -> None:
        """Cancels the coroutine if it is still under way, and waits for the thread."""
        with suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(CLOSING_WAIT_SECONDS)
        if self._task.done() and not self._task.cancelled():
            self._task.exception()  # asked for, so that asyncio does not report it as overlooked


def _remember_connections(loop: asyncio.AbstractEventLoop) -> list[Any]:
    """The list in which the loop puts every connection that it makes from now on."""
    opened: list[Any] = []
    create_connection = loop.create_connection

    async def create_and_remember(*arguments: Any, **named: Any) -> Any:
        transport, protocol = await create_connection(*arguments, **named)
        opened.append(transport)
        return transport, protocol

    loop.create_connection = create_and_remember  # type: ignore[method-assign]
    return opened

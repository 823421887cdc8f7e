"""A coroutine in a thread of its own: its pieces, its end, and its being told to stop."""

import asyncio
import threading
import time
from collections.abc import Generator

import pytest

from rag.background import in_background


def exhaust(pieces: Generator) -> tuple[list[str], object]:
    """The pieces and what the iterator returns."""
    found = []
    while True:
        try:
            found.append(next(pieces))
        except StopIteration as end:
            return found, end.value


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "dateline-model"]


def waits_for_ever(closed: threading.Event):
    """Work that puts a piece, waits, and says when it is cancelled."""

    async def work(put):
        put("first")
        try:
            await asyncio.Event().wait()
        finally:
            closed.set()

    return work


def test_pieces_and_value_of_a_coroutine():
    async def work(put):
        for number in range(3):
            put(str(number))
            await asyncio.sleep(0)
        return "done"

    assert exhaust(in_background(work)) == (["0", "1", "2"], "done")
    assert threads() == []


def test_an_error_comes_after_the_pieces():
    async def work(put):
        put("first")
        raise ValueError("broken")

    pieces = in_background(work)
    assert next(pieces) == "first"
    with pytest.raises(ValueError, match="broken"):
        next(pieces)
    assert threads() == []


def test_stop_ends_a_silent_coroutine():
    stop, closed = threading.Event(), threading.Event()
    pieces = in_background(waits_for_ever(closed), stop)
    assert next(pieces) == "first"
    threading.Timer(0.1, stop.set).start()
    started = time.monotonic()
    assert exhaust(pieces) == ([], None)
    assert time.monotonic() - started < 1
    assert closed.is_set()
    assert threads() == []


def test_stop_closes_what_is_open_though_nobody_asks_for_the_next_piece():
    stop, closed = threading.Event(), threading.Event()
    pieces = in_background(waits_for_ever(closed), stop)
    assert next(pieces) == "first"
    stop.set()
    assert closed.wait(1)
    pieces.close()


def test_closing_ends_the_coroutine():
    closed = threading.Event()
    pieces = in_background(waits_for_ever(closed))
    assert next(pieces) == "first"
    pieces.close()
    assert closed.is_set()
    assert threads() == []


def test_an_error_that_nobody_asked_for_is_not_reported(caplog):
    failed = threading.Event()

    async def work(put):
        put("first")
        failed.set()
        raise ValueError("broken")

    pieces = in_background(work)
    assert next(pieces) == "first"
    assert failed.wait(5)
    pieces.close()
    assert caplog.text == ""


def test_a_look_up_that_cannot_be_interrupted_is_left_behind():
    stop, released = threading.Event(), threading.Event()

    async def work(put):
        put("first")
        await asyncio.get_running_loop().run_in_executor(None, released.wait, 10)

    pieces = in_background(work, stop)
    assert next(pieces) == "first"
    stop.set()
    started = time.monotonic()
    assert exhaust(pieces) == ([], None)
    assert time.monotonic() - started < 1
    released.set()
    for thread in threads():
        thread.join(5)
    assert threads() == []

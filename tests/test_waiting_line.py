"""First come, first served."""

import threading
import time

import pytest

from ui.waiting_line import LineFullError, WaitingLine


def test_those_behind_the_places_wait_in_order_and_move_up() -> None:
    line = WaitingLine(places=2, waiting=2)
    tickets = [line.join() for _ in range(4)]
    assert [ticket.before for ticket in tickets] == [0, 0, 1, 2]
    with pytest.raises(LineFullError, match="Too many questions"):
        line.join()
    tickets[0].leave()
    tickets[0].leave()
    assert [ticket.before for ticket in tickets] == [0, 0, 0, 1]
    assert line.join().before == 2


def test_a_turn_comes_when_somebody_leaves() -> None:
    line = WaitingLine(places=1, waiting=9)
    first, second = line.join(), line.join()
    assert first.wait(threading.Event())
    came: list[bool] = []
    thread = threading.Thread(target=lambda: came.append(second.wait(threading.Event())))
    thread.start()
    time.sleep(0.05)
    assert came == []
    first.leave()
    thread.join(5)
    assert came == [True]


def test_whoever_is_stopped_waits_no_longer() -> None:
    line = WaitingLine(places=1, waiting=9)
    first, second = line.join(), line.join()
    stop = threading.Event()
    stop.set()
    assert not second.wait(stop)
    assert not first.wait(stop)
    second.leave()
    assert line.join().before == 1


def test_no_more_than_the_places_are_served_at_once() -> None:
    line = WaitingLine(places=3, waiting=50)
    running, most = 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal running, most
        ticket = line.join()
        assert ticket.wait(threading.Event())
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
        ticket.leave()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (running, most) == (0, 3)

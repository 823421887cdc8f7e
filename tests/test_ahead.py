"""Work done ahead in a thread: in order, within its bound, with its errors, and to its end."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.ahead import ahead


@given(weights=st.lists(st.integers(0, 9)), most=st.integers(0, 20))
def test_all_items_come_in_order_and_no_more_are_ahead_than_may_be(weights: list[int], most: int) -> None:
    made: list[int] = []

    def items() -> Iterator[tuple[int, int]]:
        for number, weight in enumerate(weights):
            made.append(number)
            yield number, weight

    taken = []
    for number, _ in ahead(items(), lambda item: item[1], most):
        taken.append(number)
        # One that is being made and one that waits for room are not ahead yet.
        waiting = [weights[other] for other in made if other > number][:-1]
        assert sum(waiting[:-1]) <= max(most, *waiting, 0)
    assert taken == list(range(len(weights)))


def test_items_are_made_while_one_is_in_use() -> None:
    second = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        second.set()
        yield 2

    with closing(ahead(items(), lambda item: 1, 1)) as made:
        assert next(made) == 1
        assert second.wait(10)
        assert next(made) == 2


def test_an_error_comes_after_what_was_made_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    made = ahead(items(), lambda item: 1, 10)
    assert next(made) == 1
    with pytest.raises(ValueError, match="broken"):
        next(made)


def test_closing_ends_the_thread_and_what_it_runs() -> None:
    ended = threading.Event()

    def items() -> Iterator[int]:
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            ended.set()

    before = threading.active_count()
    made = ahead(items(), lambda item: 1, 3)
    assert next(made) == 0
    made.close()
    assert ended.is_set()
    assert threading.active_count() == before


def test_an_error_of_the_taker_stops_what_is_being_made() -> None:
    stopped = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        stopped.wait(10)
        yield 2

    def take() -> None:
        with closing(ahead(items(), lambda item: 1, 10, stopped.set)) as made:
            assert next(made) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take()
    assert stopped.is_set()

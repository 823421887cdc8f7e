import pytest

from eval.spread import spread
from eval.types import EvalQuestion, QuestionSet
from index.errors import InputError

WHOLE = QuestionSet("set", "dateline", "0" * 64, tuple(EvalQuestion(str(number), "?") for number in range(101)))


def ids(limit: int | None) -> list[int]:
    return [int(question.id) for question in spread(WHOLE, limit).questions]


@pytest.mark.parametrize("limit", [1, 2, 10, 37, 100, 101])
def test_as_many_as_asked_for_in_the_order_of_the_set(limit):
    chosen = ids(limit)
    assert len(chosen) == limit
    assert chosen == sorted(set(chosen))


def test_without_a_limit_or_with_one_that_is_not_reached_the_set_stays_as_it_is():
    assert spread(WHOLE, None) is WHOLE
    assert spread(WHOLE, 500) is WHOLE


def test_every_part_of_the_set_has_its_share():
    chosen = ids(20)
    assert {sum(start <= number < start + 25 for number in chosen) for start in (0, 25, 50, 75)} <= {4, 5, 6}


def test_a_smaller_limit_is_a_part_of_a_larger_one():
    for limit in range(1, 101):
        assert set(ids(limit)) < set(ids(limit + 1))


def test_a_limit_below_one_is_refused():
    with pytest.raises(InputError, match="limit of a run is 0"):
        spread(WHOLE, 0)

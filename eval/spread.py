"""A part of a question set, for a first look that takes less time."""

from dataclasses import replace

from eval.types import QuestionSet
from index.errors import InputError

GOLDEN = (5**0.5 - 1) / 2
"""Multiples of the golden ratio, modulo 1, fill an interval evenly however many are taken (Weyl 1916)."""


def spread(question_set: QuestionSet, limit: int | None) -> QuestionSet:
    """The set with at most `limit` of its questions, in their order and spread evenly over it.

    Sets stand in order of their types, so that the first questions would be of one type only. A smaller limit takes a
    part of what a larger one takes, so that two runs have as many questions in common as they can. `None`, or a limit
    that the set does not reach, leaves the set as it is. The articles stay the same. Raises `InputError` for a limit
    below 1.
    """
    if limit is not None and limit < 1:
        raise InputError(f"The limit of a run is {limit}; ask 1 question or more.")
    count = len(question_set.questions)
    if limit is None or limit >= count:
        return question_set
    chosen: set[int] = set()
    number = 0
    while len(chosen) < limit:
        chosen.add(int(number * GOLDEN % 1 * count))
        number += 1
    return replace(question_set, questions=tuple(question_set.questions[index] for index in sorted(chosen)))

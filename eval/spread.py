"""A part of a question set, for a first look that takes less time."""

from dataclasses import replace

from eval.types import QuestionSet
from index.errors import InputError


def spread(question_set: QuestionSet, limit: int | None) -> QuestionSet:
    """The set with at most `limit` of its questions, in their order and as evenly spread over it as can be.

    Sets stand in order of their types, so that the first questions would be of one type only. `None`, or a limit that
    the set does not reach, leaves it as it is. The articles stay the same. Raises `InputError` for a limit below 1.
    """
    if limit is not None and limit < 1:
        raise InputError(f"The limit of a run is {limit}; ask 1 question or more.")
    count = len(question_set.questions)
    if limit is None or limit >= count:
        return question_set
    chosen = [number * count // limit for number in range(limit)]
    return replace(question_set, questions=tuple(question_set.questions[index] for index in chosen))

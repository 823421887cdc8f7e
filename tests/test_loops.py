"""A model that repeats itself, and texts that only look like it."""

import pytest

from rag.loops import LEAST_CHARACTERS, LEAST_REPETITIONS, LONGEST_PERIOD, LoopWatch, ends_in_loop

SENTENCE = "The council voted on Tuesday to rebuild the silo in Tarrow. [1] "


def in_pieces(text: str, size: int) -> bool:
    watch = LoopWatch()
    return any(watch.repeats(text[at : at + size]) for at in range(0, len(text), size))


@pytest.mark.parametrize(
    "chunk", ["again ", "a", "\n", "The the ", SENTENCE, "- a\n- b\n", "x" * (LONGEST_PERIOD - 1) + "y", "没有。"]
)
@pytest.mark.parametrize("size", [1, 7, 250, 10_000])
def test_a_chunk_over_and_over_is_a_loop(chunk, size):
    times = max(LEAST_REPETITIONS, LEAST_CHARACTERS // len(chunk)) + 2 + 100 // len(chunk)
    assert in_pieces("The silo was built in 1931. [1] " + chunk * times, size)


@pytest.mark.parametrize(
    ("text", "loops"),
    [
        ("again " * 249, False),
        ("again " * 250, True),
        ("It burned. " + "again " * 250, True),
        ("again " * 250 + "and that was all.", False),
        (("x" * (LONGEST_PERIOD - 1) + "y") * LEAST_REPETITIONS, True),
        (("x" * (LONGEST_PERIOD - 1) + "y") * (LEAST_REPETITIONS - 1), False),
        (("x" * LONGEST_PERIOD + "y") * 50, False),
        ("", False),
    ],
)
def test_where_a_loop_begins(text, loops):
    assert ends_in_loop(text) is loops


PROSE = " ".join(
    f"On day {day} the {who} of {place} spoke for {day % 7 + 2} hours about the {what}. [{day % 9 + 1}]"
    for day, (who, place, what) in enumerate(
        [
            (who, place, what)
            for who in ("mayor", "chief", "judge")
            for place in ("Tarrow", "Brill")
            for what in ("silo", "port", "strike", "fire", "vote")
        ],
        start=1,
    )
)
LIST = "\n".join(f"{number}. The council voted on Tuesday. [1]" for number in range(1, 80))
TABLE = "| Year | Wheat |\n|------|-------|\n" + "\n".join(f"| {year} | {year % 13} t |" for year in range(1900, 2000))
RULE = "Results\n" + "-" * 200 + "\n" + "=" * 400 + "\nThe end. [1]"
REFRAIN = "\n\n".join(
    f"{verse}\nWe shall not be moved, we shall not be moved,\n" * 3 for verse in PROSE.split(". ")[:20]
)
EMPTY_ROWS = TABLE + "\n|      |       |" * 30


@pytest.mark.parametrize("text", [PROSE, LIST, TABLE, RULE, REFRAIN, EMPTY_ROWS, SENTENCE * 9])
@pytest.mark.parametrize("size", [1, 33, 10_000])
def test_ordinary_text_is_none(text, size):
    assert not in_pieces(text, size)

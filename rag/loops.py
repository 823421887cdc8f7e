"""A model that has begun to repeat itself: the same words over and over, to the end of its tokens.

Small models that always take the most probable next token fall into such loops (Holtzman et al. 2020, "The Curious
Case of Neural Text Degeneration"); what has gone before is then seldom an answer.
"""

LONGEST_PERIOD = 200
"""Characters of the longest chunk whose repetition counts: two or three sentences."""

LEAST_REPETITIONS = 10
"""How often a chunk comes before it counts as a loop. A refrain or a list of equal lines has fewer."""

LEAST_CHARACTERS = 1_500
"""Characters that a loop takes at least, however short its chunk: 250 times "again ". A rule under a table or a row of
dots is shorter."""

_WINDOW = max(LEAST_CHARACTERS, LONGEST_PERIOD * LEAST_REPETITIONS)

_STEP = 100
"""Characters between two looks: a look compares a few hundred texts, and a loop does not hide."""


class LoopWatch:
    """Reads a text piece by piece and tells when its end is one chunk over and over."""

    def __init__(self) -> None:
        self._end = ""
        self._unseen = 0

    def repeats(self, piece: str) -> bool:
        """Takes the next piece; true if the text by now ends in a loop. Looks every `_STEP` characters."""
        # In steps, so that a piece longer than the window is looked at as well as a short one.
        for begin in range(0, len(piece), _STEP):
            part = piece[begin : begin + _STEP]
            self._end = (self._end + part)[-_WINDOW:]
            self._unseen += len(part)
            if self._unseen >= _STEP:
                self._unseen = 0
                if ends_in_loop(self._end):
                    return True
        return False


def ends_in_loop(text: str) -> bool:
    """Whether the text ends in a chunk of at most `LONGEST_PERIOD` characters that is repeated, letter by letter.

    >>> ends_in_loop("It burned. " + "again " * 250)
    True
    >>> ends_in_loop("It burned. " + "again " * 100)
    False
    """
    for period in range(1, LONGEST_PERIOD + 1):
        length = max(LEAST_CHARACTERS, period * LEAST_REPETITIONS)
        if length > len(text):
            return False
        end = text[-length:]
        # A text has the period p exactly if it is itself when moved by p.
        if end[period:] == end[:-period]:
            return True
    return False

"""First come, first served: so many at once, and so many waiting behind them who can be told how many are before."""

import threading
from collections import deque

from index.errors import InputError

LOOK_SECONDS = 0.2
"""How often somebody who waits looks whether he was stopped."""


class LineFullError(InputError):
    """More are waiting already than may wait."""


class WaitingLine:
    """`places` are served at once, at most `waiting` wait. May be used from any thread."""

    def __init__(self, places: int, waiting: int) -> None:
        self._places = places
        self._most = places + waiting
        self._line: deque[Ticket] = deque()
        self._moved = threading.Condition()

    def join(self) -> "Ticket":
        """A place at the end of the line. Raises `LineFullError`."""
        with self._moved:
            if len(self._line) >= self._most:
                raise LineFullError("Too many questions are being answered at the moment; ask again in a minute.")
            ticket = Ticket(self)
            self._line.append(ticket)
            return ticket

    def before(self, ticket: "Ticket") -> int:
        """How many have to leave before it is this one's turn; 0 if it is, or if it has left."""
        with self._moved:
            return max(0, self._line.index(ticket) - self._places + 1) if ticket in self._line else 0

    def wait(self, ticket: "Ticket", stop: threading.Event) -> bool:
        """Waits until it is this one's turn; false if it was stopped before."""
        with self._moved:
            while ticket in self._line and self._line.index(ticket) >= self._places:
                if stop.is_set():
                    return False
                self._moved.wait(LOOK_SECONDS)
            return not stop.is_set()

    def leave(self, ticket: "Ticket") -> None:
        """Gives the place free; nothing happens if it has been given free already."""
        with self._moved:
            if ticket in self._line:
                self._line.remove(ticket)
                self._moved.notify_all()


class Ticket:
    """A place in a line."""

    def __init__(self, line: WaitingLine) -> None:
        self._line = line

    @property
    def before(self) -> int:
        """How many have to leave before it is this one's turn, 0 if it is."""
        return self._line.before(self)

    def wait(self, stop: threading.Event) -> bool:
        """Waits for the turn; false if it was stopped before."""
        return self._line.wait(self, stop)

    def leave(self) -> None:
        """Gives the place free."""
        self._line.leave(self)

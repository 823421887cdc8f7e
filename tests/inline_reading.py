"""Reading without a process of its own, for processes whose every system call is looked at.

A filter of system calls goes on to a child, which has nobody to handle what the filter traps.
"""

from collections import deque
from collections.abc import Iterator

from index import ingest, readers, reading
from index.frames import Frame
from index.parsing import Parser
from index.reading_child import _answers
from index.reading_errors import error_of
from index.reading_limits import Limits
from index.reading_process import ReadingProcess, Request


class InlineReading(ReadingProcess):
    """Answers a request when it is asked for the answer."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits)
        self._parser = Parser(self._limits.characters)
        self._asked: deque[Request] = deque()

    def ask(self, request: Request) -> None:
        self._asked.append(request)

    @property
    def has_answer(self) -> bool:
        return bool(self._asked)

    def answer(self) -> Iterator[Frame]:
        request = self._asked.popleft()
        for frame in _answers(self._parser, Frame(dict(request.header), request.body()), self._limits):
            if frame.header["kind"] == "error":
                raise error_of(frame.header)
            yield frame
            if frame.header["kind"] == "end" or frame.header.get("last"):
                return


def read_inline() -> None:
    """Has this process read files itself, for good."""
    for module in (ingest, readers, reading):
        vars(module)["ReadingProcess"] = InlineReading

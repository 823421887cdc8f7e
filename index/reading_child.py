"""The child process that reads files for `index.reading_process`: what it may take, and what it is asked.

It starts with the arguments that it finds the modules by, its limits as JSON and the identifier of its parent, reads
requests from its standard input and writes frames to its standard output until the input ends. It opens no connection,
writes no file, and takes nothing that it reads for code.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from math import ceil
from typing import BinaryIO

from index.errors import ReadError
from index.frames import Frame, read_frame, write_frame
from index.parsing import Parser
from index.reading_errors import header_of
from index.reading_limits import MAX_BODY_BYTES, Limits

_DIE_WITH_PARENT = 1
"""`PR_SET_PDEATHSIG` of Linux' `prctl`."""


def main() -> None:
    """Answers requests until there are no more."""
    limits = Limits(**json.loads(sys.argv[2]))
    _end_with_parent(int(sys.argv[3]))
    _limit(limits)
    incoming, outgoing = _pipes()
    parser = Parser(limits.characters)
    try:
        write_frame(outgoing, Frame({"kind": "ready"}))
        while request := read_frame(incoming, MAX_BODY_BYTES):
            _allow_seconds(limits.seconds)
            for answer in _answers(parser, request, limits):
                write_frame(outgoing, answer)
                if answer.header.get("exits"):
                    return
                _allow_seconds(limits.seconds)
    except BrokenPipeError:
        os._exit(0)


def _answers(parser: Parser, request: Frame, limits: Limits) -> Iterator[Frame]:
    try:
        yield from parser.answer(request)
    except ReadError as error:
        yield Frame(header_of(error))
    except (MemoryError, RecursionError) as error:
        what = f"more than {limits.memory_bytes >> 20:,} MB of memory"
        if isinstance(error, RecursionError):
            what = "deeper nesting than any article has"
        reason = f"Reading it takes {what}; split it, or save its text as .txt."
        # What the memory is full of is still referred to from somewhere, or the stack is used up: begin anew.
        yield Frame({"kind": "error", "error": "UnsupportedFormatError", "reason": reason, "exits": True})
    except Exception as error:  # noqa: BLE001 - whatever a file does to the code that reads it is a fault of the file
        reason = f"It cannot be read ({type(error).__name__}); it is damaged, or not what its name says."
        yield Frame({"kind": "error", "error": "UnsupportedFormatError", "reason": reason})


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Input and output for frames. What libraries print goes nowhere, and what they would read is empty."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)
    return os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb")


def _end_with_parent(parent: int) -> None:
    """Has the system end this process when the thread that started it ends, where it can; else the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "linux":
        return
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _limit(limits: Limits) -> None:
    """Limits memory, and forbids to write files; a system that knows no such limits is asked in vain."""
    try:
        import resource
    except ImportError:
        return
    wanted = ((resource.RLIMIT_AS, limits.memory_bytes), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0))
    for kind, amount in wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (amount, resource.getrlimit(kind)[1]))


def _allow_seconds(seconds: float) -> None:
    """Has the system end this process when it has worked for that much longer."""
    try:
        import resource
    except ImportError:
        return
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (ceil(time.process_time() + seconds), hard))

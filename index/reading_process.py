"""The process that reads files: it may crash, hang or fill its memory, and only the file that it reads is lost.

What reads a PDF, a web page or an archive is a good deal of code that others wrote, and the file may have been made to
break it. So a child process reads, within limits on time, memory and the size of what it gives, and a new one takes
its place when it had to be ended. It starts with the first request. A thread of this process sends one request after
the other and collects the answers ahead of whoever asks for them, up to `AHEAD_BYTES`.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from index.errors import ReadError, ReaderStartError, UnreadableOriginError, UnsupportedFormatError
from index.frames import BrokenFrameError, Frame, read_frame, write_frame
from index.reading_errors import error_of
from index.reading_limits import MAX_BODY_BYTES, Limits

AHEAD_BYTES = 4 * 2**20
"""Bytes of texts that are read and not yet asked for, about a thousand news articles; more than that is one text."""

START_SECONDS = 60.0
"""How long a process may take to start; half a second, and some seconds where much else is going on."""

END_SECONDS = 5.0
"""How long a process whose pipes are closed may take to end before it is ended, and its own status is lost."""

_PROGRAM = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from index.reading_child import main; main()"


@dataclass(frozen=True, slots=True)
class Request:
    """What the process is to do: a header, and what gives the bytes that go with it when they are to be sent."""

    header: Mapping[str, object]
    body: Callable[[], bytes] = bytes


class ReadingProcess:
    """One reading process after the other, as many as it takes. To be closed; it is a context manager.

    Requests are answered in their order. One thread may use it at a time.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._changed = threading.Condition()
        self._requests: deque[Request] = deque()
        self._answers: deque[Frame | Exception] = deque()
        self._answer_bytes = 0
        self._thread: threading.Thread | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._deadline: float | None = None
        self._is_late = False
        self._is_closed = False

    def __enter__(self) -> "ReadingProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, request: Request) -> None:
        """Has a request done; returns at once."""
        with self._changed:
            self._requests.append(request)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="dateline-reading", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    @property
    def has_answer(self) -> bool:
        """True if `answer` would not have to wait for its first frame."""
        return bool(self._answers)

    def answer(self) -> Iterator[Frame]:
        """The frames that answer the oldest request that is not answered, up to the last one of them.

        Raises:
            ReadError: What was to be read cannot be read, or not within the limits.
            ReaderStartError: The process cannot be started.
        """
        while True:
            found = self._next_answer()
            if isinstance(found, Exception):
                raise found
            if found.header["kind"] == "error":
                raise error_of(found.header)
            yield found
            if found.header["kind"] == "end" or found.header.get("last"):
                return

    def close(self) -> None:
        """Ends the process and the thread; what was asked and not answered is dropped. May be called twice."""
        with self._changed:
            self._is_closed = True
            self._kill()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _next_answer(self) -> Frame | Exception:
        with self._changed:
            while not self._answers:
                if self._is_closed:
                    raise _not_started("it was closed")
                self._changed.wait(self._seconds_left())
                if not self._answers and self._seconds_left() == 0:
                    self._is_late = True
                    self._kill()
            found = self._answers.popleft()
            if isinstance(found, Frame):
                self._answer_bytes -= len(found.body)
            self._changed.notify_all()
        return found

    def _seconds_left(self) -> float | None:
        """Seconds that the file at hand may still take; `None` if there is none, or if its process is being ended."""
        if self._deadline is None or self._is_late:
            return None
        return max(0.0, self._deadline - time.monotonic())

    def _kill(self) -> None:
        if self._child is not None:
            with suppress(OSError):
                self._child.kill()

    # What follows runs in the thread. It starts the process, too, so that the process ends with it (see the child).

    def _work(self) -> None:
        try:
            while (request := self._next_request()) is not None:
                self._carry_out(request)
        except Exception as error:  # noqa: BLE001 - a fault of this module; who waits is to see it, and not for ever
            self._put(error)
        finally:
            self._end_child()

    def _next_request(self) -> Request | None:
        with self._changed:
            while not self._requests and not self._is_closed:
                self._changed.wait()
            return None if self._is_closed else self._requests.popleft()

    def _carry_out(self, request: Request) -> None:
        try:
            frame = Frame(dict(request.header), request.body())
        except OSError as error:
            reason = f"What was fetched is lost: {error.strerror or error}; run the command again."
            return self._put(UnreadableOriginError(reason))
        try:
            child = self._child or self._start()
        except (OSError, ReaderStartError) as error:
            self._end_child()
            return self._put(error if isinstance(error, ReaderStartError) else _not_started(str(error)))
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            self._allow(self._limits.seconds)
            write_frame(child.stdin, frame)
            while answer := read_frame(child.stdout, MAX_BODY_BYTES):
                if not isinstance(answer.header.get("kind"), str):
                    raise BrokenFrameError
                self._put(answer)
                if answer.header["kind"] in {"end", "error"} or answer.header.get("last"):
                    self._allow(None)
                    if answer.header.get("exits") or self._is_late:
                        self._end_child()
                    return None
        except (OSError, BrokenFrameError):
            pass
        return self._put(self._obituary())

    def _put(self, found: Frame | Exception) -> None:
        with self._changed:
            while self._answer_bytes > AHEAD_BYTES and not self._is_closed:
                self._deadline = None
                self._changed.wait()
            self._answers.append(found)
            if isinstance(found, Frame):
                self._answer_bytes += len(found.body)
                self._deadline = time.monotonic() + self._limits.seconds
            self._changed.notify_all()

    def _allow(self, seconds: float | None) -> None:
        """Sets the time after which the process is ended by whoever waits for it, who is told."""
        with self._changed:
            self._deadline = None if seconds is None else time.monotonic() + seconds
            self._changed.notify_all()

    def _start(self) -> "subprocess.Popen[bytes]":
        self._allow(START_SECONDS)
        # The child finds the modules where this process does, and never in the folder that it happens to run in.
        root = str(Path(__file__).resolve().parent.parent)
        path = [entry for entry in sys.path if entry]
        arguments = [json.dumps(path if root in path else [root, *path]), json.dumps(asdict(self._limits))]
        with tempfile.TemporaryFile() as said:
            child: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-I", "-c", _PROGRAM, *arguments, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                # Ctrl-C is for this process, which ends the child.
                **({"process_group": 0} if os.name == "posix" else {}),  # type: ignore[call-overload]
            )
            with self._changed:
                self._child = child
                if self._is_closed or self._is_late:
                    self._kill()
            assert child.stdout is not None
            with suppress(BrokenFrameError):
                if read_frame(child.stdout, 0) == Frame({"kind": "ready"}):
                    return child
            self._end_child()
            said.seek(0)
            raise _not_started(said.read().decode("utf-8", "replace").strip().rpartition("\n")[2])

    def _end_child(self) -> int:
        """Ends the process and waits for it. Returns its exit status, the negative signal if one ended it."""
        with self._changed:
            child, self._child = self._child, None
            self._deadline, self._is_late = None, False
        if child is None:
            return 0
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        if child.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=END_SECONDS)  # without its pipes it ends, if it has not; its status tells why
        with suppress(OSError):
            child.kill()
        return child.wait()

    def _obituary(self) -> ReadError:
        """Why the process ended before it had answered, as a sentence about the file that it was reading."""
        was_late = self._is_late
        status = self._end_child()
        seconds = f"{self._limits.seconds:g} s"
        if was_late or status == -getattr(signal, "SIGXCPU", 0):
            return UnsupportedFormatError(
                f"Reading it takes longer than {seconds}; split it, or save its text as .txt."
            )
        if status == -getattr(signal, "SIGKILL", 9):
            return UnreadableOriginError(
                "The process that read it was killed, perhaps because the memory ran out; save its text as .txt."
            )
        return UnsupportedFormatError("Reading it crashes the program that reads it; save its text as .txt.")


def _not_started(reason: str) -> ReaderStartError:
    said = f" ({reason[:200]})" if reason else ""
    return ReaderStartError(f"The process that reads files does not start{said}; free some memory and try again.")

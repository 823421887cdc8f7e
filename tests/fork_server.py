"""Processes that start in milliseconds, to be killed: each is forked from one that has imported what they all need.

The parent, `ForkServer`, asks the server over a pipe; the server forks, and the child calls one function. Nothing but
the server is imported twice, and a killed child is as dead as any killed process.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CRASHED = 70
"""Exit code of a child whose function raised something."""

PATIENCE_SECONDS = 120.0
"""How long a child may take before it counts as hanging and is killed; most take less than one."""


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code, negative for a signal, what its function returned, and what it printed."""

    code: int
    result: Any
    stdout: str
    stderr: str

    @property
    def was_killed(self) -> bool:
        """True if it died of SIGKILL."""
        return self.code == -signal.SIGKILL


class ForkServer:
    """A process with the given modules imported, from which children are forked, one at a time."""

    def __init__(self, *modules: str) -> None:
        quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._scratch = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, __file__, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **quiet, "PYTHONPATH": path},
        )

    def start(self, function: str, kill_after: float = PATIENCE_SECONDS, **arguments: Any) -> None:
        """Forks a child that calls `module:name` with JSON arguments. It is killed after so many seconds."""
        request = {"function": function, "arguments": arguments, "scratch": self._scratch.name, "seconds": kill_after}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def wait(self) -> Ended:
        """Waits for the end of the child that was started last."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("The process that forks the children ended.")
        code = int(line)
        scratch = Path(self._scratch.name)
        result = scratch / "result"
        value = json.loads(result.read_text()) if result.exists() and code == 0 else None
        # One that was killed at once may not have come to open them.
        streams = [
            (scratch / name).read_text(errors="replace") if (scratch / name).exists() else ""
            for name in ("stdout", "stderr")
        ]
        return Ended(code, value, *streams)

    def call(self, function: str, kill_after: float = PATIENCE_SECONDS, **arguments: Any) -> Ended:
        """Starts a child and waits for its end."""
        self.start(function, kill_after, **arguments)
        return self.wait()

    def close(self) -> None:
        """Ends the server; a child that still runs is waited for."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._scratch.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _run_child(request: dict[str, Any]) -> int:
    """Calls the function of a request with its output in files; returns the exit code."""
    scratch = Path(request["scratch"])
    for stream, name in ((sys.stdout, "stdout"), (sys.stderr, "stderr")):
        descriptor = os.open(scratch / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    module, _, name = request["function"].partition(":")
    try:
        result = getattr(import_module(module), name)(**request["arguments"])
        (scratch / "result").write_text(json.dumps(result))
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 0 if ending.code is None else 1
    except BaseException:  # noqa: BLE001 - whatever it is, the test has to see it
        traceback.print_exc()
        code = CRASHED
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    return code


def _serve() -> None:
    for module in sys.argv[1:]:
        import_module(module)
    while line := sys.stdin.readline():
        request = json.loads(line)
        for name in ("result", "stdout", "stderr"):
            Path(request["scratch"], name).unlink(missing_ok=True)
        alive, held = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(alive)
            code = CRASHED
            try:
                code = _run_child(request)
            finally:
                os._exit(code)
        os.close(held)
        # The pipe ends with the child, which is not waited for yet: its number cannot be another's when it is killed.
        if not select.select([alive], [], [], request["seconds"])[0]:
            os.kill(child, signal.SIGKILL)
        os.close(alive)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()

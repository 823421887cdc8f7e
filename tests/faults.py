"""Failures of the operating system at the Nth change of a folder, for a process that is about to use it."""

import ctypes
import functools
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")


class Failure(IntEnum):
    """What happens at the Nth change; the numbers are those of `faults.c`."""

    COUNT = 0
    IO_ONCE = 1
    IO_ON = 2
    FULL_ONCE = 3
    FULL_ON = 4
    SHORT_WRITE = 5
    KILL_BEFORE = 6
    KILL_AFTER = 7

    @property
    def kills(self) -> bool:
        """True if the process dies of it."""
        return self in (Failure.KILL_BEFORE, Failure.KILL_AFTER)


@dataclass(frozen=True)
class Fault:
    """The failure that a process is to meet: what happens, at which change (from 1), and the compiled `faults.c`.

    `log` gets a line for the change that failed, or for every change where they are only counted. Contents as of
    their last sync are kept in the folder `shadow` where it is given.
    """

    library: str
    kind: int
    nth: int
    log: str
    shadow: str = ""

    def arm(self, folder: Path) -> None:
        """Lets the failure happen in this process, for good. Raises `OSError` where the system does not allow it."""
        loaded = ctypes.CDLL(self.library)
        loaded.arm.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p]
        error = loaded.arm(os.fsencode(folder), self.nth, self.kind, os.fsencode(self.log), os.fsencode(self.shadow))
        if error:
            raise OSError(error, "No filter of system calls could be set")


@functools.cache
def missing_reason() -> str | None:
    """Why system calls cannot be made to fail here, `None` if they can."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        return "System calls are made to fail on Linux on x86-64 and ARM64 only."
    if shutil.which("cc") is None:
        return "There is no C compiler (apt-get install gcc libc6-dev)."
    return None


def compile_faults(folder: Path) -> str:
    """Compiles `faults.c` into a folder and returns the path. Skips the test where that cannot be."""
    # Not imported above: the processes that meet the failures do not need it.
    import pytest

    fail_where_required()
    reason = missing_reason()
    if reason is not None:
        pytest.skip(reason)
    return build(folder)


def fail_where_required() -> None:
    """Fails the test if there is no compiler where the tests that need more than Python are mandatory."""
    import pytest
    from browser import REQUIRED_VARIABLE

    reason = missing_reason()
    if reason is not None and sys.platform == "linux" and os.environ.get(REQUIRED_VARIABLE):
        pytest.fail(reason)


def build(folder: Path) -> str:
    """Compiles `faults.c` into a folder and returns the path of the library."""
    compiled = folder / "libfaults.so"
    command = ["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(compiled), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{SOURCE.name} could not be compiled:\n{done.stderr}")
    return str(compiled)

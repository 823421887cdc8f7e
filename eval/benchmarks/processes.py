"""Measured processes: each figure in one of its own, with its time and the memory of it and its children."""

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SAMPLE_SECONDS = 0.05
"""Between two looks at the memory of a process and its children."""

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """What a process did: its seconds from start to end, the largest memory of it and its children together that was
    seen (resident, pages that they share counted for each), and what it wrote to the file it was told."""

    seconds: float
    peak_mb: float
    result: Any


def measured(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Measured:
    """Runs a command to its end, with the name of a file in `RESULT` to which it may write what it found, as JSON.

    Raises:
        SystemExit: It failed; its output is in the message.
    """
    with tempfile.TemporaryDirectory() as scratch:
        result, output = Path(scratch) / "result.json", Path(scratch) / "output"
        begun = time.perf_counter()
        with (
            output.open("wb") as file,
            subprocess.Popen(
                list(command),
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, **(environment or {}), "RESULT": str(result)},
            ) as process,
        ):
            peak = _Peak(process.pid)
            code = process.wait()
            seconds = time.perf_counter() - begun
            peak.stop()
        if code != 0:
            raise SystemExit(f"failed with {code}: {' '.join(command)}\n{output.read_text(errors='replace')[-4000:]}")
        found = json.loads(result.read_text()) if result.is_file() else None
    return Measured(seconds, peak.mb, found)


def give_result(found: object) -> None:
    """Hands what a child process found to the one that started it by `measured`."""
    Path(os.environ["RESULT"]).write_text(json.dumps(found))


class _Peak:
    """Watches the memory of a process and its children in a thread, until it is stopped."""

    def __init__(self, pid: int) -> None:
        self.mb = 0.0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self.mb = max(self.mb, sum(resident_mb(pid) for pid in _family(self._pid)))


def _family(pid: int) -> list[int]:
    """A process and all below it; those that ended meanwhile are left out."""
    found, open_ends = [], [pid]
    while open_ends:
        one = open_ends.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                open_ends += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB, 0 if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def memory_now() -> dict[str, int]:
    """Resident memory of this process in MB: all of it, what is its own (anonymous), and pages of files, which the
    system can take back. Linux only."""
    kilobytes = {}
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        kilobytes[name] = int(value.split()[0])
    whole, own = (round(kilobytes[name] * 1024 / MB) for name in ("Rss", "Anonymous"))
    return {"resident MB": whole, "anonymous MB": own, "of files MB": whole - own}


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """The 50th and 95th percentile, of milliseconds, to two places."""
    if not values:
        return {}
    low, high = np.quantile(values, [0.5, 0.95])
    return {"p50 ms": round(float(low), 2), "p95 ms": round(float(high), 2)}


def folder_mb(path: Path) -> float:
    """Size of all files below a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / MB

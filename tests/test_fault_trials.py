"""Some system calls of each command made to fail in some ways; all of them are `python tests/fault_trials.py`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_trials import FAILURES, MODULES, SCENARIOS, FaultTrials
from faults import Failure, compile_faults
from fork_server import ForkServer

TRIALS_A_FAILURE = 2
"""Of each scenario and each kind of failure; which calls fail is spread over all of them."""


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> str:
    return compile_faults(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer(*MODULES) as started:
        yield started


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_failing_system_call_leaves_the_state_before_or_after(
    tmp_path: Path, faults: str, server: ForkServer, name: str
) -> None:
    trials = FaultTrials(tmp_path / name, name, faults, server)
    called = {line.split()[1] for line in trials.calls}
    # SQLite, FAISS's file and tantivy, which renames without the C library.
    assert {"pwrite64", "write", "fdatasync"} <= called
    assert called & {"rename", "renameat", "renameat2"}
    step = max(1, len(trials.calls) // (TRIALS_A_FAILURE * len(FAILURES)))
    outcomes = set()
    for number in range(TRIALS_A_FAILURE * len(FAILURES)):
        outcomes.add(trials.trial(FAILURES[number % len(FAILURES)], 1 + number * step % len(trials.calls)))
    assert outcomes >= {"refused", "killed"}


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize("failure", [Failure.IO_ONCE, Failure.FULL_ON])
def test_a_library_that_cannot_be_opened_is_one_plain_line(
    tmp_path: Path, faults: str, server: ForkServer, failure: Failure, nth: int
) -> None:
    trials = FaultTrials(tmp_path / "remove", "remove", faults, server)
    assert trials.trial(failure, nth) in ("refused", "done")

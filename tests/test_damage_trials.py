"""A few ways to damage each kind of file of a library; hundreds are `python tests/damage_trials.py`."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from damage_trials import MODULES, DamageTrials, kinds_of, make_libraries
from fork_server import ForkServer
from mutations import AT_RANDOM, ONCE, Around, flip, truncate, zeros

SEED = 11
TRIALS = 3
"""Of each kind of file."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("damage")
    make_libraries(made)
    return made


@pytest.fixture(scope="module")
def trials(folder: Path) -> Iterator[DamageTrials]:
    with ForkServer(*MODULES) as server:
        yield DamageTrials(folder, server)


def test_every_kind_of_file_is_there_to_be_damaged(folder: Path) -> None:
    names = {kind.name for kind in kinds_of(folder)}
    assert {"library.sqlite", "library.sqlite-wal", "writer.lock"} <= names
    assert any(name.startswith("vectors") for name in names)
    assert any(name.startswith("keywords") for name in names)


def test_damage_is_noticed_or_harmless_and_is_mended(folder: Path, trials: DamageTrials) -> None:
    wrong, noticed = [], 0
    for kind in kinds_of(folder):
        for number in range(TRIALS * (3 if kind.is_database else 1)):
            random = Random(f"{SEED}/{kind.state}/{kind.name}/{number}")
            mutation = random.choice([*AT_RANDOM, *ONCE])
            verdict = trials.trial(kind, mutation, random)
            noticed += verdict == "noticed"
            if verdict.startswith(("WRONG", "CRASH")):
                wrong.append(f"{kind.name} ({kind.state}), {mutation.__name__}, number {number}: {verdict}")
    assert not wrong, "\n".join([f"Seed {SEED}:", *wrong])
    assert noticed > len(kinds_of(folder))


@pytest.mark.parametrize("mutation", [flip, zeros, truncate])
def test_a_mutation_changes_the_file(tmp_path: Path, mutation) -> None:
    file, content = tmp_path / "file", bytes(range(1, 256)) * 64
    changed = 0
    for seed in range(9):
        file.write_bytes(content)
        mutation(file, Random(seed), Around(tmp_path, tmp_path))
        changed += file.read_bytes() != content
    assert changed >= 6

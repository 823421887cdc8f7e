"""Ways in which a file of a library is damaged: at random places, always so that something is other than before."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

MOST_BYTES = 4096
LEAST_BYTES = 16


@dataclass(frozen=True)
class Around:
    """What a file may be replaced by: the same file of an `older` state of its library, and of `other` libraries.

    Either may not be there.
    """

    older: Path
    other: Path


Mutation = Callable[[Path, Random, Around], None]
"""Damages the file; leaves it as it is where that kind of damage cannot be done to it."""


def _overwrite(file: Path, at: int, content: bytes) -> None:
    # Not truncated first: a file of another size is another kind of damage.
    with file.open("r+b") as opened:
        opened.seek(at)
        opened.write(content)


def flip(file: Path, random: Random, around: Around) -> None:
    """One to three bits are turned."""
    content = bytearray(file.read_bytes())
    for _ in range(random.randint(1, 3) if content else 0):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    file.write_bytes(content)


def _block(file: Path, random: Random) -> tuple[int, int]:
    size = file.stat().st_size
    length = min(size, random.choice([LEAST_BYTES, 100, 512, MOST_BYTES]))
    return random.randint(0, size - length), length


def zeros(file: Path, random: Random, around: Around) -> None:
    """A block of 16 bytes to 4 KiB is zeros."""
    at, length = _block(file, random)
    _overwrite(file, at, bytes(length))


def noise(file: Path, random: Random, around: Around) -> None:
    """A block of 16 bytes to 4 KiB is anything."""
    at, length = _block(file, random)
    _overwrite(file, at, random.randbytes(length))


def truncate(file: Path, random: Random, around: Around) -> None:
    """The end is missing, a byte or all of it."""
    size = file.stat().st_size
    os.truncate(file, random.choice([0, max(0, size - 1), random.randint(0, size)]))


def extend(file: Path, random: Random, around: Around) -> None:
    """There is more at the end."""
    with file.open("ab") as opened:
        opened.write(random.choice([bytes, random.randbytes])(random.randint(1, MOST_BYTES)))


def replace_by_older(file: Path, random: Random, around: Around) -> None:
    """It is the file of an older state of the same library."""
    if around.older.is_file():
        shutil.copyfile(around.older, file)


def replace_by_other(file: Path, random: Random, around: Around) -> None:
    """It is the file of another library."""
    if around.other.is_file():
        shutil.copyfile(around.other, file)


def delete(file: Path, random: Random, around: Around) -> None:
    """It is gone."""
    file.unlink()


def make_folder(file: Path, random: Random, around: Around) -> None:
    """A folder is in its place."""
    file.unlink()
    file.mkdir()


def make_unreadable(file: Path, random: Random, around: Around) -> None:
    """It cannot be opened: a link to itself, which stops root as well."""
    file.unlink()
    file.symlink_to(file.name)


AT_RANDOM: tuple[Mutation, ...] = (flip, flip, zeros, zeros, noise, noise, truncate, extend)
ONCE: tuple[Mutation, ...] = (replace_by_older, replace_by_other, delete, make_folder, make_unreadable)

"""A note beside the database of how far it had come, so that one that was set back is noticed.

SQLite drops what it cannot read at the end of its log without a word, and a database that was replaced by an older copy
of itself is in order in itself. Either would be an older collection that answers as if nothing had been added since.
"""

import json
import os
from pathlib import Path

from index.errors import LibraryDamagedError
from index.store import Store
from index.types import Finding

WITNESS_NAME = "generation.json"


def is_witnessed(folder: Path, store: Store) -> bool:
    """True if the note is there and of the library's present generation."""
    return _read(folder / WITNESS_NAME) == _content(store)


def write_witness(folder: Path, store: Store) -> None:
    """Notes the library's identifier and its present generation. Raises `OSError`."""
    if is_witnessed(folder, store):
        return
    path = folder / WITNESS_NAME
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(_content(store), file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def check_witness(folder: Path, store: Store) -> None:
    """Raises `LibraryDamagedError` if the database is older than the note says, or another library's."""
    problem = _problem(folder, store)
    if problem:
        raise LibraryDamagedError(
            f"The library {str(folder)!r} is damaged: {problem}. Put the right database back, or accept this one with: "
            f"dateline doctor --repair --library {folder}; then index the articles again."
        )


def require_no_remains(folder: Path) -> None:
    """Raises `LibraryDamagedError` if a folder without a database has the note of one."""
    if (folder / WITNESS_NAME).is_file():
        raise LibraryDamagedError(
            f"The library {str(folder)!r} has lost its database, and what is left cannot replace it. Restore "
            f"library.sqlite from a copy, or remove {WITNESS_NAME!r} to begin with an empty library."
        )


def witness_finding(folder: Path, store: Store) -> Finding | None:
    """What is wrong with the note itself; `None` if nothing is."""
    if store.generation() == 0 or "library_id" not in store.manifest():
        return None
    if _read(folder / WITNESS_NAME) is not None:
        return None
    return Finding(
        WITNESS_NAME,
        False,
        "missing or damaged; searches do not need it; write it again with: dateline doctor --repair",
    )


def _problem(folder: Path, store: Store) -> str:
    noted, present = _read(folder / WITNESS_NAME), _content(store)
    if noted is None or not present["library"]:
        return ""
    if noted["library"] != present["library"]:
        return f"{WITNESS_NAME} and the search files are of another library than the database"
    if int(noted["generation"]) > int(present["generation"]):
        return (
            f"the database is of generation {present['generation']}, and had come to {noted['generation']}: what was "
            "added or removed since is not in it"
        )
    return ""


def _content(store: Store) -> dict[str, str | int]:
    return {"library": store.manifest().get("library_id", ""), "generation": store.generation()}


def _read(path: Path) -> dict[str, str | int] | None:
    """The note, `None` if there is none or it is damaged."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.keys() != {"library", "generation"}:
        return None
    return content if isinstance(content["library"], str) and isinstance(content["generation"], int) else None

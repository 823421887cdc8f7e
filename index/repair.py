"""Mending a library: its database from what is intact in it, its search files from the database."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from index.encoder import Encoder
from index.errors import EncoderError, LibraryDamagedError, LibraryFormatError, LibraryVersionError
from index.library import Library, writer_lock
from index.salvage import Saved, salvage
from index.store import DATABASE_NAME, Store
from index.types import Finding
from index.witness import WITNESS_NAME, check_witness

DAMAGED_SUFFIX = ".damaged"
"""Behind the name of a database that was replaced, which is kept."""

NAMED_LOSSES = 10
"""Lost articles that a finding names; it gives the number of the others."""


@dataclass(frozen=True, slots=True)
class _Mended:
    findings: list[Finding]
    saved: Saved | None = None


def repair_library(path: Path, encoder: Encoder | None = None) -> list[Finding]:
    """Mends what can be mended of the library in a folder, and says what is well afterwards and what was lost.

    A damaged database is replaced by a new one that has all articles that are intact; the damaged file stays beside it.
    Search files that are missing, behind or damaged are written anew.

    Raises:
        LibraryDamagedError: Nothing can be saved from the database.
        LibraryNotFoundError, LibraryBusyError, LibraryWriteError, EncoderMismatchError: As `Library.open_for_writing`.
    """
    if not (path / DATABASE_NAME).is_file():
        Library.open(path)  # raises the error that says what is the matter
    lock = writer_lock(path)
    try:
        mended = _mend_database(path)
    finally:
        lock.release()
    with Library.open_for_writing(path, encoder) as library:
        findings = mended.findings
        if mended.saved is not None:
            findings = [*findings, *_put_again(library, mended.saved)]
        return [*findings, *library.repair()]


def _mend_database(path: Path) -> _Mended:
    database = path / DATABASE_NAME
    findings = []
    try:
        store = Store.open(database)
    except LibraryVersionError:
        raise
    except LibraryFormatError:
        return _replace(path)
    try:
        try:
            check_witness(path, store)
        except LibraryDamagedError:
            # The user has been told and accepts the database as it is.
            findings.append(_set_back(store))
            (path / WITNESS_NAME).unlink(missing_ok=True)
            store.forget_stamps()
        problems = store.integrity()
    finally:
        store.close()
    if not problems:
        return _Mended(findings)
    replaced = _replace(path)
    return _Mended([*findings, *replaced.findings], replaced.saved)


def _set_back(store: Store) -> Finding:
    return Finding(
        "history",
        False,
        f"the database had been set back or replaced; it is accepted as it is now, with {store.count_articles()} "
        "articles. Index the articles again to bring it up to date: dateline index PATH",
    )


def _replace(path: Path) -> _Mended:
    """Puts a new database with all that is intact in the place of a damaged one, which is kept under another name."""
    database = path / DATABASE_NAME
    target = path / f"{DATABASE_NAME}.saved"
    saved = salvage(database, target)
    kept = path / f"{DATABASE_NAME}{DAMAGED_SUFFIX}"
    number = 1
    while kept.exists():
        number += 1
        kept = path / f"{DATABASE_NAME}{DAMAGED_SUFFIX}-{number}"
    try:
        kept.hardlink_to(database)
    except OSError:
        shutil.copyfile(database, kept)
    # The log belongs to the damaged file, and SQLite would apply it to the new one.
    log = database.with_name(f"{database.name}-wal")
    if log.exists():
        log.rename(kept.with_name(f"{kept.name}-wal"))
    database.with_name(f"{database.name}-shm").unlink(missing_ok=True)
    target.replace(database)
    (path / WITNESS_NAME).unlink(missing_ok=True)
    message = (
        f"it was damaged; {saved.kept} articles were saved as they were, {len(saved.again)} are split and encoded "
        f"again. The damaged file is kept as {kept.name!r}; remove it when nothing is missing"
    )
    return _Mended([Finding("saved", True, message)], saved)


def _put_again(library: Library, saved: Saved) -> list[Finding]:
    """Puts the articles in whose passages were damaged, and says which are lost."""
    lost = list(saved.lost)
    try:
        for article, origins in saved.again:
            library.put([(article.at(origin), digest) for origin, digest in origins.items()])
    except EncoderError:
        lost.extend(origin for article, origins in saved.again for origin in origins)
    if not lost and not saved.unnamed:
        return []
    named = lost[:NAMED_LOSSES]
    more = len(lost) - len(named) + saved.unnamed
    names = ", ".join(named) + (f"{' and ' if named else ''}{more} more" if more else "")
    return [Finding("lost", False, f"{names}. Index these again: dateline index PATH --library {library.path}")]

"""`manifest.json`: what a run was made with. And the folder of a run, which holds one run only."""

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from eval.results import RESULTS_NAME, ResultsFile, replace_file, writing
from eval.types import Manifest, QuestionSet
from index.errors import InputError

if TYPE_CHECKING:
    from index.library import Library

MANIFEST_NAME = "manifest.json"
LOCK_NAME = "run.lock"
REPORT_NAMES = ("report.json", "report.md", "report.html")

ADVICE = "name another folder with --out, or start over in this one with --fresh"
"""What to do about a folder that holds another run, on the command line; the page says something else in its place."""

PACKAGES = (
    "torch",
    "sentence-transformers",
    "transformers",
    "faiss-cpu",
    "tantivy",
    "ir-measures",
    "rouge-score",
    "numpy",
)
"""Packages whose code is in the figures."""

CODE = ("index", "rag", "eval", "ui")
"""The folders of the source tree whose changes count as changes."""

GIT_TIMEOUT_SECONDS = 10.0
"""How long Git may take to say which commit this is; it takes some ten milliseconds."""

_SHOWN_CHARACTERS = 60
"""Of a value that differs, the part that a message shows."""


def make_manifest(
    question_set: QuestionSet,
    library: "Library",
    *,
    model: str,
    system: str,
    settings: Mapping[str, Any],
    seed: int,
    command: str = "",
    jobs: int = 1,
) -> Manifest:
    """The manifest of a run that begins now. The encoder is loaded if it is not yet: its digest is part of it.

    `settings` are whatever else decides the results, ready for JSON. `jobs` is kept with the machine: it decides how
    long the run takes and not what comes out. Raises `LibraryError` and `EncoderError`.
    """
    return Manifest(
        version=_version("dateline") or "unknown",
        commit=source_commit(Path(__file__).resolve().parents[1]),
        command=command,
        set_path=question_set.path,
        set_format=question_set.format,
        set_sha256=question_set.sha256,
        questions=len(question_set.questions),
        library_path=str(library.path),
        library_generation=library.generation,
        library_sha256=library_sha256(library),
        articles=library.count_articles(),
        passages=library.count_passages(),
        encoder=library.encoder_name,
        encoder_digest=library.encoder.digest,
        model=model,
        system=system,
        settings=dict(settings),
        seed=seed,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        machine={**machine(), "jobs": jobs},
        packages={name: found for name in PACKAGES if (found := _version(name)) is not None},
    )


def library_sha256(library: "Library") -> str:
    """SHA-256 over the articles, their metadata and into how many passages each was split, wherever they came from."""
    described = sorted(
        [found.sha256, found.title, found.source or "", found.published or "", found.url or "", str(found.passages)]
        for found in library.articles()
    )
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()


def source_commit(root: Path) -> str | None:
    """The commit that the source tree at `root` is checked out from, `+changes` behind it if its code differs.

    `None` where `root` is not itself a Git checkout, as in an installation, or there is no Git to ask.
    """
    top = _git(root, "rev-parse", "--show-toplevel")
    # A checkout somewhere above, as of a project that this is installed into, is not ours.
    if top is None or Path(top).resolve() != root.resolve():
        return None
    commit = _git(root, "rev-parse", "--short=12", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", *CODE)
    return commit if commit is None or not changed else f"{commit}+changes"


def _git(root: Path, *arguments: str) -> str | None:
    """What Git prints, without the white space around it; `None` if it fails or is not there."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=GIT_TIMEOUT_SECONDS,
            check=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def machine() -> dict[str, Any]:
    """Processor cores that may be used, memory in GiB (`None` where it cannot be told), platform and Python."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _memory_gib(),
        "platform": platform.platform(),
        "python": platform.python_version(),
    }


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes `manifest.json`, all of it or nothing. Raises `InputError` if the folder cannot be written."""
    with writing(folder):
        replace_file(folder / MANIFEST_NAME, [json.dumps(manifest.as_json(), indent=2, ensure_ascii=False), "\n"])


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a run's folder. Raises `InputError` if there is none, or it is not one."""
    path = folder / MANIFEST_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(**{field.name: document[field.name] for field in fields(Manifest)})
    except FileNotFoundError:
        raise InputError(f"There is no run in {str(folder)!r}: it holds no {MANIFEST_NAME}.") from None
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror or error}.") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{str(path)!r} is not the manifest of a run of this version of Dateline.") from error


def differences(before: Manifest, now: Manifest) -> list[str]:
    """What of the identities of two runs is not the same, as in `model ('extractive', now 'openai:m')`."""
    old, new = _flat(before.identity), _flat(now.identity)
    return [
        f"{name} ({_shown(old.get(name))}, now {_shown(new.get(name))})"
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


def _flat(identity: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in identity.items() if name != "settings"}
    return {**rest, **{f"settings.{name}": value for name, value in identity["settings"].items()}}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


@contextmanager
def open_run(folder: Path, manifest: Manifest, *, fresh: bool = False) -> Iterator[tuple[Manifest, ResultsFile]]:
    """The folder of a run, for this process alone: the manifest that it was begun with, and its results so far.

    An empty folder, or none, gets the manifest. One with a run of the same identity goes on. With `fresh`, the run
    that is there is replaced. Raises `InputError` if the folder cannot be written, another process writes it, or it
    holds another run or results that no manifest explains.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK_NAME, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise InputError(
                f"Another run is writing to {str(folder)!r}; wait until it is done, or name another folder with --out."
            ) from None
    try:
        if not fresh and (folder / MANIFEST_NAME).exists():
            manifest = _continued(folder, manifest)
        else:
            _clear(folder, fresh=fresh)
            write_manifest(folder, manifest)
        with closing(ResultsFile.open(folder)) as results:
            yield manifest, results
    finally:
        lock.release()


def _continued(folder: Path, manifest: Manifest) -> Manifest:
    try:
        before = read_manifest(folder)
    except InputError as error:
        raise InputError(f"{error} To run a set, {ADVICE}.") from error
    differing = differences(before, manifest)
    if differing:
        raise InputError(
            f"{str(folder)!r} holds the results of another run; of its identity these differ: {', '.join(differing)}. "
            f"To run the set, {ADVICE}."
        )
    return before


def _clear(folder: Path, *, fresh: bool) -> None:
    """Makes room for a run. The results go before the manifest, so that none is ever under a manifest not its own."""
    for name in (RESULTS_NAME, *REPORT_NAMES):
        path = folder / name
        if fresh:
            with writing(folder):
                path.unlink(missing_ok=True)
        elif path.exists():
            raise InputError(
                f"{str(folder)!r} holds {name!r} and no {MANIFEST_NAME} that says what it is of; {ADVICE}."
            )

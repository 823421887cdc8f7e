"""What is written down of a run beside its results, so that a server that starts again knows it."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from eval.manifest import MANIFEST_NAME
from eval.results import replace_file

State = Literal["waiting", "running", "done", "cancelled", "interrupted", "failed"]
"""`cancelled`: somebody stopped it; `interrupted`: the server ended. Both, and `failed`, can be gone on with."""

RECORD_NAME = "run.json"
OUT_NAME = "out"
"""Where `dateline eval run --out` writes, in the folder of a run."""

RUN_ID = re.compile(r"[0-9a-f]{16}")

CONTINUED: frozenset[State] = frozenset({"cancelled", "interrupted", "failed"})
"""The states that a run can be gone on with from."""

HEADLINE = (
    ("answers", "contains"),
    ("answers", "rouge_l"),
    ("citations", "gold_quote"),
    ("refusals", "rejected"),
    ("refusals", "false_rate"),
)
"""Figures in the list of runs, by section of `report.json`: answers beside citations, refusals beside false ones."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what it is of, whose, how it stands.

    `set_file` is the copy of the set in the run's folder; `total` is how many questions are asked. `own_articles` says
    that the articles of the set are asked in place of the library. `seconds` is how long the parts that are over took.
    """

    run_id: str
    owner: str
    set_id: str
    set_name: str
    set_kind: str
    set_file: str
    total: int
    model: str
    k: int
    limit: int | None
    own_articles: bool
    created: str
    state: State
    message: str = ""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name not in ("owner", "set_file")}


def write_record(folder: Path, run: Run) -> None:
    """Writes down how the run stands, all of it or nothing. Raises `OSError`."""
    replace_file(folder / RECORD_NAME, [json.dumps(asdict(run), indent=2)])


def read_record(folder: Path) -> Run | None:
    """What is written down in a run's folder; `None` if there is no whole record."""
    try:
        run = Run(**json.loads((folder / RECORD_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return run if run.run_id == folder.name else None


def headline(folder: Path) -> dict[str, Any]:
    """The main figures of a finished run from its `report.json`, with what it was measured on; empty without one."""
    try:
        report = json.loads((folder / OUT_NAME / "report.json").read_text(encoding="utf-8"))
        figures = {name: report[section][name] for section, name in HEADLINE if name in report[section]}
        return {"figures": figures, "failures": len(report["failures"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def is_begun(folder: Path) -> bool:
    """True if the command has written what the run is of, so that results may follow."""
    return (folder / OUT_NAME / MANIFEST_NAME).exists()

"""Results of benchmarks on disk: with the commit, the date, the machine and the command that gives them again."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from index.precision import precision_of_processor, precision_set

ROOT = Path(__file__).resolve().parents[2]


def store(name: str, command: str, figures: Mapping[str, object]) -> None:
    """Writes `eval/benchmarks/results/NAME.json`."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    document = {
        "command": command,
        "commit": commit.stdout.strip(),
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "passages are encoded in": precision_set() or precision_of_processor(),
        **figures,
    }
    path = ROOT / "eval" / "benchmarks" / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {path.relative_to(ROOT)}")

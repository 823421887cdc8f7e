"""Claims in the format of WiCE (Kamoi et al. 2023): JSON Lines, validated with line and field in each error.

A line holds `claim`, `evidence` (the sentences of a web page), `label`, and `supporting_sentences`: for each person who
was asked, the positions of the sentences, from 0, that support the claim or a part of it, empty where there are none.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.questions import list_problems
from index.errors import InputError

LABELS = ("supported", "partially_supported", "not_supported")
"""People's labels, the best first."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, the sentences of its evidence, its label, and the positions of the sentences that anybody marked."""

    text: str
    evidence: tuple[str, ...]
    label: str
    marked: tuple[int, ...]


def read_claims(path: Path) -> tuple[list[Claim], str]:
    """The claims of a file in its order, and the SHA-256 of its content; blank lines are skipped.

    Raises InputError for a file that cannot be read or holds no claim, and with line and field for what does not follow
    the format.
    """
    content = _read(path)
    return _parse(content, path), hashlib.sha256(content).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"there is no file of claims at {str(path)!r}; give the path of a .jsonl file") from None
    except OSError as error:
        raise InputError(f"the claims {str(path)!r} cannot be read: {error.strerror or error}") from error


def _parse(content: bytes, path: Path) -> list[Claim]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"the claims {str(path)!r} are not UTF-8 at byte {error.start}; save the file so") from error
    claims: list[Claim] = []
    problems: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            found = _parse_line(line)
            if isinstance(found, Claim):
                claims.append(found)
            else:
                problems += [f"line {number}, {problem}" for problem in found]
    if problems:
        raise InputError(f"the claims {str(path)!r} do not follow the format of WiCE: {list_problems(problems)}")
    if not claims:
        raise InputError(f"the file {str(path)!r} holds no claim; give one JSON object a line")
    return claims


def _parse_line(line: str) -> Claim | list[str]:
    """The claim of a line, or everything that is wrong with it."""
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        return [f"column {error.colno}: not JSON ({error.msg})"]
    except (RecursionError, ValueError) as error:
        return [f"column 1: cannot be read as JSON ({error})"]
    if not isinstance(record, dict):
        return ["column 1: must be a JSON object"]
    fields: list[Any] = [record.get(name) for name in ("claim", "evidence", "label", "supporting_sentences")]
    claim, evidence, label, marked = fields
    problems = []
    if not isinstance(claim, str) or not claim.strip():
        problems.append("field 'claim': must be a non-empty string")
    if not isinstance(evidence, list) or not evidence or not all(isinstance(item, str) for item in evidence):
        problems.append("field 'evidence': must be a non-empty list of strings")
        evidence = None
    if label not in LABELS:
        problems.append(f"field 'label': must be one of {', '.join(map(repr, LABELS))}, not {label!r}")
    if not isinstance(marked, list) or not all(
        isinstance(group, list) and all(type(position) is int for position in group) for group in marked
    ):
        problems.append("field 'supporting_sentences': must be a list of lists of whole numbers")
    elif evidence is not None:
        outside = [position for group in marked for position in group if not 0 <= position < len(evidence)]
        if outside:
            problems.append(
                f"field 'supporting_sentences': there is no sentence {outside[0]}; the evidence has {len(evidence)}, "
                "counted from 0"
            )
    if problems:
        return problems
    return Claim(claim, tuple(evidence), label, tuple(sorted({place for group in marked for place in group})))

"""Limits that a report must keep, as `answers.contains>=0.9`, for those who gate a release on them."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from eval.figures import (
    SYSTEM,
    Group,
    answer_figures,
    citation_figures,
    confidence_figures,
    headline_figures,
    refusal_figures,
    retrieval_figures,
)
from eval.types import UNDEFINED, QuestionSet
from index.errors import InputError

OPERATORS = ("<=", ">=", "==", "<", ">")

FORM = "write a figure of the report, one of <= >= == < > and a number, as in 'answers.contains>=0.9'"

OPEN_GROUPS = frozenset(
    {"baselines", "ignored_fields", "judge", "library_generation", "manifest", "seconds", "timings_ms"}
)
"""Parts of a report whose numbers depend on the run: their names cannot be checked before there is a report."""

CLOSE_NAMES = 3
"""Names that a message offers in place of one that is not there."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
# The number ends the text: an operator inside the name of a type is part of the path.
_EXPRESSION = re.compile(
    rf"\s*(?P<path>\S|\S.*?[^\s<>=!])\s*(?P<operator><=|>=|==|<|>)\s*(?P<number>{_NUMBER})\s*", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A figure's `path` in the report's JSON, an operator, and the number that it is held against.

    Parts of a path are separated by dots; keys may hold dots themselves, the longest key that fits is taken. A figure
    stands for its value, its other parts are reached by name (`answers.contains.low`). A list stands for how many
    entries it has: gate on `failures==0` too, since a question that failed counts as not refused. `limit_text` is the
    number as it was written.
    """

    path: str
    operator: str
    limit: float
    limit_text: str

    def check(self, report_json: Mapping[str, Any]) -> str | None:
        """`None` if the limit is kept, else the sentence that says how it is not.

        What was never measured keeps no limit, nor does what is not a finite number. Values within 1e-9 (relative) of
        the limit are equal to it: a mean of 0.9 may be stored as 0.8999999999999999. Raises `InputError` if the report
        has no such number.
        """
        node = _find(self.path, report_json)
        value = node["value"] if _is_figure(node) else len(node) if isinstance(node, list) else node
        if value is None:
            return f"{self.path} was never measured, so it is not {self._limit()}"
        if not math.isfinite(value):
            return f"{self.path} is not a finite number ({value}), so it is not {self._limit()}"
        if self._holds(value):
            return None
        return f"{self.path} is {self._shown(value)}{_uncertainty(node)}, not {self._limit()}"

    def _holds(self, value: float) -> bool:
        if math.isclose(value, self.limit, rel_tol=1e-9, abs_tol=1e-12):
            return "=" in self.operator
        return value < self.limit if self.operator in ("<", "<=") else value > self.limit and self.operator != "=="

    def _limit(self) -> str:
        return f"{self.operator} {self.limit_text}"

    def _shown(self, value: float) -> str:
        """The value, rounded unless it would then seem to keep the limit."""
        shown = _number(value)
        return repr(value) if self._holds(float(shown)) else shown


def parse_threshold(text: str) -> Threshold:
    """The threshold that an expression such as `refusals.false_rate<=0.05` states; blanks around the parts may be.

    Raises `InputError`, which shows the form.
    """
    match = _EXPRESSION.fullmatch(text)
    limit = math.nan if match is None else float(match["number"])
    if match is None or not math.isfinite(limit):
        raise InputError(f"{text!r} is not a limit; {FORM}.")
    return Threshold(match["path"], match["operator"], limit, match["number"])


def check_names(thresholds: Iterable[Threshold], known: QuestionSet | Mapping[str, Any]) -> None:
    """Raises `InputError` for the first path that is not in the report.

    `known` is the report's JSON or, before there is one, the question set: then only names that no report of this set
    can have are errors, such as a type that no question has.
    """
    if not isinstance(known, QuestionSet):
        for threshold in thresholds:
            _find(threshold.path, known)
        return
    outline = _outline(known)
    for path in (threshold.path for threshold in thresholds):
        group = path.partition(".")[0]
        if group not in outline and group not in OPEN_GROUPS:
            raise InputError(_no_such(path, group, sorted({*outline, *OPEN_GROUPS})))
        if group in outline:
            _find(path, outline)


def _outline(question_set: QuestionSet) -> dict[str, Any]:
    """The report of a run without results, as far as its names are those of every run of the set."""
    empty = Group.of((), seed=0)
    types = sorted({question.type for question in question_set.questions})
    return {
        "n": 0,
        "answers": _blank(answer_figures(empty, ())),
        "citations": _blank(citation_figures(empty)),
        "refusals": _blank(refusal_figures(empty, ())) | _blank(confidence_figures(empty)),
        "retrieval": {level: _blank(figures) for level, figures in retrieval_figures(empty, SYSTEM).items()},
        "by_type": {label: {"n": 0, **_blank(headline_figures(empty))} for label in types},
        "failures": [],
        "clusters": None,
    }


def _blank(figures: Iterable[str]) -> dict[str, Any]:
    return {name: UNDEFINED.as_json() for name in figures}


def _find(path: str, report_json: Mapping[str, Any]) -> Any:
    """The figure, number, `None` or list at a path. Raises `InputError` if there is none."""
    places = list(_resolve(path, report_json))
    if not places:
        raise InputError(_no_such(path, path, list(_names(report_json))))
    numbers = [place for place in places if not _is_group(place)]
    if not numbers:
        inside = [f"{path}.{name}" for name in _names(places[0])][:CLOSE_NAMES]
        such = f", such as {_listed(inside)}" if inside else ", but it is empty"
        raise InputError(f"{path!r} is a group of figures; name one of them{such}.")
    if isinstance(numbers[0], str | bool):
        raise InputError(f"{path!r} is {numbers[0]!r} in the report, which is not a number; {FORM}.")
    return numbers[0]


def _resolve(path: str, node: Any) -> Iterator[Any]:
    """Everything that the path leads to, by the longest keys first."""
    if not isinstance(node, Mapping):
        return
    if path in node:
        yield node[path]
    for key in sorted((key for key in node if path.startswith(f"{key}.")), key=len, reverse=True):
        yield from _resolve(path[len(key) + 1 :], node[key])


def _is_figure(node: Any) -> bool:
    return isinstance(node, Mapping) and "value" in node and not isinstance(node["value"], Mapping)


def _is_group(node: Any) -> bool:
    return isinstance(node, Mapping) and not _is_figure(node)


def _names(node: Mapping[str, Any]) -> Iterator[str]:
    """The paths of all figures and numbers."""
    for key, value in node.items():
        if _is_group(value):
            yield from (f"{key}.{name}" for name in _names(value))
        elif not isinstance(value, str | bool):
            yield key


def _no_such(path: str, wrong: str, names: Iterable[str]) -> str:
    return f"The report has no figure {path!r}; {_offer(wrong, list(names))}."


def _offer(wrong: str, names: list[str]) -> str:
    """The names that are meant most likely: alike, else ending alike, else the first."""
    last = wrong.rpartition(".")[2]
    ending = [name for name in names if name.rpartition(".")[2] == last]
    close = get_close_matches(wrong, names, CLOSE_NAMES) or ending or names
    return f"there is {_listed(close[:CLOSE_NAMES])}" if close else "there is none"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _uncertainty(node: Any) -> str:
    """A figure's interval and size in parentheses, as far as it has them."""
    if not _is_figure(node):
        return ""
    low, high, n = (node.get(key) for key in ("low", "high", "n"))
    parts = [] if low is None or high is None else [f"95% interval {_number(low)} to {_number(high)}"]
    parts += [] if n is None else [f"n={n}"]
    return f" ({', '.join(parts)})" if parts else ""


def _number(value: float) -> str:
    """Up to three decimals, one from 100 on."""
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 100 else f"{value:.3f}".rstrip("0").rstrip(".")

"""A comparison of two runs as text for the terminal and as Markdown."""

import textwrap
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from eval.figure_names import DIRECTION_MARKS, Direction, format_number, label, one_line, shortened
from eval.flips import Flip
from eval.paired import PairedDifference
from eval.report_markdown import escaped, padded_table
from eval.text_table import aligned

if TYPE_CHECKING:
    from eval.compare import Comparison

TEXT_WIDTH = 120
"""Columns that lines are wrapped to and tables fit into; a path may be longer."""

LISTED_FLIPS = 5
"""Questions listed of each kind of change; the JSON document has all."""

LISTED_CHARACTERS = 105
"""Longest question or answer in a list, in characters: with its indent a line of 120 columns."""

ALPHA = 0.05
"""Adjusted p-values below this are called a difference."""

COLUMNS = ("Measure", "n", "A", "B", "B - A", "95% interval", "p", "p (Holm)", "wins", "ties", "losses", "B is")

_SMALLEST_P = 0.0001

Format = Callable[[str], str]


def comparison_text(comparison: "Comparison") -> str:
    """Aligned plain text: which runs, the questions that flipped, then a line for each measure."""
    parts = ["\n".join(_wrapped(line) for line in _heading(comparison, one_line))]
    flipped = [_flip_title(comparison)]
    for title, flips in _groups(comparison.flipped):
        flipped += ["", title, *(line for flip in flips[:LISTED_FLIPS] for line in _flip_lines(flip))]
        if len(flips) > LISTED_FLIPS:
            flipped.append(f"  and {len(flips) - LISTED_FLIPS} more, all with --json")
    parts += ["\n".join(flipped), "\n".join(aligned([COLUMNS, *_rows(comparison)], left=(0, len(COLUMNS) - 1)))]
    parts.append(_wrapped(_legend(comparison)))
    return "\n\n".join(parts) + "\n"


def comparison_markdown(comparison: "Comparison") -> str:
    """Markdown: which runs, lists of the questions that flipped, then a table of the measures."""
    parts = ["# Comparison of two runs", "\n".join(f"- {line}" for line in _heading(comparison, escaped))]
    parts.append(f"## {_flip_title(comparison)}")
    for title, flips in _groups(comparison.flipped):
        parts += [f"### {title}", "\n".join(line for flip in flips[:LISTED_FLIPS] for line in _flip_items(flip))]
        if len(flips) > LISTED_FLIPS:
            parts.append(f"and {len(flips) - LISTED_FLIPS} more, all with `--json`")
    table = padded_table(COLUMNS, [[escaped(name), *cells] for name, *cells in _rows(comparison)])
    return "\n\n".join([*parts, "## Measures", table, _legend(comparison)]) + "\n"


def _heading(comparison: "Comparison", write: Format) -> list[str]:
    lines = []
    for letter, run in (("A", comparison.a), ("B", comparison.b)):
        known = [part for part in (run.system, run.model) if part is not None]
        lines.append(f"{letter}: {write(run.name)} ({write(', '.join([f'{run.n} questions', *known]))})")
    clusters = "" if comparison.clusters is None else f", in {_count(comparison.clusters, 'cluster')}"
    lines.append(
        f"Compared: {_count(comparison.n, 'question')} that both have{clusters}; "
        f"{comparison.only_a} only in A, {comparison.only_b} only in B"
    )
    return [*lines, *(f"Note: {write(note)}" for note in comparison.notes)]


def _flip_title(comparison: "Comparison") -> str:
    flipped = f"Questions that flipped: {len(comparison.flipped)} of {comparison.n}"
    kinds = {"better": True, "worse": False, "neither": None}
    counts = {word: sum(flip.better is kind for flip in comparison.flipped) for word, kind in kinds.items()}
    said = ", ".join(f"{word} on {count}" for word, count in counts.items() if count)
    return f"{flipped}; B is {said}" if said else flipped


def _groups(flips: Sequence[Flip]) -> list[tuple[str, list[Flip]]]:
    """The flips by kind of question and by outcomes, which is how they are ordered."""
    groups = []
    for (answerable, before, after), found in groupby(
        flips, lambda flip: (flip.answerable, flip.a.outcome, flip.b.outcome)
    ):
        members = list(found)
        kind = "Answerable" if answerable else "Unanswerable"
        groups.append((f"{kind}, {before} in A, {after} in B: {len(members)}", members))
    return groups


def _flip_lines(flip: Flip) -> list[str]:
    lines = [f"  {shortened(flip.id, LISTED_CHARACTERS)}", f"    Q       {shortened(flip.question, LISTED_CHARACTERS)}"]
    for letter, side in (("A", flip.a), ("B", flip.b)):
        confidence = "    " if side.confidence is None else f"{side.confidence:.2f}"
        lines.append(f"    {letter} {confidence}  {shortened(side.text, LISTED_CHARACTERS)}".rstrip())
    return lines


def _flip_items(flip: Flip) -> list[str]:
    items = [f"- **{escaped(flip.id)}** {escaped(shortened(flip.question, LISTED_CHARACTERS))}"]
    for letter, side in (("A", flip.a), ("B", flip.b)):
        confidence = "" if side.confidence is None else f" ({side.confidence:.2f})"
        items.append(f"  - {letter}{confidence}: {escaped(shortened(side.text, LISTED_CHARACTERS))}")
    return items


def _rows(comparison: "Comparison") -> list[list[str]]:
    return [
        [
            label(name) + DIRECTION_MARKS[_direction(metric)],
            str(metric.n),
            _number(metric.a),
            _number(metric.b),
            _signed(metric.difference),
            "-" if metric.low is None or metric.high is None else f"{_signed(metric.low)} to {_signed(metric.high)}",
            _p(metric.p),
            _p(metric.p_holm),
            *("-" if count is None else str(count) for count in (metric.wins, metric.ties, metric.losses)),
            _verdict(metric),
        ]
        for name, metric in comparison.metrics.items()
    ]


def _direction(metric: PairedDifference) -> Direction:
    if metric.higher_is_better is None:
        return "neither"
    return "higher" if metric.higher_is_better else "lower"


def _verdict(metric: PairedDifference) -> str:
    if metric.p_holm >= ALPHA:
        return ""
    if metric.higher_is_better is None:
        return "higher" if metric.difference > 0 else "lower"
    return "better" if (metric.difference > 0) == metric.higher_is_better else "worse"


def _legend(comparison: "Comparison") -> str:
    unit = "questions" if comparison.clusters is None else "clusters"
    return (
        f"Higher is better, except: ↓ lower is better, ~ neither. Intervals: paired bootstrap over {unit}. p: paired "
        f"randomisation test over {unit}, two-sided; p (Holm): adjusted for these {len(comparison.metrics)} measures. "
        f"Wins: questions on which B is the better one. The last column speaks only where p (Holm) is below {ALPHA}; "
        f"time depends on what else the machine did."
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, TEXT_WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _number(value: float) -> str:
    return format_number(value) if value >= 0 else f"-{format_number(-value)}"


def _signed(value: float) -> str:
    """The number with its sign; none where it is 0 as far as it is shown."""
    shown = format_number(abs(value))
    if not shown.strip("0."):
        return shown
    return f"{'+' if value > 0 else '-'}{shown}"


def _p(value: float) -> str:
    return f"<{_SMALLEST_P}" if value < _SMALLEST_P else f"{value:.4f}"

"""The plots of a report as SVG: figures with intervals, risk against coverage, reliability, and times.

Each function returns an `svg` element, or a paragraph that says why there is nothing to draw. Colours are classes
that the page's style defines, light and dark; shape, place and words carry everything that a colour does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from eval.figure_names import DIRECTION_MARKS, Direction, format_figure, format_value, label, shortened
from eval.statistics import rate
from eval.svg import (
    CHARACTER,
    MARKS,
    WIDTH,
    Scale,
    box,
    drawing,
    line,
    mark,
    note,
    path,
    text,
    tick_label,
    ticks,
)
from eval.types import UNDEFINED, CurvePoint, Figure, Figures, ReliabilityBin

RISK = 0.05
"""The risk that is drawn as a line: one wrong answer in twenty."""

MOST_ROWS = 24
"""Rows of a plot; the table beside it has them all."""

MOST_POINTS = 400
"""Points of a curve that are drawn, about one a unit of its width: more cannot be seen."""

LABEL_CHARACTERS = 24
"""Longest label of a row, in characters."""

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Ticks of an axis from 0 to 1."""

LANES, LANE_HEIGHT, MARK_WIDTH = 3, 11.0, 10.0
"""Lanes below a figure that hold the marks of its baselines, their height and the width of a mark, in units."""

_PLOT_LEFT, _PLOT_RIGHT, _PLOT_TOP = 40.0, WIDTH - 60.0, 30.0


@dataclass(frozen=True, slots=True)
class PlotRow:
    """A figure in 0..1 with its label, the same figure of the baselines, and which values are better."""

    label: str
    figure: Figure
    baselines: Mapping[str, Figure] = field(default_factory=dict)
    direction: Direction = "higher"


def interval_plot(name: str, title: str, rows: Sequence[PlotRow]) -> str:
    """Each figure as a dot on its 95% interval, with hollow marks of the baselines below it (a forest plot)."""
    drawn = [row for row in rows if row.figure.value is not None][:MOST_ROWS]
    if not drawn:
        return note("Nothing to draw: the set has nothing to measure these figures with.")
    beside = list(dict.fromkeys(key for row in drawn for key in row.baselines))
    shapes = {key: MARKS[index % len(MARKS)] for index, key in enumerate(beside)}
    across = Scale(LABEL_CHARACTERS * CHARACTER + 8, _PLOT_RIGHT)
    tops = list(accumulate((_row_height(row, across) for row in drawn), initial=8.0))
    bottom = tops[-1]
    parts = _grid_across(across, SHARES, tops[0], bottom)
    for top, row in zip(tops, drawn, strict=False):
        if top > tops[0]:
            parts.append(line(0, top, WIDTH, top, "p-row"))
        parts += _row(row, top + 13, across, shapes)
    legend, height = _legend(shapes, bottom + 42)
    said = "; ".join(f"{row.label}: {format_figure(row.figure)}" for row in drawn)
    lower = ", ".join(row.label for row in drawn if row.direction == "lower")
    better = f"Lower is better for {lower}, higher for the others." if lower else "Higher is better."
    return drawing(name, height, title, f"{said}. {better}", [*parts, *legend])


def risk_coverage_plot(name: str, points: Sequence[CurvePoint]) -> str:
    """The share of wrong answers among the surest answers, by the share of questions that they are; lower is better."""
    if not points:
        return note("Nothing to draw: no answer of this set can be told right or wrong.")
    levels = ticks(max(0.1, *(point.risk for point in points)))
    across, up = Scale(_PLOT_LEFT, _PLOT_RIGHT), Scale(230, _PLOT_TOP, levels[-1])
    ordered = sorted(points, key=lambda point: point.coverage)
    stride = -(-len(ordered) // MOST_POINTS)
    kept = [*ordered[:-1:stride], ordered[-1]]
    parts = _frame(across, up, SHARES, levels, "answered: share of all questions", "wrong: share of answers ↓")
    parts.append(line(across(0), up(RISK), across(1), up(RISK), "p-limit"))
    parts.append(text(across(1) + 5, up(RISK) + 4, "5% risk", "p-tick"))
    parts.append(path(((across(point.coverage), up(point.risk)) for point in kept), "p-curve"))
    last = ordered[-1]
    said = f"All answers that were given: coverage {last.coverage:.3f}, risk {last.risk:.3f}"
    parts.append(mark("circle", across(last.coverage), up(last.risk), "p-main", said))
    reached = [point.coverage for point in ordered if point.risk <= RISK]
    if reached:
        most = max(reached)
        parts.append(line(across(most), up(RISK), across(most), up(0), "p-limit"))
        at_risk = f"The surest {most:.3f} of the questions have at most 5% wrong answers"
        parts.append(mark("diamond", across(most), up(RISK), "p-hollow", at_risk))
    else:
        at_risk = "No share of the questions has at most 5% wrong answers"
    return drawing(name, 272, "Risk against coverage", f"{said}. {at_risk}. Lower is better.", parts)


def reliability_plot(name: str, bins: Sequence[ReliabilityBin]) -> str:
    """The share of right answers by their confidence, with Wilson's 95% intervals, over the number of answers."""
    filled = [group for group in bins if group.n > 0]
    if not filled:
        return note("Nothing to draw: no answer was given that can be told right or wrong.")
    across, up = Scale(_PLOT_LEFT, _PLOT_RIGHT), Scale(220, _PLOT_TOP)
    parts = _frame(across, up, SHARES, SHARES, "", "right: share of answers")
    parts.append(line(across(0), up(0), across(1), up(1), "p-limit"))
    parts.append(text(across(1) + 5, up(1) + 4, "exact", "p-tick"))
    base, most = 300.0, max(group.n for group in filled)
    for group in filled:
        right = round(group.accuracy * group.n)
        interval = rate([True] * right + [False] * (group.n - right))
        x = across(group.confidence)
        said = f"Confidence {group.confidence:.2f}: {group.accuracy:.2f} of {group.n:,} answers are right"
        if interval.low is not None and interval.high is not None:
            parts.append(line(x, up(interval.low), x, up(interval.high), "p-interval"))
        parts.append(mark("circle", x, up(group.accuracy), "p-main", said))
        start, width = across(group.low), across(group.high) - across(group.low)
        tall = 30 * group.n / most
        parts.append(box(start + 1, base - tall, width - 2, tall, "p-bar", said))
        parts.append(text(start + width / 2, base - tall - 4, f"{group.n:,}", "p-tick", "middle"))
    parts.append(line(across(0), base, across(1), base, "p-axis"))
    parts.append(text(across(1) + 5, base - 2, "answers", "p-tick"))
    parts.append(text((across(0) + across(1)) / 2, base + 18, "confidence", "p-axis-label", "middle"))
    total = sum(group.n for group in filled)
    said = "; ".join(f"{group.accuracy:.2f} right at {group.confidence:.2f} ({group.n})" for group in filled)
    return drawing(name, 324, "Reliability of the confidence", f"{total:,} answers: {said}.", parts)


def time_plot(name: str, timings_ms: Mapping[str, Figures]) -> str:
    """The median and the 95th percentile of each stage in milliseconds, or seconds where one is long; lower is
    better."""
    measured = []
    for stage, times in timings_ms.items():
        half, most = times.get("p50", UNDEFINED).value, times.get("p95", UNDEFINED).value
        if half is not None and most is not None:
            measured.append((stage, half, most))
    if not measured:
        return note("Nothing to draw: no answer reports how long it took.")
    measured = measured[:MOST_ROWS]
    longest = max(most for _, _, most in measured)
    unit, divisor = ("s", 1000.0) if longest >= 2000 else ("ms", 1.0)
    levels = ticks(longest / divisor, 4)
    across = Scale(112, WIDTH - 104.0, levels[-1])
    top, step = 26.0, 26.0
    bottom = top + step * len(measured)
    parts = [*_grid_across(across, levels, top, bottom), text(WIDTH, 14, f"p50 / p95, {unit}", "p-tick", "end")]
    for index, (stage, half, most) in enumerate(measured):
        middle = top + step * index + 13
        said = f"{stage}: p50 {_time(half / divisor)} {unit}, p95 {_time(most / divisor)} {unit}"
        start, end = across(half / divisor), across(most / divisor)
        if index:
            parts.append(line(0, middle - 13, WIDTH, middle - 13, "p-row"))
        parts.append(text(0, middle + 4, shortened(stage, 16)))
        parts.append(line(start, middle, end, middle, "p-interval"))
        parts.append(mark("diamond", end, middle, "p-hollow", said))
        parts.append(mark("circle", start, middle, "p-main", said))
        parts.append(text(WIDTH, middle + 4, f"{_time(half / divisor)} / {_time(most / divisor)}", "p-value", "end"))
    legend = bottom + 42
    parts += [mark("circle", 6, legend - 4, "p-main"), text(16, legend, "median (p50)")]
    parts += [mark("diamond", 126, legend - 4, "p-hollow"), text(136, legend, "one in twenty takes longer (p95)")]
    said = "; ".join(f"{stage}: {half:.0f} and {most:.0f}" for stage, half, most in measured)
    return drawing(name, legend + 8, "Time of each stage", f"p50 and p95 in ms. {said}. Lower is better.", parts)


def _row(row: PlotRow, middle: float, across: Scale, shapes: Mapping[str, str]) -> list[str]:
    figure, arrow = row.figure, DIRECTION_MARKS[row.direction]
    said = f"{row.label}: {format_figure(figure)}, n {figure.n:,}"
    parts = [text(0, middle + 4, shortened(row.label, LABEL_CHARACTERS - len(arrow)) + arrow)]
    if figure.low is not None and figure.high is not None:
        low, high = across(figure.low), across(figure.high)
        parts.append(line(low, middle, high, middle, "p-interval"))
        parts += [line(end, middle - 4, end, middle + 4, "p-interval") for end in (low, high)]
    parts.append(mark("circle", across(figure.value or 0.0), middle, "p-main", said))
    parts.append(text(WIDTH, middle + 4, format_value(figure), "p-value", "end"))
    for x, lane, key in _lanes(row, across):
        beside = f"{label(key)}: {format_figure(row.baselines[key])}"
        parts.append(mark(shapes[key], x, middle + LANE_HEIGHT * lane, "p-hollow", beside))
    return parts


def _row_height(row: PlotRow, across: Scale) -> float:
    return 26.0 + LANE_HEIGHT * max((lane for _, lane, _ in _lanes(row, across)), default=0)


def _lanes(row: PlotRow, across: Scale) -> list[tuple[float, int, str]]:
    """Place, lane (from 1 down) and name of each baseline: the first lane where its mark does not touch another."""
    ends = [-MARK_WIDTH] * LANES
    known = [(across(found.value), key) for key, found in row.baselines.items() if found.value is not None]
    placed = []
    for x, key in sorted(known):
        free = next((lane for lane, end in enumerate(ends) if x - end >= MARK_WIDTH), None)
        lane = ends.index(min(ends)) if free is None else free
        ends[lane] = x
        placed.append((x, lane + 1, key))
    return placed


def _legend(shapes: Mapping[str, str], top: float) -> tuple[list[str], float]:
    """The marks with their names, three a line, and the height of the plot with them."""
    if not shapes:
        return [], top - 18
    parts = [mark("circle", 6, top - 4, "p-main"), text(16, top, "this run, with its 95% interval")]
    for index, (key, shape) in enumerate(shapes.items()):
        x, y = 6 + index % 3 * WIDTH / 3, top + 20 + index // 3 * 20
        parts += [mark(shape, x, y - 4, "p-hollow"), text(x + 10, y, shortened(label(key), 18))]
    return parts, top + 20 + (len(shapes) - 1) // 3 * 20 + 8


def _grid_across(across: Scale, levels: Sequence[float], top: float, bottom: float) -> list[str]:
    parts = []
    for level in levels:
        parts.append(line(across(level), top, across(level), bottom, "p-grid"))
        parts.append(text(across(level), bottom + 16, tick_label(level), "p-tick", "middle"))
    return parts


def _frame(
    across: Scale, up: Scale, levels_across: Sequence[float], levels_up: Sequence[float], below: str, above: str
) -> list[str]:
    """Grid, ticks and the names of both axes; that of the vertical one stands above it, to be read upright."""
    parts = _grid_across(across, levels_across, up(levels_up[-1]), up(0))
    for level in levels_up:
        parts.append(line(across(0), up(level), across(1), up(level), "p-axis" if level == 0 else "p-grid"))
        parts.append(text(across(0) - 6, up(level) + 4, tick_label(level), "p-tick", "end"))
    parts.append(text(0, 12, above, "p-axis-label"))
    if below:
        parts.append(text((across(0) + across(1)) / 2, up(0) + 36, below, "p-axis-label", "middle"))
    return parts


def _time(value: float) -> str:
    """Three digits that mean something: `0.05`, `3.2`, `41`."""
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"

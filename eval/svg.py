"""The few elements that the plots of a report are drawn with: SVG text, escaped, with classes in place of colours."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from eval.figure_names import one_line

WIDTH = 420
"""Units across every plot. On a phone of 390 pixels a unit is 0.85 pixels, so that text of 12 units can be read."""

CHARACTER = 6.5
"""Units that a character of the 12-unit sans serif takes on average, a little generous."""

MARKS = ("circle", "square", "diamond", "triangle", "cross", "down")
"""Shapes that stand for baselines: told apart without colour."""

_RADIUS = 4.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Where values from 0 to `highest` lie between two coordinates; others are drawn at the nearer end."""

    start: float
    end: float
    highest: float = 1.0

    def __call__(self, value: float) -> float:
        return self.start + (self.end - self.start) * min(max(value / self.highest, 0.0), 1.0)


def number(value: float) -> str:
    """A coordinate, to a tenth of a unit."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, content: str, classes: str = "", anchor: str = "start") -> str:
    """Text on one line with its baseline at `y`."""
    return (
        f'<text x="{number(x)}" y="{number(y)}" class="{classes or "p-text"}" text-anchor="{anchor}">'
        f"{escape(one_line(content))}</text>"
    )


def line(x1: float, y1: float, x2: float, y2: float, classes: str) -> str:
    """A straight line."""
    return f'<line x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}" class="{classes}"/>'


def path(points: Iterable[tuple[float, float]], classes: str) -> str:
    """A line through the points."""
    places = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return f'<path d="M{places}" class="{classes}"/>'


def box(x: float, y: float, width: float, height: float, classes: str, title: str = "") -> str:
    """A rectangle, with what it shows as a title."""
    return (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" class="{classes}">'
        f"{_title(title)}</rect>"
    )


def mark(shape: str, x: float, y: float, classes: str, title: str = "") -> str:
    """A small mark around a place, one of `MARKS`, with what it shows as a title."""
    r = _RADIUS
    if shape == "circle":
        return f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(r)}" class="{classes}">{_title(title)}</circle>'
    corners = {
        "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
        "triangle": ((0, -1.2), (1.15, 0.9), (-1.15, 0.9)),
        "down": ((0, 1.2), (1.15, -0.9), (-1.15, -0.9)),
        "cross": ((0, 0), (-1, -1), (1, 1), (0, 0), (-1, 1), (1, -1)),
    }[shape]
    places = "L".join(f"{number(x + dx * r)} {number(y + dy * r)}" for dx, dy in corners)
    return f'<path d="M{places}Z" class="{classes}">{_title(title)}</path>'


def drawing(name: str, height: float, title: str, description: str, parts: Iterable[str]) -> str:
    """A whole plot as an `svg` element that says what it is. `name` is its identifier on the page."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {number(height)}" role="img" aria-labelledby="{name}-title {name}-description">'
        f'<title id="{name}-title">{escape(one_line(title))}</title>'
        f'<desc id="{name}-description">{escape(one_line(description))}</desc>{"".join(parts)}</svg>'
    )


def note(sentence: str) -> str:
    """What stands in place of a plot that there is nothing to draw for."""
    return f'<p class="nothing">{escape(one_line(sentence))}</p>'


def ticks(highest: float, count: int = 5) -> list[float]:
    """About `count` round numbers from 0 to the first that is not below `highest`; steps are 1, 2, 2.5 or 5 × 10ⁿ."""
    if not math.isfinite(highest) or highest <= 0:
        return [0.0, 1.0]
    rough = highest / max(count - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    steps = math.ceil(highest / step - 1e-9)
    return [float(f"{step * index:.12g}") for index in range(steps + 1)]


def tick_label(value: float) -> str:
    """A tick without trailing zeros: `0`, `0.25`, `1,500`."""
    return f"{value:,.10g}"


def _title(title: str) -> str:
    return f"<title>{escape(one_line(title))}</title>" if title else ""

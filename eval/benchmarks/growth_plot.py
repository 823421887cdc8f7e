"""How costs grow: a picture of its own with both axes logarithmic, drawn with the elements of the reports' plots."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.svg import MARKS, WIDTH, drawing, line, mark, path, text

LEFT, RIGHT, TOP, BOTTOM = 52.0, WIDTH - 12.0, 34.0, 236.0
LEGEND_COLUMNS = 2

_STYLE = """<style>
text{font:12px sans-serif;fill:#333}.p-grid{stroke:#ddd}.p-axis{stroke:#777}.p-curve{fill:none;stroke-width:1.8}
.s0{--c:#1f5fbf}.s1{--c:#b5541c}.s2{--c:#2e7d32}.s3{--c:#7b1fa2}.s4{--c:#00838f}.s5{--c:#9e2a4b}
.p-curve{stroke:var(--c)}.p-main{fill:var(--c)}
@media(prefers-color-scheme:dark){svg{background:#16181c}text{fill:#ddd}.p-grid{stroke:#333}.p-axis{stroke:#888}
.s0{--c:#7fb0ff}.s1{--c:#ffab73}.s2{--c:#81c784}.s3{--c:#ce93d8}.s4{--c:#4dd0e1}.s5{--c:#f48fb1}}
</style>"""

Points = Sequence[tuple[float, float]]


def growth_plot(
    file: Path, title: str, across: str, up: str, series: Mapping[str, Points], *, expected: str = ""
) -> None:
    """Writes an SVG of each series, at most six, as a line with marks; points that are not above 0 are left out.

    On such axes a cost that grows as fast as its cause is a line of slope one.
    """
    drawn = {name: [(x, y) for x, y in sorted(points) if x > 0 and y > 0] for name, points in series.items()}
    drawn = {name: points for name, points in drawn.items() if points}
    if not drawn:
        raise ValueError("There is nothing to draw: no series has a point above 0.")
    xs, ys = (_decades([point[axis] for points in drawn.values() for point in points]) for axis in (0, 1))

    def place(x: float, y: float) -> tuple[float, float]:
        share_x = (math.log10(x) - xs[0]) / (xs[-1] - xs[0])
        share_y = (math.log10(y) - ys[0]) / (ys[-1] - ys[0])
        return LEFT + share_x * (RIGHT - LEFT), BOTTOM - share_y * (BOTTOM - TOP)

    parts = [text(0, 14, up)]
    for power in xs:
        x, _ = place(10.0**power, 10.0 ** ys[0])
        parts += [line(x, TOP, x, BOTTOM, "p-grid"), text(x, BOTTOM + 16, _short(power), "p-tick", "middle")]
    for power in ys:
        _, y = place(10.0 ** xs[0], 10.0**power)
        parts += [line(LEFT, y, RIGHT, y, "p-grid"), text(LEFT - 6, y + 4, _short(power), "p-tick", "end")]
    parts.append(line(LEFT, BOTTOM, RIGHT, BOTTOM, "p-axis"))
    parts.append(text((LEFT + RIGHT) / 2, BOTTOM + 34, across, "p-axis-label", "middle"))
    legend = BOTTOM + 56
    for number, (name, points) in enumerate(drawn.items()):
        places = [place(*point) for point in points]
        parts.append(path(places, f"p-curve s{number}"))
        shape = MARKS[number % len(MARKS)]
        for at, (x, y) in zip(places, points, strict=True):
            parts.append(mark(shape, *at, f"p-main s{number}", f"{name}: {x:,.0f} → {y:,.4g}"))
        x = 6 + number % LEGEND_COLUMNS * (WIDTH / LEGEND_COLUMNS)
        y = legend + number // LEGEND_COLUMNS * 18
        parts += [mark(shape, x, y - 4, f"p-main s{number}"), text(x + 12, y, name)]
    height = legend + (len(drawn) - 1) // LEGEND_COLUMNS * 18 + 10
    said = "; ".join(f"{name}: " + ", ".join(f"{x:,.0f} → {y:,.4g}" for x, y in p) for name, p in drawn.items())
    svg = drawing(file.stem.replace("_", "-"), height, title, f"{said}. {expected}".strip(), [_STYLE, *parts])
    file.parent.mkdir(exist_ok=True)
    file.write_text(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n", encoding="utf-8")
    print(f"wrote {file}")


def slope(points: Points) -> float:
    """The power that a cost grows with: the slope of the line nearest to the points in logarithms; 1 is in proportion.

    Raises:
        ValueError: There are fewer than two different places across.
    """
    logs = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    mean_x = sum(x for x, _ in logs) / max(len(logs), 1)
    mean_y = sum(y for _, y in logs) / max(len(logs), 1)
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    if spread == 0:
        raise ValueError("A slope needs two points that are apart.")
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread


def _decades(values: Sequence[float]) -> list[int]:
    """The powers of ten around the values, at least two."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) - 1e-9)
    return list(range(low, max(high, low + 1) + 1))


def _short(power: int) -> str:
    return f"{10**power:,}" if 0 <= power < 7 else f"{10.0**power:g}"

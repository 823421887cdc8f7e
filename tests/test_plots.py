"""Plots: where things lie, worked by hand, and that nothing in them is live, overlaps or carries a colour."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_report import BASELINES, figure, made_report

from eval.plots import MOST_POINTS, MOST_ROWS, PlotRow, interval_plot, reliability_plot, risk_coverage_plot, time_plot
from eval.svg import WIDTH, Scale, tick_label, ticks
from eval.types import UNDEFINED, CurvePoint, Figure, ReliabilityBin

REPORT = made_report()
HOSTILE = '<script>alert(1)</script>\u202e\x1b[31m" onload="x'


def drawings():
    rows = [
        PlotRow("holds an accepted answer", figure(0.9), {name: figure(0.7) for name in BASELINES}),
        PlotRow("answerable refused", figure(0.05), {}, "lower"),
    ]
    return {
        "intervals": interval_plot("a", "Figures", rows),
        "risk": risk_coverage_plot("b", REPORT.risk_coverage),
        "reliability": reliability_plot("c", REPORT.reliability),
        "time": time_plot("d", REPORT.timings_ms),
    }


def parsed(drawing):
    return ElementTree.fromstring(drawing)


def texts(drawing):
    """Content → (x, y) of each text."""
    return {e.text: (float(e.get("x")), float(e.get("y"))) for e in parsed(drawing).iter("text")}


@pytest.mark.parametrize("name", drawings())
def test_a_plot_says_what_it_is_and_leaves_colours_to_the_page(name):
    root = parsed(drawings()[name])
    assert root.get("role") == "img"
    title, description = root.find("title"), root.find("desc")
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert title.text
    assert description.text
    assert root.get("viewBox").startswith(f"0 0 {WIDTH} ")
    for element in root.iter():
        assert not {"style", "fill", "stroke", "color", "href"} & set(element.keys())
        if element.tag in ("circle", "path", "line", "rect", "text"):
            assert element.get("class").startswith("p-")


@pytest.mark.parametrize("name", drawings())
def test_everything_lies_inside_the_drawing_and_no_two_texts_touch(name):
    root = parsed(drawings()[name])
    height = float(root.get("viewBox").split()[3])
    boxes = []
    for element in root.iter("text"):
        x, y, wide = float(element.get("x")), float(element.get("y")), 6.5 * len(element.text)
        start = {"start": x, "middle": x - wide / 2, "end": x - wide}[element.get("text-anchor")]
        boxes.append((start, start + wide, y - 9, y + 3, element.text))
        # Averages of the letters' widths are a little generous; that is what the margin of 8 units is for.
        assert start >= -8
        assert start + wide <= WIDTH + 8
        assert 0 <= y <= height
    for index, (start, end, top, bottom, text) in enumerate(boxes):
        for other_start, other_end, other_top, other_bottom, other in boxes[index + 1 :]:
            apart = end <= other_start or other_end <= start or bottom <= other_top or other_bottom <= top
            assert apart, (text, other)


def test_a_dot_lies_on_its_interval_where_its_value_is():
    root = parsed(interval_plot("p", "t", [PlotRow("half", Figure(0.5, 0.25, 1.0, 8))]))
    (dot,) = root.iter("circle")
    grid = [float(e.get("x1")) for e in root.iter("line") if e.get("class") == "p-grid"]
    interval = next(e for e in root.iter("line") if e.get("class") == "p-interval")
    assert [float(interval.get("x1")), float(dot.get("cx")), float(interval.get("x2"))] == [grid[1], grid[2], grid[4]]
    assert dot.find("title").text == "half: 0.500 (0.250 to 1.000), n 8"


def test_baselines_have_a_shape_each_and_do_not_cover_one_another():
    drawing = interval_plot("p", "t", [PlotRow("x", figure(0.9), {name: figure(0.5) for name in BASELINES[:3]})])
    marks = [e for e in parsed(drawing).iter() if e.get("class") == "p-hollow" and e.find("title") is not None]
    assert {e.find("title").text.split(":")[0] for e in marks} == {"keyword only", "dense only", "top passage"}
    heights = {float(e.get("cy") or re.search(r"M\S+ (\S+?)L", e.get("d"))[1]) for e in marks}
    assert len(heights) == 3
    assert {"this run, with its 95% interval", "keyword only", "dense only", "top passage"} <= set(texts(drawing))


def test_what_is_better_is_said():
    rows = [PlotRow("answerable refused", figure(0.05), {}, "lower"), PlotRow("accepted", figure(0.9))]
    drawing = interval_plot("p", "t", rows)
    assert "answerable refused ↓" in texts(drawing)
    assert parsed(drawing).find("desc").text.endswith("Lower is better for answerable refused, higher for the others.")


def test_undefined_figures_are_left_out_and_many_rows_are_cut():
    drawing = interval_plot("p", "t", [PlotRow("there", figure(0.5)), PlotRow("not there", UNDEFINED)])
    assert "there" in texts(drawing)
    assert "not there" not in drawing
    many = interval_plot("p", "t", [PlotRow(f"type {number}", figure(0.5)) for number in range(60)])
    assert len(list(parsed(many).iter("circle"))) == MOST_ROWS


def test_the_risk_line_and_the_point_that_reaches_it():
    points = [CurvePoint(0.2, 0.0, 0.9), CurvePoint(0.5, 0.04, 0.6), CurvePoint(0.8, 0.1, 0.3)]
    root = parsed(risk_coverage_plot("p", points))
    flat, drop = (e for e in root.iter("line") if e.get("class") == "p-limit")
    # The vertical axis goes to 0.1: 5% is half way up. Half of the questions is half way across.
    axis = [float(e.get("y1")) for e in root.iter("line") if e.get("class") == "p-axis"]
    grid = [float(e.get("y1")) for e in root.iter("line") if e.get("y1") == e.get("y2")]
    assert float(flat.get("y1")) == (axis[0] + min(grid)) / 2
    assert float(drop.get("x1")) == (float(flat.get("x1")) + float(flat.get("x2"))) / 2
    assert "surest 0.500 of the questions have at most 5% wrong answers" in root.find("desc").text
    worse = risk_coverage_plot("p", [replace(point, risk=0.3) for point in points])
    assert "No share of the questions" in parsed(worse).find("desc").text


def test_a_long_curve_is_thinned_out_and_keeps_its_end():
    points = [CurvePoint(n / 5000, n / 10000, 0.5) for n in range(1, 5001)]
    root = parsed(risk_coverage_plot("p", points))
    (curve,) = (e for e in root.iter("path") if e.get("class") == "p-curve")
    assert MOST_POINTS / 2 < len(curve.get("d").split("L")) <= MOST_POINTS + 1
    (end,) = root.iter("circle")
    assert curve.get("d").endswith(f"{end.get('cx')} {end.get('cy')}")


def test_reliability_shows_accuracy_with_wilsons_interval_and_counts():
    # Wilson's interval of 2 out of 4 is 0.150 to 0.850.
    root = parsed(
        reliability_plot("p", [ReliabilityBin(0.5, 0.6, 4, 0.55, 0.5), ReliabilityBin(0.6, 0.7, 0, 0.0, 0.0)])
    )
    (dot,) = root.iter("circle")
    (whisker,) = (e for e in root.iter("line") if e.get("class") == "p-interval")
    low, high, middle = float(whisker.get("y1")), float(whisker.get("y2")), float(dot.get("cy"))
    up = Scale(220, 30)
    assert (low, middle, high) == (pytest.approx(up(0.150), abs=0.1), up(0.5), pytest.approx(up(0.850), abs=0.1))
    (bar,) = root.iter("rect")
    assert bar.find("title").text == "Confidence 0.55: 0.50 of 4 answers are right"


def test_times_are_in_milliseconds_or_in_seconds():
    def times(half, most):
        return {"total": {"p50": Figure(half, half, half, 9), "p95": Figure(most, most, most, 9)}}

    assert {"p50 / p95, ms", "43 / 84"} <= set(texts(time_plot("p", times(42.6, 84.0))))
    assert {"p50 / p95, s", "1.2 / 34"} <= set(texts(time_plot("p", times(1234.0, 34000.0))))


@pytest.mark.parametrize(
    "drawing",
    [
        interval_plot("p", "t", []),
        interval_plot("p", "t", [PlotRow("x", UNDEFINED)]),
        risk_coverage_plot("p", ()),
        reliability_plot("p", ()),
        reliability_plot("p", [ReliabilityBin(0.0, 0.1, 0, 0.0, 0.0)]),
        time_plot("p", {}),
        time_plot("p", {"total": {"p50": UNDEFINED, "p95": UNDEFINED}}),
    ],
)
def test_nothing_to_draw_is_said_in_a_sentence(drawing):
    assert re.fullmatch(r'<p class="nothing">Nothing to draw: [^<]+\.</p>', drawing)


def test_labels_cannot_add_elements():
    rows = [PlotRow(HOSTILE, figure(0.5), {HOSTILE: figure(0.4)})]
    times = {HOSTILE: {"p50": Figure(1, 1, 1, 1), "p95": Figure(2, 2, 2, 1)}}
    for drawing in (interval_plot("p", HOSTILE, rows), time_plot("p", times)):
        tags = {element.tag for element in parsed(drawing).iter()}
        assert tags <= {"svg", "title", "desc", "text", "line", "circle", "path", "rect"}
        assert "\x1b" not in drawing
        assert "\u202e" not in drawing


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        (1.0, [0, 0.25, 0.5, 0.75, 1]),
        (0.17, [0, 0.05, 0.1, 0.15, 0.2]),
        (84, [0, 25, 50, 75, 100]),
        (3000, [0, 1000, 2000, 3000]),
        (0, [0, 1]),
        (float("inf"), [0, 1]),
    ],
)
def test_ticks_are_round_numbers(highest, expected):
    assert ticks(highest) == expected


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_ticks_begin_at_zero_and_end_at_or_above_the_highest(highest):
    found = ticks(highest)
    assert found[0] == 0
    assert found[-1] >= highest * (1 - 1e-6)
    assert 2 <= len(found) <= 9
    assert all(len(tick_label(tick)) <= 13 for tick in found)

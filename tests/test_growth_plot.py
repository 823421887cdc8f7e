"""The picture of how costs grow: where points lie on logarithmic axes, and the power that a cost grows with."""

from xml.etree import ElementTree

import pytest

from eval.benchmarks.growth_plot import BOTTOM, LEFT, RIGHT, TOP, growth_plot, slope

SVG = "{http://www.w3.org/2000/svg}"


def test_a_slope_is_the_power_that_a_cost_grows_with():
    assert slope([(10, 3), (100, 300), (1000, 30_000)]) == pytest.approx(2)
    assert slope([(10, 5), (1000, 5)]) == pytest.approx(0)
    assert slope([(10, 1), (100, 10), (1000, 0)]) == pytest.approx(1), "what is not above 0 has no logarithm"
    with pytest.raises(ValueError, match="two points"):
        slope([(10, 1), (10, 2)])


def test_points_lie_by_their_logarithms(tmp_path, capsys):
    series = {"ours": [(100, 1), (1_000, 10), (10_000, 100)], "plain & <old>": [(100, 2.0), (10_000, 0)]}
    growth_plot(tmp_path / "growth.svg", "Growth", "articles", "seconds", series)
    root = ElementTree.parse(tmp_path / "growth.svg").getroot()
    assert root.tag == SVG + "svg"
    circles = [
        (float(c.get("cx")), float(c.get("cy"))) for c in root.iter(SVG + "circle") if c.find(SVG + "title") is not None
    ]
    middle = ((LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2)
    assert circles == [pytest.approx(place, abs=0.06) for place in ((LEFT, BOTTOM), middle, (RIGHT, TOP))]
    texts = [element.text for element in root.iter(SVG + "text")]
    assert {"articles", "seconds", "ours", "plain & <old>", "100", "1,000", "10,000"} <= set(texts)
    assert "10,000 → 100" in root.find(SVG + "desc").text
    assert "growth.svg" in capsys.readouterr().out


def test_nothing_to_draw_is_said(tmp_path):
    with pytest.raises(ValueError, match="nothing to draw"):
        growth_plot(tmp_path / "growth.svg", "Growth", "articles", "seconds", {"ours": [(0, 1), (10, 0)]})

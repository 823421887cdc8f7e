"""The table of the library: how articles spread over time and sources, and how fast many are."""

import time
from pathlib import Path

import pytest
from fake_backend import FakeBackend, make_article

from index.types import ArticleSummary
from ui.library_listing import SOURCES_SHOWN, Listing, Listings


def listing(*known: tuple[str | None, str | None]) -> Listing:
    """A listing of articles of which source and date are given."""
    return Listing(
        [
            ArticleSummary(f"{n:016x}", f"Title {n}", source, published, None, (f"/news/{n}.txt",), "", 10, 2)
            for n, (source, published) in enumerate(known)
        ],
        Path("/lib"),
        3,
    )


def dated(*days: str | None) -> dict:
    return listing(*((None, day) for day in days)).overview


def periods(overview: dict) -> list[tuple[str, int]]:
    return [(one["period"], one["count"]) for one in overview["periods"]]


def test_a_short_time_is_counted_by_month_with_the_empty_ones() -> None:
    overview = dated("2021-12-31", "2022-02", "2022-02-01", "--12-25", None)
    assert (overview["unit"], overview["undated"]) == ("month", 2)
    assert periods(overview) == [("2021-12", 1), ("2022-01", 0), ("2022-02", 2)]


@pytest.mark.parametrize("days", [("2017-06", "2019-08"), ("2019", "2019-08", "2017-01")])
def test_a_longer_time_or_a_bare_year_is_counted_by_year(days: tuple[str, ...]) -> None:
    overview = dated(*days)
    assert overview["unit"] == "year"
    assert [period for period, _ in periods(overview)] == ["2017", "2018", "2019"]
    assert sum(count for _, count in periods(overview)) == len(days)


def test_a_long_time_is_counted_by_decade() -> None:
    overview = dated("1889-01-01", "1950", "1951")
    assert overview["unit"] == "decade"
    assert [period for period, count in periods(overview) if count] == ["1880", "1950"]
    assert len(periods(overview)) == 8


def test_no_date_at_all() -> None:
    assert (dated(None, "--12-25")["undated"], dated(None)["periods"]) == (2, [])


def test_most_articles_first_and_the_rest_together() -> None:
    names = [f"Source {n:02}" for n in range(SOURCES_SHOWN + 3)]
    overview = listing(*((name, None) for n, name in enumerate(names) for _ in range(n + 1)), (None, None)).overview
    assert [one["source"] for one in overview["sources"]] == names[:2:-1]
    assert overview["other_sources"] == {"sources": 3, "count": 1 + 2 + 3}
    assert overview["without_source"] == 1
    assert (overview["articles"], overview["passages"]) == (92, 184)


def test_one_source_too_many_is_shown_and_case_does_not_matter() -> None:
    overview = listing(("TASS", None), ("Tass", None), *((f"S{n}", None) for n in range(SOURCES_SHOWN))).overview
    assert len(overview["sources"]) == SOURCES_SHOWN + 1
    assert overview["sources"][0] == {"source": "TASS", "count": 2}
    assert overview["other_sources"] == {"sources": 0, "count": 0}


def test_the_listing_is_made_once_for_each_state_of_the_library() -> None:
    backend = FakeBackend([make_article("Text.", "One")], lambda question: None)
    listings = Listings(backend, Path("/lib"))
    first = listings.newest()
    backend.articles.append(make_article("Other text.", "Two"))
    assert listings.newest() is first
    backend.generation = lambda: 8
    assert len(listings.newest().rows) == 2


def test_ten_thousand_articles_are_searched_at_once() -> None:
    many = listing(*((f"Source {n % 40}", f"20{n % 20:02}-05-{n % 28 + 1:02}") for n in range(10_000)))
    many.page("", "title", False, 0, 50)
    begun = time.perf_counter()
    for query, expected in (("title 9999", 1), ("source 7", 1250), ("nowhere", 0), ("", 10_000)):
        assert many.page(query, "published", True, 0, 50)["matching"] >= expected
    assert time.perf_counter() - begun < 1.0

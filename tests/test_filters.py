"""The filter that people fill in on the page."""

from datetime import date

import pytest

from index.errors import FilterError
from index.types import SearchFilter
from ui.exchanges import filter_as_json, filter_from_json
from ui.filters import filter_of


def test_days_months_and_years_are_understood() -> None:
    found = filter_of(" 2017 ", "2017-06", "2018-02-03", ["Desk"])
    assert found == SearchFilter(date(2017, 1, 1), date(2017, 6, 30), frozenset({"Desk"}), date(2018, 2, 3))
    assert filter_from_json(filter_as_json(found)) == found
    assert filter_of("", "", " ", []).is_empty
    assert filter_from_json(filter_as_json(SearchFilter())) == SearchFilter()


@pytest.mark.parametrize("days", [("soon", "", ""), ("", "2017-13", ""), ("", "", "2017-02-30")])
def test_what_is_no_day_is_named(days: tuple[str, str, str]) -> None:
    with pytest.raises(FilterError, match=next(filter(None, days))):
        filter_of(*days, [])

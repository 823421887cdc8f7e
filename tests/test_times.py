"""What a question says about time, and how well a date fits it, by days worked out by hand."""

import math
import subprocess
import sys
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.periods import Period, YearlyPeriod
from rag.times import (
    LEAST_RECENCY_DAYS,
    NEUTRAL_FIT,
    RECENCY_DAYS,
    REPORTED_LATER_DAYS,
    RETROSPECT_FIT,
    TOLD_EARLIER_DAYS,
    TimeReading,
    in_periods,
    period_fit,
    read_times,
    recency,
    recency_scale,
)

THURSDAY = date(2019, 6, 20)


def day(text: str) -> date:
    return date.fromisoformat(text)


def spans(reading: TimeReading) -> list[str]:
    return [f"{period.first or ''}..{period.last or ''}" for period in reading.periods]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What happened in June 2017?", "2017-06-01..2017-06-30"),
        ("What did Lavrov say on 3 June 2017?", "2017-06-03..2017-06-03"),
        ("What happened on June 3rd, 2017?", "2017-06-03..2017-06-03"),
        ("What happened on the 3rd of June, 2017?", "2017-06-03..2017-06-03"),
        ("Who voted against it on Tuesday, June 27, 2023?", "2023-06-27..2023-06-27"),
        ("What happened on 2017-06-03?", "2017-06-03..2017-06-03"),
        ("What did the talks of June 3-5, 2017 bring?", "2017-06-03..2017-06-05"),
        ("What was agreed between 3 and 5 June 2017?", "2017-06-03..2017-06-05"),
        ("What did Brandt say in 2019?", "2019-01-01..2019-12-31"),
        ("What did the 2017 sanctions ban?", "2017-01-01..2017-12-31"),
        ("What was tested between March and May 2018?", "2018-03-01..2018-05-31"),
        ("What was tested between November and February 2018?", "2017-11-01..2018-02-28"),
        ("What was tested from November 2017 to February?", "2017-11-01..2018-02-28"),
        ("What was tested from 2017 to 2019?", "2017-01-01..2019-12-31"),
        ("What was tested in 2017-18?", "2017-01-01..2018-12-31"),
        ("What has Russia said since 2020?", "2020-01-01.."),
        ("What has Russia said since early 2020?", "2020-01-01.."),
        ("What did Russia say before June 2017?", "..2017-05-31"),
        ("What did Russia say after June 2017?", "2017-07-01.."),
        ("What was in force until June 2017?", "..2017-06-30"),
        ("How many tests had there been by June 2017?", "..2017-06-30"),
        ("What is known from 2019 onwards?", "2019-01-01.."),
        ("What happened in early 2017?", "2017-01-01..2017-04-30"),
        ("What was launched after the early-2016 test?", "2016-01-01..2016-06-30"),
        ("What happened in late 2017?", "2017-09-01..2017-12-31"),
        ("What happened in mid-June 2017?", "2017-06-11..2017-06-20"),
        ("What happened in the second half of 2021?", "2021-07-01..2021-12-31"),
        ("What happened in Q1 2022?", "2022-01-01..2022-03-31"),
        ("What was decided in the spring of 2019?", "2019-03-01..2019-05-31"),
        ("What was decided in winter 2019?", "2019-12-01..2020-02-29"),
        ("What happened in the 1990s?", "1990-01-01..1999-12-31"),
        ("What happened in february 2020?", "2020-02-01..2020-02-29"),
        # The vote is somewhere in December, and what came after it in the weeks after that.
        ("What did Trump say after the December 2017 vote?", "2017-12-01..2018-03-02"),
        ("What did Aldous promise before the election in November 2022?", "2022-09-01..2022-11-30"),
        ("How many boats were sold since the blockade of June 2019?", "2019-06-01.."),
    ],
)
def test_a_period_with_a_year(question: str, expected: str):
    reading = read_times(question)
    assert spans(reading) == [expected]
    assert not reading.yearly
    assert not reading.is_filter


def test_several_periods_are_read_in_order():
    assert spans(read_times("What did Russia say in 2022 and in June and July 2017?")) == [
        "2022-01-01..2022-12-31",
        "2017-06-01..2017-06-30",
        "2017-07-01..2017-07-31",
    ]
    assert spans(read_times("How does the position of 2017 differ from that in 2022?")) == [
        "2017-01-01..2017-12-31",
        "2022-01-01..2022-12-31",
    ]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What happened in June?", YearlyPeriod(6, 6)),
        ("What happened in may?", YearlyPeriod(5, 5)),
        ("What did Theresa May say in June?", YearlyPeriod(6, 6)),
        ("Did China back the December sanctions?", YearlyPeriod(12, 12)),
        ("Which agency did Lavrov give his December interview to?", YearlyPeriod(12, 12)),
        ("What did Haley say at the July 5 meeting?", YearlyPeriod(7, 7, 5)),
        ("What did Trump say after the December vote?", YearlyPeriod(12, 12, None, "after")),
        ("What was said before the vote in March?", YearlyPeriod(3, 3, None, "before")),
        ("What happened between November and February?", YearlyPeriod(11, 2)),
        ("north korea december sanctions", YearlyPeriod(12, 12)),
    ],
)
def test_a_month_without_a_year_stays_without_one(question: str, expected: YearlyPeriod):
    reading = read_times(question)
    assert reading.yearly == (expected,)
    assert reading.periods == ()
    assert reading.months == expected.months


def test_the_months_of_a_range_over_the_new_year():
    assert YearlyPeriod(11, 2).months == {11, 12, 1, 2}
    assert YearlyPeriod(11, 2).in_year(2017) == Period(day("2017-11-01"), day("2018-02-28"))
    assert YearlyPeriod(2, 2, 29).in_year(2017) == Period(day("2017-02-28"), day("2017-02-28"))


@pytest.mark.parametrize(
    "question",
    [
        "May Russia veto it?",
        "What did May say about Brexit?",
        "What did people think of Theresa May's speech?",
        "What was the policy of the May government?",
        "Why did April Ryan leave?",
        "Who spoke at the March on Washington?",
        "Why may the fishermen march in protest?",
        "Which august body met?",
        "Who led the Black September attackers?",
        "What does resolution 2017 ban?",
        "What did the 2017 Act change?",
        "How many of the 2000 workers went home?",
        "How did the 2019 boats come in?",
        "Who won at Beijing 2022?",
        "Did it cost $2000 or 2,017 roubles?",
        "Is 12.2017 a version?",
        "May 10 countries veto a draft?",
        "Which ship did 38 boats block?",
        "",
    ],
)
def test_names_and_numbers_are_no_periods(question: str):
    assert not read_times(question).names_period
    assert not read_times(question, as_of=THURSDAY).names_period


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What happened yesterday?", "2019-06-19..2019-06-19"),
        ("What happened the day before yesterday?", "2019-06-18..2019-06-18"),
        ("What happened last week?", "2019-06-10..2019-06-16"),
        ("What happened this week?", "2019-06-17..2019-06-20"),
        ("What happened in the last week?", "2019-06-13..2019-06-20"),
        ("What happened on Monday?", "2019-06-17..2019-06-17"),
        ("What happened this month?", "2019-06-01..2019-06-20"),
        ("What happened last month?", "2019-05-01..2019-05-31"),
        ("What happened last year?", "2018-01-01..2018-12-31"),
        ("What happened three months ago?", "2019-03-01..2019-03-31"),
        ("What happened 12 days ago?", "2019-06-08..2019-06-08"),
        ("What happened a couple of weeks ago?", "2019-06-03..2019-06-09"),
        ("What happened over the past three months?", "2019-03-20..2019-06-20"),
        ("What happened last spring?", "2019-03-01..2019-05-31"),
        ("What happened last May?", "2019-05-01..2019-05-31"),
        ("What happened last June?", "2018-06-01..2018-06-30"),
        ("What happened in June?", "2019-06-01..2019-06-30"),
        ("What happened in July?", "2018-07-01..2018-07-31"),
        ("What happened on July 5?", "2018-07-05..2018-07-05"),
        ("What has happened since last week?", "2019-06-10.."),
        ("What has happened since March?", "2019-03-01.."),
        ("What was said after the December vote?", "2018-12-01..2019-03-02"),
        ("What happened from last June to this April?", "2018-06-01..2019-04-30"),
        ("What happened in June 2017?", "2017-06-01..2017-06-30"),
    ],
)
def test_on_a_day_of_asking(question: str, expected: str):
    reading = read_times(question, as_of=THURSDAY)
    assert spans(reading) == [expected]
    assert not reading.yearly


@pytest.mark.parametrize("question", ["What happened last week?", "Who spoke yesterday?", "What was said a year ago?"])
def test_without_a_day_of_asking_nothing_counts_from_it(question: str):
    assert not read_times(question).names_period


def test_a_time_before_the_first_year_is_no_period():
    assert not read_times("What happened 999 decades ago?", as_of=THURSDAY).names_period
    assert not read_times("What happened 50 years ago?", as_of=date(1, 1, 2)).names_period


@pytest.mark.parametrize(
    "question",
    [
        "What do articles published in June 2017 say?",
        "What do reports from June 2017 say about the 2016 tests?",
        "According to reporting in June 2017, who voted for it?",
        "Which articles about the sanctions published in June 2017 mention China?",
        "What was published in June 2017 about China?",
        "What do June 2017 articles say?",
    ],
)
def test_a_question_that_limits_the_articles_names_only_what_it_limits_them_to(question: str):
    reading = read_times(question)
    assert reading.is_filter
    assert spans(reading) == ["2017-06-01..2017-06-30"]


@pytest.mark.parametrize(
    "question",
    [
        "What did TASS report in June 2017?",
        "What do articles say about June 2017?",
        "Who was elected in the November 2022 election?",
        "Which decision did the regulator publish in October 2019?",
    ],
)
def test_everything_else_is_a_preference(question: str):
    reading = read_times(question)
    assert len(reading.periods) == 1
    assert not reading.is_filter


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the latest on the levy?", True),
        ("Which is the most recent cost estimate?", True),
        ("Who leads the port now?", True),
        ("Now who leads it?", True),
        ("What is the current charge?", True),
        ("How strong is the ocean current in the sound?", False),
        ("Does Russia still oppose sanctions?", True),
        ("How much has been paid so far?", True),
        ("As things stand, who pays?", True),
        ("Is the levy of 2019 still in force?", True),
        ("Who leads the port?", False),
        ("What does USA Today say?", False),
        ("Why did the cranes stand still?", False),
        ("When must it be finished at the latest?", False),
        ("Ellery then and now", False),
        # The state that is asked for is past.
        ("What was the latest test in May 2017?", False),
        ("Was Russia still in favour in June 2017?", False),
    ],
)
def test_whether_the_present_is_asked_for(question: str, expected: bool):
    assert read_times(question).wants_latest is expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How has Russia's position changed?", True),
        ("How did the estimate develop over time?", True),
        ("Trace the evolution of the levy", True),
        ("What was the charge before and after the compromise?", True),
        ("Ellery then and now", True),
        ("Has Aldous changed his mind?", True),
        ("What is the levy?", False),
    ],
)
def test_whether_a_development_is_asked_for(question: str, expected: bool):
    assert read_times(question).wants_change is expected


WORDS = (
    "in on since after before until the of June May March may last this week year 2017 2019-20 3 31 1999 99 ago three "
    "months decades yesterday early end vote and to from between articles published , ? 30 February Monday past 2017-13"
).split()


@example("in June and last week", date(1, 1, 1))
@example("in December and last month", date(9999, 12, 31))
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)), st.dates())
def test_any_text_is_read_and_every_period_is_in_order(question: str, as_of: date):
    for reading in (read_times(question), read_times(question, as_of=as_of)):
        for period in reading.periods:
            assert period.start <= period.end
            assert (period.first, period.last) != (None, None)
        assert all(1 <= month <= 12 for month in reading.months)
        assert reading.is_filter <= bool(reading.periods)
        assert 0 <= period_fit(reading, (as_of, as_of)) <= 1


def test_a_question_without_a_day_of_asking_does_not_load_dateparser():
    program = (
        "import sys; from rag.times import read_times; read_times('What happened in June 2017, and last week?');"
        "print('dateparser' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def fit(question: str, first: str, last: str | None = None) -> float:
    return period_fit(read_times(question), (day(first), day(last or first)))


def test_the_fit_is_1_inside_and_falls_outside():
    asked = "What happened in June 2017?"
    assert fit(asked, "2017-06-01") == fit(asked, "2017-06-30") == fit(asked, "2017-01-01", "2017-12-31") == 1.0
    after = [fit(asked, text) for text in ("2017-07-01", "2017-07-30", "2018-06-30")]
    assert after == pytest.approx(
        [RETROSPECT_FIT + (1 - RETROSPECT_FIT) * math.exp(-days / REPORTED_LATER_DAYS) for days in (1, 30, 365)]
    )
    before = [fit(asked, text) for text in ("2017-05-31", "2017-05-25", "2016-06-30")]
    assert before == pytest.approx([math.exp(-days / TOLD_EARLIER_DAYS) for days in (1, 7, 336)])
    assert after[0] > before[0]  # a report comes after the event
    assert before[2] < RETROSPECT_FIT < NEUTRAL_FIT


def test_open_periods_fit_on_their_open_side():
    assert fit("since 2020", "2022-05-01") == 1.0
    assert fit("since 2020", "2019-06-01") < 0.001
    assert fit("before June 2017", "2010-01-01") == 1.0
    assert fit("before June 2017", "2017-06-30") < 0.6


def test_the_best_of_several_periods_counts():
    assert fit("in 2017 and 2022", "2017-06-03") == fit("in 2017 and 2022", "2022-06-03") == 1.0
    assert fit("in 2017 and 2022", "2019-06-03") < 0.3


def test_a_month_without_a_year_fits_in_every_year():
    assert fit("in June", "2017-06-03") == fit("in June", "2022-06-03") == 1.0
    assert fit("in June", "2022-05-01") < fit("in June", "2022-07-10") < 1.0
    assert fit("after the December vote", "2018-01-15") == 1.0
    assert fit("between November and February", "2018-01-15") == 1.0


def test_an_unknown_date_and_a_question_without_a_period_are_neutral():
    assert period_fit(read_times("in June 2017"), None) == NEUTRAL_FIT
    assert fit("What is the levy?", "2017-06-03") == NEUTRAL_FIT


@given(st.dates(), st.dates())
def test_the_fit_falls_with_the_distance(one: date, other: date):
    nearer, farther = sorted((one, other), key=lambda found: abs((found - date(2017, 6, 15)).days))
    if (nearer < date(2017, 6, 15)) == (farther < date(2017, 6, 15)):
        reading = read_times("in June 2017")
        assert period_fit(reading, (nearer, nearer)) >= period_fit(reading, (farther, farther))


def test_recency_by_hand():
    newest = day("2020-06-01")
    assert recency((newest, newest), newest) == 1.0
    assert recency((day("2020-05-25"),) * 2, newest) == pytest.approx(math.exp(-7 / RECENCY_DAYS))
    # The middle of May is the 16th; of 2020, as far as it has come, 17 March (16 March and a half).
    assert recency((day("2020-05-01"), day("2020-05-31")), newest) == pytest.approx(math.exp(-16 / RECENCY_DAYS))
    assert recency((day("2020-01-01"), day("2020-12-31")), newest) == pytest.approx(math.exp(-76 / RECENCY_DAYS))
    assert recency((day("2020-05-25"),) * 2, newest, 3.5) == pytest.approx(math.exp(-2))
    assert recency(None, newest) == 0.0
    assert recency((day("2021-01-01"),) * 2, newest) == 1.0


def on(*texts: str) -> list[tuple[date, date]]:
    return [(day(text), day(text)) for text in texts]


def test_the_scale_follows_the_spread_of_the_candidates():
    years = on("2017-06-03", "2017-07-05", "2017-12-25", "2022-01-21", "2022-05-16")
    newest, scale = recency_scale(years)
    assert newest == day("2022-05-16")
    assert scale == 115  # a quarter of the five are of the last 115 days
    assert [round(recency(days, newest, scale), 2) for days in years] == [0.0, 0.0, 0.0, 0.37, 1.0]
    month = on(*(f"2022-05-{number:02}" for number in range(1, 32)))
    newest, scale = recency_scale(month)
    assert (newest, scale) == (day("2022-05-31"), 7.5)
    assert recency(month[0], newest, scale) == pytest.approx(math.exp(-4))


def test_one_old_article_does_not_stretch_the_scale():
    month = on(*(f"2022-05-{number:02}" for number in range(1, 32)))
    assert recency_scale([*on("1980-01-01"), *month])[1] < 9


def test_the_oldest_counts_nearly_nothing_even_if_most_are_old():
    newest, scale = recency_scale(on(*["2017-06-03"] * 20, "2022-05-16"))
    assert recency(on("2017-06-03")[0], newest, scale) == pytest.approx(math.exp(-4))


def test_the_scale_at_its_ends():
    assert recency_scale([]) is None
    assert recency_scale([None]) is None
    assert recency_scale([None, *on("2020-01-01")]) == (day("2020-01-01"), LEAST_RECENCY_DAYS)
    assert recency_scale(on("2020-01-01", "2020-01-02")) == (day("2020-01-02"), LEAST_RECENCY_DAYS)
    assert recency_scale(on("2017-01-01"), as_of=THURSDAY) == (THURSDAY, RECENCY_DAYS)


def grouped(dates: dict[str, str | None], most: int = 4) -> list[list[str]]:
    return in_periods(
        list(dates),
        lambda name: None if dates[name] is None else (day(dates[name] or ""), day(dates[name] or "")),
        most,
    )


def test_periods_are_divided_at_the_longest_gaps_and_undated_items_come_last():
    dates = {
        "late": "2022-05-16",
        "unknown": None,
        "december": "2017-12-25",
        "june": "2017-06-03",
        "early 2022": "2022-01-21",
        "july": "2017-07-05",
    }
    assert grouped(dates, 2) == [["december", "june", "july"], ["late", "early 2022"], ["unknown"]]
    assert grouped(dates, 3) == [["june", "july"], ["december"], ["late", "early 2022"], ["unknown"]]
    assert grouped(dates, 1) == [["late", "december", "june", "early 2022", "july"], ["unknown"]]


def test_reports_of_one_event_are_one_period():
    assert grouped({"a": "2019-06-18", "b": "2019-06-20", "c": "2019-07-02"}) == [["a", "b", "c"]]
    assert grouped({"a": None}) == [["a"]]
    assert grouped({}) == []


@given(st.lists(st.one_of(st.none(), st.dates()), max_size=12), st.integers(1, 5))
def test_no_item_is_lost_and_periods_are_in_order(days: list[date | None], most: int):
    items = list(enumerate(days))
    groups = in_periods(items, lambda item: None if item[1] is None else (item[1], item[1]), most)
    assert sorted(item[0] for group in groups for item in group) == list(range(len(days)))
    dated = [[item[1] for item in group if item[1] is not None] for group in groups]
    dated = [group for group in dated if group]
    assert len(dated) <= most
    assert all(max(one) < min(other) for one, other in pairwise(dated))


def test_a_period_has_an_end_and_its_ends_are_in_order():
    with pytest.raises(ValueError, match="needs a first or a last"):
        Period(None, None)
    with pytest.raises(ValueError, match="cannot begin on 2020-01-02"):
        Period(day("2020-01-02"), day("2020-01-01"))

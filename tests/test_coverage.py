"""What a library covers."""

from fake_backend import FakeBackend, answer, make_article

from ui.coverage import Coverage, coverage_of


def test_dates_and_sources_are_those_that_are_stated() -> None:
    articles = [
        make_article("A.", "A", source="Desk", published="2017-06-03"),
        make_article("B.", "B", source=" Agency ", published="2019"),
        make_article("C.", "C", source="Agency", published="--12-25"),
        make_article("D.", "D"),
    ]
    summaries = FakeBackend(articles, lambda question: answer("", [], [])).summaries()
    assert coverage_of(summaries) == Coverage(4, "2017-06-03", "2019", ("Agency", "Desk"))
    assert coverage_of([]) == Coverage(0, None, None, ())

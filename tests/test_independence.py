"""How many voices stand behind an answer."""

from fake_backend import cite, make_article

from index.types import Article
from rag.independence import count_independent
from rag.types import Citation

REPORT = "Two bridges were closed on Monday after the flood. Nobody was hurt."


def count(*cited: tuple[Article, str]) -> int:
    citations: list[Citation] = [cite(number, article, words) for number, (article, words) in enumerate(cited, start=1)]
    return count_independent(citations, {article.article_id: article for article, _ in cited})


def test_two_reports_of_two_sources_are_two_voices() -> None:
    one = make_article(REPORT, "A", source="Agency")
    other = make_article("The bridges stayed closed, the mayor said.", "B", source="Gazette")
    assert count((one, "Nobody was hurt."), (other, other.text)) == 2
    assert count((one, "Nobody was hurt."), (one, "Two bridges were closed on Monday after the flood.")) == 1


def test_two_articles_of_one_source_are_one_voice() -> None:
    one = make_article("First report of the day.", "A", source="Agency")
    other = make_article("Second report of the day.", "B", source=" AGENCY ")
    unnamed = make_article("Third report of the day.", "C")
    also = make_article("Fourth report of the day.", "D")
    assert count(*((article, article.text) for article in (one, other))) == 1
    assert count(*((article, article.text) for article in (unnamed, also))) == 2


def test_a_copy_is_no_second_voice() -> None:
    one = make_article(REPORT, "A", source="Agency")
    copy = make_article(f"BERNE (Agency) — {REPORT} More rain is expected.", "B", source="Gazette")
    assert count((one, "Two bridges were closed on Monday after the flood."), (copy, "More rain is expected.")) == 1
    third = make_article("Rain fell.", "C", source="Radio")
    assert count((one, REPORT), (third, third.text), (copy, REPORT)) == 2


def test_articles_that_are_gone_count_by_their_source() -> None:
    one, other = make_article("A.", "A", source="Agency"), make_article("B.", "B", source="Agency")
    citations = [cite(1, one, "A."), cite(2, other, "B.")]
    assert count_independent(citations, {}) == 1
    assert count_independent([], {}) == 0

"""The benchmarks' made-up articles: the same for the same seed, of the lengths, sources and days that they promise."""

import json
import statistics
from collections import Counter
from datetime import date, timedelta

import pytest

from eval.benchmarks.made_articles import (
    DAYS,
    FEWEST_WORDS,
    FILES_IN_A_FOLDER,
    FIRST_DAY,
    MEDIAN_WORDS,
    MOST_WORDS,
    SOURCES,
    made_article,
    made_articles,
    unique_word,
    write_files,
    write_jsonl,
)
from index.ingest import index_paths
from index.library import Library
from index.readers import Record, find_records
from index.types import SearchFilter
from tests.fakes import BagOfWordsEncoder


@pytest.fixture(scope="module")
def articles():
    return list(made_articles(600))


def test_an_article_depends_on_its_number_and_the_seed_alone(articles):
    assert list(made_articles(3, first=5)) == articles[5:8]
    assert made_article(599) == articles[599]
    other = made_article(5, seed=12)
    assert other.text != articles[5].text
    assert other.word == articles[5].word


def test_articles_stay_the_same_from_release_to_release():
    """Figures are comparable only if the texts are: a change here is a change of every benchmark that uses them."""
    article = made_article(0)
    assert article.title == "Bababeq: Rosa Lund on the fandqualing tamskou"
    assert article.text.startswith("The case of bababeq is before a wendbrelal in Corby, accordi")
    assert (article.source, article.published) == ("National Wire", "2018-10-18")


def test_no_two_articles_share_a_title_a_text_or_their_word(articles):
    for values in ([one.title for one in articles], [one.text for one in articles]):
        assert len(set(values)) == len(articles)
    for one in articles[:50]:
        assert one.word in one.text
        assert one.title.lower().startswith(one.word + ":")
        assert sum(one.word in other.text for other in articles) == 1
    words = {unique_word(number) for number in (*range(20_000), *range(1_000_000, 1_010_000))}
    assert len(words) == 30_000


def test_lengths_are_log_normal_around_four_hundred_words(articles):
    lengths = [len(one.text.split()) for one in articles]
    assert 0.9 < statistics.median(lengths) / MEDIAN_WORDS < 1.15
    assert min(lengths) >= FEWEST_WORDS
    assert max(lengths) < MOST_WORDS + 60
    assert sum(length > 2 * MEDIAN_WORDS for length in lengths) / len(lengths) == pytest.approx(0.083, abs=0.04)
    assert sum(length < MEDIAN_WORDS / 2 for length in lengths) / len(lengths) == pytest.approx(0.083, abs=0.04)


def test_few_words_are_common_and_most_are_rare(articles):
    counts = Counter(word for one in articles for word in one.text.lower().split())
    assert counts["the"] > 20 * counts["government"] > 20
    assert sum(count <= 2 for count in counts.values()) > len(counts) / 4


def test_sources_and_days_are_spread_as_filters_need_it():
    many = list(made_articles(4_000))
    found = Counter(one.source for one in many)
    assert sum(SOURCES.values()) == pytest.approx(1)
    for source, share in SOURCES.items():
        if share >= 0.01:
            assert found[source] / len(many) == pytest.approx(share, rel=0.5)
    days = [date.fromisoformat(one.published) for one in many]
    assert min(days) >= FIRST_DAY
    assert max(days) < FIRST_DAY + timedelta(days=DAYS)
    first_year = [day for day in days if day < FIRST_DAY + timedelta(days=DAYS / 10)]
    assert len(first_year) / len(days) == pytest.approx(0.1, rel=0.25)


def test_a_question_is_in_words_of_its_article(articles):
    for one in articles[:50]:
        frame = "What did say about the and in How many were sent to for Why call of a Which want".split()
        asked = set(one.question.strip("?").split()) - set(frame)
        assert len(asked) >= 3
        assert all(word in one.text + one.title for word in asked)


def test_both_forms_are_read_with_their_metadata(tmp_path, articles):
    some = articles[:4]
    write_jsonl(tmp_path / "made.jsonl", some)
    files = write_files(tmp_path / "files", some)
    assert len((tmp_path / "made.jsonl").read_text(encoding="utf-8").splitlines()) == len(some)
    assert [path.is_file() for path in files] == [True] * 4
    for form in ("made.jsonl", "files"):
        found = [record for record in find_records([str(tmp_path / form)]) if isinstance(record, Record)]
        with Library.open_for_writing(tmp_path / f"library of {form}", BagOfWordsEncoder()) as library:
            report = index_paths(library, [str(tmp_path / form)])
            assert (len(found), report.added, report.failed) == (4, 4, ())
            stored = {one.title: (one.source, one.published) for one in library.articles()}
            assert stored == {one.title: (one.source, one.published) for one in some}
            for one in some:
                (best, *_) = library.keyword(one.word, 5, SearchFilter())
                assert one.word in best.passage.text + library.article(best.passage.article_id).title.lower()


def test_files_lie_a_thousand_in_a_folder(tmp_path, articles):
    short = [articles[0], made_article(FILES_IN_A_FOLDER)]
    first, second = write_files(tmp_path, short)
    assert first.parent != second.parent
    assert (second.parent / "metadata.csv").read_text(encoding="utf-8").count("\n") == 2
    assert json.dumps(first.read_text(encoding="utf-8"))[1:].startswith(short[0].title.split()[0])

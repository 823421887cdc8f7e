"""Keyword search against BM25 worked by hand, and files that are trusted only by their digest."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tantivy import SchemaBuilder

from index import keywords
from index.keywords import ANALYZER, ARTICLE_TITLE_BOOST, SIFTED, TITLE_BOOST, KeywordDocument, KeywordIndex, analyze

TEXTS = {
    1: "ship ship harbour",
    2: "ship crane crane dock",
    3: "dock",
    4: "harbour harbour harbour ship dock crane",
}


def documents(texts: dict[int, str], title: str = "") -> list[KeywordDocument]:
    """One passage an article; the article of passage n is in row 10 * n."""
    return [KeywordDocument(row, 10 * row, title, text) for row, text in texts.items()]


def index_of(texts: dict[int, str], title: str = "") -> KeywordIndex:
    index = KeywordIndex.create(None)
    index.change((), documents(texts, title))
    return index


def bm25(query: str, texts: dict[int, str]) -> dict[int, float]:
    """BM25 of each text that holds a word of the query: Robertson et al. 1994 with the idf of Lucene, k1 1.2, b 0.75.

    Lengths are exact only up to 40 words, because a byte stores each.
    """
    words = {row: text.split() for row, text in texts.items()}
    average = sum(map(len, words.values())) / len(words)
    scores: dict[int, float] = {}
    for term in set(query.split()):
        holding = {row: found.count(term) for row, found in words.items() if term in found}
        idf = math.log(1 + (len(texts) - len(holding) + 0.5) / (len(holding) + 0.5))
        for row, count in holding.items():
            norm = 1.2 * (1 - 0.75 + 0.75 * len(words[row]) / average)
            scores[row] = scores.get(row, 0) + idf * count * 2.2 / (count + norm)
    return scores


def test_bm25_worked_by_hand() -> None:
    # Lengths 3, 4, 1, 6: average 3.5. "crane" is in 2 of 4: idf = ln(1 + 2.5 / 2.5) = 0.693147.
    # Passage 2: norm = 1.2 * (0.25 + 0.75 * 4 / 3.5) = 1.328571, score 0.693147 * 2 * 2.2 / 3.328571 = 0.916264.
    # Passage 4: norm = 1.2 * (0.25 + 0.75 * 6 / 3.5) = 1.842857, score 0.693147 * 1 * 2.2 / 2.842857 = 0.536406.
    found = index_of(TEXTS).search("crane", 10)
    assert [row for row, _ in found] == [2, 4]
    assert [score for _, score in found] == pytest.approx([0.916264, 0.536406], abs=1e-5)


WORDS = st.sampled_from("ship harbour crane dock vote veto".split())


@given(
    texts=st.dictionaries(st.integers(0, 2**32), st.lists(WORDS, min_size=1, max_size=40).map(" ".join), min_size=1),
    query=st.lists(WORDS, max_size=4).map(" ".join),
    limit=st.integers(1, 12),
)
def test_scores_agree_with_bm25(texts: dict[int, str], query: str, limit: int) -> None:
    found = index_of(texts).search(query, limit)
    expected = bm25(query, texts)
    assert dict(found) == pytest.approx({row: expected[row] for row, _ in found}, rel=1e-4)
    best = sorted(expected.values(), reverse=True)[:limit]
    assert [score for _, score in found] == pytest.approx(best, rel=1e-4)
    assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))


@pytest.mark.parametrize("boost", [TITLE_BOOST, ARTICLE_TITLE_BOOST])
def test_a_word_in_the_title_counts_less_than_one_in_the_text(boost: float) -> None:
    index = KeywordIndex.create(None)
    index.change((), [KeywordDocument(1, 1, "veto", "ship left"), KeywordDocument(2, 2, "ship", "veto left")])
    found = dict(index.search("veto", 10, title_boost=boost))
    assert dict(index.search("veto", 10)) == pytest.approx({1: TITLE_BOOST * found[2], 2: found[2]}, rel=1e-5)
    # Title and text have lengths 1 and 2 everywhere, so that both norms are 1.2 and only the weight differs.
    assert found[1] == pytest.approx(boost * found[2], rel=1e-5)


def test_words_are_found_in_any_form() -> None:
    index = index_of({1: "The résumés of SANCTIONED ministers", 2: "nothing"})
    for query in ("resume", "Résumé", "sanctions", "minister", "SANCTION"):
        assert [row for row, _ in index.search(query, 5)] == [1], query
    assert analyze("The Résumés, re-read") == ["the", "resum", "re", "read"]


QUERIES = """"AND OR (:|text:ship|ship AND|NOT ship|ship^2|sh*p ship|[a TO b]|\\|ship~|+ship -dock|{ship}|😀 ship|'"""


@pytest.mark.parametrize("query", [*QUERIES.split("|"), "ship\0ship", "a" * 10_000, "ship " * 5_000, "\ufffd"])
def test_no_query_raises(query: str) -> None:
    found = index_of(TEXTS).search(query, 10)
    assert ("ship" in query.lower()) == (1 in [row for row, _ in found])


@given(st.text())
def test_no_text_raises(text: str) -> None:
    index = index_of({1: text, 2: "ship"})
    expected = {1} if analyze(text) else set()
    assert expected <= {row for row, _ in index.search(text, 10)} <= {1, 2}


@pytest.mark.parametrize("query", ["", " ", "?!", "nowhere"])
def test_a_query_without_known_words_finds_nothing(query: str) -> None:
    assert index_of(TEXTS).search(query, 10) == []


def mask(rows: list[int]) -> NDArray[np.bool_]:
    """By row of an article, whether it is one of these; there are 800."""
    allowed = np.zeros(800, dtype=np.bool_)
    allowed[rows] = True
    return allowed


def test_only_passages_of_allowed_articles_are_found_with_the_same_scores() -> None:
    index = index_of(TEXTS)
    everywhere = dict(index.search("ship", 10))
    assert dict(index.search("ship", 10, mask([10, 40]))) == pytest.approx({row: everywhere[row] for row in (1, 4)})
    assert index.search("ship", 1, mask([40]))[0][0] == 4
    assert index.search("ship", 10, mask([])) == []
    assert index.search("ship", 10, mask([77])) == []


@given(
    texts=st.lists(st.lists(WORDS, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=60),
    query=st.lists(WORDS, min_size=1, max_size=4).map(" ".join),
    limit=st.integers(1, 4),
    allowed=st.sets(st.integers(0, 59)),
)
def test_those_found_within_articles_are_the_best_of_these(
    texts: list[str], query: str, limit: int, allowed: set[int]
) -> None:
    index = index_of(dict(enumerate(texts)))
    within = [(row, score) for row, score in index.search(query, len(texts)) if row in allowed]
    assert index.search(query, limit, mask([10 * row for row in allowed])) == within[:limit]


ALLOWED = {
    "below the best of all": [*range(50, 80)],
    "the last of them among equals": [0, 1, 2, 40, 41, 42, 43, 79],
    "too few of all": [60, 61],
    "all": [*range(80)],
}


@pytest.mark.parametrize("allowed", ALLOWED.values(), ids=list(ALLOWED))
def test_articles_that_are_not_among_the_best_of_all_are_found(allowed: list[int]) -> None:
    """Longer passages score lower, each four the same, and come in first, so that 43 stands before 40."""
    index = index_of({row: "ship " + "left " * (row // 4) for row in reversed(range(80))})
    limit = 4
    assert limit * SIFTED == 40, "the fortieth and the next have other scores, the next and the three after it the same"
    assert [row for row, _ in index.search("ship", limit, mask([10 * row for row in allowed]))] == allowed[:limit]


def test_in_a_large_index_what_most_documents_have_is_left_out_of_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    index = index_of({1: "the ship", 2: "the dock", 3: "the crane", 4: "a crane the the"})
    small = index.search("the crane", 10)
    assert [row for row, _ in small] == [4, 3, 1, 2] or [row for row, _ in small] == [3, 4, 1, 2]
    monkeypatch.setattr(keywords, "COMMON_FROM", 4)
    assert index.search("the crane", 10) == index.search("crane", 10)
    assert sorted(row for row, _ in index.search("crane", 10)) == [3, 4], "in half of them, which is not most"
    assert len(index.search("the", 10)) == 4, "without anything rarer it counts"
    monkeypatch.setattr(keywords, "COMMON_FROM", 5)
    assert index.search("the crane", 10) == small


def test_removed_and_replaced_passages() -> None:
    index = index_of(TEXTS)
    index.change([10, 20], [KeywordDocument(5, 20, "", "veto")])
    assert len(index) == 3
    assert {row for row, _ in index.search("ship dock harbour crane", 10)} == {3, 4}
    assert [row for row, _ in index.search("veto", 10)] == [5]


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_which_of_equal_passages_are_found_does_not_depend_on_the_order_of_building(limit: int) -> None:
    at_once = index_of(dict.fromkeys(range(12), "ship left"))
    in_parts = KeywordIndex.create(None)
    for row in (7, 3, 11, 0, 5, 1, 2, 4, 6, 8, 9, 10):
        in_parts.change((), documents({row: "ship left"}))
    assert [row for row, _ in at_once.search("ship", limit)] == list(range(limit))
    assert in_parts.search("ship", limit) == at_once.search("ship", limit)


def test_searches_are_repeatable() -> None:
    texts = {row: f"ship number {row} left harbour" for row in range(50)}
    first = index_of(texts).search("ship number 7 harbour", 20)
    assert all(index_of(texts).search("ship number 7 harbour", 20) == first for _ in range(3))


def test_document_frequencies() -> None:
    index = index_of(TEXTS, title="Harbour news")
    terms = [*analyze("ship harbour dock"), "nowher"]
    assert index.document_frequency(terms) == {"ship": 3, "harbour": 4, "dock": 3, "nowher": 0}
    assert index.document_frequency([]) == {}


# Files


def saved(folder: Path) -> tuple[Path, str]:
    path = folder / "keywords"
    index = KeywordIndex.create(path)
    index.change((), documents(TEXTS))
    return path, index.digest()


def test_a_saved_index_gives_equal_hits(tmp_path: Path) -> None:
    path, sha256 = saved(tmp_path)
    loaded = KeywordIndex.load(path, sha256)
    assert loaded is not None
    assert loaded.search("ship dock", 10) == index_of(TEXTS).search("ship dock", 10)
    assert loaded.digest() == sha256, "reading changes nothing"


def test_the_digest_follows_every_change(tmp_path: Path) -> None:
    path, first = saved(tmp_path)
    index = KeywordIndex.load(path, first)
    assert index is not None
    index.change([30], documents({9: "veto"}))
    second = index.digest()
    assert second != first
    assert KeywordIndex.load(path, first) is None
    again = KeywordIndex.load(path, second)
    assert again is not None
    assert [row for row, _ in again.search("veto", 5)] == [9]


def test_every_damaged_file_is_noticed(tmp_path: Path) -> None:
    path, sha256 = saved(tmp_path)
    files = [file for file in path.iterdir() if not file.name.startswith(".tantivy")]
    assert len(files) > 3
    for file in files:
        content = file.read_bytes()
        for damaged in (content[:-1], content + b"\0", bytes([content[0] ^ 1]) + content[1:], b""):
            file.write_bytes(damaged)
            assert KeywordIndex.load(path, sha256) is None, file.name
        file.unlink()
        assert KeywordIndex.load(path, sha256) is None, file.name
        file.write_bytes(content)
    assert KeywordIndex.load(path, sha256) is not None
    (path / "stray").write_bytes(b"")
    assert KeywordIndex.load(path, sha256) is None


def test_an_index_with_other_fields_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As another version of Dateline may have written it: here with the positions of words."""
    builder = SchemaBuilder()
    builder.add_unsigned_field("row", fast=True)
    builder.add_unsigned_field("article_row", indexed=True, fast=True)
    builder.add_text_field("title", tokenizer_name=ANALYZER, index_option="position")
    builder.add_text_field("text", tokenizer_name=ANALYZER, index_option="position")
    schema = builder.build()
    with monkeypatch.context() as patch:
        patch.setattr("index.keywords._schema", lambda: schema)
        path, sha256 = saved(tmp_path)
        assert KeywordIndex.load(path, sha256) is not None
    assert KeywordIndex.load(path, sha256) is None


def test_a_missing_folder_is_not_loaded(tmp_path: Path) -> None:
    assert KeywordIndex.load(tmp_path / "none", "") is None
    (tmp_path / "file").write_bytes(b"")
    assert KeywordIndex.load(tmp_path / "file", "") is None


def test_creating_replaces_what_is_there(tmp_path: Path) -> None:
    path, _ = saved(tmp_path)
    index = KeywordIndex.create(path)
    assert index.search("ship", 10) == []
    assert len(index) == 0


def test_an_index_in_memory_has_no_digest() -> None:
    with pytest.raises(ValueError, match="no files"):
        index_of(TEXTS).digest()

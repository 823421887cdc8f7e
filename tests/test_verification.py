"""What became of cited words when the articles changed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import ArticleNotFoundError, InputError
from index.types import Article, Metadata
from rag.types import Citation
from rag.verification import citation_from_json, find_words, read_cited_lines, verify_citation

TEXT = "The tariff was set in May. Nobody objected. The tariff was set again in July. Some objected."


class Shelf:
    """The part of a library that verification uses, in memory."""

    def __init__(self, *articles: Article):
        self.by_id = {article.article_id: article for article in articles}

    def article(self, article_id):
        if article_id not in self.by_id:
            raise ArticleNotFoundError(article_id)
        return self.by_id[article_id]

    def find_article(self, origin_or_name):
        for exact in (True, False):
            for article in self.by_id.values():
                for origin in article.origins:
                    if origin == origin_or_name or (
                        not exact and origin.split("/")[-1] == origin_or_name.split("/")[-1]
                    ):
                        return article.article_id
        return None


def article(text, origin="/news/tariff.txt"):
    return Article.from_text(text, Metadata(title="Tariff", source="Coastwire"), origin)


def cite(source, words, occurrence=0):
    start = -1
    for _ in range(occurrence + 1):
        start = source.text.index(words, start + 1)
    end = start + len(words)
    return Citation(
        number=1,
        article_id=source.article_id,
        origin=source.origin,
        title=source.title,
        source=source.source,
        published=source.published,
        url=source.url,
        start=start,
        end=end,
        cited_text=words,
        prefix=source.text[max(0, start - 60) : start],
        suffix=source.text[end : end + 60],
    )


def verdict(citation, *articles):
    found = verify_citation(citation, Shelf(*articles))
    assert found.ok == (found.verdict in ("unchanged", "moved"))
    return found.verdict, found.article_id, found.start, found.end


def test_unchanged():
    old = article(TEXT)
    assert verdict(cite(old, "Nobody objected."), old) == ("unchanged", old.article_id, 27, 43)


def test_unchanged_when_only_the_file_moved():
    citation = cite(article(TEXT), "Nobody objected.")
    moved = article(TEXT, "/archive/other.txt")
    assert verdict(citation, moved)[0] == "unchanged"


def test_moved_gives_the_new_offsets():
    new = article("Updated at noon. " + TEXT)
    assert verdict(cite(article(TEXT), "Nobody objected."), new) == ("moved", new.article_id, 44, 60)


def test_of_several_occurrences_the_one_with_the_same_neighbours():
    old = article(TEXT)
    first, second = cite(old, "The tariff was set"), cite(old, "The tariff was set", occurrence=1)
    new = article("In short: The tariff was set in spring. Nobody objected. The tariff was set again in July.")
    assert new.text[10:28] == new.text[57:75] == "The tariff was set"
    assert verdict(first, new)[2:] == (10, 28)
    assert verdict(second, new)[2:] == (57, 75)


def test_of_equal_occurrences_the_nearest():
    citation = Citation(1, "x", "/o", "t", None, None, None, 8, 10, "ab", "", "")
    assert find_words("ab..ab..ab", citation) == 8
    assert find_words("aaa", Citation(1, "x", "/o", "t", None, None, None, 1, 3, "aa", "", "")) == 1
    assert find_words("none", citation) is None


def test_edited_when_the_words_are_not_in_the_new_text():
    new = article(TEXT.replace("Nobody", "Hardly anybody"))
    assert verdict(cite(article(TEXT), "Nobody objected."), new) == ("edited", new.article_id, None, None)


def test_gone():
    citation = cite(article(TEXT), "Nobody objected.")
    assert verdict(citation) == ("gone", None, None, None)


def test_a_file_of_the_same_name_counts_only_if_it_holds_the_words():
    citation = cite(article(TEXT), "Nobody objected.")
    assert verdict(citation, article("Something else.", "/other/tariff.txt"))[0] == "gone"
    assert verdict(citation, article("Well. Nobody objected.", "/other/tariff.txt"))[0] == "moved"


def test_words_that_the_article_never_held():
    old = article(TEXT)
    true = cite(old, "Nobody objected.")
    invented = citation_from_json({**true.as_json(), "cited_text": "Everyone agreed!"})
    assert verdict(invented, old)[0] == "edited"


@given(st.text("ab ", min_size=1), st.text("ab "), st.text("ab "))
def test_words_are_found_wherever_they_are(words, before, after):
    citation = Citation(1, "x", "/o", "t", None, None, None, 0, len(words), words, before[-60:], after[:60])
    start = find_words(before + words + after, citation)
    assert start is not None
    assert (before + words + after)[start : start + len(words)] == words


def test_reading_answers_batches_and_results():
    citation = cite(article(TEXT), "Nobody objected.")
    answer = {"question": "q", "answer": "Nobody objected. [1]", "citations": [citation.as_json()]}
    lines = [
        json.dumps(answer),
        "",
        json.dumps({"id": 7, **answer}),
        json.dumps({"id": "r1", "answer": answer, "scores": {}}),
        json.dumps({"id": "r2", "answer": None, "failure": "no"}),
        json.dumps({"question": "q", "answer": "The articles do not say.", "citations": []}),
    ]
    found = [(cited.line, cited.answer_id, cited.citations) for cited in read_cited_lines(lines, "'f'")]
    assert found == [
        (1, None, (citation,)),
        (3, "7", (citation,)),
        (4, "r1", (citation,)),
        (5, "r2", ()),
        (6, None, ()),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"cited_text": None},
        {"cited_text": ""},
        {"prefix": 3},
        {"start_char_index": "27"},
        {"start_char_index": -1},
        {"end_char_index": 44},
        {"number": True},
    ],
)
def test_a_citation_that_is_none_is_named_by_its_line(change):
    document = {**cite(article(TEXT), "Nobody objected.").as_json(), **change}
    with pytest.raises(InputError, match="Line 1 of 'f' has a citation without"):
        list(read_cited_lines([json.dumps({"answer": "a", "citations": [document]})], "'f'"))


@pytest.mark.parametrize(
    "line",
    ["{", "3", "[]", '{"question": "q"}', '{"answer": "a", "citations": [3]}', '{"answer": "a", "citations": 3}'],
)
def test_lines_that_are_no_answer(line):
    with pytest.raises(InputError, match="Line 2 of 'f'"):
        list(read_cited_lines(["", line], "'f'"))

"""Evidence of question sets, found in libraries that hold the articles, other versions of them, or neither."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.gold import locate_evidence
from eval.types import ArticleSpan, EvalQuestion, Evidence, QuestionSet
from index.errors import QuestionSetError
from index.types import Article, Metadata
from tests.small_library import library_of, made_article

QUAY = made_article("The quay closes. It was old. The quay closes.", "quay")
CAFE = made_article("A café by the sea.", "cafe")
LONG = made_article(" ".join(f"Sentence number {number} says nothing at all." for number in range(60)), "long")


def set_of(*evidence, carried=(), identifier="q"):
    question = EvalQuestion(identifier, "What?", ("x",), evidence=evidence)
    return QuestionSet("set.jsonl", "dateline", "0" * 64, (question,), tuple(carried))


def carried(text, origin, **metadata):
    return Article.from_text(text, Metadata(**metadata), origin)


@pytest.fixture
def library(tmp_path):
    with library_of(tmp_path / "library", [QUAY, CAFE, LONG]) as library:
        yield library


def located(question_set, library):
    return locate_evidence(question_set, library)["q"]


def message_of(question_set, library):
    with pytest.raises(QuestionSetError) as caught:
        locate_evidence(question_set, library)
    return str(caught.value)


def test_a_quote_without_a_place_is_found_in_every_place(library):
    gold = located(set_of(Evidence("quay.txt", "The quay closes.")), library)
    assert gold.spans == (ArticleSpan(QUAY.article_id, 0, 16), ArticleSpan(QUAY.article_id, 29, 45))
    assert gold.grades == {QUAY.article_id: 1}
    assert gold.article_ids == {QUAY.article_id}


def test_a_quote_with_a_place_is_found_there_only(library):
    at_the_end = Evidence("quay.txt", "The quay closes.", start=29)
    assert located(set_of(at_the_end), library).spans == (ArticleSpan(QUAY.article_id, 29, 45),)
    elsewhere = replace(at_the_end, start=28)
    assert [span.start for span in located(set_of(elsewhere), library).spans] == [0, 29]


def test_quotes_are_normalised_as_articles_are(library):
    assert located(set_of(Evidence("cafe.txt", "cafe\u0301")), library).spans == (ArticleSpan(CAFE.article_id, 2, 6),)


def test_passages_that_overlap_a_quote(library):
    quote = "Sentence number 40 says nothing at all."
    gold = located(set_of(Evidence("long.txt", quote)), library)
    passages = library.passages(LONG.article_id)
    assert len(passages) > 2
    assert gold.passage_ids == {passage.passage_id for passage in passages if quote in passage.text}


def test_a_passage_that_only_touches_a_quote_does_not_hold_it(library):
    passages = library.passages(LONG.article_id)
    start, end = passages[1].start, passages[2].start
    gold = located(set_of(Evidence("long.txt", LONG.text[start:end], start=start)), library)
    shared = {p.passage_id for p in passages if set(range(p.start, p.end)) & set(range(start, end))}
    assert gold.passage_ids == shared


def test_whole_articles_have_grades_and_no_spans(library):
    evidence = [
        Evidence(name, None, grade=grade) for name, grade in (("quay.txt", 2), ("cafe.txt", 3), ("quay.txt", 1))
    ]
    gold = located(set_of(*evidence), library)
    assert (gold.spans, gold.passage_ids) == ((), frozenset())
    assert gold.grades == {QUAY.article_id: 2, CAFE.article_id: 3}


def test_the_same_evidence_twice_counts_once(library):
    evidence = Evidence("quay.txt", "It was old.")
    assert len(located(set_of(evidence, replace(evidence, start=17)), library).spans) == 1


def test_questions_without_evidence_are_not_located(library):
    assert locate_evidence(set_of(), library) == {}


def test_what_the_library_does_not_hold_is_said_with_the_options_that_name_another(library):
    message = message_of(set_of(Evidence("gone.txt", "x"), Evidence("quay.txt", "The quay opens.")), library)
    assert "question 'q': no single article is named 'gone.txt'" in message
    assert "question 'q': article 'quay.txt' does not hold 'The quay opens.'" in message
    assert "that 'set.jsonl' names" in message
    assert "--articles" in message
    assert "--library" in message


NAMES = st.sampled_from(["a.txt", "b.txt", "x/a.txt", "y/a.txt", "https://n.test/b.txt", "z/c.txt", "z/"])


@settings(max_examples=25)
@given(st.lists(NAMES.map(lambda name: name if "://" in name else f"/news/{name}"), unique=True, max_size=5), NAMES)
def test_articles_are_named_as_the_library_finds_them(tmp_path_factory, origins, name):
    articles = [Article.from_text(f"Text {number}.", Metadata(), origin) for number, origin in enumerate(origins)]
    with library_of(tmp_path_factory.mktemp("named") / "library", articles) as library:
        expected = library.find_article(name)
        if expected is None:
            assert "no single article is named" in message_of(set_of(Evidence(name, None)), library)
        else:
            assert located(set_of(Evidence(name, None)), library).article_ids == {expected}


def test_a_carried_article_is_found_by_its_text_wherever_it_came_from(library):
    copy = carried(QUAY.text, "/elsewhere/set.json#0.0", title="Quay")
    gold = located(set_of(Evidence(copy.origin, "It was old.", start=17), carried=[copy]), library)
    assert gold.spans == (ArticleSpan(QUAY.article_id, 17, 28),)


def test_every_origin_of_a_carried_article_names_it(library):
    copy = replace(carried(QUAY.text, "/set.json#0.0"), origins=("/set.json#0.0", "/set.json#1.0"))
    gold = located(set_of(Evidence("/set.json#1.0", None), carried=[copy]), library)
    assert gold.article_ids == {QUAY.article_id}


def test_a_carried_article_that_is_not_there_is_an_error_and_never_one_of_the_same_file_name(library):
    other = carried("Another text.", "/elsewhere/set.jsonl#https://n.test/quay.txt")
    assert "no single article is named" in message_of(set_of(Evidence(other.origin, "text"), carried=[other]), library)


def test_a_carried_article_whose_text_changed_under_its_origin_must_hold_the_quotes(library):
    newer = carried("The quay opens.", QUAY.origin)
    assert located(set_of(Evidence(QUAY.origin, "The quay", start=0), carried=[newer]), library).spans[0].end == 8
    assert "does not hold" in message_of(set_of(Evidence(QUAY.origin, "The quay opens."), carried=[newer]), library)


def whole_articles(tmp_path, *more):
    whole = carried(
        "Long before.\nThe quay\ncloses. Long after.", "/crawl/1", title="Quay to close", url="https://n.test/1"
    )
    return whole, library_of(tmp_path / "whole", [whole, *more])


@pytest.mark.parametrize(
    "known", [{"url": "https://n.test/1"}, {"title": "Quay to close", "url": "https://mirror.test/1"}]
)
def test_excerpts_are_found_in_the_whole_article_of_their_address_or_title(tmp_path, known):
    excerpt = carried("The quay closes.\n\nIt sank.", "/set.json#1", **known)
    found = Evidence(excerpt.origin, "The quay closes.", start=0)
    absent = Evidence(excerpt.origin, "It sank.", start=18)
    whole, opened = whole_articles(tmp_path)
    with opened as library:
        gold = located(set_of(found, absent, carried=[excerpt]), library)
        assert gold.spans == (ArticleSpan(whole.article_id, 13, 29),)
        assert gold.grades == {whole.article_id: 1}
        assert located(set_of(absent, carried=[excerpt]), library).spans == ()


def test_an_address_or_title_that_two_articles_have_names_neither(tmp_path):
    excerpt = carried("The quay closes.", "/set.json#1", title="Quay to close", url="https://n.test/1")
    twin = carried("Other.", "/crawl/2", title="Quay to close", url="https://n.test/1")
    _, opened = whole_articles(tmp_path, twin)
    with opened as library:
        assert "no single article" in message_of(set_of(Evidence(excerpt.origin, "quay"), carried=[excerpt]), library)


def test_a_document_that_the_set_lacks_stays_relevant_under_its_own_name(library):
    judged = Evidence("/beir/corpus.jsonl#1", None, grade=2)
    copy = carried(QUAY.text, "/beir/corpus.jsonl#2")
    gold = located(set_of(judged, Evidence(copy.origin, None), carried=[copy]), library)
    assert gold.grades == {"/beir/corpus.jsonl#1": 2, QUAY.article_id: 1}
    assert gold.spans == ()

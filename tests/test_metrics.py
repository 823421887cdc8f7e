"""Metrics of answers and citations against numbers worked by hand and the definitions they cite."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.citation_support import CitationSupport
from eval.metrics import (
    answer_text,
    best_f1,
    best_rouge_l,
    cited_spans,
    contains,
    count_citations,
    exact_match,
    gold_overlap,
    is_correct,
    matches_gold,
    score_answer,
    squad_tokens,
    token_f1,
)
from eval.types import ArticleSpan, CitationCounts, EvalQuestion, Gold, Scores
from index.errors import ArticleNotFoundError
from index.types import Article, Metadata
from rag.refusals import parts_not_held

ASCII_TEXT = st.text(alphabet=st.sampled_from("ab cAB.,-_'12\n"), max_size=30)


def citation(number, article, start, end, cited_text=None):
    words = article.text[start:end] if cited_text is None else cited_text
    return {
        "number": number,
        "article_id": article.article_id,
        "start_char_index": start,
        "end_char_index": end,
        "cited_text": words,
    }


def document_with(text, citations=(), statements=()):
    return {"answer": text, "citations": list(citations), "statements": list(statements)}


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("It was “clear and sharp”, she said.", '"Clear and sharp"'),
        ("North Korea’s\n  first ICBM", "north korea's first icbm"),
        ("Cafe\u0301 owners", "café"),
        ("die Straße", "STRASSE"),
        ("two missile tests", "missile test"),
        ("Moscow’s envoy", "Moscow"),
        ("the envoys’ talks", "envoy"),
        ("three boxes", "box"),
        ("the _Moscow_ talks", "Moscow"),
        ("It rose to 15.", "15"),
        ("In 2017, and", "2017"),
        ("about $5", "$5"),
        ("in the US.", "US"),
        ("他住在北京市。", "北京"),
    ],
)
def test_contains_folds_form_case_quotes_and_white_space_and_allows_an_ending(text, accepted):
    assert contains(text, accepted)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("Russia objected", "US"),
        ("It rose to 15.", "5"),
        ("15 members", "1"),
        ("5.2 percent", "5"),
        ("1,500", "500"),
        ("2.5", "5"),
        ("$5m", "$5"),
        ("unlike others", "like"),
        ("as if", "a"),
        ("the uss fleet", "US"),
        ("Romania", "Oman"),
        ("press on", "pres"),
        ("x", "y"),
        ("x", " "),
    ],
)
def test_contains_wants_whole_words_whole_numbers_and_something_to_look_for(text, accepted):
    assert not contains(text, accepted)


def test_yes_and_no_count_as_the_first_word_only():
    assert contains("Yes, they agree.", "yes")
    assert contains("**No.** They differ.", "No.")
    assert not contains("They said yes.", "yes")
    assert not contains("There is no doubt: yes", "Yes")
    assert not contains("Nobody agreed.", "no")
    assert not contains("", "no")


def test_any_of_the_answers_or_all_of_answers_all():
    any_of = EvalQuestion("q", "?", answers=("July 3", "3 July"))
    all_of = EvalQuestion("q", "?", answers_all=("July 3", "November 29"))
    assert is_correct("On 3 July it flew.", any_of)
    assert not is_correct("On 4 July it flew.", any_of)
    assert is_correct("It flew on November 29, after July 3.", all_of)
    assert not is_correct("On July 3 it flew.", all_of)
    assert not is_correct("anything", EvalQuestion("q", "?", answerable=False))


def test_squad_normalisation():
    assert squad_tokens("The U.S.-led  “talks”, an A-team!") == ["usled", "“talks”", "ateam"]
    assert squad_tokens("  A\tTHE an ") == []
    # Articles go after punctuation, so that what is left of "a." is one; and only as whole words.
    assert squad_tokens("a. theory and an.") == ["theory", "and"]
    assert squad_tokens("10,000.5") == ["100005"]


@pytest.mark.parametrize(
    ("text", "accepted", "same"),
    [
        ("the Eiffel Tower!", ["eiffel tower"], True),
        ("Eiffel Tower in Paris", ["eiffel tower"], False),
        ("Tower Eiffel", ["eiffel tower"], False),
        ("1,000", ["a thousand", "1000"], True),
        ("", ["x"], False),
        ("", [""], True),
        ("the", ["a"], True),
        ("the", ["a", "Simms"], False),
        ("anything", [], False),
    ],
)
def test_exact_match_after_normalisation(text, accepted, same):
    assert exact_match(text, accepted) is same


def test_token_f1_by_hand():
    # "cat sat" against "cat sat down": precision 2/2, recall 2/3, F1 = 2 · 1 · (2/3) / (5/3) = 0.8.
    assert token_f1("The cat sat.", "a cat sat down") == pytest.approx(0.8)
    # Repeated words count as often as both have them: one common "very" of two and one.
    assert token_f1("very very good", "very bad") == pytest.approx(2 * 1 / 5)
    assert token_f1("same", "Same!") == 1.0
    assert token_f1("one", "two") == 0.0
    assert token_f1("", "two") == 0.0
    assert token_f1("two", "") == 0.0
    assert token_f1("", "") == 1.0
    assert token_f1("the", "a") == 1.0


def test_the_best_accepted_answer_counts():
    assert best_f1("cat sat", ("dog", "cat")) == pytest.approx(2 / 3)
    assert best_f1("cat", ()) == 0.0
    # An accepted answer that is nothing but an article is left out where there is another one.
    assert best_f1("the", ("a", "cat")) == 0.0
    assert best_f1("the", ("a",)) == 1.0


@given(st.text(max_size=30), st.text(max_size=30))
def test_f1_is_symmetric_and_one_on_itself(first, second):
    assert token_f1(first, second) == token_f1(second, first)
    assert token_f1(first, first) == 1.0
    assert 0 <= token_f1(first, second) <= 1


def test_rouge_l_by_hand():
    # Lin 2004, section 3.1, β = 1: of "police killed the gunman" three words in order are in "police kill the gunman".
    assert best_rouge_l("police kill the gunman", ["police killed the gunman"]) == pytest.approx(3 / 4)
    # "the gunman kill police" has two in order: "the gunman".
    assert best_rouge_l("the gunman kill police", ["police killed the gunman"]) == pytest.approx(2 / 4)
    # Precision 2/2, recall 2/4: 2 · 1 · 0.5 / 1.5.
    assert best_rouge_l("the gunman", ["x", "police killed the gunman"]) == pytest.approx(2 / 3)
    assert best_rouge_l("", ["x"]) == 0.0
    assert best_rouge_l("x", []) == 0.0
    # The package's own tokenizer would leave nothing of these.
    assert best_rouge_l("Москва молчит", ["москва говорит"]) == pytest.approx(1 / 2)


@given(ASCII_TEXT, ASCII_TEXT)
def test_rouge_l_of_ascii_text_is_that_of_the_package(text, accepted):
    from rouge_score.rouge_scorer import RougeScorer

    own = RougeScorer(["rougeL"], use_stemmer=False).score(accepted, text)["rougeL"].fmeasure
    assert best_rouge_l(text, [accepted]) == own


def test_rouge_is_imported_when_it_is_needed():
    script = "import sys, eval.metrics, eval.summary; print({'rouge_score', 'nltk', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_marks_are_removed_and_other_brackets_stay():
    article = Article.from_text("Simms spoke.", Metadata(), "a.txt")
    cited = [citation(1, article, 0, 5), citation(2, article, 6, 11)]
    document = document_with("He spoke [1]. See law [12] [2].", cited)
    assert answer_text(document) == "He spoke. See law [12]."
    assert answer_text(document_with("Law [1]")) == "Law [1]"
    identifier = article.article_id
    assert cited_spans(document) == [ArticleSpan(identifier, 0, 5), ArticleSpan(identifier, 6, 11)]


def test_the_text_of_an_answer_has_nothing_of_the_parts_that_are_not_answered():
    sentence = parts_not_held(["Who paid Brandt?"])
    assert answer_text(document_with(f"He spoke.\n\n{sentence}")) == "He spoke."
    assert answer_text(document_with(sentence)) == sentence


@pytest.mark.parametrize(
    ("start", "end", "matches"),
    [
        (100, 120, True),
        (110, 130, True),
        (111, 131, False),
        (105, 108, True),
        (0, 500, True),
        (118, 122, True),
        (120, 140, False),
    ],
)
def test_a_gold_quote_is_matched_by_half_of_the_shorter(start, end, matches):
    gold = ArticleSpan("a", 100, 120)
    assert matches_gold(ArticleSpan("a", start, end), gold) is matches
    assert matches_gold(gold, ArticleSpan("a", start, end)) is matches
    assert not matches_gold(ArticleSpan("b", start, end), gold)


def test_an_empty_span_matches_nothing():
    assert not matches_gold(ArticleSpan("a", 5, 5), ArticleSpan("a", 0, 10))


@pytest.mark.parametrize(
    ("cited", "gold", "share"),
    [
        # 6 of the 10 characters, and the words around them cost nothing.
        ([("a", 4, 50)], [("a", 0, 10)], 0.6),
        # The same characters cited twice count once.
        ([("a", 0, 5), ("a", 2, 7)], [("a", 0, 10)], 0.7),
        # Two quotes of 10 and 30 characters: all of the first and none of the second.
        ([("a", 0, 10)], [("a", 0, 10), ("b", 0, 30)], 0.25),
        # Quotes that overlap: 0..20 is wanted, once.
        ([("a", 0, 10)], [("a", 0, 10), ("a", 5, 20)], 0.5),
        # A quote that the article holds in three places: the one that is cited best counts.
        ([("a", 108, 120), ("a", 209, 300)], [("a", 0, 10), ("a", 100, 110), ("a", 201, 211)], 0.2),
        ([("b", 0, 10)], [("a", 0, 10)], 0.0),
        ([], [("a", 0, 10)], 0.0),
        ([("a", 0, 99)], [("a", 0, 10), ("a", 50, 60)], 1.0),
    ],
)
def test_overlap_is_the_share_of_the_quoted_characters_that_is_cited(cited, gold, share):
    assert gold_overlap([ArticleSpan(*span) for span in cited], [ArticleSpan(*span) for span in gold]) == share


def test_overlap_with_no_quote_is_an_error():
    with pytest.raises(ValueError, match="undefined"):
        gold_overlap([ArticleSpan("a", 0, 1)], [])


def test_scores_of_a_right_answer_a_wrong_one_a_refusal_and_a_failure():
    question = EvalQuestion("q", "?", answers=("Simms",))
    gold = Gold((ArticleSpan("a", 0, 10),), frozenset({"p"}), {"a": 1})
    support = CitationSupport(recall=0.5, precision=0.25)
    right = score_answer(question, gold, "Simms", [ArticleSpan("a", 0, 10)], support=support)
    assert right == Scores(
        answerable=True,
        refused=False,
        contains=True,
        exact_match=True,
        f1=1.0,
        rouge_l=1.0,
        gold_quote=True,
        gold_overlap=1.0,
        gold_article=True,
        citation_recall=0.5,
        citation_precision=0.25,
        words=1,
    )
    wrong = score_answer(question, gold, "Brandt did", [ArticleSpan("a", 50, 60), ArticleSpan("b", 0, 10)])
    assert wrong == Scores(True, False, False, False, 0.0, 0.0, False, 0.0, True, None, None, 2)
    refusal = score_answer(question, gold, None, [ArticleSpan("a", 0, 10)], refused=True)
    assert refusal == Scores(True, True, False, False, 0.0, 0.0, False, 0.0, False, None, None, None)
    failure = score_answer(question, gold, None, [])
    assert failure == Scores(True, False, False, False, 0.0, 0.0, False, 0.0, False, None, None, None)


def test_what_a_question_does_not_have_is_not_scored():
    gold = Gold((ArticleSpan("a", 0, 10),), frozenset({"p"}), {"a": 1})
    support = CitationSupport(1.0, 1.0)
    unanswerable = score_answer(
        EvalQuestion("q", "?", answers=("x",), answerable=False), gold, "x", [], support=support
    )
    assert unanswerable == Scores(False, False, citation_recall=1.0, citation_precision=1.0, words=1)
    no_gold = score_answer(EvalQuestion("q", "?", answers=("x",)), None, "x", [])
    assert no_gold == Scores(True, False, True, True, 1.0, 1.0, words=1)
    # Whole articles as evidence, and nothing to compare the answer with, as in BEIR.
    graded = score_answer(EvalQuestion("q", "?"), Gold((), frozenset(), {"a": 2}), "x", [ArticleSpan("a", 0, 1)])
    assert graded == Scores(True, False, gold_article=True, words=1)


def test_a_reference_is_compared_and_not_looked_for():
    scores = score_answer(EvalQuestion("q", "?", reference="the strike ended"), None, "a strike began", [])
    assert (scores.contains, scores.exact_match) == (None, None)
    assert scores.f1 == pytest.approx(1 / 2)
    assert scores.rouge_l == pytest.approx(1 / 3)


def test_answers_all_are_one_answer_to_compare_with():
    question = EvalQuestion("q", "?", answers_all=("July 3", "November 29"))
    assert score_answer(question, None, "July 3, November 29", []).exact_match is True
    assert score_answer(question, None, "July 3", []).f1 == pytest.approx(2 * 2 / 6)


def test_citations_are_counted_exact_only_where_the_article_has_those_words():
    article = Article.from_text("Simms spoke on Tuesday.", Metadata(), "a.txt")
    gone = Article.from_text("Gone.", Metadata(), "b.txt")

    def find_article(article_id):
        if article_id != article.article_id:
            raise ArticleNotFoundError(f"no article {article_id!r}")
        return article

    citations = [
        citation(1, article, 0, 5),
        citation(2, article, 0, 5, "Simm"),
        citation(3, article, -8, -1),
        citation(4, article, 5, 5),
        citation(5, article, 15, 99),
        citation(6, gone, 0, 4),
    ]
    statements = [{"text": "a", "citations": [1, 2]}, {"text": "b", "citations": []}]
    counts = count_citations(document_with("x", citations, statements), find_article)
    assert counts == CitationCounts(citations=6, exact_citations=1, statements=2, cited_statements=1)

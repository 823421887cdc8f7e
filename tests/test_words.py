"""What a text states: kinds of words, numbers in one form, negations and their scope."""

import pytest

from rag.words import MAY, Words


def kinds(text):
    return [(token.text, token.kind) for token in Words.of(text).tokens if token.is_content or token.kind == "negation"]


def test_names_numbers_dates_and_words_are_told_apart():
    assert kinds("On 3 June 2017 Safronkov vetoed two drafts, not Haley.") == [
        ("3", "number"),
        ("June", "date"),
        ("2017", "date"),
        ("Safronkov", "name"),
        ("vetoed", "word"),
        ("two", "number"),
        ("drafts", "word"),
        ("not", "negation"),
        ("Haley", "name"),
    ]


@pytest.mark.parametrize("first", ["According to", "Officers have", "Speaking to", "However, the", "Asked about"])
def test_an_ordinary_word_at_the_beginning_is_no_name(first):
    assert kinds(f"{first} crowd, nothing")[0][1] != "name"


@pytest.mark.parametrize("first", ["Reyes", "Brandt", "Wales"])
def test_a_name_at_the_beginning_is_one(first):
    assert kinds(f"{first} left early.")[0] == (first, "name")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,200 people", "1200 people"),
        ("twelve ships", "12 ships"),
        ("twenty-six days", "26 days"),
        ("5%", "5 per cent"),
        ("3bn", "3 billion"),
        ("the fifth time", "the 5th time"),
        ("007", "7"),
        ("2.50", "2.5"),
    ],
)
def test_numbers_have_one_form(one, other):
    assert Words.of(one).numbers == Words.of(other).numbers != frozenset()


def test_may_is_a_month_only_where_it_can_be():
    assert MAY in Words.of("It ended on 8 May in Rome.").terms
    assert MAY not in Words.of("It may end.").terms
    assert MAY in Words.of("May 8 was the day.").terms


@pytest.mark.parametrize(
    ("one", "other"), [("began", "begin"), ("driven", "drive"), ("was sold", "sell"), ("won", "win")]
)
def test_irregular_verbs_have_the_terms_of_their_base_form(one, other):
    assert Words.of(other).needed <= Words.of(one).needed


def test_a_negation_bears_on_the_next_words_of_its_clause():
    words = Words.of("The minister did not confirm the visit, and the envoy left.")
    assert words.has_negation
    assert words.negated == Words.of("confirm visit").terms
    assert not Words.of("Not only ships came.").has_negation


def test_a_union_holds_everything_and_lets_no_match_run_across():
    union = Words.union([Words.of("Ana left."), Words.of("Boris stayed.")])
    assert union.needed == Words.of("Ana left. Boris stayed.").needed
    assert "ana left boris" not in union.folded.replace(".", "")
    assert [token.text for token in union.tokens] == ["Ana", "leave", "Boris", "stayed"]

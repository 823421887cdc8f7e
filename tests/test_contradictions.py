"""What cited words do not bear out, by kind, and what they do."""

import pytest

from rag.contradictions import find_problems
from rag.words import Words


def found(statement, *evidence, known=frozenset()):
    findings = find_problems(Words.of(statement), [Words.of(text) for text in evidence], known)
    return {(finding.problem.kind, finding.forbids) for finding in findings}


SENTENCE = "Mayor Ana Reyes said on 3 June 2017 that 12 people had died and 30 were injured in the fire in Tarrow."


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("Mayor Ana Reyes said that 13 people had died in the fire in Tarrow.", ("number", True)),
        ("Mayor Ana Reyes said that 30 people had died and 12 were injured in the fire.", ("number", False)),
        ("On 4 June 2017 the mayor said that 12 people had died.", ("number", True)),
        ("On 3 July 2017 the mayor said that 12 people had died.", ("date", True)),
        ("On 3 June 2018 the mayor said that 12 people had died.", ("date", True)),
        ("Mayor Ana Lopez said that 12 people had died in the fire.", ("name", False)),
        ("Mayor Ana Reyes said that 12 people had not died in the fire in Tarrow.", ("negation", True)),
    ],
)
def test_an_altered_statement(statement, problem):
    assert problem in found(statement, SENTENCE)


@pytest.mark.parametrize(
    "statement",
    [
        SENTENCE,
        "On June 3, 2017, Ana Reyes said that twelve people had died in the fire in Tarrow.",
        "Thirty people were injured in the fire in Tarrow.",
        "The mayor, Ana Reyes, said 12 people had died.",
    ],
)
def test_a_faithful_statement(statement):
    assert found(statement, SENTENCE) == set()


@pytest.mark.parametrize(
    ("statement", "evidence", "problem"),
    [
        ("Russia accused China of espionage.", "China accused Russia of espionage.", ("name", False)),
        ("The ship sailed from Lindholm to Tarrash.", "The ship sailed from Tarrash to Lindholm.", ("name", False)),
        ("Ruvia voted for the text.", "Only Ruvia voted against the text.", ("name", False)),
        ("The Chamber of Shipping agreed.", "The Chamber of Exporters agreed.", ("name", False)),
        ("Sales at Orrin rose in March.", "Sales at Orrin fell in March.", ("stance", True)),
        ("The court upheld the conviction.", "The court overturned the conviction.", ("stance", True)),
        ("The firm named the supplier.", "The firm failed to name the supplier.", ("negation", True)),
        ("The firm named the supplier.", "The firm did not name the supplier.", ("negation", True)),
        ("The firm did not pay the fine.", "The firm paid the fine.", ("negation", True)),
        ("The pilot misread a buoy.", "The pilot may have misread a buoy.", ("hedge", False)),
        (
            "The pilot misread a buoy, Haugland said.",
            "The pilot may have misread a buoy, Haugland said.",
            ("hedge", False),
        ),
        ("Brandt stole the money.", "Brandt allegedly stole the money.", ("hedge", False)),
    ],
)
def test_one_word_that_turns_a_sentence_round(statement, evidence, problem):
    assert problem in found(statement, evidence)


@pytest.mark.parametrize(
    ("statement", "evidence"),
    [
        ("China was accused of espionage by Russia.", "Russia accused China of espionage."),
        ("Brandt is alleged to have stolen the money.", "Brandt allegedly stole the money."),
        ("The pilot might have misread a buoy.", "The pilot may have misread a buoy."),
        ("The Malvian envoy left.", "Malvia's envoy left."),
        ("American officials objected.", "Officials of the United States objected."),
        ("The firm did not name the supplier.", "The firm never named the supplier."),
    ],
)
def test_the_same_in_other_words(statement, evidence):
    assert found(statement, evidence) == set()


def test_a_country_is_not_another_that_begins_alike():
    assert ("name", False) in found("The envoy of Niger left.", "The envoy of Nigeria left.")
    assert ("name", False) in found("Austria agreed.", "Australia agreed.")


def test_what_is_known_of_the_article_besides_its_words_is_no_problem():
    assert found("TASS reported that the envoy left.", "The envoy left.") == {("name", False)}
    assert found("TASS reported that the envoy left.", "The envoy left.", known=Words.of("TASS").terms) == set()

"""Near-misses: one thing altered, and nothing in the collection that answers the altered question."""

import random

import pytest

from eval.draft_checks import Checker, content_terms
from eval.draft_names import Names
from eval.draft_near_misses import is_alterable, near_misses, topic_near_misses
from eval.draft_types import Draft, stories
from eval.types import Evidence
from tests.small_library import library_of, made_article

PERMIT = (
    "Ruth Keat said that the rain would stop. Ruth Keat signed the permit for the harbour of Varn on May 12, 2020 with "
    "17 conditions. Freeland sold 40 boats to Norway."
)
BRIDGE = (
    "Paul Brandt said that the survey was late. The engineers lifted the deck of the Tannery Bridge in February, "
    "and nobody walked across the Tannery Bridge."
)


@pytest.fixture
def library(tmp_path):
    articles = [made_article(PERMIT, "permit"), made_article(BRIDGE, "bridge")]
    with library_of(tmp_path / "library", articles) as opened:
        yield opened


def names_of(library):
    return Names.of(stories(library, [summary.article_id for summary in library.articles()]))


def base(
    question: str, sentence: str = "Ruth Keat signed the permit for the harbour of Varn on May 12, 2020."
) -> Draft:
    return Draft(
        "", question, ("May 12",), (Evidence("permit.txt", sentence),), True, "date", "date", sentence, "", "p"
    )


def altered(library, question: str) -> list[Draft]:
    return list(near_misses(base(question), names_of(library), Checker(library), random.Random(1)))


def test_another_person_takes_the_place_of_the_first(library):
    found = altered(library, "When did Ruth Keat sign the permit for the harbour of Varn?")
    names = [draft for draft in found if draft.method == "near-miss:name"]
    assert [draft.question for draft in names] == ["When did Paul Brandt sign the permit for the harbour of Varn?"]


def test_a_near_miss_is_a_question_without_answer_that_says_what_was_altered(library):
    for draft in altered(library, "When did Ruth Keat sign the permit for the harbour of Varn?"):
        assert not draft.answerable
        assert draft.answers == ()
        assert draft.evidence == ()
        assert draft.type == "near-miss"
        assert "A person must check" in draft.note
        assert "“Ruth Keat” became “Paul Brandt”" in draft.note or draft.method != "near-miss:name"
        assert draft.sentence.startswith("Ruth Keat signed")


def test_numbers_dates_and_events_are_altered_too(library):
    found = altered(library, "Who signed the permit for the harbour of Varn on May 12, with 17 conditions?")
    by_method = {draft.method: draft.question for draft in found}
    assert set(by_method) == {"near-miss:event", "near-miss:date", "near-miss:number"}
    assert "revoked the permit" in by_method["near-miss:event"]
    assert "May 12" not in by_method["near-miss:date"]
    assert "17 conditions" not in by_method["near-miss:number"]
    assert "May 12" in by_method["near-miss:number"]


def test_what_the_collection_answers_after_all_is_no_near_miss(tmp_path):
    answered = "Paul Brandt signed the second permit for the harbour of Varn in June."
    articles = [made_article(PERMIT, "permit"), made_article(f"{BRIDGE} {answered}", "bridge")]
    with library_of(tmp_path / "answered", articles) as library:
        found = altered(library, "When did Ruth Keat sign the permit for the harbour of Varn?")
    assert "near-miss:name" not in {draft.method for draft in found}


def test_an_answer_in_the_next_sentence_is_seen(tmp_path):
    answered = "Paul Brandt came late. He signed the second permit for the harbour of Varn in June."
    with library_of(tmp_path / "library", [made_article(answered, "bridge")]) as library:
        checker = Checker(library)
        assert checker.may_answer("When did Paul Brandt sign the permit for the harbour of Varn?", "Paul Brandt")
        assert not checker.may_answer("How many ducks did Paul Brandt paint green in the opera?", "Paul Brandt")


def test_the_name_of_the_article_is_not_altered(library):
    label = "According to the Varn Post article of 12 May 2020, "
    found = altered(library, f"{label}who signed the permit for the harbour of Varn with 17 conditions?")
    assert found
    assert all(draft.question.startswith(label) for draft in found)


def test_a_person_is_put_together_with_a_thing_of_another_article(library):
    found = list(topic_near_misses(names_of(library), Checker(library), random.Random(1)))
    assert [draft.question for draft in found] == ["What did Ruth Keat say about the Tannery Bridge?"]
    assert found[0].method == "near-miss:topic"
    assert not found[0].answerable


def test_names_are_sorted_by_kind(library):
    names = names_of(library)
    assert list(names.people) == ["Paul Brandt", "Ruth Keat"]
    assert list(names.countries) == ["Norway"]
    assert list(names.things) == ["Tannery Bridge"]


def test_a_country_in_a_longer_name_stays(library):
    names = names_of(library)
    assert "near-miss:place" not in {
        draft.method
        for draft in near_misses(
            base("When did boats reach New Norway in spring?"), names, Checker(library), random.Random(1)
        )
    }


def test_a_question_without_names_and_numbers_cannot_be_altered(library):
    names = names_of(library)
    assert is_alterable("When did Ruth Keat sign it?", names)
    assert is_alterable("Who found 40 boats?", names)
    assert not is_alterable("Who found the boats near the pier?", names)


def test_a_rival_is_a_like_sentence_without_the_answer(tmp_path):
    one = made_article("The cooperative of Varn owns 146 boats.", "one")
    other = made_article("The cooperative of Varn owns 118 boats now.", "other")
    with library_of(tmp_path / "library", [one, other]) as library:
        found = Checker(library).rivals(
            "How many boats does the cooperative of Varn own?", ["146"], ["The cooperative of Varn owns 146 boats."]
        )
        assert found == {other.article_id}
        assert not Checker(library).rivals("How many boats does the cooperative of Varn own?", ["146", "118"], [])


def test_content_terms_hold_numbers_and_unify_countries():
    assert content_terms("the 9 ships of the U.S.") == {"9", "ship", "=united-states"}

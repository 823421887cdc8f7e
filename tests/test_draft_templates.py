"""Questions made of sentences by rules: grammatical, self-contained, with the answer in the sentence."""

import pytest

from eval.draft_attributions import propose_attributions
from eval.draft_clauses import parse_clause
from eval.draft_people import is_state, person_in
from eval.draft_templates import propose
from eval.draft_types import Candidate, Story
from eval.draft_verbs import finite_form, is_base, is_participle
from eval.draft_wording import anchored, full_name, place_in_time, stands_alone
from tests.small_library import made_article


def story_of(text: str, **metadata: str) -> Story:
    return Story(made_article(text, "story", **metadata), "story.txt")


def candidates(text: str, sentence: str, **metadata: str) -> list[Candidate]:
    """What is proposed for the sentence of a text that begins with those words."""
    story = story_of(text, **metadata)
    positions = [place for place in range(len(story.structure.spans)) if story.sentence(place).startswith(sentence)]
    assert len(positions) == 1
    return [*propose(story, positions[0]), *propose_attributions(story, positions[0])]


def questions(text: str) -> dict[str, tuple[str, ...]]:
    """Question → answers for a text of one sentence."""
    return {candidate.question: candidate.answers for candidate in candidates(text, text[:10])}


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        (
            "About 600 people stood on the North Pier to watch.",
            "How many people stood on the North Pier to watch?",
            "600",
        ),
        (
            "Nearly 40% of the boats in Port Varn had left by noon.",
            "What percentage of the boats in Port Varn had left by noon?",
            "40%",
        ),
        ("The Varn Ferry Company employs 146 people.", "How many people does the Varn Ferry Company employ?", "146"),
        (
            "Delmar Dredging has collected $212,000 from boats since the levy began.",
            "How much has Delmar Dredging collected from boats?",
            "$212,000",
        ),
        (
            "The Port Authority of Varn expects to raise about $9.4 million a year, most of it from containers.",
            "How much does the Port Authority of Varn expect to raise a year?",
            "$9.4 million",
        ),
        (
            "The assembly of Carrow approved the grant by 31 votes to 24.",
            "By what vote did the assembly of Carrow approve the grant?",
            "31 votes to 24",
        ),
        (
            "The barge lost 3,900 cubic metres of mud near Gull Rock.",
            "How many cubic metres of mud did the barge lose near Gull Rock?",
            "3,900",
        ),
        (
            "Two of the original 14 growers of Sorrel Bay are gone.",
            "How many of the original 14 growers of Sorrel Bay are gone?",
            "Two",
        ),
        ("The price of bread in Varn rose by 12 percent.", "By what percentage did the price of bread in Varn rise?",
         "12 percent"),
        ("Margaret Dunn was elected mayor of Varn in 2014.", "When was Margaret Dunn elected mayor of Varn?", "2014"),
        ("In September 2016, Freeland carried out a nuclear test.", "When did Freeland carry out a nuclear test?",
         "September 2016"),
        (
            "The oyster beds in Sorrel Bay were reopened on Aug. 20, 129 days after the spill.",
            "When were the oyster beds in Sorrel Bay reopened?",
            "Aug. 20",
        ),
        (
            "Ruth Keat signed the permit for Varn on Wednesday, Feb. 12, with 17 conditions.",
            "When did Ruth Keat sign the permit for Varn?",
            "Feb. 12",
        ),
        (
            "The new rate in Varn takes effect on January 1, 2021.",
            "When does the new rate in Varn take effect?",
            "January 1, 2021",
        ),
        (
            "Minister Ruth Keat resigned on Thursday as chair of the Port Authority of Varn.",
            "Who resigned as chair of the Port Authority of Varn?",
            "Ruth Keat",
        ),
        (
            "On Friday, Russia and China vetoed the resolution at the Security Council.",
            "Which countries vetoed the resolution at the Security Council?",
            "Russia and China",
        ),
    ],
)  # fmt: skip
def test_a_plain_sentence_makes_this_question(sentence, question, answer):
    found = questions(sentence)
    assert question in found
    assert answer in found[question]
    assert all(form in sentence for form in found[question])


@pytest.mark.parametrize(
    "sentence",
    [
        "It has 18 classrooms, a library and a kitchen.",  # what has?
        "They voted 11 to 2 to set aside $90,000.",
        "Varn did not sell 40 boats in 2014 to anybody.",  # no verb of the rules, and a negation
        "The tests imposed on Freeland were the third in 2017.",  # a participle, not the verb
        "Freeland sold another 40 boats to the growers.",  # another than which?
        "Moscow has called for Oslo and Varn to hold talks aimed at peace in 2014.",  # half an object
        "Was the levy raised in 2014 by the port of Varn?",
        "40 boats, 2014",
    ],
)
def test_nothing_is_proposed_where_the_rules_do_not_understand(sentence):
    assert not [question for question in questions(sentence) if question.startswith(("How", "When", "Who"))]


def test_a_claim_is_asked_for_with_the_one_who_claims():
    text = "Frank Osei, president of the union, said the move to Stanwick would cost 310 jobs on the quays."
    found = candidates(text, "Frank")
    numbers = [candidate for candidate in found if candidate.method == "number"]
    assert [candidate.question for candidate in numbers] == [
        "According to Frank Osei, how many jobs would the move to Stanwick cost on the quays?"
    ]
    assert numbers[0].answers == ("310",)


def test_a_claim_of_somebody_whom_only_the_article_names_is_not_asked_for():
    found = candidates("They said that Tideway would sell 310 boats in Varn.", "They")
    assert not found


def test_who_said_the_words_of_a_quotation_names_the_speaker_of_another_sentence():
    text = (
        "Lorna Keat, president of the cooperative, spoke first. Keat said that the fleet would wait.\n"
        "“We have a good case before the regional board of harbours,” she said."
    )
    found = candidates(text, "“We")
    assert [candidate.question for candidate in found] == [
        "Who said “We have a good case before the regional board of harbours”?"
    ]
    assert found[0].answers == ("Lorna Keat", "Keat")
    story = story_of(text)
    quotes = " ".join(place.quote or "" for place in story.evidence(*found[0].positions))
    assert "Lorna Keat" in quotes


def test_a_surname_that_two_people_of_the_article_have_is_no_accepted_answer():
    text = (
        "Lorna Keat said that boats from Varn would pay the levy next to nothing. "
        "Ruth Keat signed the permit for the Western Channel."
    )
    found = candidates(text, "Ruth")
    assert {candidate.answers for candidate in found if candidate.method == "person"} == {("Ruth Keat",)}


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        (
            "Ines Falk called the blockade of Varn “orderly but reckless”.",
            "What did Ines Falk call the blockade of Varn?",
            "orderly but reckless",
        ),
        (
            "Foreign Minister Ines Falk has urged Freeland and Varn to start negotiations amid growing tensions.",
            "What has Ines Falk urged Freeland and Varn to do?",
            "start negotiations",
        ),
        (
            "Ines Falk warned that Freeland was prepared to cut off trade with the islands.",
            "Who warned that Freeland was prepared to cut off trade with the islands?",
            "Ines Falk",
        ),
    ],
)
def test_an_attributed_statement_makes_this_question(sentence, question, answer):
    found = questions(sentence)
    assert question in found
    assert answer in found[question]


@pytest.mark.parametrize(
    "text", ["Some Vikings", "Initially Bryce", "Young Norwegians", "Halvard Lines", "the Sorrel Maid"]
)
def test_these_are_no_people(text):
    assert person_in(text, story_of(f"They saw {text} leave.")) is None


def test_a_person_is_named_without_the_office():
    story = story_of("Yesterday Transport Minister David Okoro and the economist Ann Lee left.")
    assert person_in("Transport Minister David Okoro", story) == "David Okoro"
    assert person_in("Economist Ann Lee", story) == "Ann Lee"


@pytest.mark.parametrize(
    ("name", "state"),
    [("Norway", True), ("United States", True), ("Baghdad", False), ("Spanish", False), ("United Nations", False)],
)
def test_a_state_is_called_by_its_own_name(name, state):
    assert is_state(name) is state


@pytest.mark.parametrize(
    "sentence",
    [
        "In 1987, Ann Lee found that boats in Varn sink.",  # the object is a clause
        "In 2011, Delmar Dredging planned and built the locks of Varn.",
        "The opening in Varn was watched by 1900 guests.",  # no year
        "The people of Varn voted in 1712–14.",  # half a range
        "One pump was known to be dry in Varn in 1910.",  # one of which?
        "Ann Lee published figures in 2012 that boats in Varn envy.",  # which figures?
    ],
)
def test_no_date_is_asked_for(sentence):
    assert not [candidate for candidate in candidates(sentence, sentence[:10]) if candidate.method == "date"]


def test_a_ship_and_a_company_are_nobody():
    assert not questions("The ferry Sorrel Maid made a trip around the harbour of Varn.")
    assert "Who carried a cargo of salt to Port Varn?" not in questions(
        "Halvard Lines carried a cargo of salt to Port Varn."
    )


@pytest.mark.parametrize(
    ("form", "base", "tense"),
    [
        ("took", "take", "past"),
        ("admitted", "admit", "past"),
        ("carries", "carry", "present"),
        ("voted", "vote", "past"),
    ],
)
def test_the_base_of_a_verb(form, base, tense):
    assert finite_form(form) == (base, tense)
    assert is_base(base)


def test_a_form_that_is_not_listed_has_no_base():
    assert finite_form("zorbed") is None
    assert is_participle("taken")
    assert not is_participle("took")


def test_a_clause_ends_before_what_depends_on_it_and_drops_the_weekday():
    clause = parse_clause("Tensions in Varn rose on Monday after boats left, which the port regretted.")
    assert clause is not None
    assert (clause.subject, clause.verb, clause.base, clause.rest) == ("Tensions in Varn", "rose", "rise", "")


def test_an_apposition_is_left_out():
    clause = parse_clause("Farida Noor, 47, a former engineer, will lead the ministry.")
    assert clause is not None
    assert clause.asked("Farida Noor", clause.rest) == "will Farida Noor lead the ministry"


@pytest.mark.parametrize(
    ("question", "alone"),
    [
        ("How many boats does the Varn Fishing Club own?", True),
        ("How many boats does it own in Varn?", False),
        ("When did this board approve the levy in Varn?", False),
        ("Who sold his boat in Port Varn yesterday?", False),
        ("How many boats?", False),
        ("Who said “I do not know whether it was this or that”?", True),
    ],
)
def test_a_question_with_words_that_point_back_does_not_stand_alone(question, alone):
    assert stands_alone(question) is alone


def test_a_short_name_becomes_the_only_full_one():
    story = story_of("The Port Authority of Varn met. The authority has 9 members.")
    assert full_name("authority", story) == "Port Authority of Varn"


def test_a_short_name_that_may_mean_another_stays():
    assert full_name("board", story_of("A nine-member board met. The Tariff Board objects. The board voted.")) is None
    assert full_name("board", story_of("The Tariff Board and the Harbour Board met. The board voted.")) is None


def test_this_year_is_the_year_of_the_article():
    story = story_of("Varn sold boats.", published="2017-06-03")
    assert place_in_time("This year, Varn sold 9 boats, more than last year.", story) == (
        "In 2017, Varn sold 9 boats, more than in 2016."
    )
    assert place_in_time("This year, Varn sold 9 boats.", story_of("Varn.")) == "This year, Varn sold 9 boats."


def test_an_article_is_named_by_source_and_date_or_by_its_title():
    dated = story_of("Varn.", source="The Varn Post", published="2017-06-03", title="Boats leave")
    assert anchored("How many boats left Varn?", dated) == (
        "According to the Varn Post article of 3 June 2017, how many boats left Varn?"
    )
    assert anchored("How many boats left?", dated) == "According to the article “Boats leave”, how many boats left?"
    assert anchored("What did the boats do?", dated, ["leave"]) == (
        "According to the Varn Post article of 3 June 2017, what did the boats do?"
    )
    assert anchored("According to Ann Lee, how many boats left?", dated) == (
        "According to Ann Lee in the Varn Post article of 3 June 2017, how many boats left?"
    )
    assert anchored("How many boats left?", story_of("Varn.")) is None

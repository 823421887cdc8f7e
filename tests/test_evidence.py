"""Sentences as evidence: which ones are looked at, where they stand, and that the one that answers comes first."""

from pathlib import Path

import pytest

from index.datelines import find_dateline
from index.library import Library
from rag.analysis import analyse_question
from rag.evidence import MAX_CANDIDATES, MIN_WORDS, find_evidence
from rag.features import FEATURES
from tests.small_library import evidence_of, library_of, made_article

ARTICLES = [
    made_article(
        "TARROW, March 4 (Reuters) - Fire destroyed the old grain silo in Tarrow on Monday. Nobody at all was hurt.\n"
        "Fire chief Ruth Keating said a welding torch had caused the fire. "
        "The silo was built in 1931 and held 4,000 tonnes of wheat.",
        "silo",
        title="Fire destroys silo in Tarrow",
        source="Reuters",
        published="2021-03-04",
    ),
    made_article(
        "The port authority elected Tomas Brandt as its president on Friday.\n"
        '"We will dredge the western channel," Brandt told reporters. "The work begins in May."\n'
        "Dredging costs 12 million crowns.",
        "port",
        title="Brandt elected president of the port authority",
        source="Gazette",
        published="2022-01-21",
    ),
    made_article(
        "Herring catches fell by a third. The fishermen blame warm water. The cooperative sold two boats.",
        "herring",
        title="Herring catches fall",
        source="Gazette",
        published="2022-02",
    ),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    path: Path = tmp_path_factory.mktemp("evidence") / "library"
    with library_of(path, ARTICLES) as opened:
        yield opened


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("When was the silo in Tarrow built?", "The silo was built in 1931"),
        ("Who was elected president of the port authority?", "elected Tomas Brandt"),
        ("How much does dredging cost?", "Dredging costs 12 million crowns."),
        ("Who do fishermen blame?", "The fishermen blame warm water."),
        ("What did Ruth Keating say caused the fire?", "a welding torch had caused the fire"),
        ("How many boats were sold by the cooperative?", "The cooperative sold two boats."),
    ],
)
def test_the_sentence_that_states_the_fact_comes_first(library: Library, question: str, fact: str):
    evidence, _, _ = evidence_of(library, question)
    assert fact in evidence.sentences[0].candidate.text


QUESTIONS = ["What burned in Tarrow on March 4?", "Reuters", "What does Brandt plan?", "herring"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_candidates_are_the_whole_sentences_of_the_passages_each_once(library: Library, question: str):
    evidence, _, articles = evidence_of(library, question)
    for sentence in evidence.sentences:
        candidate = sentence.candidate
        text = articles[candidate.article_id].text
        assert text[candidate.start : candidate.end] == candidate.text == candidate.text.strip()
        assert candidate.before in text[: candidate.start]
        assert candidate.after in text[candidate.end :]
        assert 0 < candidate.passage_rank <= 1
        assert 0 <= candidate.passage_score <= 1
    places = [(s.candidate.article_id, s.candidate.start) for s in evidence.sentences]
    assert len(set(places)) == len(places)
    assert set(evidence.articles) == set(articles) == {article.article_id for article in ARTICLES}
    # Three sentences after the dateline and the fire chief's, four, three.
    assert len(places) == 4 + 4 + 3


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_dateline_is_no_candidate_and_no_context(library: Library, question: str):
    dateline = find_dateline(ARTICLES[0].text)
    assert dateline is not None
    evidence, _, _ = evidence_of(library, question)
    for sentence in evidence.sentences:
        candidate = sentence.candidate
        assert (candidate.article_id, candidate.start) != (ARTICLES[0].article_id, dateline.start)
        assert "(Reuters)" not in candidate.text + candidate.before + candidate.after


@pytest.mark.parametrize("question", QUESTIONS)
def test_sentences_are_in_order_of_score_and_their_shares_add_up(library: Library, question: str):
    evidence, _, _ = evidence_of(library, question)
    scores = [sentence.score for sentence in evidence.sentences]
    assert scores == sorted(scores, reverse=True)
    shares = [sentence.probability for sentence in evidence.sentences]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert all(len(sentence.features) == len(FEATURES) for sentence in evidence.sentences)
    assert evidence.sentences[0].feature(FEATURES[0]) == evidence.sentences[0].features[0]
    assert evidence == evidence_of(library, question)[0]


def test_a_term_that_no_article_has_has_frequency_0_and_the_highest_weight(library: Library):
    evidence, _, _ = evidence_of(library, "Did Zanzibar elect a president?")
    assert evidence.frequency["zanzibar"] == 0
    assert evidence.frequency["presid"] > 0
    assert evidence.idf["zanzibar"] > evidence.idf["presid"]
    assert evidence.passages == library.count_passages()


def test_the_speaker_of_a_quotation_is_known(library: Library):
    evidence, _, _ = evidence_of(library, "When does the work begin?")
    begins = next(s.candidate for s in evidence.sentences if "The work begins" in s.candidate.text)
    assert begins.speaker is not None
    assert begins.speaker.name.endswith("Brandt")


def test_no_hits_are_no_evidence(library: Library):
    evidence = find_evidence(analyse_question("Who won?"), [], {}, library)
    assert evidence.sentences == ()
    assert evidence.articles == {}


def test_a_sentence_cut_by_passages_is_a_candidate_whole_and_once(tmp_path: Path):
    long = "The council, " + ", ".join(f"after hearing witness {number}" for number in range(60)) + ", voted."
    with library_of(tmp_path / "library", [made_article(f"{long} It rose at noon.", "long")]) as opened:
        evidence, hits, _ = evidence_of(opened, "What did the council do?")
        assert len(hits) > 2
        assert sorted(s.candidate.text for s in evidence.sentences) == sorted([long, "It rose at noon."])
        # It counts as standing in the best of its passages.
        assert max(evidence.sentences, key=lambda s: len(s.candidate.text)).candidate.passage_score == 1


def test_a_byline_is_no_candidate(tmp_path: Path):
    text = "By Ruth Keating\n\nThe council voted for the dredging."
    assert MIN_WORDS > 3
    with library_of(tmp_path / "library", [made_article(text, "byline")]) as opened:
        evidence, _, _ = evidence_of(opened, "Who voted?")
    assert [s.candidate.text for s in evidence.sentences] == ["The council voted for the dredging."]


def test_the_number_of_candidates_is_bounded(tmp_path: Path):
    text = "\n".join(f"Ship number {number} left." for number in range(MAX_CANDIDATES + 60))
    with library_of(tmp_path / "library", [made_article(text, "ships")]) as opened:
        evidence, _, _ = evidence_of(opened, "Which ship left?")
        assert len(evidence.sentences) == MAX_CANDIDATES

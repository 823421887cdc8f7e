"""Names of one country become one token; everything else stays the term that the keyword index knows."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.keywords import analyze
from index.library import Library
from index.types import Article, Metadata
from rag.names import _groups, document_frequency, unify
from tests.fakes import BagOfWordsEncoder


@pytest.mark.parametrize(
    "name", ["U.S.", "US", "USA", "U.S.A.", "u.s.", "the U. S.", "United States", "America", "Americans", "Washington"]
)
def test_the_names_of_the_united_states_are_one_token(name: str):
    assert unify(name.removeprefix("the ")) == ["=united-states"]


@pytest.mark.parametrize(
    "name", ["North Korea", "north korea", "DPRK", "Pyongyang", "North Koreans", "North-Korean", "NORTH KOREA"]
)
def test_the_names_of_north_korea_are_one_token(name: str):
    assert unify(name) == ["=north-korea"]


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("South Koreans", "=south-korea"),
        ("Moscow", "=russia"),
        ("the Kremlin", "=russia"),
        ("Beijing", "=china"),
        ("U.N.", "=united-nations"),
        ("UN", "=united-nations"),
        ("U.K.", "=united-kingdom"),
        ("Great Britain", "=united-kingdom"),
        ("E.U.", "=european-union"),
        ("The Hague", "=netherlands"),
    ],
)
def test_capitals_people_and_initialisms_name_the_country(text: str, token: str):
    assert unify(text)[-1] == token


def test_small_us_stays_the_pronoun_even_beside_the_country():
    assert unify("sanctions against us") == ["sanction", "against", "us"]
    assert unify("The US told us") == ["the", "=united-states", "told", "us"]
    assert unify("It trusts us.") == ["it", "trust", "us"]


def test_north_and_south_alone_name_no_country():
    assert unify("the North and South Korea") == ["the", "north", "and", "=south-korea"]


def test_hyphens_and_possessives_join_a_name_to_other_words():
    assert unify("the US-sponsored draft") == ["the", "=united-states", "sponsor", "draft"]
    assert unify("U.S.-led") == ["=united-states", "led"]
    assert unify("Russian-Chinese draft") == ["=russia", "=china", "draft"]
    assert unify("North Korea's") == ["=north-korea", "s"]


def test_words_that_only_look_like_a_name_are_left_alone():
    assert unify("the north pole") == ["the", "north", "pole"]
    assert unify("the USS Cole") == ["the", "uss", "cole"]
    assert unify("a bus, a use, plus") == analyze("a bus, a use, plus")


@given(st.text(max_size=200))
def test_every_token_is_a_country_or_a_term_of_the_index(text: str):
    tokens = unify(text)
    assert len(tokens) <= max(len(analyze(text)), text.count("U"))
    known = set(analyze(text)) | {"un", "uk", "eu", "usa"}
    assert all(token.startswith("=") or token in known for token in tokens)


TEXTS = (
    "The U.S. vetoed a draft.",
    "Washington vetoed nothing.",
    "Pyongyang launched a missile. North Korea fired another.",
    "Ships left the harbour in Korea.",
)


@pytest.fixture
def library(tmp_path: Path):
    with Library.open_for_writing(tmp_path / "library", BagOfWordsEncoder()) as opened:
        opened.put(
            [
                (Article.from_text(text, Metadata(title=f"Report {number}"), f"/news/{number}.txt"), str(number))
                for number, text in enumerate(TEXTS)
            ]
        )
        yield opened


def test_document_frequency_counts_passages_by_term(library: Library):
    assert library.count_passages() == 4
    assert document_frequency(library, ["veto", "harbour", "yacht", "report"]) == {
        "veto": 2,
        "harbour": 1,
        "yacht": 0,
        "report": 4,
    }


def test_document_frequency_of_a_country_is_that_of_its_commonest_name(library: Library):
    # "Pyongyang" is in one passage, "north" and "korea" together in one at most, by their rarer word.
    assert document_frequency(library, unify("North Korea")) == {"=north-korea": 1}
    assert document_frequency(library, unify("Tokyo")) == {"=japan": 0}


def test_document_frequency_finds_a_country_that_is_only_written_with_initials(tmp_path: Path):
    with Library.open_for_writing(tmp_path / "initials", BagOfWordsEncoder()) as opened:
        opened.put([(Article.from_text("The U.N. and the U.S. met.", Metadata(title="Talks"), "/news/1.txt"), "1")])
        assert document_frequency(opened, ["=united-states", "=united-nations", "=united-kingdom"]) == {
            "=united-states": 1,
            "=united-nations": 1,
            "=united-kingdom": 0,
        }


def test_document_frequency_of_nothing_is_nothing(library: Library):
    assert document_frequency(library, []) == {}


PIECES = (
    "north korea korean south u n k e united states nations great britain us usa new zealand delhi covid 19 sars cov 2"
)


@given(
    st.lists(st.sampled_from([*PIECES.split(), "saudi", "arabia", "the", "council", "."]), max_size=12).map(" ".join)
)
def test_names_are_found_wherever_they_stand(text: str):
    joined = {("u", "n"): "un", ("u", "k"): "uk", ("e", "u"): "eu"}
    words, terms = analyze(text), []
    while words:
        length = 2 if tuple(words[:2]) in joined else 1
        terms.append(joined.get(tuple(words[:2]), words[0]))
        words = words[length:]
    expected = []
    while terms:
        length = next((n for n in (3, 2, 1) if tuple(terms[:n]) in _groups()), 0)
        expected.append(_groups()[tuple(terms[:length])] if length else terms[0])
        terms = terms[length or 1 :]
    assert unify(text) == expected

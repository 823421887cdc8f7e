"""The question sets about time: every quote is in its article, and what is right as of a day was published by then."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.gold import locate_evidence
from eval.question_sets import load_set
from eval.types import QuestionSet
from index.ingest import index_paths
from index.library import Library
from rag.times import read_times
from tests.fakes import BagOfWordsEncoder

ROOT = Path(__file__).parent.parent
SETS = {"tests/sets/times.jsonl": "seeds", "tests/sets/harbour/times.jsonl": "tests/sets/harbour/articles"}


@pytest.fixture(scope="module", params=SETS)
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[QuestionSet, Library]]:
    library_path = tmp_path_factory.mktemp("times") / "library"
    with Library.open_for_writing(library_path, BagOfWordsEncoder()) as library:
        index_paths(library, [str(ROOT / SETS[request.param])])
        yield load_set([ROOT / request.param]), library


def test_every_quote_is_found_and_every_type_is_asked(asked: tuple[QuestionSet, Library]):
    question_set, library = asked
    located = locate_evidence(question_set, library)
    assert set(located) == {question.id for question in question_set.questions if question.answerable}
    assert {question.type for question in question_set.questions} == {
        "time-period",
        "time-latest",
        "time-change",
        "time-as-of",
    }
    assert any(not question.answerable for question in question_set.questions)


def test_what_is_right_as_of_a_day_was_published_by_then(asked: tuple[QuestionSet, Library]):
    question_set, library = asked
    located = locate_evidence(question_set, library)
    for question in question_set.questions:
        assert (question.as_of is not None) == (question.type == "time-as-of")
        if question.as_of is not None and question.answerable:
            days = library.publication_days(located[question.id].article_ids)
            assert days, question.id
            assert all(first <= question.as_of for first, _ in days.values()), question.id


def test_the_questions_are_read_as_their_types_say(asked: tuple[QuestionSet, Library]):
    for question in asked[0].questions:
        reading = read_times(question.text, as_of=question.as_of)
        if question.type == "time-period":
            assert reading.periods, question.id
        elif question.type == "time-latest":
            assert reading.wants_latest, question.id
        elif question.type == "time-change":
            assert reading.wants_change, question.id

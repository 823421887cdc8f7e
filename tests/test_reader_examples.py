"""What the reader is trained on: negatives hold no answer, splits hold together, and the same seed gives the same."""

import gzip
import json
import random
from itertools import islice
from pathlib import Path

import pytest

from eval.benchmarks.near_words import NearWords
from eval.benchmarks.reader_examples import (
    NEGATIVES,
    SHARES,
    TITLED,
    Case,
    Example,
    Text,
    altered,
    deleted,
    drawn,
    is_held_back,
    near_words,
    read_cases,
    with_negatives,
)
from index.encoder import default_folder

PASSAGE = (
    "The lighthouse of Corrie Point was built in 1871 by Agnes Thorne. It stands 31 metres high. Her brother Samuel "
    "Thorne kept the light until 1902. Since then nobody has lived there."
)


def example(question: str, answer: str, passage: str = PASSAGE) -> Example:
    start = passage.index(answer)
    return Example(question, Text("Corrie Point", passage), ((start, start + len(answer)),), "answer")


@pytest.fixture(scope="module")
def near() -> NearWords:
    words = ["opened", "closed", "painted", "church", "railway", "castle", "quickly"]
    return NearWords(default_folder(), words, ["Mary Thorne", "Samuel Hope", "Germany", "1871"])


def test_what_stands_in_for_a_word_or_name_is_of_its_kind(near: NearWords):
    assert set(near.words("demolished")) <= {"opened", "closed", "painted"}
    assert near.words("bridge")
    assert set(near.words("bridge")) <= {"railway", "castle", "church"}
    assert near.names("France") == ["Germany"]
    assert near.of("France", ["Samuel Thorne", "Germany", "France", "Mount Everest"])[0] == "Germany"
    assert near.of("France", ["Germany", "France"]) == ["Germany"]
    assert near.of("Samuel Thorne", []) == []


def test_a_deleted_passage_lacks_the_answer_and_keeps_the_rest():
    found = deleted(example("When was the lighthouse of Corrie Point built?", "1871"))
    assert found is not None
    assert found.kind == "deleted"
    assert found.spans == ()
    assert "1871" not in found.text.passage
    assert "It stands 31 metres high." in found.text.passage


def test_nothing_is_deleted_where_the_answer_is_said_twice_or_little_is_left():
    twice = PASSAGE + " The year 1871 is carved above its door."
    assert deleted(example("When was it built?", "1871", twice)) is None
    assert deleted(example("When was it built?", "1871", "It was built in 1871. It is high.")) is None


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who built the lighthouse that Samuel Thorne kept?", "Agnes Thorne"),
        ("Who kept the light until 1902?", "Samuel Thorne"),
        ("How high does the lighthouse stand today?", "31 metres"),
    ],
)
def test_an_altered_question_is_another_question_to_the_same_passage(question: str, answer: str, near: NearWords):
    made = [altered(example(question, answer), random.Random(seed), near) for seed in range(30)]
    found = [one for one in made if one is not None]
    assert found
    for one in found:
        assert one.question != question
        assert one.text.passage == PASSAGE
        assert (one.spans, one.kind) == ((), "altered")


def write_data(folder: Path, rows: dict[str, list[dict]]) -> Path:
    (folder / "train").mkdir()
    for name in {*SHARES, "mined_negatives", *TITLED}:
        with gzip.open(folder / "train" / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            for row in rows.get(name, []):
                file.write(json.dumps(row) + "\n")
    return folder


def row(number: int, title: str, context: str, answer: str) -> dict:
    start = context.index(answer)
    answers = [{"text": answer, "answer_start": start}]
    return {
        "id": f"q{number}",
        "question": f"Question {number}?",
        "title": title,
        "context": context,
        "answers": answers,
    }


@pytest.fixture
def data(tmp_path: Path) -> Path:
    wiki = [
        row(n, f"Town_{n // 4}", f"Town {n // 4} has {n} towers. It lies on a river. Ships call.", f"{n} towers")
        for n in range(400)
    ]
    mined = [
        {"id": f"m{n}", "neg_of": f"q{n}", "question": "", "context": wiki[(n + 7) % 400]["context"], "answers": []}
        for n in range(400)
    ]
    timed = {**row(900, "Mill", "The mill was sold in 1950.", "1950")}
    refused = {**timed, "id": "q901", "context": "The mill has a wheel.", "answers": [], "is_impossible": True}
    sentences = {"id": "s1", "question": "What?", "title": "A", "sentences": ["One.", "Two."], "labels": [0, 1]}
    return write_data(
        tmp_path,
        {
            "squadshifts_new_wiki": wiki,
            "mined_negatives": mined,
            "timeqa_human": [timed, refused],
            "selqa": [sentences],
        },
    )


def test_no_article_is_on_both_sides(data: Path):
    cases = read_cases(data)
    assert {case.group for case in cases.held}.isdisjoint(case.group for case in cases.fitted)
    assert all(is_held_back(case.group) for case in cases.held)
    held = {case.positive.text.passage for case in cases.held}
    for case in cases.fitted:
        assert held.isdisjoint(one.text.passage for one in (case.positive, *case.negatives))
    assert all(case.group.startswith("Town ") for case in cases.fitted if case.source == "squadshifts_new_wiki")


def test_spans_are_the_answers_and_negatives_have_none(data: Path):
    cases = read_cases(data).fitted
    by_kind: dict[str, list[tuple[Case, Example]]] = {}
    for case in cases:
        passage = case.positive.text.passage
        assert case.positive.spans
        for one in case.negatives:
            assert one.spans == ()
            assert one.question == case.positive.question
            by_kind.setdefault(one.kind, []).append((case, one))
        if case.source == "squadshifts_new_wiki":
            (start, end) = case.positive.spans[0]
            assert passage[start:end].endswith("towers")
    assert set(by_kind) == {"mined", "same_article", "given"}
    for case, one in by_kind["same_article"]:
        assert one.text.title == case.positive.text.title
    (selected,) = [case.positive for case in cases if case.source == "selqa"]
    assert selected.sentences
    assert [selected.text.passage[start:end] for start, end in selected.spans] == ["Two."]


def test_the_same_seed_draws_the_same(data: Path):
    cases = read_cases(data).fitted
    near = near_words(cases, default_folder())
    first, again = (list(islice(drawn(cases, 3, near), 500)) for _ in range(2))
    assert first == again
    assert first != list(islice(drawn(cases, 4, near), 500))
    assert all(group[0].kind == "answer" for group in first)
    kinds = {one.kind for group in first for one in group}
    assert {"answer", "mined", "same_article", "deleted", "given"} <= kinds


def test_no_negatives_are_drawn_where_none_are_wanted(data: Path, near: NearWords):
    for case in read_cases(data).fitted:
        assert with_negatives(case, random.Random(1), {}, near) == [case.positive]
        assert len(with_negatives(case, random.Random(1), NEGATIVES, near)) in (1, 2)


def test_the_sentences_that_a_long_answer_was_made_of_are_found_in_its_passage(tmp_path: Path):
    answer = "The harbour was dredged in 1931. Ships of 9 metres can enter it"
    passage = "The harbour was dredged in 1931 . Gulls nest on its wall. Ships of 9 metres can enter it."
    of_answer = {"question": "How deep?", "sentences": [f"{answer}::{passage}", "Another one."], "labels": [1, 0]}
    alone = {"question": "How wide is it?", "sentences": ["It is 80 metres wide.", "Other."], "labels": [1, 0]}
    cases = read_cases(write_data(tmp_path, {"clapnq_train_qa": [of_answer, alone]})).fitted
    marked, ranked = (case.positive for case in cases)
    assert marked.sentences
    assert [marked.text.passage[start:end] for start, end in marked.spans] == [
        "The harbour was dredged in 1931 .",
        "Ships of 9 metres can enter it.",
    ]
    assert (ranked.spans, ranked.ranks_only) == ((), True)
    assert all(one.spans == () and not one.sentences for case in cases for one in case.negatives)


def test_the_nearest_passages_of_an_article_stand_beside_a_question(tmp_path: Path):
    contexts = [f"In year {n} the mill of Ald sold {n} sacks. It was raining." for n in range(1, 9)]
    rows = [row(n, "Ald", context, f"{n} sacks") for n, context in enumerate(contexts, 1)]
    far = row(90, "Ald", "Nobody has counted the birds, of which there are 70.", "70")
    rows = [*rows, far]
    for one in rows:
        one["question"] = f"How many sacks did the mill sell in that year, {one['id']}?"
    cases = read_cases(write_data(tmp_path, {"squadshifts_new_wiki": rows}))
    for case in (*cases.fitted, *cases.held):
        beside = [one.text.passage for one in case.negatives if one.kind == "same_article"]
        assert beside
        assert far["context"] not in beside


def test_data_that_are_not_there_are_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="train"):
        read_cases(tmp_path)

"""Lines of results: what is written is what is read, however a run ended."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.results import RESULTS_NAME, ResultsFile, read_results, replace_file, result_as_json, result_from_json
from eval.types import CitationCounts, EvalQuestion, Evidence, Judgement, QuestionResult, Scores
from index.errors import InputError
from rag.types import Turn
from rag.verification import read_cited_lines

texts = st.text(max_size=12)
shares = st.floats(0, 1)
flags = st.none() | st.booleans()
optional_shares = st.none() | shares
names = st.sampled_from(["system", "keyword", "dense"])

scores = st.builds(
    Scores,
    answerable=st.booleans(),
    refused=st.booleans(),
    contains=flags,
    exact_match=flags,
    f1=optional_shares,
    rouge_l=optional_shares,
    gold_quote=flags,
    gold_overlap=optional_shares,
    gold_article=flags,
    citation_recall=optional_shares,
    citation_precision=optional_shares,
    words=st.none() | st.integers(0, 500),
)
questions = st.builds(
    EvalQuestion,
    id=texts,
    text=texts,
    answers=st.lists(texts, max_size=2).map(tuple),
    answers_all=st.lists(texts, max_size=2).map(tuple),
    reference=st.none() | texts,
    evidence=st.lists(
        st.builds(Evidence, texts, st.none() | texts, grade=st.integers(1, 3), start=st.none() | st.integers(0, 10**6)),
        max_size=2,
    ).map(tuple),
    answerable=st.booleans(),
    history=st.lists(st.builds(Turn, texts, texts), max_size=2).map(tuple),
    type=texts,
    as_of=st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)),
    cluster=st.none() | texts,
    ignored_fields=st.lists(texts, max_size=2).map(tuple),
)
answers = st.fixed_dictionaries(
    {"answer": texts, "refused": st.booleans(), "confidence": shares, "citations": st.just([])},
    optional={"timings_ms": st.dictionaries(texts, st.floats(0, 1e6), max_size=2)},
)
results = st.builds(
    QuestionResult,
    question=questions,
    answer=st.none() | answers,
    failure=st.none() | texts,
    scores=scores,
    counts=st.builds(CitationCounts, *(st.integers(0, 9) for _ in range(4))),
    rankings=st.dictionaries(names, st.dictionaries(texts, st.dictionaries(texts, shares, max_size=2), max_size=2)),
    baselines=st.dictionaries(texts, scores, max_size=2),
    judgement=st.none() | st.builds(Judgement, texts, optional_shares, optional_shares, optional_shares),
    seconds=st.dictionaries(texts, st.floats(0, 1e4), max_size=3),
)


def made_result(name: str, text: str = "Yes. [1]", failure: str | None = None) -> QuestionResult:
    answer = {"answer": text, "refused": False, "confidence": 0.5, "citations": []}
    return QuestionResult(EvalQuestion(name, "Is it?"), answer, failure, Scores(answerable=True, refused=False))


def write_all(folder: Path, *made: QuestionResult) -> Path:
    file = ResultsFile.open(folder)
    for result in made:
        file.append(result)
    file.close()
    return folder / RESULTS_NAME


@given(result=results)
def test_a_line_gives_the_result_that_was_written(result):
    assert result_from_json(json.loads(json.dumps(result_as_json(result)))) == result


@given(made=st.lists(results, max_size=3))
def test_a_file_gives_the_results_that_were_appended(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    path = write_all(folder, *made)
    assert read_results(path) == made
    assert read_results(folder) == made
    assert len(path.read_bytes().splitlines()) >= len(made)


def test_the_line_has_the_fields_of_the_contract():
    document = result_as_json(made_result("a"))
    assert list(document) == [
        "id",
        "type",
        "question",
        "answerable",
        "answers",
        "answers_all",
        "reference",
        "evidence",
        "history",
        "as_of",
        "cluster",
        "ignored_fields",
        "answer",
        "failure",
        "scores",
        "judgement",
        "seconds",
    ]
    assert {"refused", "contains", "words", "citations", "cited_statements", "rankings", "baselines"} <= set(
        document["scores"]
    )


def test_what_is_written_can_be_verified_later(tmp_path):
    failed = QuestionResult(EvalQuestion("b", "Is it?"), None, "away", Scores(answerable=True, refused=False))
    path = write_all(tmp_path, made_result("a"), failed)
    lines = read_cited_lines(path.read_text(encoding="utf-8").splitlines(), "results")
    assert [(line.line, line.answer_id, line.citations) for line in lines] == [(1, "a", ()), (2, "b", ())]


def test_a_line_is_in_the_file_when_append_returns(tmp_path):
    file = ResultsFile.open(tmp_path)
    for number in range(3):
        file.append(made_result(str(number), "x" * 20_000))
        assert [found.question.id for found in read_results(tmp_path)] == [str(n) for n in range(number + 1)]
    file.close()


def test_a_file_cut_anywhere_keeps_every_whole_line_and_goes_on(tmp_path):
    made = [made_result("a"), made_result("b", "Nä ✓ \u2028 ja.")]
    path = write_all(tmp_path, *made)
    content = path.read_bytes()
    first = content.index(b"\n") + 1
    for end in range(len(content) + 1):
        path.write_bytes(content[:end])
        whole = made[: (end >= first) + (end == len(content))]
        assert read_results(tmp_path) == whole
        assert path.read_bytes() == content[:end], "reading changes nothing"
        file = ResultsFile.open(tmp_path)
        assert file.finished == whole
        file.append(made_result("c"))
        file.close()
        assert read_results(tmp_path) == [*whole, made_result("c")]


def test_half_a_character_of_a_model_is_kept(tmp_path):
    result = made_result("a", "12 cents \ud83d [1]")
    write_all(tmp_path, result)
    assert read_results(tmp_path) == [result]


def test_lines_are_replaced_all_at_once(tmp_path):
    file = ResultsFile.open(tmp_path)
    for name in "abc":
        file.append(made_result(name))
    file.replace([made_result("c"), made_result("a")])
    file.append(made_result("d"))
    file.close()
    assert [result.question.id for result in read_results(tmp_path)] == ["c", "a", "d"]
    assert [result.question.id for result in file.finished] == ["c", "a", "d"]
    assert [path.name for path in tmp_path.iterdir()] == [RESULTS_NAME]


def test_a_file_that_cannot_be_written_whole_stays_as_it_was(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")

    def pieces():
        yield "after"
        raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError):
        replace_file(path, pieces())
    assert path.read_text() == "before"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "Expecting property name"),
        (b"[1]", "Line 2 of"),
        (b"\xff{}", "utf-8"),
        (b'{"id": "a"}', "without 'scores'"),
        (b"[" * 100_000, "Line 2 of"),
    ],
)
def test_a_line_that_is_no_result_is_named(tmp_path, line, said):
    path = write_all(tmp_path, made_result("a"))
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(InputError, match=r"Line 2 of .*results\.jsonl' is not a result") as caught:
        read_results(path)
    assert said in str(caught.value)
    with pytest.raises(InputError, match="is not a result"):
        ResultsFile.open(tmp_path)


@pytest.mark.parametrize("missing", ["words", "citations", "rankings"])
def test_a_line_of_another_version_is_not_guessed_at(tmp_path, missing):
    document = result_as_json(made_result("a"))
    del document["scores"][missing]
    (tmp_path / RESULTS_NAME).write_text(json.dumps(document) + "\n")
    with pytest.raises(InputError, match=f"without '{missing}'"):
        read_results(tmp_path)


def test_an_answer_that_is_no_answer_is_named(tmp_path):
    document = {**result_as_json(made_result("a")), "answer": {"text": "x"}}
    (tmp_path / RESULTS_NAME).write_text(json.dumps(document) + "\n")
    with pytest.raises(InputError, match="'answer' is not a document of ask --json"):
        read_results(tmp_path)


def test_a_missing_file_is_said_with_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"There are no results at .*eval run wrote with --out"):
        read_results(tmp_path / "none")
    with pytest.raises(InputError, match="There are no results at"):
        read_results(tmp_path)


def test_a_folder_in_the_place_of_the_file_is_said(tmp_path):
    (tmp_path / RESULTS_NAME).mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        read_results(tmp_path)

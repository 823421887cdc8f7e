"""TREC files: read as trec_eval reads them, refused with the line, and written so that the order is kept."""

from io import StringIO
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.trec import Run, encode_id, read_qrels, read_run, write_qrels, write_run
from index.errors import InputError

IDENTIFIERS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_qrels_are_read_as_trec_eval_reads_them(tmp_path):
    content = "# made by hand\nq1 0 d1 2\n\nq1\t0   d2\t-1 \r\n  q2 Q0 d1 0"
    assert read_qrels(written(tmp_path / "qrels", content)) == {"q1": {"d1": 2, "d2": -1}, "q2": {"d1": 0}}


def test_only_ascii_white_space_separates(tmp_path):
    assert read_qrels(written(tmp_path / "qrels", "\ufeffq\u00a01 0 d\u30001 1\n")) == {"q\u00a01": {"d\u30001": 1}}


def test_qrels_of_beir_are_read_with_identifiers_as_they_are_written(tmp_path):
    content = "query-id\tcorpus-id\tscore\r\n1\tnews #3\t2\r\n1\td\t0\r\n"
    assert read_qrels(written(tmp_path / "test.tsv", content)) == {"1": {"news%20#3": 2, "d": 0}}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("q 0 d 1\nq 0 d\n", "line 2: 3 columns, but a line of qrels has 4 columns: query, 0, document, relevance"),
        ("q 0 d 1 x\n", "line 1: 5 columns"),
        ("q\n", "line 1: 1 column, but"),
        ("q 0 d 1.0\n", "line 1: the relevance '1.0' is not a whole number from -127 to 127"),
        ("q 0 d 128\n", "line 1: the relevance '128'"),
        ("q 0 d 1\n\nq 0 d 2\n", "line 3: document 'd' is judged for query 'q' a second time"),
        (b"q 0 d 1\nq 0 \xff 1\n", "line 2: not UTF-8 at byte 5 of the line"),
        ("q 0 d\0 1\n", "line 1: holds a NUL character"),
        ("query-id\tcorpus-id\tscore\n1\td\n", "line 2: 2 columns, but a line of qrels has 3 columns"),
        ("", "holds no judgement"),
        ("# nothing\n\n", "holds no judgement"),
    ],
)
def test_qrels_that_do_not_follow_the_format(tmp_path, content, complaint):
    with pytest.raises(InputError) as caught:
        read_qrels(written(tmp_path / "qrels", content))
    assert complaint in str(caught.value)
    assert str(tmp_path / "qrels") in str(caught.value)


def test_a_run_is_read_as_trec_eval_reads_it(tmp_path):
    content = "q Q0 d1 9 1.5 first\n# q Q0 d3 1 2 x\nq Q0 d2 1 -2e-3 second what follows is ignored\n"
    assert read_run(written(tmp_path / "run", content)) == Run("second", {"q": {"d1": 1.5, "d2": -0.002}})
    assert read_run(written(tmp_path / "empty", "")).scores == {}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (
            "q Q0 d 1 2.0\n",
            "line 1: 5 columns, but a line of a run has 6 columns: query, Q0, document, rank, score, run",
        ),
        ("q Q0 d 1 high r\n", "line 1: the score 'high' is not a number"),
        ("q Q0 d 1 nan r\n", "line 1: the score 'nan'"),
        ("q Q0 d 1 1_000 r\n", "line 1: the score '1_000'"),
        ("q Q0 d 1 2 r\nq Q0 e 2 1 r\nq Q0 d 3 0 r\n", "line 3: document 'd' is there for query 'q' a second time"),
    ],
)
def test_runs_that_do_not_follow_the_format(tmp_path, content, complaint):
    with pytest.raises(InputError) as caught:
        read_run(written(tmp_path / "run", content))
    assert complaint in str(caught.value)


def test_a_file_of_another_kind_is_not_read_to_its_end(tmp_path):
    with pytest.raises(InputError, match=r"line 1: .*; and 9\d more"):
        read_run(written(tmp_path / "run", "no run\n" * 100_000))


@pytest.mark.parametrize("read", [read_qrels, read_run])
def test_a_file_that_cannot_be_read(tmp_path, read):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read(tmp_path / "none")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_identifiers_that_cannot_stand_in_a_column_are_encoded():
    assert encode_id("news #3") == "news%20#3"
    assert encode_id("#3") == "%233"
    assert encode_id("a\tb\u00a0c") == "a%09b%C2%A0c"
    assert encode_id("\ud800") == "%5Cud800"
    assert encode_id("50%é/ü#x") == "50%é/ü#x"
    with pytest.raises(InputError, match="an identifier is empty"):
        encode_id("")


def test_what_is_written_is_read_again(tmp_path):
    write_qrels(tmp_path / "qrels", [("q 1", "d 1", 2), ("q 1", "d2", 0)])
    assert (tmp_path / "qrels").read_text() == "q%201 0 d%201 2\nq%201 0 d2 0\n"
    assert read_qrels(tmp_path / "qrels") == {"q%201": {"d%201": 2, "d2": 0}}
    write_run(tmp_path / "run", [("q", "d", 0.5), ("q", "e", 0.25), ("r", "d", 3.0)], run_id="my run")
    assert (tmp_path / "run").read_text() == "q Q0 d 1 0.5 my%20run\nq Q0 e 2 0.25 my%20run\nr Q0 d 1 3 my%20run\n"


@given(st.lists(st.tuples(IDENTIFIERS, st.floats(-1e6, 1e6)), unique_by=lambda row: encode_id(row[0])))
def test_a_written_run_keeps_the_order_in_single_precision_too(rows):
    rows.sort(key=lambda row: -row[1])
    out = StringIO()
    write_run(out, [("q", identifier, score) for identifier, score in rows])
    lines = [line.split(" ") for line in out.getvalue().splitlines()]
    assert [line[2] for line in lines] == [encode_id(identifier) for identifier, _ in rows]
    read = [float(line[4]) for line in lines]
    assert all(np.float32(better) > np.float32(worse) for better, worse in pairwise(read))
    # Few scores have to be lowered, and those by steps of the last of seven digits: the values still mean something.
    assert [score for _, score in rows] == pytest.approx(read, rel=1e-5, abs=1e-5)


def test_a_ranking_names_a_document_once(tmp_path):
    with pytest.raises(InputError, match="document 'd' would be written twice for query 'q'"):
        write_run(tmp_path / "run", [("q", "d", 2), ("q", "d", 1)])
    with pytest.raises(InputError, match="document 'a%20b' would be written twice"):
        write_qrels(StringIO(), [("q", "a b", 2), ("q", "a%20b", 1)])


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match="cannot be written: No such file"):
        write_run(tmp_path / "none" / "run", [("q", "d", 1.0)])

"""Exports, read back by the tools that they are for, or by code that is not ours."""

import csv
import json

import ir_measures
import pytest

from eval.exports import COLUMNS, csv_row, export, protected, ragas_sample
from eval.trec import read_qrels
from eval.types import CitationCounts, EvalQuestion, Evidence, Gold, Judgement, QuestionResult, Scores
from index.errors import InputError


def passage(rank, article, start, score):
    return {
        "rank": rank,
        "passage_id": f"{article}:{start}-{start + 10}",
        "article_id": article,
        "score": score,
        "text": f"passage {rank}",
    }


PASSAGES = [passage(1, "b", 0, 0.9), passage(2, "a", 0, 0.9), passage(3, "b", 10, 0.95), passage(4, "c", 0, 0.1)]


def document(text="It leaves at nine. [1]", **fields):
    citation = {"number": 1, "cited_text": 'The ferry, "Mary",\nleaves at nine.'}
    return {
        "answer": text,
        "refused": False,
        "confidence": 0.125,
        "citations": [citation],
        "passages": PASSAGES[::-1],
        "model": "openai:some model",
    } | fields


def result(identifier="q 1", answer=None, failure=None, **question):
    fields = {"text": "When does the ferry leave?", "answers": ("nine", "9")} | question
    scores = Scores(answerable=True, refused=False, contains=True, f1=1 / 3, words=4)
    return QuestionResult(
        EvalQuestion(identifier, **fields),
        answer,
        failure,
        scores,
        CitationCounts(1, 1, 1, 1),
        rankings={"system": {"article": {"nDCG@10": 0.25}}, "dense": {"article": {"nDCG@10": 0.75}}},
        judgement=Judgement("openai:j", faithfulness=1.0),
    )


def ranked(path):
    """Each query's documents as ir_measures ranks them: by score, and a tie by the identifier, descending."""
    found = {}
    for row in ir_measures.read_trec_run(str(path)):
        found.setdefault(row.query_id, []).append((row.score, row.doc_id))
    return {query: [name for _, name in sorted(rows, reverse=True)] for query, rows in found.items()}


def test_a_run_ranks_as_the_answer_did(tmp_path):
    results = [result(answer=document()), result("q2"), result("q3", document(passages=PASSAGES[:2]))]
    export(results, format="trec-run", level="passage", out=tmp_path / "p.run")
    assert ranked(tmp_path / "p.run") == {
        "q%201": ["b:0-10", "a:0-10", "b:10-20", "c:0-10"],
        "q3": ["b:0-10", "a:0-10"],
    }
    export(results, format="trec-run", level="article", out=tmp_path / "a.run")
    assert ranked(tmp_path / "a.run") == {"q%201": ["b", "a", "c"], "q3": ["b", "a"]}
    assert (tmp_path / "a.run").read_text().splitlines()[0] == "q%201 Q0 b 1 0.899999976 openai:some%20model"


def test_the_tag_of_a_run_can_be_named(tmp_path):
    export([result(answer=document())], format="trec-run", out=tmp_path / "a.run", tag="my run")
    assert {line.split()[-1] for line in (tmp_path / "a.run").read_text().splitlines()} == {"my%20run"}
    with pytest.raises(InputError, match="no answer of these results has a passage"):
        export([result()], format="trec-run", out=tmp_path / "none.run")


def test_run_and_qrels_score_together(tmp_path):
    gold = {"q 1": Gold((), frozenset({"b:10-20"}), {"a": 1, "c": 2})}
    results = [result(answer=document()), result("unanswerable")]
    for level, expected in (("article", 1 / 2), ("passage", 1 / 3)):
        for kind in ("run", "qrels"):
            export(results, format=f"trec-{kind}", level=level, out=tmp_path / f"{level}.{kind}", gold=gold)
        qrels = ir_measures.read_trec_qrels(str(tmp_path / f"{level}.qrels"))
        run = ir_measures.read_trec_run(str(tmp_path / f"{level}.run"))
        assert ir_measures.calc_aggregate([ir_measures.RR], qrels, run)[ir_measures.RR] == pytest.approx(expected)
    assert read_qrels(tmp_path / "article.qrels") == {"q%201": {"a": 1, "c": 2}}


def test_qrels_need_gold_at_their_level(tmp_path):
    with pytest.raises(InputError, match="--articles or --library"):
        export([result()], format="trec-qrels", out=tmp_path / "q")
    gold = {"q 1": Gold((), frozenset(), {"a": 1})}
    with pytest.raises(InputError, match="try --level article"):
        export([result()], format="trec-qrels", level="passage", out=tmp_path / "q", gold=gold)
    assert list(tmp_path.iterdir()) == []


def test_ragas_samples(tmp_path):
    quoted = (Evidence("a.txt", "leaves at nine"), Evidence("b.txt", None))
    results = [
        result(answer=document("Ça part à neuf heures. [1]"), evidence=quoted),
        result("q2", failure="q2: gone."),
        result("q3", document("The articles do not say.", refused=True, citations=[]), answers=(), answerable=False),
        result("q4", document(), answers=(), answers_all=("nine", "ten")),
        result("q5", document(), reference="It leaves at nine."),
    ]
    export(results, format="ragas", out=tmp_path / "samples.jsonl")
    # RAGAS opens the file in the encoding of the machine, so the file is ASCII.
    samples = [json.loads(line) for line in (tmp_path / "samples.jsonl").read_text(encoding="ascii").splitlines()]
    assert samples[0] == {
        "user_input": "When does the ferry leave?",
        "response": "Ça part à neuf heures.",
        "retrieved_contexts": ["passage 1", "passage 2", "passage 3", "passage 4"],
        "reference": "nine",
        "reference_contexts": ["leaves at nine"],
    }
    assert samples[1]["response"] == ""
    assert samples[1]["retrieved_contexts"] == []
    assert samples[2]["response"] == "The articles do not say."
    assert [sample["reference"] for sample in samples] == ["nine", "nine", None, "nine; ten", "It leaves at nine."]
    assert ragas_sample(results[1])["reference_contexts"] is None
    for sample in samples:
        assert isinstance(sample["user_input"], str)
        assert all(isinstance(text, str) for text in sample["retrieved_contexts"])


def test_a_table_reads_back(tmp_path):
    results = [
        result(answer=document(), type='a "type", of two\nlines'),
        result("q2", failure="=gone"),
        result("q3", document("=HYPERLINK(1)")),
    ]
    export(results, format="csv", out=tmp_path / "table.csv")
    content = (tmp_path / "table.csv").read_bytes()
    assert content.startswith(b"id,type,question,answerable,refused,answer,confidence,contains,")
    assert content.count(b"\r\n") == 4
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        first, second, third = csv.DictReader(file, strict=True)
    assert tuple(first) == COLUMNS
    assert (first["id"], first["type"]) == ("q 1", 'a "type", of two\nlines')
    assert (first["answerable"], first["refused"], first["contains"]) == ("true", "false", "true")
    assert (first["confidence"], first["words"]) == ("0.125", "4")
    assert float(first["f1"]) == 1 / 3
    assert (first["exact_match"], first["passage.AP"]) == ("", "")
    assert (first["article.nDCG@10"], first["judge.faithfulness"]) == ("0.25", "1.0")
    assert first["cited_words"] == '[1] The ferry, "Mary",\nleaves at nine.'
    assert (second["refused"], second["answer"], second["confidence"]) == ("", "", "")
    assert (second["failure"], third["answer"]) == ("'=gone", "'=HYPERLINK(1)")


@pytest.mark.parametrize(
    "text", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "-1+1", "+1-2", "'=1", "'"]
)
def test_what_a_spreadsheet_could_run_gets_an_apostrophe(text):
    assert protected(text) == "'" + text
    assert csv_row(result(text))["id"] == "'" + text


@pytest.mark.parametrize("text", ["", "-5", "+3.5%", "-1,200.50", "1=1", "a@b.c", "nine", "3-4", "−5"])
def test_numbers_and_other_text_stay_as_they_are(text):
    assert protected(text) == text


@pytest.mark.parametrize("format_", ["trec-run", "ragas", "csv"])
def test_a_file_is_only_replaced_on_demand_and_never_in_part(tmp_path, format_):
    out = tmp_path / "out"
    out.write_text("mine")
    with pytest.raises(InputError, match="--overwrite"):
        export([result(answer=document())], format=format_, out=out)
    with pytest.raises(KeyError):
        export([result(answer={"refused": False})], format=format_, out=out, overwrite=True)
    assert out.read_text() == "mine"
    export([result(answer=document())], format=format_, out=out, overwrite=True)
    assert "mine" not in out.read_text()
    assert list(tmp_path.iterdir()) == [out]


def test_what_cannot_be_exported(tmp_path):
    with pytest.raises(InputError, match="choose one of trec-run, trec-qrels, ragas, csv"):
        export([], format="xlsx", out=tmp_path / "out")
    with pytest.raises(InputError, match="cannot be written"):
        export([], format="csv", out=tmp_path / "missing" / "out.csv")


def test_control_characters_do_not_reach_the_table():
    assert protected("\x1b[2Jquiet\x07\x9b\tand\nso on") == "\ufffd[2Jquiet\ufffd\ufffd\tand\nso on"

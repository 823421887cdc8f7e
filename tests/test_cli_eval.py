"""The commands of `eval`, run as a user runs them; what they compute is tested beside the modules that compute it."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from command_line import copy_seeds, run

from eval.asking import Asker
from index.errors import ModelError

QUESTIONS = Path(__file__).resolve().parent.parent / "seeds" / "questions.jsonl"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DATELINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def articles(tmp_path):
    return copy_seeds(tmp_path / "seeds")


@pytest.fixture
def few(tmp_path):
    """Three questions that the sample collection answers and two that it does not."""
    lines = QUESTIONS.read_text("utf-8").splitlines(keepends=True)
    unanswerable = [line for line in lines if not json.loads(line)["answerable"]]
    path = tmp_path / "few.jsonl"
    path.write_text("".join([*lines[:3], *unanswerable[:2]]), "utf-8")
    return path


@pytest.fixture
def squad(tmp_path):
    text = "The Ostvale bridge was closed in 1962 after the great flood."
    answer = {"text": "1962", "answer_start": text.index("1962")}
    question = {"id": "s1", "question": "When was the Ostvale bridge closed?", "answers": [answer]}
    document = {"version": "1.1", "data": [{"title": "Ostvale", "paragraphs": [{"context": text, "qas": [question]}]}]}
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


@pytest.fixture
def beir(tmp_path):
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    texts = {"d1": "The levy on barges rose to nine crowns.", "d2": "The tower clock was mended in spring."}
    corpus = [{"_id": name, "title": "", "text": text} for name, text in texts.items()]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)), "utf-8")
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": "levy on barges"}), "utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t2\n", "utf-8")
    return folder


def lines_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_second_run_over_the_same_articles_indexes_nothing(few, articles, cache, monkeypatch):
    first = run("eval", "run", few, "--articles", articles, "--json")
    assert first.exit_code == 0, first.stderr
    assert first.document["n"] == 5
    assert first.document["failures"] == []
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*.sqlite*")} or set(cache.iterdir())

    def index_again(*arguments, **options):
        raise AssertionError("the articles were indexed again")

    monkeypatch.setattr("index.library.Library.put", index_again)
    second = run("eval", "run", few, "--articles", articles, "--json")
    assert second.exit_code == 0, second.stderr
    assert ({path: path.stat().st_mtime_ns for path in cache.rglob("*.sqlite*")} or set(cache.iterdir())) == kept
    for section in ("retrieval", "answers", "citations", "refusals", "by_type", "baselines"):
        assert second.document[section] == first.document[section]


def test_a_run_leaves_a_report_and_goes_on_where_it_stopped(few, articles, tmp_path, monkeypatch):
    out = tmp_path / "out"
    arguments = ("eval", "run", few, "--articles", articles, "--out", out)
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    assert {path.name for path in out.iterdir()} >= {
        "results.jsonl",
        "manifest.json",
        "report.json",
        "report.html",
        "report.md",
    }
    lines = (out / "results.jsonl").read_bytes().splitlines(keepends=True)
    (out / "results.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:40])
    asked = []
    ask = Asker.run
    monkeypatch.setattr(
        Asker, "run", lambda self, question, gold: asked.append(question.id) or ask(self, question, gold)
    )
    again = run(*arguments)
    assert again.exit_code == 0, again.stderr
    assert asked == [json.loads(line)["id"] for line in lines[3:]]
    assert "5 questions" in again.stdout.split("\n")[0]
    assert [line["id"] for line in lines_of(out / "results.jsonl")] == [json.loads(line)["id"] for line in lines]
    report = run("eval", "report", out, "--json")
    assert report.document["answers"] == done.document["answers"]


def test_a_limit_asks_a_part_of_the_set_and_is_part_of_what_a_run_is(few, articles, tmp_path):
    out = tmp_path / "out"
    limited = ("eval", "run", few, "--articles", articles, "--out", out, "--limit")
    done = run(*limited, 2, "--json")
    assert (done.document["n"], done.document["manifest"]["settings"]["limit"]) == (2, "2 of 5 questions")
    asked = {json.loads(line)["id"] for line in few.read_text("utf-8").splitlines()}
    assert {line["id"] for line in lines_of(out / "results.jsonl")} < asked
    assert "Only a part of the set was asked: 2 of 5 questions" in (out / "report.html").read_text("utf-8")
    refused = run(*limited, 3)
    assert refused.exit_code == 1
    assert "settings.limit ('2 of 5 questions', now '3 of 5 questions')" in refused.error
    assert "limit" not in run(*limited, 5, "--fresh", "--json").document["manifest"]["settings"]


def test_another_run_in_the_same_folder_is_refused_unless_fresh(few, articles, tmp_path):
    out = tmp_path / "out"
    assert run("eval", "run", few, "--articles", articles, "--out", out).exit_code == 0
    before = (out / "results.jsonl").read_bytes()
    other = ("eval", "run", few, "--articles", articles, "--out", out, "--system", "always-refuse")
    refused = run(*other)
    assert refused.exit_code == 1
    assert "--fresh" in refused.error
    assert (out / "results.jsonl").read_bytes() == before
    assert run(*other, "--fresh").exit_code == 0
    assert (out / "results.jsonl").read_bytes() != before


@pytest.mark.parametrize(
    ("system", "rejected", "false_rate"),
    [("always-refuse", 1.0, 1.0), ("top-passage", 0.0, 0.0), ("keyword-only", None, None), ("dense-only", None, None)],
)
def test_each_baseline_is_one_flag(few, articles, system, rejected, false_rate):
    done = run("eval", "run", few, "--articles", articles, "--system", system, "--json")
    assert done.exit_code == 0, done.stderr
    figures = {name: figure["value"] for name, figure in done.document["refusals"].items()}
    assert done.document["manifest"]["system"] == system
    if rejected is not None:
        assert (figures["rejected"], figures["false_rate"]) == (rejected, false_rate)


def test_baselines_stand_beside_every_figure_unless_left_out(few, articles):
    with_baselines = run("eval", "run", few, "--articles", articles, "--json").document
    names = {"keyword_only", "dense_only", "top_passage", "keyword_top_passage", "always_refuse"}
    assert names <= set(with_baselines["baselines"])
    for name in names:
        assert with_baselines["baselines"][name]["contains"]["n"] == 3
        assert with_baselines["baselines"][name]["rejected"]["n"] == 2
    without = run("eval", "run", few, "--articles", articles, "--no-baselines", "--json").document
    assert "keyword_only" not in without["baselines"]
    assert without["answers"] == with_baselines["answers"]


def test_limits_decide_the_exit_code_and_say_why(few, articles):
    arguments = ("eval", "run", few, "--articles", articles, "--system", "always-refuse", "--json")
    kept = run(*arguments, "--fail-under", "refusals.rejected>=1")
    assert (kept.exit_code, kept.stderr) == (0, "")
    broken = run(*arguments, "--fail-under", "refusals.false_rate<=0.05", "--fail-under", "answers.contains>=0.9")
    assert broken.exit_code == 1
    assert len(broken.stderr.splitlines()) == 2
    assert "refusals.false_rate" in broken.stderr
    assert broken.document["n"] == 5


@pytest.mark.parametrize("wrong", ["answers.contains", "answers.contents>=0.5", "nothing.at.all<1", ">=0.5"])
def test_a_limit_that_cannot_be_is_said_before_anything_is_asked(few, articles, wrong, monkeypatch):
    monkeypatch.setattr("eval.runner.run_set", lambda *arguments, **options: pytest.fail("a question was asked"))
    done = run("eval", "run", few, "--articles", articles, "--fail-under", wrong)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.error


def test_a_set_that_brings_its_articles_needs_nothing_else(squad, tmp_path, monkeypatch):
    monkeypatch.setenv("DATELINE_LIBRARY", str(tmp_path / "some other library"))
    done = run("eval", "run", squad, "--json")
    assert done.exit_code == 0, done.stderr
    assert done.document["retrieval"]["article"]["Success@1"]["value"] == 1.0
    missing = run("eval", "run", squad, "--json", "--library", tmp_path / "none")
    assert missing.exit_code == 1
    assert "There is no library" in missing.error


def test_searches_are_measured_on_a_beir_folder(beir, tmp_path):
    for mode in ("hybrid", "dense", "keyword"):
        done = run("eval", "retrieval", beir, "--mode", mode, "--json")
        assert done.exit_code == 0, done.stderr
        assert done.document["mode"] == mode
        assert done.document["n"] == 1
    text = run("eval", "retrieval", beir, "--out", tmp_path / "rankings")
    assert text.exit_code == 0
    assert "nDCG@10" in text.stdout
    assert any(path.suffix == ".trec" or "run" in path.name for path in (tmp_path / "rankings").iterdir())


def test_a_run_is_scored_against_judgements(tmp_path):
    (tmp_path / "qrels").write_text("1 0 a 1\n1 0 b 0\n2 0 a 1\n", "utf-8")
    (tmp_path / "run").write_text("1 Q0 b 1 2.0 mine\n1 Q0 a 2 1.0 mine\n", "utf-8")
    files = ("--qrels", tmp_path / "qrels", "--run", tmp_path / "run")
    done = run("eval", "score", *files, "--measure", "RR@10", "--json")
    assert done.exit_code == 0, done.stderr
    assert done.document["measures"]["RR@10"] == pytest.approx(0.25)
    as_trec = run("eval", "score", *files, "--measure", "recip_rank", "--trec-eval")
    assert "recip_rank            \tall\t0.5000" in as_trec.stdout.splitlines()
    assert run("eval", "score", "--qrels", tmp_path / "qrels").exit_code == 2
    unknown = run("eval", "score", *files, "--measure", "nDCG@ten")
    assert "nDCG@ten" in unknown.error


def test_two_runs_are_compared_question_by_question(few, articles, tmp_path):
    for name, system in (("a", "dateline"), ("b", "always-refuse")):
        arguments = ("--articles", articles, "--system", system, "--out", tmp_path / name)
        assert run("eval", "run", few, *arguments).exit_code == 0
    done = run("eval", "compare", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "compared.md", "--json")
    assert done.exit_code == 0, done.stderr
    assert done.document["n"] == 5
    assert done.document["flipped"]
    assert (tmp_path / "compared.md").read_text("utf-8").strip()
    again = run("eval", "compare", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "compared.md")
    assert "--overwrite" in again.error
    assert run("eval", "compare", tmp_path / "a", articles).exit_code == 1


@pytest.mark.parametrize("file_format", ["trec-run", "trec-qrels", "ragas", "csv"])
def test_results_go_to_other_tools(few, articles, tmp_path, file_format):
    assert run("eval", "run", few, "--articles", articles, "--out", tmp_path / "out").exit_code == 0
    file = tmp_path / "exported"
    arguments = ("eval", "export", tmp_path / "out", "--format", file_format, "--out", file)
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    text = file.read_text("utf-8")
    if file_format == "csv":
        assert len(list(csv.reader(text.splitlines()))) >= 6
    elif file_format == "ragas":
        assert {"user_input", "response", "retrieved_contexts", "reference"} <= set(lines_of(file)[0])
    else:
        assert {len(line.split()) for line in text.splitlines()} == {6 if file_format == "trec-run" else 4}
    assert "exists" in run(*arguments).error or "there already" in run(*arguments).error
    assert run(*arguments, "--overwrite").exit_code == 0


def test_exported_rankings_and_judgements_fit_together(few, articles, tmp_path):
    done = run("eval", "run", few, "--articles", articles, "--out", tmp_path / "out", "--json")
    for file_format in ("trec-run", "trec-qrels"):
        arguments = ("--format", file_format, "--level", "passage", "--out", tmp_path / file_format)
        assert run("eval", "export", tmp_path / "out", *arguments).exit_code == 0
    files = ("--qrels", tmp_path / "trec-qrels", "--run", tmp_path / "trec-run")
    scored = run("eval", "score", *files, "--measure", "nDCG@10", "--json").document
    measured = done.document["retrieval"]["passage"]["nDCG@10"]["value"]
    assert scored["measures"]["nDCG@10"] == pytest.approx(measured, abs=1e-6)


def test_drafts_wait_for_a_person(articles, tmp_path):
    assert run("index", articles, "--library", tmp_path / "library").exit_code == 0
    file = tmp_path / "draft.jsonl"
    done = run("eval", "draft", file, "-n", "6", "--library", tmp_path / "library")
    assert done.exit_code == 0, done.stderr
    proposed = lines_of(file)
    assert proposed
    assert {line["review"] for line in proposed} == {"proposed"}
    refused = run("eval", "run", file, "--articles", articles)
    assert "accepted" in refused.error
    before = file.read_bytes()
    assert run("eval", "draft", file, "--library", tmp_path / "library").exit_code == 1
    assert file.read_bytes() == before
    accepted = "\n".join(json.dumps({**line, "review": "accepted"}) for line in proposed)
    file.write_text(accepted, "utf-8")
    ran = run("eval", "run", file, "--articles", articles, "--json")
    assert ran.exit_code == 0, ran.stderr
    assert ran.document["n"] == len(proposed)
    assert ran.document["ignored_fields"] == {}


def test_claims_are_judged(tmp_path):
    page = ["The bridge was closed in 1962.", "It had stood since 1890."]
    claims = [
        {"label": "supported", "claim": "The bridge was closed in 1962.", "evidence": page},
        {"label": "not_supported", "claim": "The tower burned in 1970.", "evidence": page},
    ]
    for claim, sentences in zip(claims, ([[0]], []), strict=True):
        claim["supporting_sentences"] = sentences
    file = tmp_path / "claims.jsonl"
    file.write_text("\n".join(map(json.dumps, claims)), "utf-8")
    done = run("eval", "claims", file, "--json")
    assert done.exit_code == 0, done.stderr
    assert run("eval", "claims", file).stdout.strip()
    file.write_text('{"claim": 3}', "utf-8")
    assert "line 1" in run("eval", "claims", file).error


def test_a_judge_must_be_a_language_model(few, articles):
    done = run("eval", "run", few, "--articles", articles, "--judge", "extractive")
    assert done.exit_code == 1
    assert "extractive" in done.error


def test_the_cache_of_a_collection_that_changed_is_made_anew(few, articles, tmp_path):
    assert run("eval", "run", few, "--articles", articles).exit_code == 0
    victim = sorted(articles.glob("*.txt"))[0]
    shutil.move(victim, tmp_path / victim.name)
    changed = run("eval", "run", few, "--articles", articles)
    assert changed.exit_code == 1 or "5 questions" in changed.stdout
    shutil.move(tmp_path / victim.name, victim)
    assert run("eval", "run", few, "--articles", articles).exit_code == 0


class Silent:
    """A language model that fails whatever it is asked."""

    name = "openai:silent"

    def generate(self, messages, *, max_tokens):
        raise ModelError("The server is away.")


def test_a_model_that_never_answers_passes_no_gate(few, articles, tmp_path):
    arguments = ("eval", "run", few, "--articles", articles, "--out", tmp_path / "out", "--no-baselines", "--json")
    done = run(*arguments, "--fail-under", "refusals.false_rate<=0.05", generator=Silent())
    assert done.exit_code == 1
    assert "Every question failed" in done.stderr
    assert "The server is away." in done.stderr
    refusals = done.document["refusals"]
    assert (refusals["false_rate"]["value"], refusals["rejected"]["value"]) == (1.0, 0.0)


def test_a_query_without_a_result_is_mentioned(tmp_path):
    (tmp_path / "qrels").write_text("1 0 a 1\n2 0 a 1\n", "utf-8")
    (tmp_path / "run").write_text("1 Q0 a 1 2.0 mine\n3 Q0 a 1 2.0 mine\n", "utf-8")
    done = run("eval", "score", "--qrels", tmp_path / "qrels", "--run", tmp_path / "run")
    assert "1 judged queries have no result and count 0." in done.stderr
    assert "1 queries of the run have no judgement" in done.stderr

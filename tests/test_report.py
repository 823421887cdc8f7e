"""A report as JSON, as text for the terminal, as Markdown and as files."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_report import (
    ASLEEP,
    BASELINES,
    LONG,
    MOON,
    RIGHT,
    SAID,
    document,
    empty_report,
    figure,
    made_report,
    made_results,
)

from eval.figure_names import LABELS, LOWER_IS_BETTER, MEANINGS, format_number, format_seconds, visible
from eval.report import TEXT_WIDTH, report_json, report_text, write_report
from eval.report_markdown import escaped, padded_table, report_markdown
from eval.report_page import report_page
from eval.report_tables import TYPE_COLUMNS, findings, notices, where_time_went
from eval.summary import summarise
from eval.types import UNDEFINED, Figure, QuestionResult, Scores
from eval.worst_questions import count_faults, describe_fault, find_fault, worst_results
from index.errors import InputError

HOSTILE = "\x1b[31mred\u202e | `x` <b>*y*</b> [a](http://evil.example) # \ud83d"


def hostile_report():
    """Every text that comes from outside is hostile."""
    question = replace(MOON, id=HOSTILE, text=HOSTILE, type=HOSTILE)
    result = QuestionResult(question, document(HOSTILE), None, Scores(answerable=False, refused=False))
    failed = QuestionResult(replace(SAID, id=HOSTILE), None, HOSTILE, Scores(answerable=True, refused=False))
    full = made_report()
    return made_report(
        manifest=replace(full.manifest, set_path=HOSTILE, model=HOSTILE, command=HOSTILE),
        by_type={HOSTILE: full.by_type["numbers"]},
        type_sizes={HOSTILE: 22},
        ignored_fields={HOSTILE: 2},
        results=(result, failed),
    )


def test_the_document_has_the_sections_of_the_contract():
    found = report_json(made_report())
    assert json.loads(json.dumps(found)) == found
    assert list(found) == [
        *("set", "set_sha256", "model", "library_generation", "n", "ignored_fields", "retrieval", "answers"),
        *("citations", "refusals", "by_type", "baselines", "timings_ms", "failures", "judge", "risk_coverage"),
        *("reliability", "seconds", "clusters", "manifest"),
    ]
    assert (found["set"], found["n"], found["library_generation"]) == ("sets/harbour.jsonl", 100, 3)
    assert found["failures"] == [
        {"id": "said-030", "error": "The model 'openai:small' did not answer within 60 seconds."}
    ]
    assert found["by_type"]["numbers"]["n"] == 22
    assert found["by_type"]["numbers"]["rejected"] == UNDEFINED.as_json()
    assert found["risk_coverage"][0] == {"coverage": 0.01, "risk": 0.0, "threshold": 1 - 1 / 110}
    assert found["reliability"][0] == {"low": 0.4, "high": 0.5, "n": 6, "confidence": 0.46, "accuracy": 0.5}
    assert found["seconds"]["harness"] == 0.21
    assert found["manifest"]["encoder_digest"] == "53aa5117" * 8


def test_a_baseline_has_its_answers_and_its_rankings_in_one_place():
    baselines = report_json(made_report())["baselines"]
    assert set(baselines) == set(BASELINES)
    assert baselines["keyword_only"]["contains"]["value"] == 0.85
    assert baselines["keyword_only"]["retrieval"]["passage"]["nDCG@10"]["value"] == 0.8
    assert "retrieval" not in baselines["top_passage"]


def test_every_line_of_tables_fits_the_terminal():
    text = report_text(made_report())
    assert max(map(len, text.split("\n"))) <= TEXT_WIDTH
    assert re.search(r"^Answers .* keyword  dense +top  kw top  refuse  extract$", text, re.MULTILINE)
    assert "kw top = keyword top" in text
    few = made_report(baselines={name: made_report().baselines[name] for name in ("top_passage", "always_refuse")})
    assert re.search(r"^Answers .* top passage  always refuse$", report_text(few), re.MULTILINE)
    assert "Headings:" not in report_text(few)


def test_the_text_marks_what_is_better_and_says_where_the_time_went():
    text = report_text(made_report())
    assert "Higher is better, except: ↓ lower is better, ~ neither. Intervals are 95%." in text
    assert re.search(r"^  answerable refused ↓ +0\.037 ", text, re.MULTILINE)
    assert re.search(r"^  mean words ~ +23\.4 ", text, re.MULTILINE)
    assert (
        "system 4.61 s (6.1%), baselines 9.32 s (12.3%), judge 1 min 02 s (81.4%), harness 0.21 s (0.3%)."
        in " ".join(text.split())
    )
    assert re.search(r"^Opinions of openai:judge-model ", text, re.MULTILINE)
    assert "Opinions" not in report_text(made_report(judge={}))


def test_figures_that_cannot_be_measured_are_named_once():
    full = made_report()
    text = report_text(made_report(answers={**full.answers, "exact_match": UNDEFINED, "f1": UNDEFINED}))
    assert "  not measurable here: exact match, token F1\n" in text
    assert not re.search(r"^  exact match  ", text, re.MULTILINE)


def test_a_level_that_a_baseline_does_not_have_is_left_out():
    text = report_text(made_report(baseline_retrieval={"keyword_only": {"article": {"AP": figure(0.5)}}}))
    assert re.search(r"^Retrieval of passages +value +95% interval +n$", text, re.MULTILINE)


@pytest.mark.parametrize("render", [report_text, report_markdown])
def test_nothing_that_is_quoted_steers_a_terminal_or_breaks_a_file(render):
    text = render(hostile_report())
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert "\\x1b" in text
    text.encode("utf-8")


@given(st.text())
def test_visible_text_keeps_everything_that_can_be_seen(text):
    assert visible(visible(text)) == visible(text)
    if text.isprintable() and not re.search("[\u061c\u200e\u200f\ufeff\U000e0000-\U000e007f]", text):
        assert visible(text) == text


def test_the_worst_come_first():
    ids = [result.question.id for result in worst_results(reversed(made_results()))]
    # A failure; wrong answers by confidence (0.88, 0.71, 0.64); a false refusal; the one that cannot be told.
    assert ids == ["said-030", "levy-012", "said-021", "premise-007", "dredge-003", "long-001"]
    assert worst_results(made_results(), 2) == worst_results(made_results())[:2]
    assert count_faults(made_results()) == 5


def test_answers_that_cannot_be_told_come_least_alike_first():
    def told(name, **scores):
        question = replace(LONG, id=name)
        return QuestionResult(question, document("x"), None, Scores(answerable=True, refused=False, **scores))

    results = [told("near", rouge_l=0.8), told("far", rouge_l=0.1), told("missed", gold_article=False), told("bare")]
    assert [result.question.id for result in worst_results(results)] == ["missed", "far", "near"]
    assert count_faults(results) == 0


def test_a_right_refusal_and_a_right_answer_are_no_faults():
    refusal = QuestionResult(MOON, document("No.", refused=True), None, Scores(answerable=False, refused=True))
    right = QuestionResult(RIGHT, document("Yes."), None, Scores(answerable=True, refused=False, contains=True))
    assert (find_fault(refusal), find_fault(right)) == (None, None)
    assert "look at first" not in report_text(made_report(results=(refusal, right)))


def test_what_went_wrong_is_said_from_the_answer_back_to_the_search():
    said = {result.question.id: describe_fault(result) for result in worst_results(made_results())}
    assert said["levy-012"] == [
        "No accepted answer is in it.",
        "It cites a gold quote.",
        "The cited words support 50% of its statements.",
        "The first gold passage found is at rank 3.",
    ]
    assert said["said-021"][1:] == ["It cites no gold article.", "No gold passage is among the first 10 found."]
    assert said["long-001"][1] == "ROUGE-L with the reference is 0.210."
    assert said[ASLEEP.id] == ["The model 'openai:small' did not answer within 60 seconds."]


def test_the_summary_puts_the_best_baseline_beside():
    said = [str(finding) for finding in findings(made_report())]
    assert said[0].startswith(
        "0.912 (0.851 to 0.974) of 80 answerable questions get an answer that holds what is accepted"
    )
    assert said[0].endswith("The best baseline, extractive, has 0.880 (0.809 to 0.951).")
    assert any(line.startswith("0.850 (0.694 to 1.000) of 20 unanswerable questions are refused") for line in said)
    assert any("nDCG@10 of the passages found, over 80 questions. The best baseline, keyword only" in s for s in said)
    assert said[-1] == "0.04 s is the median time of an answer; one in twenty takes longer than 0.08 s."
    assert findings(empty_report()) == []


def test_a_set_with_references_alone_is_summed_up_by_rouge():
    answers = {"contains": UNDEFINED, "rouge_l": figure(0.3, 90)}
    said = str(findings(made_report(answers=answers, baselines={}))[0])
    assert said.startswith("0.300 (")
    assert said.endswith("is the mean ROUGE-L of the answers to 90 answerable questions with the reference.")


def test_citation_scores_come_with_their_length():
    recall = next(str(finding) for finding in findings(made_report()) if "citation recall" in str(finding))
    assert recall.endswith("is the precision. Answers have 23.4 words on average.")


def test_readers_are_told_of_failures_ignored_fields_and_clusters():
    assert notices(made_report(clusters=12)) == [
        "1 of 100 questions ended in an error and counts as wrong.",
        "Fields that the format does not have were ignored: 'difficulty' (12)",
        "Questions of one cluster (an article, a title, a label of the set) hang together: intervals resample 12 "
        "clusters, not 100 questions.",
    ]
    cut_short = empty_report()
    assert notices(cut_short) == ["The run is not finished: 100 of 100 questions have not been asked."]
    assert notices(replace(cut_short, manifest=replace(cut_short.manifest, questions=0))) == []
    assert where_time_went({}) is None


@pytest.mark.parametrize(
    ("value", "written"), [(0.5, "0.500"), (-0.25, "-0.250"), (9.9996, "10.000"), (42.64, "42.6"), (12345.6, "12,346")]
)
def test_numbers_as_they_are_printed(value, written):
    assert format_number(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.041, "0.04 s"), (12.34, "12.3 s"), (59.97, "1 min 00 s"), (250, "4 min 10 s"), (7500, "2 h 05 min")],
)
def test_durations_as_they_are_printed(seconds, written):
    assert format_seconds(seconds) == written


def test_every_figure_has_a_label_and_a_meaning():
    report = made_report()
    for figures in (report.answers, report.citations, report.refusals, report.judge):
        assert set(figures) <= set(LABELS)
        assert set(figures) <= set(MEANINGS)
    assert set(MEANINGS) >= LOWER_IS_BETTER
    assert len(set(LABELS.values())) == len(LABELS)
    assert max(map(len, LABELS.values())) <= 24


def test_markdown_has_everything_but_the_plots():
    text = report_markdown(made_report())
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == [
        *("Figures", "By type of question", "Time of each stage", "Opinions of openai:judge-model"),
        *("Questions to look at first", "Failures", "How it was made"),
    ]
    assert "(report.html)" in text
    assert "### levy-012: wrong answer" in text
    assert "> The board voted on Thursday to raise the levy on grain barges by 12 cents a tonne." in text
    assert "— \\[1\\] Levy up in March, Harbour Post, 6 May 2021" in text
    assert "**Accepted:** 12 cents a tonne; 12 cents" in text
    assert "| Encoder digest" in text


def test_tables_of_markdown_line_up():
    for block in re.findall(r"(?:^\|.*\n)+", report_markdown(hostile_report()), re.MULTILINE):
        lines = block.splitlines()
        assert len({len(line) for line in lines}) == 1
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert (
        padded_table(["a", "b", "c"], [["x", "1", "22"]])
        == "| a   |   b |   c |\n| :-- | --: | --: |\n| x   |   1 |  22 |"
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a|b `c` *d* _e_", "a\\|b \\`c\\` \\*d\\* \\_e\\_"),
        ("<img src=x>", "\\<img src=x\\>"),
        ("![x](http://evil.example)", "!\\[x\\](http\\://evil.example)"),
        ("# title", "\\# title"),
        ("1. item", "1\\. item"),
        ("- item\n- item", "\\- item - item"),
        ("back\\slash &lt; www.evil.example", "back\\\\slash \\&lt; www\\.evil.example"),
        ("0.85 of 20", "0.85 of 20"),
    ],
)
def test_markdown_is_escaped(text, written):
    assert escaped(text) == written


def test_an_empty_run_can_be_reported():
    report = empty_report()
    assert report_json(report)["n"] == 0
    assert report_text(report).startswith("sets/harbour.jsonl: 0 questions")
    assert "## How it was made" in report_markdown(report)


def test_three_files_are_written_whole(tmp_path):
    out = tmp_path / "runs" / "one"
    write_report(hostile_report(), out)
    write_report(made_report(), out)
    assert sorted(path.name for path in out.iterdir()) == ["report.html", "report.json", "report.md"]
    assert json.loads((out / "report.json").read_text(encoding="utf-8")) == report_json(made_report())
    assert (out / "report.md").read_text(encoding="utf-8") == report_markdown(made_report())


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--out"):
        write_report(made_report(), tmp_path / "file")


def test_a_figure_without_an_interval_is_printed():
    answers = {"contains": Figure(0.5, None, None, 1)}
    assert re.search(r"holds an accepted answer +0\.500 +- +1", report_text(made_report(answers=answers)))


def test_what_the_summary_measures_has_labels_and_can_be_reported(tmp_path):
    report = summarise(made_results(), manifest=made_report().manifest)
    for figures in (report.answers, report.citations, report.refusals, report.judge):
        assert set(figures) <= set(LABELS)
    assert set(TYPE_COLUMNS) >= set(report.by_type["numbers"])
    write_report(report, tmp_path)
    assert max(map(len, report_text(report).split("\n"))) <= TEXT_WIDTH
    assert str(findings(report)[0]).startswith(f"{format_number(report.answers['contains'].value)} (")


def test_a_set_without_quotes_is_reported_by_article():
    full = made_report()
    report = made_report(retrieval={"article": full.retrieval["article"], "passage": {"nDCG@10": UNDEFINED}})
    assert any("nDCG@10 of the articles found" in str(finding) for finding in findings(report))
    assert "nDCG@10, articles" in report_page(report)
    assert "Retrieval of passages" in report_text(report)


def test_the_table_by_type_fits_with_every_column_and_long_names():
    columns = dict.fromkeys(TYPE_COLUMNS, figure(0.5))
    report = made_report(by_type={"a very long name " * 5: columns}, type_sizes={"a very long name " * 5: 12345})
    lines = report_text(report).split("\n")
    header = next(line for line in lines if line.startswith("Type "))
    assert all(heading in header for heading in TYPE_COLUMNS.values())
    assert len(header) <= TEXT_WIDTH

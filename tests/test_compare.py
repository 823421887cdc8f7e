"""Two runs compared: which questions are paired, every measure by hand, the flips, and what is printed."""

import json
from dataclasses import replace
from datetime import date

import pytest

from eval.compare import MEASURES, compare_results, compare_runs
from eval.compare_text import LISTED_FLIPS
from eval.manifest import write_manifest
from eval.results import result_as_json
from eval.types import EvalQuestion, Evidence, Manifest, QuestionResult, Scores
from index.errors import InputError
from rag.types import Turn

SEED = 5

MANIFEST = Manifest(
    version="0.1.0",
    commit="abc",
    command="dateline eval run news.jsonl",
    set_path="news.jsonl",
    set_format="dateline",
    set_sha256="5" * 64,
    questions=2,
    library_path="library",
    library_generation=1,
    library_sha256="6" * 64,
    articles=1,
    passages=2,
    encoder="bag",
    encoder_digest="7" * 64,
    model="extractive",
    system="dateline",
    settings={"k": 10},
    seed=1,
    started="2026-01-02T03:04:05+00:00",
    machine={"cores": 2},
    packages={},
)


def asked(name, *, answerable=True, **more):
    accepted = {"answers": ("12 cents",)} if answerable else {}
    return EvalQuestion(**{"id": name, "text": f"What of {name}?", "answerable": answerable, **accepted, **more})


def document(text, *, refused=False, confidence=0.9, total=10.0):
    return {"answer": text, "refused": refused, "confidence": confidence, "timings_ms": {"total": total}}


def right(name, *, confidence=0.9, total=10.0, rankings=None, **more):
    question = more.pop("question", None) or asked(name, **more)
    scores = Scores(answerable=True, refused=False, contains=True, f1=0.8, gold_article=True, words=4)
    answer = document(f"{name}: 12 cents [1]", confidence=confidence, total=total)
    return QuestionResult(question, answer, None, scores, rankings=rankings or {})


def wrong(name, *, confidence=0.9, **more):
    scores = Scores(answerable=True, refused=False, contains=False, f1=0.2, gold_article=False, words=6)
    answer = document(f"{name}: 9 cents [1]", confidence=confidence)
    return QuestionResult(asked(name, **more), answer, None, scores)


def declined(name, *, answerable=True, confidence=0.1, **more):
    zero = {"contains": False, "f1": 0.0, "gold_article": False} if answerable else {}
    answer = document("The articles do not say.", refused=True, confidence=confidence)
    return QuestionResult(
        asked(name, answerable=answerable, **more), answer, None, Scores(answerable=answerable, refused=True, **zero)
    )


def invented(name, *, confidence=0.6):
    scores = Scores(answerable=False, refused=False, words=3)
    answer = document(f"{name}: nobody [1]", confidence=confidence)
    return QuestionResult(asked(name, answerable=False), answer, None, scores)


def failed(name, *, answerable=True):
    zero = {"contains": False, "f1": 0.0, "gold_article": False} if answerable else {}
    question = asked(name, answerable=answerable)
    return QuestionResult(question, None, "the server is away", Scores(answerable=answerable, refused=False, **zero))


def compare(a, b, **more):
    return compare_results(a, b, **{"seed": SEED, **more})


def write_run(folder, results, manifest=None):
    folder.mkdir()
    lines = [json.dumps(result_as_json(result)) + "\n" for result in results]
    (folder / "results.jsonl").write_text("".join(lines), encoding="utf-8")
    if manifest is not None:
        write_manifest(folder, manifest)
    return folder


MIXED_A = [right("q1"), wrong("q2"), declined("q3"), declined("u1", answerable=False), invented("u2"), right("q4")]
MIXED_B = [wrong("q1"), right("q2"), right("q3"), invented("u1"), declined("u2", answerable=False), right("q4")]


def test_a_run_against_itself_differs_by_nothing():
    comparison = compare(MIXED_A, MIXED_A)
    assert comparison.flipped == ()
    assert set(comparison.metrics) == {"contains", "f1", "rejected", "false_rate", "gold_article", "words", "total_ms"}
    for metric in comparison.metrics.values():
        assert (metric.a, metric.difference, metric.low, metric.high) == (metric.b, 0.0, 0.0, 0.0)
        assert (metric.p, metric.p_holm, metric.ties) == (1.0, 1.0, metric.n)
    assert "Questions that flipped: 0 of 6" in comparison.text()


def test_every_measure_of_a_small_comparison_by_hand():
    metrics = compare(MIXED_A, MIXED_B).metrics
    contains = metrics["contains"]
    # Right in A: q1 and q4 of four; in B: q2, q3 and q4. Differences -1, 1, 1, 0: of the totals of ±1 ±1 ±1 all are
    # at least as far from 0 as 1.
    assert (contains.n, contains.a, contains.b, contains.difference, contains.p) == (4, 0.5, 0.75, 0.25, 1.0)
    assert (contains.wins, contains.ties, contains.losses, contains.higher_is_better) == (2, 1, 1, True)
    f1 = metrics["f1"]
    # -0.6, 0.6, 0.8: of ±0.6 ±0.6 ±0.8, only 0.4 and -0.4 (-0.6 - 0.6 + 0.8) are nearer to 0 than 0.8.
    assert (f1.a, f1.b, f1.p) == (pytest.approx(0.45), pytest.approx(0.65), 6 / 8)
    refusals = metrics["false_rate"]
    assert (refusals.a, refusals.b, refusals.n, refusals.higher_is_better) == (0.25, 0.0, 4, False)
    assert (refusals.wins, refusals.ties, refusals.losses) == (1, 3, 0)
    rejected = metrics["rejected"]
    assert (rejected.n, rejected.a, rejected.b, rejected.wins, rejected.losses) == (2, 0.5, 0.5, 1, 1)
    # Both gave an answer to q1, q2 and q4 only.
    words = metrics["words"]
    assert (words.n, words.a, words.b) == (3, pytest.approx(14 / 3), pytest.approx(14 / 3))
    assert (words.wins, words.losses, words.higher_is_better) == (None, None, None)
    assert metrics["total_ms"].n == 6


def test_p_values_are_adjusted_over_all_measures():
    a = [wrong(f"q{number}") for number in range(12)]
    b = [right(f"q{number}", total=10.0 + number % 2) for number in range(12)]
    metrics = compare(a, b).metrics
    assert set(metrics) == {"contains", "f1", "false_rate", "gold_article", "words", "total_ms"}
    # Four measures changed alike in twelve questions: 2 / 2^12; six got slower: 2 / 2^6; no refusal changed: 1.
    least = 2 / 2**12
    assert {name: metric.p for name, metric in metrics.items()} == {
        **dict.fromkeys(("contains", "f1", "gold_article", "words"), least),
        "total_ms": 2 / 2**6,
        "false_rate": 1.0,
    }
    assert metrics["contains"].p_holm == pytest.approx(6 * least)
    assert metrics["total_ms"].p_holm == pytest.approx(2 * 2 / 2**6)
    rows = {line.split("  ")[0]: line.split()[-1] for line in compare(a, b).text().splitlines() if "  " in line}
    assert (rows["holds an accepted answer"], rows["words ~"]) == ("better", "lower")
    # 2 / 2^5 is not below 0.05, and nothing is said about it.
    assert rows["total ms ↓"] == "6"


@pytest.mark.parametrize(("before", "after", "verdict"), [(declined, right, "better"), (right, declined, "worse")])
def test_the_verdict_knows_that_fewer_false_refusals_are_better(before, after, verdict):
    names = [f"q{number}" for number in range(12)]
    lines = compare([before(name) for name in names], [after(name) for name in names]).text().splitlines()
    for label in ("answerable refused ↓", "holds an accepted answer"):
        assert next(line for line in lines if line.startswith(label)).split()[-1] == verdict


def test_rankings_are_compared_at_each_level_where_both_have_them():
    def ranked(value):
        measures = {"nDCG@10": value, "R@10": value, "Success@1": value, "AP": value, "R@50": value}
        return {"system": {"article": measures}, "dense": {"passage": measures}}

    a = [right("q1", rankings=ranked(0.5)), right("q2", rankings=ranked(0.0)), right("q3")]
    b = [right("q1", rankings=ranked(1.0)), right("q2", rankings=ranked(1.0)), right("q3", rankings=ranked(1.0))]
    metrics = compare(a, b).metrics
    found = {name: (metric.n, metric.a, metric.b) for name, metric in metrics.items() if "@" in name or "AP" in name}
    assert found == dict.fromkeys(("article.nDCG@10", "article.R@10", "article.Success@1"), (2, 0.25, 1.0))


def test_every_score_of_an_answer_is_compared():
    scores = set(Scores.__dataclass_fields__) - {"answerable", "refused"}
    assert scores <= set(MEASURES)


def test_a_measure_that_is_not_a_number_is_left_out():
    odd = right("q1", total=float("nan"))
    assert "total_ms" not in compare([odd], [odd]).metrics


def test_questions_of_a_cluster_are_one_unit():
    a = [wrong(f"q{number}", cluster="levy") for number in range(4)] + [wrong("q8"), wrong("q9")]
    b = [right(f"q{number}", cluster="levy") for number in range(4)] + [right("q8"), right("q9")]
    comparison = compare(a, b)
    assert (comparison.n, comparison.clusters) == (6, 3)
    # Three units, all the same way: 2 of 8.
    assert comparison.metrics["contains"].p == 2 / 8
    assert "6 questions that both have, in 3 clusters" in comparison.text()
    assert any("10 clusters (3)" in note and "below 0.25" in note for note in comparison.notes)
    assert compare(MIXED_A, MIXED_B).clusters is None


def test_the_flips_in_order():
    a = [
        *(right(name) for name in ("b", "a", "c", "d")),
        *(wrong("e"), declined("f"), failed("g"), wrong("h"), declined("i")),
        *(declined(name, answerable=False) for name in ("u1", "u2")),
        *(invented("u3"), failed("u4", answerable=False), invented("same")),
    ]
    b = [
        *(wrong("b", confidence=0.4), wrong("a", confidence=0.4), wrong("c", confidence=0.8), declined("d")),
        *(right("e"), right("f"), right("g"), declined("h"), failed("i")),
        *(invented("u1"), failed("u2", answerable=False)),
        *(declined("u3", answerable=False), invented("u4"), invented("same")),
    ]
    flipped = compare(a, b[::-1]).flipped
    assert [(flip.id, flip.a.outcome, flip.b.outcome, flip.better) for flip in flipped] == [
        ("c", "right", "wrong", False),
        ("a", "right", "wrong", False),
        ("b", "right", "wrong", False),
        ("d", "right", "refused", False),
        ("e", "wrong", "right", True),
        ("f", "refused", "right", True),
        ("g", "failed", "right", True),
        ("h", "wrong", "refused", None),
        ("i", "refused", "failed", None),
        ("u1", "refused", "answered", False),
        ("u2", "refused", "failed", False),
        ("u3", "answered", "refused", True),
        ("u4", "failed", "answered", None),
    ]
    assert (flipped[0].a.confidence, flipped[0].b.confidence) == (0.9, 0.8)
    assert (flipped[6].a.text, flipped[6].a.confidence) == ("the server is away", None)


def test_an_answer_without_short_answers_to_tell_it_by_flips_when_it_is_refused():
    question = asked("q", answers=(), reference="Simms set the levy.")
    given = QuestionResult(question, document("Simms did."), None, Scores(answerable=True, refused=False, rouge_l=0.7))
    refused = QuestionResult(
        question, document("No.", refused=True), None, Scores(answerable=True, refused=True, rouge_l=0.0)
    )
    comparison = compare([given], [refused])
    assert [(flip.a.outcome, flip.b.outcome, flip.better) for flip in comparison.flipped] == [
        ("answered", "refused", False)
    ]
    assert comparison.metrics["rouge_l"].difference == -0.7


def test_only_common_questions_are_compared_and_the_others_are_counted():
    comparison = compare([right("q1"), right("q2"), right("q3")], [wrong("q3"), right("q4")])
    assert (comparison.n, comparison.only_a, comparison.only_b) == (1, 2, 1)
    assert (comparison.a.n, comparison.b.n, comparison.metrics["contains"].n) == (3, 2, 1)
    assert "1 question that both have; 2 only in A, 1 only in B" in comparison.text()


def test_runs_without_a_common_question():
    with pytest.raises(InputError, match=r"'A' and 'B' have no question in common: .*Compare two runs of one set"):
        compare([right("q1")], [right("q2")])
    with pytest.raises(InputError, match="no question in common"):
        compare([], [right("q2")])


@pytest.mark.parametrize(
    "change",
    [
        {"text": "What of q2 now?"},
        {"history": (Turn("Who?", "Simms."),)},
        {"as_of": date(2020, 1, 2)},
        {"answerable": False},
    ],
)
def test_the_same_id_with_another_question_is_another_set(change):
    other = replace(right("q2"), question=replace(asked("q2"), **change))
    with pytest.raises(InputError, match=r"'A' and 'B' are runs of different sets: 'q2' stand"):
        compare([right("q1"), right("q2")], [right("q1"), other])


def test_of_many_other_questions_three_are_named():
    a = [right(f"q{number}") for number in range(5)]
    b = [right(f"q{number}", text="What else?") for number in range(5)]
    with pytest.raises(InputError, match=r"'q0', 'q1', 'q2' and 2 more stand"):
        compare(a, b)


def test_an_id_that_is_there_twice():
    with pytest.raises(InputError, match=r"'B' has the question 'q1' more than once"):
        compare([right("q1")], [right("q2"), right("q1"), wrong("q1")])


def test_runs_on_disk_in_whatever_order(tmp_path):
    a = write_run(tmp_path / "a", MIXED_A, MANIFEST)
    b = write_run(tmp_path / "b", MIXED_B, replace(MANIFEST, model="openai:m"))
    comparison = compare_runs(a, b, seed=SEED)
    assert (comparison.a.name, comparison.a.model, comparison.b.model) == (str(a), "extractive", "openai:m")
    document = comparison.as_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    shuffled = write_run(tmp_path / "c", MIXED_B[::-1], replace(MANIFEST, model="openai:m"))
    again = compare_runs(a / "results.jsonl", shuffled / "results.jsonl", seed=SEED).as_json()
    assert (again["metrics"], again["flipped"]) == (document["metrics"], document["flipped"])
    assert again["b"]["model"] == "openai:m"
    assert compare_runs(a, b, seed=SEED) == comparison


def test_results_without_a_manifest(tmp_path):
    a = write_run(tmp_path / "a", MIXED_A)
    copied = tmp_path / "kept.jsonl"
    copied.write_bytes((a / "results.jsonl").read_bytes())
    # The manifest of this folder is not that of a file under another name.
    write_manifest(tmp_path, MANIFEST)
    comparison = compare_runs(a, copied, seed=SEED)
    assert (comparison.a.model, comparison.b.model, comparison.b.set_sha256) == (None, None, None)
    assert not any("differs" in note for note in comparison.notes)


def test_runs_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="no results at"):
        compare_runs(tmp_path, tmp_path, seed=SEED)


def test_what_differs_between_the_runs_is_noted(tmp_path):
    other = replace(MANIFEST, set_sha256="8" * 64, model="openai:m", settings={"k": 5}, machine={"cores": 9})
    regraded = [replace(MIXED_B[0], question=replace(MIXED_B[0].question, answers=("9 cents",))), *MIXED_B[1:]]
    regraded[1] = replace(
        regraded[1], question=replace(regraded[1].question, evidence=(Evidence("levy.txt", None),)), failure="slow"
    )
    notes = compare(MIXED_A, regraded, manifests=(MANIFEST, other)).notes
    assert notes[0].startswith("The question sets are not the same")
    assert notes[1] == "What differs between the runs: model ('extractive', now 'openai:m'); settings.k (10, now 5)."
    assert notes[2].startswith("Machines")
    assert notes[3].startswith("2 of 6 common questions have other accepted answers or evidence in B")
    assert notes[4] == "Of the common questions, 0 in A and 1 in B ended in an error."
    assert notes[5] == "Fewer than 10 questions (6): intervals are rough, no p-value is below 0.031."
    assert len(compare(MIXED_A, MIXED_B, manifests=(MANIFEST, MANIFEST)).notes) == 1


def test_the_json_document_has_the_sections_of_the_contract():
    document = compare([right("q1"), right("q2")], [wrong("q1"), right("q2")], names=("old", "new")).as_json()
    assert document["a"] == {"name": "old", "n": 2, "model": None, "system": None, "set_sha256": None}
    assert {name: document[name] for name in ("n", "only_a", "only_b", "clusters", "seed")} == {
        "n": 2,
        "only_a": 0,
        "only_b": 0,
        "clusters": None,
        "seed": SEED,
    }
    assert document["metrics"]["contains"] == {
        "n": 2,
        "a": 1.0,
        "b": 0.5,
        "difference": -0.5,
        "low": -1.0,
        "high": 0.0,
        "p": 1.0,
        "p_holm": 1.0,
        "wins": 0,
        "ties": 1,
        "losses": 1,
        "higher_is_better": True,
    }
    assert document["flipped"] == [
        {
            "id": "q1",
            "type": "untyped",
            "question": "What of q1?",
            "answerable": True,
            "better": False,
            "a": {"outcome": "right", "answer": "q1: 12 cents [1]", "confidence": 0.9},
            "b": {"outcome": "wrong", "answer": "q1: 9 cents [1]", "confidence": 0.9},
        }
    ]


def test_the_text_has_the_flips_first_and_a_line_for_each_measure():
    lines = compare(MIXED_A, MIXED_B, names=("runs/a", "runs/b")).text().splitlines()
    assert lines[:3] == [
        "A: runs/a (6 questions)",
        "B: runs/b (6 questions)",
        "Compared: 6 questions that both have; 0 only in A, 0 only in B",
    ]
    start = lines.index("Questions that flipped: 5 of 6; B is better on 3, worse on 2")
    assert lines[start + 2 : start + 7] == [
        "Answerable, right in A, wrong in B: 1",
        "  q1",
        "    Q       What of q1?",
        "    A 0.90  q1: 12 cents [1]",
        "    B 0.90  q1: 9 cents [1]",
    ]
    assert "Unanswerable, refused in A, answered in B: 1" in lines
    table = next(number for number, line in enumerate(lines) if line.startswith("Measure"))
    assert table > start
    row = next(line for line in lines[table:] if line.startswith("answerable refused"))
    assert row.split() == "answerable refused ↓ 4 0.250 0.000 -0.250 -1.000 to 0.000 1.0000 1.0000 1 3 0".split()
    assert max(map(len, lines)) <= 120
    # Columns of numbers end where their headings end.
    assert lines[table].index("p (Holm)") + len("p (Holm)") == row.index("1.0000  ", row.index("1.0000") + 1) + 6


def test_of_many_flips_the_text_lists_some_and_the_json_all():
    a = [right(f"q{number:02}") for number in range(LISTED_FLIPS + 3)]
    b = [wrong(f"q{number:02}") for number in range(LISTED_FLIPS + 3)]
    comparison = compare(a, b)
    for printed in (comparison.text(), comparison.markdown()):
        assert printed.count("9 cents") == LISTED_FLIPS
        assert "and 3 more, all with" in printed
    assert len(comparison.as_json()["flipped"]) == LISTED_FLIPS + 3


def test_nothing_steers_the_terminal_or_is_live_in_markdown():
    hostile = "\x1b[31mred | pipe <img src=x> [link](http://x) `code`\n# heading\u202e " + "long " * 60
    a = replace(right("q|1\n"), answer=document(hostile))
    b = replace(declined("q|1\n"), answer=document(hostile, refused=True))
    comparison = compare([a], [b], names=("runs/\x1ba", "runs/b|"))
    text, markdown = comparison.text(), comparison.markdown()
    for printed in (text, markdown):
        assert all(character.isprintable() or character == "\n" for character in printed)
        assert "\\x1b" in printed
    assert max(map(len, text.splitlines())) <= 120
    assert "<img" not in markdown.replace("\\<img", "")
    assert "](http" not in markdown.replace("\\](http", "")
    assert "\n# heading" not in markdown
    table = [line for line in markdown.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in table} == {13}
    assert len(table) == 2 + len(comparison.metrics)


def test_the_seed_decides_the_resamples():
    a = [right(f"q{number}", total=10.0 + number % 7) for number in range(40)]
    b = [right(f"q{number}", total=10.0 + number % 5) for number in range(40)]
    first = compare(a, b, seed=1).metrics["total_ms"]
    assert compare(a, b, seed=1).metrics["total_ms"] == first
    other = compare(a, b, seed=2).metrics["total_ms"]
    assert (other.low, other.difference) == (pytest.approx(first.low, abs=0.1), first.difference)
    assert other.p != first.p

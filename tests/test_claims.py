"""Checkers measured on claims, by hand and on the open development set where it is."""

import json
from pathlib import Path

import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from eval.citation_support import RuleChecker
from eval.claims import balanced_accuracy, measure_claims, sentence_overlap
from eval.statistics import rate_of
from eval.types import UNDEFINED
from index.errors import InputError

WICE = Path(__file__).resolve().parents[2] / "shared" / "data" / "wice" / "claim_dev.jsonl"

PAGE = ["The ferry Mary leaves at nine.", "Tickets cost four crowns.", "Nothing was said about dogs."]


class Script:
    """A checker with a list of decisions; keeps what it was shown."""

    name = "script"

    def __init__(self, *decisions):
        self.decisions = list(decisions)
        self.shown = []

    def supports(self, evidence, statement):
        self.shown.append((list(evidence), statement))
        return self.decisions[len(self.shown) - 1]


def claim(text, label, *marked, **fields):
    record = {"claim": text, "label": label, "evidence": PAGE, "supporting_sentences": list(marked)}
    return json.dumps(record | fields) + "\n"


@pytest.fixture
def claims(tmp_path):
    path = tmp_path / "claims.jsonl"
    path.write_text(
        claim("The ferry Mary leaves at nine.", "supported", [0])
        + claim("Mary is a ferry, and tickets cost four crowns.", "supported", [1], [0, 1])
        + "\n"
        + claim("The ferry Mary leaves at nine from Oslo.", "partially_supported", [0])
        + claim("Dogs are welcome.", "not_supported", []),
        encoding="utf-8",
    )
    return path


def test_figures_by_hand(claims):
    seen = []
    checker = Script(True, False, True, False, True, True, False)
    report = measure_claims(claims, checker, on_progress=lambda done, total: seen.append((done, total)))
    page, gold = report.views["page"], report.views["gold_sentences"]
    assert page.sizes == {"supported": 2, "partially_supported": 1, "not_supported": 1}
    assert gold.sizes == {"supported": 2, "partially_supported": 1, "not_supported": 0}
    assert seen == [(done, 7) for done in range(1, 8)]
    assert [evidence for evidence, _ in checker.shown] == [PAGE] * 4 + [PAGE[:1], PAGE[:2], PAGE[:1]]
    # On the page it says yes to one of two supported claims and to one of two others.
    assert page.systems["script"] == {
        "precision": rate_of(1, 2),
        "recall": rate_of(1, 2),
        "balanced_accuracy": balanced_accuracy(rate_of(1, 2), rate_of(1, 2)),
        "auroc": UNDEFINED,
    }
    assert gold.systems["script"]["precision"] == rate_of(2, 2)
    assert page.verdicts == {
        "supported": {"supported": 1, "not supported": 1},
        "partially_supported": {"supported": 1, "not supported": 0},
        "not_supported": {"supported": 0, "not supported": 1},
    }
    assert page.rule_verdicts["supported"]["verbatim"] == 1
    assert page.rule_verdicts["not_supported"]["unsupported"] == 1
    always = page.systems["always_supported"]
    assert (always["precision"], always["recall"]) == (rate_of(2, 4), rate_of(2, 2))
    assert always["balanced_accuracy"].value == 0.5
    overlap = page.systems["sentence_overlap"]
    # The best sentence holds all 5 words of the first claim, 4 of 8 of the second, 5 of 7 of the third, and 1 of 3 of
    # the last: three are said to be supported, and of four pairs of a supported and another claim three are in order.
    assert (overlap["precision"], overlap["recall"]) == (rate_of(2, 3), rate_of(2, 2))
    assert overlap["auroc"].value == 0.75


def test_overlap_counts_distinct_words_of_one_sentence():
    assert sentence_overlap("The ferry Mary leaves at nine.", PAGE) == 1
    assert sentence_overlap("Mary, Mary: four crowns!", PAGE) == pytest.approx(2 / 3)
    assert sentence_overlap("Mary", []) == sentence_overlap("The.", PAGE) == 0


def test_balanced_accuracy_by_hand():
    # Newcombe 1998, table II, method 10: 56/70 - 48/80 = 0.2 (0.0524, 0.3339); the mean of 56/70 and of the other side
    # turned round, 32/80, is half of that difference plus a half.
    figure = balanced_accuracy(rate_of(56, 70), rate_of(32, 80))
    assert (figure.value, figure.low, figure.high, figure.n) == (
        pytest.approx(0.6),
        pytest.approx(0.5 + 0.0524 / 2, abs=5e-5),
        pytest.approx(0.5 + 0.3339 / 2, abs=5e-5),
        150,
    )
    assert balanced_accuracy(rate_of(1, 1), UNDEFINED) == UNDEFINED


def test_the_report_as_json_and_as_text(claims):
    report = measure_claims(claims, RuleChecker())
    document = json.loads(json.dumps(report.as_json()))
    assert (document["n"], document["checker"]) == (4, "rules")
    assert document["views"]["gold_sentences"]["n"] == 3
    assert set(document["views"]["page"]["systems"]) == {
        "rules",
        "model_of_words",
        "rule_coverage",
        "sentence_overlap",
        "always_supported",
    }
    assert document["views"]["page"]["systems"]["rules"]["precision"]["value"] == 1
    text = report.text()
    for words in (
        "4 claims",
        "the whole page",
        "only the sentences that people marked",
        "balanced_accuracy",
        "verbatim",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "line 2, column 2: not JSON"),
        ("[1]\n", "line 2, column 1: must be a JSON object"),
        (claim(" ", "supported"), "line 2, field 'claim': must be a non-empty string"),
        (claim("a", "true"), "line 2, field 'label': must be one of 'supported', .*not 'true'"),
        (claim("a", ["supported"]), "line 2, field 'label'"),
        (claim("a", "supported", evidence=[]), "line 2, field 'evidence'"),
        (claim("a", "supported", evidence=["a", 1]), "line 2, field 'evidence'"),
        (claim("a", "supported", [3]), "line 2, field 'supporting_sentences': there is no sentence 3; .* has 3"),
        (claim("a", "supported", [-1]), "there is no sentence -1"),
        (claim("a", "supported", 1), "line 2, field 'supporting_sentences': must be a list of lists"),
        (claim("a", "supported", [True]), "line 2, field 'supporting_sentences': must be a list of lists"),
    ],
)
def test_a_file_that_does_not_follow_the_format(tmp_path, line, problem):
    path = tmp_path / "claims.jsonl"
    path.write_text(claim("a", "supported", [0]) + line, encoding="utf-8")
    with pytest.raises(InputError, match=problem):
        measure_claims(path, Script())


def test_a_file_that_is_none(tmp_path):
    path = tmp_path / "claims.jsonl"
    with pytest.raises(InputError, match="there is no file of claims"):
        measure_claims(path, Script())
    with pytest.raises(InputError, match="cannot be read"):
        measure_claims(tmp_path, Script())
    path.write_text("\n")
    with pytest.raises(InputError, match="holds no claim"):
        measure_claims(path, Script())
    path.write_bytes(b"\xff")
    with pytest.raises(InputError, match="not UTF-8 at byte 0"):
        measure_claims(path, Script())


def test_figures_agree_with_scikit_learn_on_the_open_set():
    if not WICE.is_file():
        pytest.skip(f"the development claims of WiCE are not at {WICE}")
    decisions = []

    class Kept(RuleChecker):
        def supports(self, evidence, statement):
            decisions.append(super().supports(evidence, statement))
            return decisions[-1]

    page = measure_claims(WICE, Kept()).views["page"]
    records = [json.loads(line) for line in WICE.read_text(encoding="utf-8").splitlines()]
    labels = [record["label"] == "supported" for record in records]
    assert page.systems["rules"]["balanced_accuracy"].value == pytest.approx(
        balanced_accuracy_score(labels, decisions[: len(labels)])
    )
    overlaps = [sentence_overlap(record["claim"], record["evidence"]) for record in records]
    assert page.systems["sentence_overlap"]["auroc"].value == pytest.approx(roc_auc_score(labels, overlaps))
    # Above the baseline of always saying yes, without which a checker is worth nothing.
    assert page.systems["rules"]["precision"].low > page.systems["always_supported"]["precision"].high

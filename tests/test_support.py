"""The model of support: its signals, that it is what the file says, and how it does on claims that people labelled."""

import json
import math
from importlib import resources
from pathlib import Path

import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from eval.citation_support import judge_texts
from eval.claims import claim_evidence, sentence_overlap
from eval.wice import LABELS, read_claims
from rag.support import FEATURES, WORDS_FEATURES, judge, load_model, support_features
from rag.words import Words

WICE = Path(__file__).resolve().parents[2] / "shared" / "data" / "wice" / "claim_dev.jsonl"


def features(statement, *evidence):
    return support_features(Words.of(statement), [Words.of(text) for text in evidence])


def test_signals_worked_by_hand():
    found = features("Reyes opened 3 schools in Tarrow.", "Ana Reyes opened schools.")
    # Needed: reyes, open, school, tarrow, 3; held: reyes, open, school.
    assert found["coverage"] == pytest.approx(3 / 5)
    assert (found["missing"], found["names_missing"], found["numbers_missing"]) == (2, 1, 1)
    assert found["length"] == pytest.approx(math.log(5))
    assert set(found) == set(WORDS_FEATURES)


def test_what_is_known_besides_is_not_missing():
    words, evidence = Words.of("TASS said Reyes left."), [Words.of("Reyes left.")]
    assert support_features(words, evidence)["names_missing"] == 1
    assert support_features(words, evidence, known=Words.of("TASS").terms)["names_missing"] == 0


def test_nearness_is_summed_up_in_three_signals():
    close = [("one", 0.9), ("two", 0.5), ("three", 0.1), ("four", 0.7), ("five", 0.3)]
    found = support_features(Words.of("Reyes left."), [Words.of("Reyes left.")], close)
    assert set(found) == set(FEATURES)
    assert (found["close_mean"], found["close_quarter"]) == (pytest.approx(0.5), 0.3)
    assert found["close_least"] == pytest.approx(0.3)


@pytest.mark.parametrize("with_likeness", [False, True])
def test_the_model_is_the_one_in_the_file(with_likeness):
    stored = json.loads(resources.files("rag").joinpath("support.json").read_text("utf-8"))
    model, document = load_model(with_likeness=with_likeness), stored["with_likeness" if with_likeness else "words"]
    names = FEATURES if with_likeness else WORDS_FEATURES
    assert set(model.weights) == set(names)
    assert 0 < model.partial_from < model.supported_from < 1
    values = dict.fromkeys(names, 0.5)
    odds = document["bias"] + 0.5 * sum(document["weights"].values())
    assert model.probability(values) == pytest.approx(1 / (1 + math.exp(-odds)))


def test_more_of_a_statement_in_the_words_is_never_less_likely():
    statement = Words.of("The mayor of Tarrow opened three schools in June.")
    evidence = ["The mayor left.", "The mayor of Tarrow left.", "The mayor of Tarrow opened schools in June."]
    chances = [judge(statement, [Words.of(text)]).probability for text in evidence]
    assert chances == sorted(chances)


def test_nothing_to_compare_is_unsupported():
    assert judge(Words.of("It did."), [Words.of("It did.")]).support == "unsupported"
    assert judge(Words.of("Reyes left."), []).support == "unsupported"


@pytest.mark.skipif(not WICE.exists(), reason="the open development set of WiCE is not there")
def test_the_model_is_better_than_overlap_on_the_claims_that_it_was_not_fitted_on():
    import hashlib

    claims = [claim for claim in read_claims(WICE)[0] if hashlib.sha256(claim.text.encode()).digest()[0] >= 128]
    labels = [claim.label == LABELS[0] for claim in claims]
    judged = [judge_texts(claim.text, claim_evidence(claim, "page")) for claim in claims]
    overlap = [sentence_overlap(claim.text, claim.evidence) for claim in claims]
    area = roc_auc_score(labels, [one.probability for one in judged])
    assert area >= 0.82 > 0.76 >= roc_auc_score(labels, overlap)
    assert balanced_accuracy_score(labels, [one.likely for one in judged]) >= 0.74
    swapped = {(one.support, label) for one, label in zip(judged, labels, strict=True)}
    assert ("verbatim", False) not in swapped

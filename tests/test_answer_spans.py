"""The network that marks short answers, against PyTorch, and what it is given."""

import numpy as np
import pytest
import torch

from index.answer_spans import (
    FEATURES,
    KINDS,
    MAX_ANSWER_TOKENS,
    QUESTION_WEIGHT,
    TOKEN_WEIGHT,
    best_span,
    span_model_of,
    token_features,
)
from index.encoder import DEFAULT_ENCODER_SHA256, load_encoder
from index.interaction import passage_tokens, projection_of
from index.library import Library
from index.types import Article, Metadata, Span
from tests.fakes import BagOfWordsEncoder

TEXT = (
    "The council met on Monday. The new bridge at Arlen cost 31.4 million crowns, the builder said. "
    "Tilda Brandt, the mayor of Arlen, opened it on 12 May 2019."
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    article = Article.from_text(TEXT, Metadata(title="Bridge"), "/bridge.txt")
    with Library.open_for_writing(tmp_path_factory.mktemp("spans") / "library", load_encoder()) as opened:
        opened.put([(article, "digest")])
        yield opened


def sentence(beginning: str) -> Span:
    start = TEXT.index(beginning)
    end = TEXT.find(". ", start) + 1 or len(TEXT)
    # "31.4" has no blank behind its point.
    return Span(start, end)


@pytest.mark.parametrize(
    ("question", "beginning", "answer"),
    [
        ("How much did the new bridge cost?", "The new bridge", "31.4 million crowns"),
        ("Who is the mayor of Arlen?", "Tilda", "Tilda Brandt"),
        ("When was the bridge opened?", "Tilda", "12 May 2019"),
    ],
)
def test_the_answer_is_found_in_its_sentence(library: Library, question: str, beginning: str, answer: str):
    (summary,) = library.articles()
    (passage,) = library.passages(summary.article_id)
    found = library.short_answer(question, passage, sentence(beginning))
    assert found is not None
    assert TEXT[found.span.start : found.span.end] == answer
    assert 0 < found.probability <= 1


def test_there_is_none_outside_the_passage_and_without_a_model(library: Library, tmp_path):
    (summary,) = library.articles()
    (passage,) = library.passages(summary.article_id)
    assert library.short_answer("Who?", passage, Span(passage.end + 5, passage.end + 9)) is None
    article = Article.from_text(TEXT, Metadata(title="Bridge"), "/bridge.txt")
    with Library.open_for_writing(tmp_path / "library", BagOfWordsEncoder()) as other:
        other.put([(article, "digest")])
        (passage,) = other.passages(article.article_id)
        assert other.short_answer("Who is the mayor?", passage, sentence("Tilda")) is None


def test_the_model_is_for_the_default_encoder_only():
    assert span_model_of(DEFAULT_ENCODER_SHA256) is not None
    assert span_model_of("0" * 64) is None


def test_the_scores_are_those_of_the_same_network_in_pytorch():
    model = span_model_of(DEFAULT_ENCODER_SHA256)
    assert model is not None
    arrays = {name: torch.from_numpy(value) for name, value in model.arrays.items()}
    source = np.random.default_rng(7)
    tokens = source.normal(size=(11, 32)).astype(np.float32) * 0.1
    features = source.normal(size=(11, FEATURES)).astype(np.float32)
    question = source.normal(size=(6, 384)).astype(np.float32) * 0.05
    asked = torch.from_numpy(question) * QUESTION_WEIGHT
    share = torch.softmax(asked @ arrays["attention"].T + arrays["attention_bias"], dim=0)
    wanted = torch.nn.functional.linear((share.T @ asked).reshape(-1), arrays["question"], arrays["question_bias"])
    own = torch.from_numpy(tokens) * TOKEN_WEIGHT
    state = torch.cat([own, own * wanted, wanted.expand(11, -1), torch.from_numpy(features)], 1)
    state = torch.nn.functional.linear(state, arrays["input"], arrays["input_bias"]).relu()
    for name in ("first", "second"):
        convolved = torch.nn.functional.conv1d(state.T[None], arrays[name], arrays[f"{name}_bias"], padding=2)
        state = state + convolved[0].T.relu()
    expected = torch.nn.functional.linear(state, arrays["output"], arrays["output_bias"])
    assert model.logits(tokens, features, question) == pytest.approx(expected.numpy(), abs=2e-4)


def test_the_best_span_is_the_best_pair_in_order():
    # First 0 with last 1 has 2 + 3 = 5; last 0 is before first 2 and does not count.
    logits = np.array([[2.0, 4.0], [0.0, 3.0], [3.0, 0.0]], dtype=np.float32)
    first, last, probability = best_span(logits)
    pairs = [2 + 4, 2 + 3, 2 + 0, 0 + 3, 0 + 0, 3 + 0]
    assert (first, last) == (0, 0)
    assert probability == pytest.approx(np.exp(6) / np.exp(pairs).sum(), rel=1e-4)


def test_a_span_is_never_longer_than_the_longest():
    logits = np.full((60, 2), -5.0, dtype=np.float32)
    logits[0, 0] = logits[59, 1] = 10.0
    first, last, _ = best_span(logits)
    assert last - first < MAX_ANSWER_TOKENS


def test_features_say_what_the_letters_show():
    encoder, projection = load_encoder(), projection_of(DEFAULT_ENCODER_SHA256)
    assert projection is not None
    text, question = "In May 2019, Brandt left Arlen (twice).", "When did Brandt leave?"
    (read,), (asked,) = encoder.encode_tokens([text]), encoder.encode_tokens([question])
    tokens = passage_tokens(read, 0, projection)
    words = [text[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)]
    found = token_features(text, tokens, question, asked, projection)
    assert found.shape == (len(words), FEATURES)
    assert [word for word, row in zip(words, found, strict=True) if row[1]] == ["Brandt"]
    assert {word for word, row in zip(words, found, strict=True) if row[2]} == {",", "(", ")", "."}
    assert [word for word, row in zip(words, found, strict=True) if row[7]] == ["2019"]
    assert [word for word, row in zip(words, found, strict=True) if row[8]] == ["May"]
    assert [word for word, row in zip(words, found, strict=True) if row[11]] == ["Brandt"]
    assert found[words.index("Brandt"), 4] == 1.0
    assert found[words.index("left"), 4] == 0.5
    when = next(number for number, kind in enumerate(KINDS) if kind.search(question))
    assert found[:, 13:].sum(axis=0).tolist() == [len(words) * float(number == when) for number in range(len(KINDS))]

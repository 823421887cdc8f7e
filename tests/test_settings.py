"""The configuration file, and which of flag, environment, file and default is obeyed."""

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import rag.settings
from index.errors import InputError
from rag.answering import AnswerSettings
from rag.generators import silence_limit, total_limit
from ui.cli import dateline
from ui.options import Session, k_option, library_option, model_option, pass_session
from ui.settings import (
    DEFAULT_K,
    ENVIRONMENT_ONLY,
    MAX_TOKENS,
    MIN_ANSWER_TOKENS,
    MIN_PROMPT_TOKENS,
    SETTINGS,
    config_path,
    default_library_path,
    default_map,
    load_config,
)


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Writes the configuration file in use."""
    path = tmp_path / "settings" / "mine.toml"
    path.parent.mkdir()
    monkeypatch.setenv("DATELINE_CONFIG", str(path))
    for setting in SETTINGS.values():
        monkeypatch.delenv(setting.variable, raising=False)

    def write(text: str | bytes) -> Path:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def show():
    """Runs a command that prints the library, the model and the number of passages it was given."""

    @click.command()
    @model_option
    @k_option
    @library_option
    @pass_session
    def show_settings(session: Session, model: str, k: int) -> None:
        click.echo(f"{session.library_path} {model} {k}")

    dateline.add_command(show_settings, "show-settings")

    def run(*arguments: str) -> list[str]:
        result = CliRunner().invoke(dateline, ["show-settings", *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout.split()

    yield run
    del dateline.commands["show-settings"]


def test_default_number_of_passages_is_that_of_answers():
    assert AnswerSettings().k == DEFAULT_K


def test_bounds_of_tokens_are_those_of_answers():
    bounds = (rag.settings.MIN_PROMPT_TOKENS, rag.settings.MIN_ANSWER_TOKENS, rag.settings.MAX_TOKENS)
    assert bounds == (MIN_PROMPT_TOKENS, MIN_ANSWER_TOKENS, MAX_TOKENS)


def test_config_values_and_paths_relative_to_the_file(config):
    path = config('library = "lib"\nauth_file = "/etc/people"\nmodel = "ollama:a"\nk = 3\nport = 0\n')
    assert load_config() == {
        "library": str(path.parent / "lib"),
        "auth_file": "/etc/people",
        "model": "ollama:a",
        "k": 3,
        "port": 0,
    }


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("colour = 1", ["'colour'", "unknown key", "library"]),
        ("k = 0", ["'k'", "from 1 to 1000"]),
        ("k = true", ["'k'", "whole number"]),
        ('k = "8"', ["'k'", "whole number"]),
        ("model = 3", ["'model'", "text"]),
        ('model = ""', ["'model'", "text"]),
        ("[ask]\nk = 3", ["'ask'", "unknown key"]),
        ("k = ", ["not valid TOML"]),
        (b'model = "\xff"', ["not valid TOML"]),
    ],
)
def test_wrong_config_names_the_file_and_what_is_wrong(config, text, parts):
    path = config(text)
    with pytest.raises(InputError) as raised:
        load_config()
    for part in (str(path), *parts):
        assert part in str(raised.value)
    assert "\n" not in str(raised.value)


def test_wrong_config_ends_any_command_with_one_line(config):
    config("colour = 1")
    result = CliRunner().invoke(dateline, ["articles"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: The configuration file")
    assert result.stderr.count("\n") == 1


def test_absent_default_config_is_empty_but_a_named_one_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("DATELINE_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(InputError, match=r"none\.toml.*DATELINE_CONFIG"):
        load_config()
    monkeypatch.delenv("DATELINE_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("platformdirs.user_config_path", lambda *_, **__: tmp_path / "config" / "dateline")
    assert config_path() == tmp_path / "config" / "dateline" / "config.toml"
    assert load_config() == {}
    assert not (tmp_path / "config").exists()


def test_a_config_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.setenv("DATELINE_CONFIG", str(tmp_path))
    with pytest.raises(InputError, match="cannot be read"):
        load_config()


def test_flag_before_environment_before_config_before_default(config, show, monkeypatch, tmp_path):
    config("")
    assert show() == [str(default_library_path()), "extractive", str(DEFAULT_K)]
    path = config('library = "from-config"\nmodel = "ollama:config"\nk = 2\n')
    assert show() == [str(path.parent / "from-config"), "ollama:config", "2"]
    monkeypatch.setenv("DATELINE_LIBRARY", str(tmp_path / "from-env"))
    monkeypatch.setenv("DATELINE_MODEL", "ollama:env")
    monkeypatch.setenv("DATELINE_K", "3")
    assert show() == [str(tmp_path / "from-env"), "ollama:env", "3"]
    flags = ["--library", str(tmp_path / "from-flag"), "-m", "ollama:flag", "-k", "4"]
    assert show(*flags) == [str(tmp_path / "from-flag"), "ollama:flag", "4"]


def test_timeout_reaches_the_models_for_the_run_only(config, monkeypatch):
    seen = []

    @click.command()
    def show_timeout() -> None:
        seen.append((silence_limit(), total_limit()))

    monkeypatch.setitem(dateline.commands, "show-timeout", show_timeout)
    config("llm_timeout = 7\nllm_total_timeout = 70")
    CliRunner().invoke(dateline, ["show-timeout"], catch_exceptions=False)
    assert not {"DATELINE_LLM_TIMEOUT", "DATELINE_LLM_TOTAL_TIMEOUT"} & set(os.environ)
    monkeypatch.setenv("DATELINE_LLM_TIMEOUT", "9")
    CliRunner().invoke(dateline, ["show-timeout"], catch_exceptions=False)
    assert seen == [(7, 70), (9, 70)]
    assert os.environ["DATELINE_LLM_TIMEOUT"] == "9"


def test_prompts_and_tokens_of_the_configuration_reach_answers_for_the_run_only(config, monkeypatch):
    seen = []

    @click.command()
    def show_tokens() -> None:
        settings = AnswerSettings()
        seen.append((settings.prompt_tokens, settings.answer_tokens, os.environ["DATELINE_PROMPTS"]))

    monkeypatch.setitem(dateline.commands, "show-tokens", show_tokens)
    path = config('prompt_tokens = 3000\nanswer_tokens = 200\nprompts = "mine"\n')
    CliRunner().invoke(dateline, ["show-tokens"], catch_exceptions=False)
    monkeypatch.setenv("DATELINE_ANSWER_TOKENS", "90")
    CliRunner().invoke(dateline, ["show-tokens"], catch_exceptions=False)
    own = str(path.parent / "mine")
    assert seen == [(3000, 200, own), (3000, 90, own)]
    assert "DATELINE_PROMPTS" not in os.environ


def test_library_before_or_after_the_verb(config, show, tmp_path):
    config("")
    before = CliRunner().invoke(dateline, ["--library", str(tmp_path / "a"), "show-settings"])
    assert before.stdout.split()[0] == str(tmp_path / "a")
    assert show("--library", str(tmp_path / "b"))[0] == str(tmp_path / "b")
    both = CliRunner().invoke(dateline, ["--library", str(tmp_path / "a"), "show-settings", "--library", "b"])
    assert both.stdout.split()[0] == "b"


def test_every_setting_but_those_of_the_environment_is_an_option_with_its_environment_variable():
    def options(command):
        if isinstance(command, click.Group):
            for child in command.commands.values():
                yield from options(child)
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                yield parameter

    variables = {option.name: option.envvar for option in options(dateline) if option.envvar}
    assert variables == {name: setting.variable for name, setting in SETTINGS.items() if name not in ENVIRONMENT_ONLY}


def test_default_map_reaches_nested_groups():
    found = default_map(dateline, {"k": 3})
    assert found["ask"] == {"k": 3}
    assert found["eval"]["run"] == {"k": 3}
    assert found["articles"] == {"list": {}, "show": {}, "remove": {}}

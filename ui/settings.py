"""Settings: a flag comes before the environment, the environment before the configuration file, that before a default.

The configuration file is TOML, `config.toml` in the user's configuration folder for `dateline`, or the file that
`DATELINE_CONFIG` names:

    library = "collections/sanctions"    # relative to the folder of this file
    model = "ollama:llama3.2"
    k = 12
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import platformdirs

from index.errors import InputError

CONFIG_VARIABLE = "DATELINE_CONFIG"
DEFAULT_MODEL = "extractive"
DEFAULT_K = 10
"""Passages that an answer is made from; the same as `rag.answering.AnswerSettings`, named here to keep help light."""
MAX_K = 1_000
"""Most passages that can be asked for: beyond it a search costs time and tells nobody anything."""
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7860
DEFAULT_SEED = 20_170_603
"""Seed of resampling and drafting; the same as `eval.statistics.SEED`, named here to keep help light."""
MAX_SEED = 2**32 - 1
"""Largest seed that every generator of random numbers takes."""

MIN_PROMPT_TOKENS = 500
MIN_ANSWER_TOKENS = 16
MAX_TOKENS = 1_000_000
"""Bounds of the tokens of a prompt and of an answer; the same as in `rag.settings`, named here to keep help light."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the configuration file. `minimum` and `maximum` (both inclusive) bound a whole number."""

    name: str
    type: type[str] | type[int] | type[bool]
    help: str
    is_path: bool = False
    minimum: int = 0
    maximum: int = 0

    @property
    def variable(self) -> str:
        """The environment variable of the same setting."""
        return f"DATELINE_{self.name.upper()}"


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("library", str, "folder of the library", is_path=True),
        Setting("encoder", str, "name or folder of the encoder that a new library is made with"),
        Setting("vectors", str, "how passages are compared with a question: auto, exact, compressed or partitioned"),
        Setting("model", str, "language model that answers are written by"),
        Setting("k", int, "number of passages searched for", minimum=1, maximum=MAX_K),
        Setting("mode", str, "kind of search: hybrid, dense or keyword"),
        Setting("reranker", str, "name or folder of the cross-encoder that puts passages in order"),
        Setting("reader", str, "model that reads question and passages together: dateline, none, a name or a folder"),
        Setting("checker", str, "name or folder of the inference model that checks a language model's statements"),
        Setting("host", str, "address that the page is served at"),
        Setting("port", int, "port that the page is served at", minimum=0, maximum=65_535),
        Setting("allow_host", str, "further host names that the page is reached by, parted by spaces or commas"),
        Setting("auth_file", str, "file with the names and passwords that the page asks for", is_path=True),
        Setting("read_only", bool, "let nobody add or remove articles on the page"),
        Setting("state", str, "folder for what people do with the page", is_path=True),
        Setting("offer", str, "further models that the page offers, with spaces or commas between them"),
        Setting("llm_timeout", int, "seconds that a language model may stay silent", minimum=1, maximum=86_400),
        Setting("llm_total_timeout", int, "seconds that a whole reply may take", minimum=1, maximum=86_400),
        Setting("prompts", str, "folder of prompts of one's own", is_path=True),
        Setting("prompt_tokens", int, "most tokens of a prompt", minimum=MIN_PROMPT_TOKENS, maximum=MAX_TOKENS),
        Setting("answer_tokens", int, "most tokens of a model's answer", minimum=MIN_ANSWER_TOKENS, maximum=MAX_TOKENS),
        Setting("precision", str, "number format of encoding many passages: auto, fp32 or bf16"),
        Setting("cache", str, "folder where the articles of question sets are kept indexed", is_path=True),
        Setting("seed", int, "seed of everything random in evaluations", minimum=0, maximum=MAX_SEED),
    )
}
"""Every key of the configuration file, by name."""

ENVIRONMENT_ONLY = ("llm_timeout", "llm_total_timeout", "prompts", "prompt_tokens", "answer_tokens", "precision")
"""Those that no option of a command gives: what answers or encodes looks for them in the environment."""


def config_path() -> Path:
    """Where the configuration file is looked for; nothing is created."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    return platformdirs.user_config_path("dateline", appauthor=False) / "config.toml"


def default_library_path() -> Path:
    """The library used when none is named: a folder in the user's data folder; nothing is created."""
    return platformdirs.user_data_path("dateline", appauthor=False) / "library"


def default_cache_path() -> Path:
    """Where the articles of question sets are kept indexed when no folder is named; nothing is created."""
    return platformdirs.user_cache_path("dateline", appauthor=False)


def load_config() -> dict[str, str | int | bool]:
    """The settings of the configuration file; empty if there is none.

    Raises `InputError` if the file that `DATELINE_CONFIG` names is absent, cannot be read or is not TOML, or if it
    holds a key that is not a setting or a value that the setting cannot take. Paths are relative to its folder.
    """
    path = config_path()
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        if os.environ.get(CONFIG_VARIABLE):
            raise InputError(f"There is no configuration file {str(path)!r}. Check {CONFIG_VARIABLE}.") from None
        return {}
    except OSError as error:
        raise InputError(f"The configuration file {str(path)!r} cannot be read: {error.strerror}.") from error
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"The configuration file {str(path)!r} is not valid TOML: {error}.") from error
    return {key: _checked(key, value, path) for key, value in document.items()}


def _checked(key: str, value: object, path: Path) -> str | int | bool:
    where = f"The configuration file {str(path)!r}"
    setting = SETTINGS.get(key)
    if setting is None:
        raise InputError(f"{where} has an unknown key {key!r}. The keys are: {', '.join(SETTINGS)}.")
    if setting.type is bool:
        if not isinstance(value, bool):
            raise InputError(f"{where} gives {key!r} the value {value!r}; it must be true or false.")
        return value
    if setting.type is int:
        if type(value) is not int or not setting.minimum <= value <= setting.maximum:
            bounds = f"a whole number from {setting.minimum} to {setting.maximum}"
            raise InputError(f"{where} gives {key!r} the value {value!r}; it must be {bounds}.")
        return value
    if not isinstance(value, str) or not value:
        raise InputError(f"{where} gives {key!r} the value {value!r}; it must be a text that is not empty.")
    return str(path.parent / Path(value).expanduser()) if setting.is_path else value


def new_library_encoder() -> str:
    """Name or folder of the encoder that the settings give to a new library. Raises `InputError` as `load_config`."""
    from index.encoder import DEFAULT_ENCODER

    setting = SETTINGS["encoder"]
    return os.environ.get(setting.variable) or str(load_config().get(setting.name) or DEFAULT_ENCODER)


def default_map(group: click.Group, config: Mapping[str, str | int | bool]) -> dict[str, Any]:
    """The configuration as click takes it: each key is the default of every parameter of that name below `group`."""
    return {
        name: default_map(command, config)
        if isinstance(command, click.Group)
        else {
            option.name: str(config[option.name]).split() if option.multiple else config[option.name]
            for option in command.params
            if isinstance(option, click.Option) and option.name is not None and option.name in config
        }
        for name, command in group.commands.items()
    }

"""The words of the interface, in each language that it speaks.

They stand in `ui/language`, one TOML file for each part of the page, a table for each text with its languages side by
side. `conversation.toml` with `[rename] en = "Rename"` gives the key `conversation.rename`. A text that counts has the
two keys `NAME_one` and `NAME_other`. In a text, `{name}` is a placeholder.

Gradio's own components are given the same texts through `gradio.I18n`, and the scripts of the page read them from
there. What an article, a model or `rag` says is no text of the interface and is shown as it is.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "de", "fr")
"""Languages of the interface; the first stands in for any other."""


@cache
def translations() -> Mapping[str, Mapping[str, str]]:
    """Language → key → text, every language with every key."""
    found: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    for entry in sorted(files("ui").joinpath("language").iterdir(), key=lambda entry: entry.name):
        if not entry.name.endswith(".toml"):
            continue
        part = entry.name.removesuffix(".toml")
        for name, said in tomllib.loads(entry.read_text(encoding="utf-8")).items():
            for language in LANGUAGES:
                found[language][f"{part}.{name}"] = said[language]
    return found


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts in one language."""

    language: str = LANGUAGES[0]

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key with its placeholders filled in. Raises `KeyError` if there is no such text."""
        return translations()[self.language][key].format(**values)

    def count(self, key: str, number: int, **values: object) -> str:
        """The text of a key that counts, `{count}` filled in: "1 article", "5 articles"."""
        return self(f"{key}_{'one' if number == 1 else 'other'}", count=f"{number:,}", **values)


def texts_for(accept_language: str | None) -> Texts:
    """The texts for a browser by its `Accept-Language` header: the first language of it that the interface speaks.

    Browsers send the languages in the order of preference; weights are not looked at.
    """
    for wanted in (accept_language or "").split(","):
        language = wanted.split(";")[0].strip().lower().split("-")[0]
        if language in LANGUAGES:
            return Texts(language)
    return Texts()

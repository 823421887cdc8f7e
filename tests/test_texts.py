"""The words of the interface in each language."""

import re

import pytest

from ui.texts import LANGUAGES, Texts, texts_for, translations


def test_every_language_has_every_text_with_the_same_placeholders() -> None:
    english = translations()["en"]
    assert english["page.ask"] == "Ask"
    for language in LANGUAGES:
        said = translations()[language]
        assert said.keys() == english.keys()
        for key, text in said.items():
            assert text.strip(), (language, key)
            assert sorted(re.findall(r"\{\w*\}", text)) == sorted(re.findall(r"\{\w*\}", english[key])), (language, key)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        ("es-ES, fr-FR;q=0.9", "fr"),
        ("pt", "en"),
        ("\x00,;;=", "en"),
    ],
)
def test_the_first_language_that_is_spoken_is_taken(header: str | None, language: str) -> None:
    assert texts_for(header).language == language


def test_texts_count_and_fill_in() -> None:
    assert Texts().count("page.articles", 1) == "1 article"
    assert Texts().count("page.articles", 1234) == "1,234 articles"
    assert Texts("de")("answer.open_passage", number="{x}") == "Passage {x} öffnen"
    with pytest.raises(KeyError):
        Texts()("no.such")

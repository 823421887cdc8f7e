"""The keys of the interface's words: none that is asked for is missing, none is left over."""

import re
from pathlib import Path

from ui.texts import LANGUAGES, translations

UI = Path(__file__).parent.parent / "ui"
PARTS = "|".join(sorted(path.stem for path in (UI / "language").glob("*.toml")))
KEY = re.compile(rf"""["'`]((?:{PARTS})\.[a-z0-9_]+)["'`]""")
BUILT = re.compile(rf"""(?:f["']|`)((?:{PARTS})\.(?:[a-z0-9_]|\$?\{{[^}}]*\}})*)["'`]""")
"""Keys put together of parts, as `t(`support.${kind}`)` and `texts(f"page.{name}")`."""

COUNTED = re.compile(r"_(?:one|other)$")


PREFIX = re.compile(rf"""["'`]((?:{PARTS})\.[a-z0-9_]*)["'`] ?\+""")
"""Beginnings of keys that something is put behind."""


def sources() -> dict[Path, str]:
    files = [*UI.glob("*.py"), *(UI / "front").glob("*.js")]
    return {path: path.read_text(encoding="utf-8") for path in files}


def used() -> set[str]:
    """Keys that stand whole in a script or a module; those that count stand without their ending."""
    found = {match[1] for text in sources().values() for match in KEY.finditer(text)}
    return {key for key in found if not key.endswith("_")}


def built() -> list[re.Pattern[str]]:
    """Patterns of the keys that are put together."""
    found = {match[1] for text in sources().values() for match in BUILT.finditer(text) if "{" in match[1]}
    found |= {match[1] + "{}" for text in sources().values() for match in PREFIX.finditer(text)}
    return [re.compile(re.sub(r"(?:\\\$)?\\\{.*?\\\}", "[a-z0-9_]+", re.escape(key))) for key in found]


def test_texts_that_count_have_both_forms() -> None:
    keys = set(translations()["en"])
    counted = {COUNTED.sub("", key) for key in keys if COUNTED.search(key)}
    assert {key for key in counted if not {f"{key}_one", f"{key}_other"} <= keys} == set()


def test_every_text_that_is_asked_for_exists() -> None:
    keys = set(translations()["en"])
    known = keys | {COUNTED.sub("", key) for key in keys}
    files = re.compile(r"\.(?:toml|js|css|py|jsonl?|csv|db|html)$")  # names of files look like keys
    assert sorted(key for key in used() - known if not files.search(key)) == []


def test_no_text_is_left_over() -> None:
    found, patterns = used(), built()
    left = [
        key
        for key in translations()["en"]
        if key not in found
        and COUNTED.sub("", key) not in found
        and not any(pattern.fullmatch(key) or pattern.fullmatch(COUNTED.sub("", key)) for pattern in patterns)
    ]
    assert left == []


def test_texts_are_plain_and_typeset() -> None:
    """No markup, no straight quotes where curved ones belong, no three dots for an ellipsis."""
    odd = {
        (language, key): text
        for language in LANGUAGES
        for key, text in translations()[language].items()
        if re.search(r"</?[a-z]|\.\.\.|\w'\w", text) or "\n" in text
    }
    assert odd == {}

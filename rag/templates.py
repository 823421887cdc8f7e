"""The templates that prompts are made from: files of this package, each of which a file of one's own may replace.

A placeholder is `$name`; `$$` is a dollar. They are filled in once, so that what stands in an article, a question or an
answer comes through as it is, whatever it looks like.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template

from index.errors import InputError

FOLDER_VARIABLE = "DATELINE_PROMPTS"
"""Environment variable that names the folder of one's own templates."""

MAX_TEMPLATE_BYTES = 40_000
"""Largest template that is read: four times the tokens that a prompt may have would already be far too long."""

DECLINE_SENTENCE = "The articles do not hold the answer to this question."
"""What the model is told to reply if the passages do not hold the answer."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A template's placeholders: those that it must have and those that it may have."""

    required: frozenset[str]
    allowed: frozenset[str] = frozenset()


SYSTEM, USER, PASSAGE = "prompt_system.txt", "prompt_user.txt", "prompt_passage.txt"
REWRITE, REWRITE_USER = "prompt_rewrite.txt", "prompt_rewrite_user.txt"

KINDS: Mapping[str, Kind] = {
    SYSTEM: Kind(frozenset({"decline_sentence"})),
    USER: Kind(frozenset({"passages", "question"}), frozenset({"decline_sentence"})),
    PASSAGE: Kind(frozenset({"number", "text"}), frozenset({"title", "source", "published"})),
    REWRITE: Kind(frozenset()),
    REWRITE_USER: Kind(frozenset({"conversation", "question"})),
}
"""Every template by the name of its file: the rules, the user's message, a passage in it; rules and message of the
rewriting of a follow-up."""

ANSWER_TEMPLATES = (SYSTEM, USER, PASSAGE)
"""Those that an answer is written with."""


@dataclass(frozen=True, slots=True)
class Templates:
    """The texts in force by the names of their files, and the files that replace one of the package's."""

    texts: Mapping[str, str]
    replaced: Mapping[str, Path]

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the templates that an answer is written with, the sentence of refusal in them."""
        digest = hashlib.sha256()
        for name in ANSWER_TEMPLATES:
            text = Template(self.texts[name]).safe_substitute(decline_sentence=DECLINE_SENTENCE).encode()
            digest.update(f"{name} {len(text)}\n".encode() + text)
        return digest.hexdigest()

    def fill(self, name: str, **values: str) -> str:
        """A template with its placeholders filled in."""
        return Template(self.texts[name]).substitute(values)

    def fill_lines(self, name: str, **values: str) -> str:
        """The same without the lines that have placeholders, all of them empty."""
        lines = [Template(line) for line in self.texts[name].split("\n")]
        kept = [line for line in lines if not (names := line.get_identifiers()) or any(values[name] for name in names)]
        return "\n".join(line.substitute(values) for line in kept)


@cache
def default_templates() -> Mapping[str, str]:
    """The texts of the package's own templates, by the names of their files."""
    return {name: resources.files("rag").joinpath(name).read_text(encoding="utf-8").strip() for name in KINDS}


def load_templates(folder: Path | None = None) -> Templates:
    """The package's templates, each replaced by the file of its name in the folder, if there is one.

    Without a folder, it is the one that `DATELINE_PROMPTS` names, if any. Raises `InputError`, which names the file, if
    one cannot be read, is not UTF-8, too large or empty, lacks a placeholder or has one that nothing is known for; also
    for a file whose name is that of no template, which would be read by nobody.
    """
    named = os.environ.get(FOLDER_VARIABLE, "").strip()
    if folder is None and not named:
        return Templates(default_templates(), {})
    folder = Path(named).expanduser() if folder is None else folder
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise InputError(
            f"The folder of prompts {str(folder)!r} cannot be read ({error.strerror}). Set {FOLDER_VARIABLE} to a "
            "folder, or unset it."
        ) from error
    for name in names:
        if name.startswith("prompt_") and name.endswith(".txt") and name not in KINDS:
            raise InputError(f"No prompt has the name of {str(folder / name)!r}. The names are: {', '.join(KINDS)}.")
    replaced = {name: folder / name for name in KINDS if name in names}
    return Templates({**default_templates(), **{name: _read(name, path) for name, path in replaced.items()}}, replaced)


def _read(name: str, path: Path) -> str:
    where = f"The prompt {str(path)!r}"
    try:
        with path.open("rb") as file:
            content = file.read(MAX_TEMPLATE_BYTES + 1)
    except OSError as error:
        raise InputError(f"{where} cannot be read ({error.strerror}). Mend it or take it away.") from error
    if len(content) > MAX_TEMPLATE_BYTES:
        raise InputError(f"{where} has more than {MAX_TEMPLATE_BYTES:,} bytes. Shorten it.")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError as error:
        raise InputError(f"{where} is not UTF-8. Save it as UTF-8.") from error
    if not text:
        raise InputError(f"{where} is empty. Write the prompt into it or take it away.")
    template, kind = Template(text), KINDS[name]
    if not template.is_valid():
        raise InputError(f"{where} has a $ that begins no placeholder. Write $$ for a dollar.")
    found = set(template.get_identifiers())
    allowed = kind.required | kind.allowed
    if unknown := sorted(found - allowed):
        known = ", ".join(f"${one}" for one in sorted(allowed)) or "none"
        raise InputError(f"{where} has a placeholder ${unknown[0]} that nothing is known for. It may have: {known}.")
    if missing := sorted(kind.required - found):
        raise InputError(f"{where} lacks the placeholder ${missing[0]}. Put it where its text is to stand.")
    return text

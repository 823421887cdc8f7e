"""What can be wrong with an installation: the library, its encoder, the language model."""

from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import DatelineError, LibraryFormatError, LibraryNotFoundError
from index.types import Finding
from ui.options import Session

if TYPE_CHECKING:
    from index.encoder import Encoder

PROBE_TEXT = "Which words does this sentence hold?"
"""Encoded to see that the encoder works, and read with `PROBE_QUESTION`; any sentence would do."""

PROBE_QUESTION = "What does it hold?"

UNIT_TOLERANCE = 1e-3
"""How far from 1 the length of a vector may be: bfloat16 arithmetic is good to about three digits."""


def examine(session: Session, model: str, reader: str | None, *, repair: bool) -> list[Finding]:
    """Checks everything that an answer needs; with `repair`, first rebuilds what can be rebuilt from the articles.

    Errors are findings, not exceptions: the checks that follow are still made.
    """
    return [
        *_check_library(session, repair),
        _check_encoder(session),
        _check_reader(session, reader),
        _check_model(session, model),
        _check_prompts(),
    ]


def _check_library(session: Session, repair: bool) -> list[Finding]:
    from index.repair import repair_library

    where = Finding("library", True, str(session.library_path))
    try:
        if repair:
            return [where, *repair_library(session.library_path, session.parts.encoder)]
        with session.open_library() as library:
            return [where, *library.check()]
    except DatelineError as error:
        return [Finding("library", False, str(error))]


def _check_encoder(session: Session) -> Finding:
    try:
        encoder = _encoder(session)
        vector = encoder.encode([PROBE_TEXT])[0]
    except DatelineError as error:
        return Finding("encoder", False, str(error))
    length = float((vector @ vector) ** 0.5)
    if len(vector) != encoder.dimension or not abs(length - 1.0) <= UNIT_TOLERANCE:
        return Finding(
            "encoder",
            False,
            f"{encoder.name!r} gives vectors of {len(vector)} numbers and length {length:.4f} instead of "
            f"{encoder.dimension} numbers and length 1. Index with another one: dateline index PATH --encoder NAME",
        )
    return Finding("encoder", True, f"{encoder.name!r}, {encoder.dimension} dimensions")


def _encoder(session: Session) -> "Encoder":
    """The encoder of the library, or the default one if there is no library yet, or none that can be opened."""
    from index.encoder import load_encoder

    try:
        with session.open_library() as library:
            return library.encoder
    except (LibraryNotFoundError, LibraryFormatError):
        return session.parts.encoder or load_encoder()


def _check_reader(session: Session, name: str | None) -> Finding:
    """Whether the reader's weights are whole and it reads; none is used where the name says so."""
    from rag.reading import Text

    try:
        reader = session.load_reader(name)
        if reader is None:
            return Finding("reader", True, "none is used")
        reader.read(PROBE_QUESTION, [Text("", PROBE_TEXT)])
    except DatelineError as error:
        return Finding("reader", False, str(error))
    return Finding("reader", True, f"{reader.name!r}, SHA-256 {reader.digest}")


def _check_model(session: Session, model: str) -> Finding:
    from rag.generators import check_endpoint

    if session.parts.generator is not None:
        return Finding(f"model {session.parts.generator.name}", True, "brought by the program that runs the command")
    return check_endpoint(model)


def _check_prompts() -> Finding:
    """Which prompts are in force, and the digest that answers name them by."""
    from rag.settings import answer_tokens, prompt_tokens
    from rag.templates import load_templates

    try:
        templates = load_templates()
        budget = f"at most {prompt_tokens():,} tokens, answers {answer_tokens():,}"
    except DatelineError as error:
        return Finding("prompts", False, str(error))
    own = ", ".join(repr(str(path)) for path in templates.replaced.values())
    source = f"Dateline's own, replaced by {own}" if own else "Dateline's own"
    return Finding("prompts", True, f"{source}; SHA-256 {templates.digest}; {budget}")


def copy_prompts_into(folder: Path) -> list[Finding]:
    """Copies Dateline's own prompts into a folder; a file that is there already stays as it is and is not well."""
    from rag.templates import default_templates

    folder.mkdir(parents=True, exist_ok=True)
    findings = []
    for name, text in default_templates().items():
        try:
            with (folder / name).open("x", encoding="utf-8", newline="\n") as file:
                file.write(f"{text}\n")
        except FileExistsError:
            findings.append(Finding(name, False, f"{str(folder / name)!r} is there already and was left as it is."))
        else:
            findings.append(Finding(name, True, str(folder / name)))
    return findings

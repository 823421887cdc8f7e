"""Bytes of one article in any of the known formats, turned into text and what the format states about it."""

import io
import logging
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from index.encodings import clean_text, decode_text, without_controls
from index.errors import EmptyArticleError, UnsupportedFormatError
from index.metadata import clean_field, combine, read_metadata
from index.types import Metadata
from index.web_pages import read_page

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table
    from pypdf import PdfReader

Format = Literal["text", "markdown", "html", "pdf", "docx"]

FORMATS: dict[str, Format] = {
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
}
"""Suffix of a file name, lower case → format of the one article in the file."""

MAX_UNPACKED_BYTES = 256 * 2**20
"""Bytes that a DOCX may have unpacked, four times the largest file that is read; a made-up one unpacks to more."""

_NOISY = ("pypdf", "trafilatura", "htmldate", "courlan", "justext", "charset_normalizer", "readability")
"""Loggers of the libraries that read formats. What they have to say is said by the errors raised here."""

_PROGRAM_TITLE = re.compile(
    r"(?:microsoft (?:word|powerpoint) - .*|untitled.*|document\d*|.*\.(?:docx?|pdf|indd|qxd|rtf))", re.I
)
"""Titles that a program put into a file, not its author."""


def read_format(raw: bytes, kind: Format, charset: str | None = None) -> tuple[str, Metadata]:
    """Text of the article as it is stored, and what it states about itself.

    `charset` is the encoding of text or HTML as a server declared it. Titles of documents are taken from their
    properties; the authors and dates there are of the file, not of the article, and are not.

    Raises:
        UnsupportedFormatError: The bytes are damaged, protected, or not of this format.
        EmptyArticleError: They hold no text.
    """
    if not raw.strip():
        raise EmptyArticleError("It is empty.")
    with _quiet():
        if kind == "html":
            text, stated = read_page(raw, charset)
        elif kind == "pdf":
            text, stated = _read_pdf(raw)
        elif kind == "docx":
            text, stated = _read_docx(raw)
        elif raw.startswith(b"%PDF-"):
            raise UnsupportedFormatError("It is a PDF and not text, whatever it is called; give its name the end .pdf.")
        else:
            text, stated = decode_text(raw, charset), Metadata()
    plain = kind in {"text", "markdown"}
    text, own = read_metadata(clean_text(text), markdown=kind == "markdown", navigation=plain)
    return require_text(text), combine(stated, own)


def require_text(text: str) -> str:
    """The text as it is. Raises `EmptyArticleError` if it has no visible character."""
    if not any(character.isprintable() and not character.isspace() for character in text):
        raise EmptyArticleError("There is no text in it, only white space.")
    return text


def _read_pdf(raw: bytes) -> tuple[str, Metadata]:
    from pypdf import PdfReader

    if b"%PDF-" not in raw[:1024]:
        raise UnsupportedFormatError("The content is not a PDF, although its name says so.")
    try:
        reader = PdfReader(io.BytesIO(raw))
        locked = _is_locked(reader)
        text = "" if locked else "\n".join(page.extract_text() for page in reader.pages)
        title = reader.metadata.title if not locked and reader.metadata else None
    except MemoryError:
        raise
    except Exception as error:
        raise UnsupportedFormatError("The PDF is damaged and cannot be read; export it again.") from error
    if locked:
        raise UnsupportedFormatError("The PDF is protected by a password; save a copy without one.")
    if not text.strip():
        raise EmptyArticleError("The PDF has no text layer (a scan?); run text recognition (OCR) over it first.")
    return without_controls(text), Metadata(title=_own_title(title))


def _is_locked(reader: "PdfReader") -> bool:
    """Whether a PDF needs a password to be read; many that only forbid printing open with an empty one."""
    from pypdf.errors import DependencyError

    try:
        return reader.is_encrypted and not reader.decrypt("")
    except DependencyError:
        # Newer encryption needs a package of its own, with which there might be no password, but nobody can tell.
        return True


def _read_docx(raw: bytes) -> tuple[str, Metadata]:
    from docx import Document

    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked <= MAX_UNPACKED_BYTES:
            document = Document(io.BytesIO(raw))
            text = "\n".join(_paragraphs(document))
            title = _own_title(document.core_properties.title) or _styled_title(document)
    except MemoryError:
        raise
    except Exception as error:
        raise UnsupportedFormatError(
            "The content is not a Word document, or it is damaged or protected; save it again as .docx or .txt."
        ) from error
    if unpacked > MAX_UNPACKED_BYTES:
        raise UnsupportedFormatError(f"The document unpacks to more than {MAX_UNPACKED_BYTES >> 20} MB.")
    return without_controls(text), Metadata(title=title)


def _paragraphs(document: "Document") -> Iterator[str]:
    """Paragraphs and table rows in the order of the document."""
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            yield from _rows(block)
        else:
            yield block.text


def _rows(table: "Table") -> Iterator[str]:
    for row in table.rows:
        elements = [cell._tc for cell in row.cells]
        # A merged cell is given once for every column it covers.
        own = [cell for number, cell in enumerate(row.cells) if elements[number] not in elements[:number]]
        yield "\t".join(" ".join(cell.text.split()) for cell in own)


def _styled_title(document: "Document") -> str | None:
    """The text of the first paragraph in the style `Title` or `Heading 1`."""
    for paragraph in document.paragraphs:
        if paragraph.style is not None and paragraph.style.name in {"Title", "Heading 1"}:
            return clean_field(paragraph.text)
    return None


def _own_title(title: str | None) -> str | None:
    cleaned = clean_field(title)
    return None if cleaned is None or _PROGRAM_TITLE.fullmatch(cleaned) else cleaned


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps warnings and log lines of the libraries that read formats away from the user."""
    loggers = [logging.getLogger(name) for name in _NOISY]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)

"""Files that cannot be read, of twenty-two kinds: damaged, hostile, mistaken or no files at all. Made anew with a seed.

Each kind gives ten files, each of which must be a failure; what becomes of files with a random fault, which may well be
readable, is tried by `tests/fuzz_files.py`.
"""

import gzip
import io
import json
import os
import random
import re
import socket
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from documents import SENTENCE, docx, encrypted_pdf, pdf

Files = Iterator[tuple[str, bytes | Callable[[Path], None]]]
"""Name of each file with its bytes, or with what makes it."""

DEEP = 100_000
"""Levels of nesting."""

EACH = 10
"""Files of each kind."""


def empty(chance: random.Random) -> Files:
    for suffix in ("txt", "md", "html", "pdf", "docx", "jsonl", "csv", "zip", "tar.gz", "xml"):
        yield suffix, b""


def blank(chance: random.Random) -> Files:
    marks = ("\ufeff", "\u00a0\u2003", " " * 10_000, "\n" * 1_000_000, "\t", "\u200b", "\u202e", "\r", "\f", "\u2028")
    for mark in marks:
        yield "txt", mark.encode()


def binary(chance: random.Random) -> Files:
    for number in range(EACH):
        yield "txt" if number % 2 else "md", b"\0" + chance.randbytes(chance.randrange(50, 5_000))


def wide_without_mark(chance: random.Random) -> Files:
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-16-le"):
        for suffix in ("txt", "html"):
            yield suffix, (SENTENCE * chance.randrange(1, 9)).encode(encoding)


def wide_and_damaged(chance: random.Random) -> Files:
    for encoding, cut in (("utf-16", 1), ("utf-32", 2)):
        for number in range(5):
            raw = (SENTENCE * (number + 1)).encode(encoding)
            yield "txt", raw[:-cut] if number % 2 else raw + b"\x00\xd8\x00"[:cut]


def cut_pdf(chance: random.Random) -> Files:
    whole = pdf([SENTENCE])
    end = whole.index(b"BT /F1")
    for _ in range(EACH):
        yield "pdf", whole[: chance.randrange(9, end)]


def odd_pdf(chance: random.Random) -> Files:
    whole = pdf([SENTENCE])
    kids = b"/Kids [3 0 R] /Count 1"
    deep = b"[" * DEEP + b"]" * DEEP
    yield "pdf", whole.replace(kids, b"/Kids [2 0 R] /Count 1")
    yield "pdf", whole.replace(kids, b"/Kids [2 0 R 2 0 R] /Count 2000000000")
    yield "pdf", whole.replace(kids, b"/Kids [9 0 R] /Count 1")
    yield "pdf", whole.replace(kids, b"/Kids " + deep + b" /Count 1")
    yield "pdf", whole.replace(b"/Contents 4 0 R", b"/Contents [4 0 R 3 0 R]").replace(b"Tj", b"Xx")
    yield "pdf", whole.replace(b"/Pages 2 0 R", b"/Pages 1 0 R")
    yield "pdf", whole.replace(b"/Contents 4 0 R", b"/Contents 400000000 0 R")
    yield "pdf", whole.replace(b"Tj", b"<<" * DEEP)
    yield "pdf", whole.replace(b"/Length", b"/Filter /FlateDecode /Length")
    yield "pdf", whole.replace(b"trailer\n<<", b"trailer\n<< /Prev 0 /Prev " + b"9" * 5_000).replace(b"/Root", b"/Toor")


def pdf_bombs(chance: random.Random) -> Files:
    for number in range(EACH):
        packed = zlib.compress(b" " * (40_000_000 if number == 0 else 1_000_000 + number), 9)
        filters = b"/FlateDecode"
        for _ in range(number % 3):
            packed, filters = zlib.compress(packed, 9), filters + b" /FlateDecode"
        stream = b"<< /Length %d /Filter [%s] >>\nstream\n%s\nendstream" % (len(packed), filters, packed)
        yield (
            "pdf",
            re.sub(rb"<< /Length \d+ >>\nstream.*?endstream", lambda _, new=stream: new, pdf([SENTENCE]), flags=re.S),
        )


def locked_pdf(chance: random.Random) -> Files:
    for number in range(EACH):
        yield "pdf", encrypted_pdf(f"secret {number}")


def other_content(chance: random.Random) -> Files:
    contents = (b"<html><body>x</body></html>", docx(), SENTENCE.encode(), b"\x89PNG\r\n\x1a\n", b"PK\3\4")
    for content in contents:
        yield "pdf", content
    for content in (b"<html></html>", pdf([SENTENCE]), SENTENCE.encode(), b"\xd0\xcf\x11\xe0" + bytes(600), b"PK\3\4"):
        yield "docx", content


def cut_docx(chance: random.Random) -> Files:
    whole = docx()
    for _ in range(EACH):
        yield "docx", whole[: chance.randrange(10, len(whole) - 30)]


def docx_bombs(chance: random.Random) -> Files:
    entities = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 10}">' for level in range(9)
    )
    outside = '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    for start in (entities + "]>", outside, outside.replace("file:///etc/passwd", "http://127.0.0.1:1/x")):
        text = "&j;" if "j" in start and "SYSTEM" not in start else "&a;"
        yield (
            "docx",
            _with_document(f'<?xml version="1.0"?>{start}<w:document xmlns:w="{_W}"><w:body><w:p><w:r><w:t>{text}'),
        )
    yield "docx", _with_document(f'<w:document xmlns:w="{_W}"><w:body>' + "<w:tbl><w:tr><w:tc>" * 20_000)
    yield "docx", _with_document("<" * DEEP)
    yield "docx", _with_document("")
    yield "docx", _with_document(f'<w:document xmlns:w="{_W}"/>')
    yield "docx", _with_document("\0" * 1_000)
    yield "docx", _zip({"word/document.xml": b" " * 270_000_000})
    yield "docx", _zip({"[Content_Types].xml": b"<Types/>"})


def pages_without_text(chance: random.Random) -> Files:
    for tag in ("div", "b", "table", "span", "ul"):
        yield "html", f"<{tag}>".encode() * DEEP
    yield "html", b"<html><head><script>" + b"x = 1;" * 10_000 + b"</script></head></html>"
    yield "html", b"<" * DEEP
    yield "html", b"<!--" + b"-" * DEEP
    yield "xhtml", b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><html>&a;</html>'[:90]
    yield "htm", b"&#0;&#1;&#xD800;"


def no_json_lines(chance: random.Random) -> Files:
    for content in (
        b"[" * DEEP,
        b'{"a":' * DEEP,
        b"null\n",
        b'"text"\n',
        b"{'text': 'x'}\n",
        b'{"text": "x"',
        b'\xff\xfe{"text": "x"}',
        b'{"text": NaN' + b"9" * 5_000,
        b"\0\0\0\0",
        b'{"text"\n: "x"}',
    ):
        yield "jsonl", content


def records_without_text(chance: random.Random) -> Files:
    for fields in (
        {},
        {"title": "T"},
        {"text": None},
        {"text": 7},
        {"text": ["x"]},
        {"text": {"a": "b"}},
        {"txt": "x"},
    ):
        yield "ndjson", json.dumps(fields).encode()
    yield "ndjson", json.dumps({"text": " \n"}).encode()
    yield "ndjson", b'{"text": "\\u200b"}'
    yield "ndjson", b"\n" * 100


def bad_csv(chance: random.Random) -> Files:
    for content in (
        b'text\n"open',
        b"a,b\n1,2\n",
        b"text\n",
        b"text\n\0\n",
        b"\xff\xfet",
        b'text\n"a"b"c\n',
        b"id,text\n1,a,b,c\n",
        b"," * DEEP,
        b'"' * (DEEP + 1),
        chance.randbytes(500) + b"\0",
    ):
        yield "csv", content


def bad_zip(chance: random.Random) -> Files:
    whole = _zip({"a.txt": SENTENCE.encode() * 50, "b.txt": chance.randbytes(2_000).hex().encode()})
    for _ in range(2):
        yield "zip", whole[: chance.randrange(20, len(whole) - 40)]
    start = whole.index(b"a.txt") + 5
    yield "zip", whole[:start] + bytes(10) + whole[start + 10 :]
    locked = bytearray(whole)
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        for found in re.finditer(re.escape(mark), whole):
            locked[found.start() + flags] |= 1
    yield "zip", bytes(locked)
    yield "zip", _zip({"a.txt": b"a" * 60_000_000})
    yield "zip", _zip({"picture.png": b"x", ".hidden.txt": b"x"})
    yield "zip", _zip({"../a.txt": SENTENCE.encode()})
    yield "zip", _zip({"inner.zip": whole})
    yield "zip", _zip({"/etc/passwd": b"root", "C:\\a.txt": b"x"})
    yield "zip", b"PK\5\6" + bytes(18)


def bad_tar(chance: random.Random) -> Files:
    whole = _tar({"a.txt": SENTENCE.encode() * 200})
    yield "tar", whole[: chance.randrange(600, 2_000)]
    yield "tar", b"x" + whole[1:]
    yield "tar", bytes(10_240)
    yield "tar", chance.randbytes(2_048)
    yield "tar", _tar({"../../a.txt": b"x"})
    yield "tar", _tar({"a.txt": b""}, type=tarfile.SYMTYPE, linkname="/etc/passwd")
    yield "tar", _tar({"a.txt": b""}, type=tarfile.LNKTYPE, linkname="../../../etc/passwd")
    yield "tar", _tar({"a.txt": b""}, type=tarfile.CHRTYPE, devmajor=1, devminor=5)
    yield "tar", _tar({"a.txt": b""}, type=tarfile.FIFOTYPE)
    yield "tar.gz", gzip.compress(whole)[:-30]


def bad_gzip(chance: random.Random) -> Files:
    whole = gzip.compress(SENTENCE.encode() * 100)
    yield "txt.gz", whole[: chance.randrange(12, len(whole) - 8)]
    yield "txt.gz", whole[:-8] + bytes(8)
    yield "txt.gz", whole[:20] + b"\xff" * 40
    yield "txt.gz", SENTENCE.encode()
    yield "txt.gz", gzip.compress(b"a" * 70_000_000)
    yield "zip.gz", whole
    yield "exe.gz", whole
    yield "tgz", whole
    yield "tar.gz", gzip.compress(b"")
    yield "jsonl.gz", gzip.compress(b"no json")


def no_feed(chance: random.Random) -> Files:
    entities = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 10}">' for level in range(9)
    )
    yield "xml", b"<urlset><url><loc>https://a.example/</loc></url></urlset>"
    yield "xml", f"{entities}]><d>&j;</d>".encode()
    yield "xml", b"<a>" * DEEP
    yield "xml", b"no XML"
    yield "xml", b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><d>&a;</d>'
    yield "rss", b'<rss version="2.0"><channel><title>T</title></channel></rss>'
    yield "rss", b'<rss version="2.0"><channel><item><title>T</title></item></channel></rss>'
    yield "rss", b'<rss version="2.0"><channel><item><link>http://127.0.0.1:1/x</link></item></channel></rss>'
    yield "atom", b'<feed xmlns="http://www.w3.org/2005/Atom"/>'
    yield "atom", chance.randbytes(1_000)


def unread_kinds(chance: random.Random) -> Files:
    for suffix in ("doc", "rtf", "odt", "epub", "xls", "json", "eml", "7z", "rar", "pptx"):
        yield suffix, chance.randbytes(100)


def no_files(chance: random.Random) -> Files:
    yield "txt", os.mkfifo
    yield "jsonl", os.mkfifo
    yield "zip", os.mkfifo
    yield "html", lambda path: path.symlink_to("/dev/zero")
    yield "csv", lambda path: path.symlink_to("/dev/null")
    yield "pdf", lambda path: path.symlink_to(path)
    yield "txt", lambda path: path.symlink_to("nowhere.txt")
    yield "md", lambda path: (path.symlink_to(f"{path.name}.back"), Path(f"{path}.back").symlink_to(path))  # type: ignore[func-returns-value]
    yield "txt", _socket
    yield "tar", _socket


def endless(chance: random.Random) -> Files:
    yield "txt", b"a" * 21_000_000
    yield "txt", b". " * 10_500_000
    yield "jsonl", b'{"text": "' + b"b" * 21_000_000 + b'"}'
    for suffix in ("txt", "md", "html", "pdf", "docx", "jsonl", "csv"):
        yield suffix, _sparse


KINDS: tuple[Callable[[random.Random], Files], ...] = (
    empty, blank, binary, wide_without_mark, wide_and_damaged, cut_pdf, odd_pdf, pdf_bombs, locked_pdf, other_content,
    cut_docx, docx_bombs, pages_without_text, no_json_lines, records_without_text, bad_csv, bad_zip, bad_tar, bad_gzip,
    no_feed, unread_kinds, no_files, endless,
)  # fmt: skip


def write_all(folder: Path, seed: int) -> list[Path]:
    """Makes all the files in a folder, each in one of its own, and returns their paths."""
    paths = []
    for kind in KINDS:
        for number, (suffix, content) in enumerate(kind(random.Random(f"{seed} {kind.__name__}"))):
            path = folder / kind.__name__ / f"{number:02}" / f"{kind.__name__}.{suffix}"
            path.parent.mkdir(parents=True)
            if callable(content):
                content(path)
            else:
                path.write_bytes(content)
            paths.append(path)
    return paths


_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def _zip(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _tar(members: dict[str, bytes], **fields: object) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for field, value in fields.items():
                setattr(member, field, value)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def _with_document(xml: str) -> bytes:
    """A DOCX whose main part is another."""
    with zipfile.ZipFile(io.BytesIO(docx())) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return _zip(parts | {"word/document.xml": xml.encode()})


def _sparse(path: Path) -> None:
    """A file of 70 MB that takes no room."""
    with path.open("wb") as file:
        file.truncate(70 * 2**20)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket may only be short
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)

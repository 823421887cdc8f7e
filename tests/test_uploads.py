"""Names and places of what people add on the page."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import read_here

from index.errors import InputError, UnsupportedFormatError
from index.files import READABLE_SUFFIXES
from index.readers import Record, find_records
from ui.uploads import MAX_NAME_BYTES, Uploads, file_within, safe_name


def put(uploads: Uploads, name: str, content: bytes):
    incoming = uploads.incoming()
    uploads.append(incoming, content)
    return uploads.keep(incoming, name)


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("vote.txt", "vote.txt"),
        ("Größe der Flotte.PDF", "Größe der Flotte.PDF"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("..\\..\\windows\\win.txt", "win.txt"),
        ("/etc/cron.d/job.md", "job.md"),
        (".hidden.txt", "hidden.txt"),
        ("...txt.txt", "txt.txt"),
        ("CON.txt", "_CON.txt"),
        ("com1.report.txt", "_com1.report.txt"),
        ("a\x00b\nc.txt", "a-b-c.txt"),
        ("\u202etxt.exe.txt", "txt.exe.txt"),
        ("zero\u200bwidth.txt", "zerowidth.txt"),
        ("cafe\u0301.txt", "caf\u00e9.txt"),
        ("vote#3.jsonl", "vote-3.jsonl"),
        ('<img src=x onerror="alert(1)">.html', "-img src=x onerror=-alert(1)-.html"),
        ("  spaces  .txt", "spaces.txt"),
        ("\ud800.txt", "-.txt"),
    ],
)
def test_names_are_made_safe(given_name: str, kept: str) -> None:
    assert safe_name(given_name) == kept


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a", ".txt", "picture.png", "archive.7z", "x.exe", "a.txt/", "metadata.csv"]
)
def test_what_is_not_read_is_refused(name: str) -> None:
    with pytest.raises(UnsupportedFormatError):
        safe_name(name)


@given(st.text(max_size=300), st.sampled_from(sorted(READABLE_SUFFIXES)))
def test_every_name_stays_in_the_folder(stem: str, suffix: str) -> None:
    try:
        name = safe_name(stem + suffix)
    except UnsupportedFormatError:
        return
    assert Path(name).name == name
    assert not name.startswith(".")
    assert name.lower().endswith(suffix)
    assert len(name.encode()) <= MAX_NAME_BYTES + 1
    assert not set(name) & set('/\\\0\n<>:"|?*#')


def test_a_long_name_keeps_its_suffix_and_whole_characters() -> None:
    name = safe_name("ж" * 300 + ".txt")
    assert name == "ж" * 73 + ".txt"


def test_two_files_of_one_name_are_both_kept(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    first, second, again, third = (put(uploads, "a.txt", content) for content in (b"one", b"two", b"two", b"three"))
    assert [kept.path.name for kept in (first, second, again, third)] == [
        "a.txt",
        "a (2).txt",
        "a (2).txt",
        "a (3).txt",
    ]
    assert [kept.is_new for kept in (first, second, again, third)] == [True, True, False, True]
    assert {path.name: path.read_bytes() for path in uploads.folder.iterdir()} == {
        "a.txt": b"one",
        "a (2).txt": b"two",
        "a (3).txt": b"three",
    }


def test_nothing_outside_the_folder_is_discarded(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "library")
    outside = tmp_path / "precious.txt"
    outside.write_text("mine")
    uploads.discard(outside)
    uploads.discard(uploads.folder / ".." / ".." / "precious.txt")
    assert outside.read_text() == "mine"


def test_a_pasted_text_is_read_as_it_was_pasted(tmp_path: Path) -> None:
    text = "Home\n---\ntitle: Not this\n---\n<script>alert(1)</script>\n[1] {{x}} \\u0041\n"
    kept = Uploads(tmp_path).keep_text(
        text, 'A "title" [1], ../x', "The <b>Desk</b>", "3 June 2017", "https://a.example/?q=1"
    )
    assert kept.path.parent == tmp_path / "uploads"
    [record] = find_records([str(kept.path)])
    assert isinstance(record, Record)
    article = read_here(record)
    assert article.text.strip() == text.strip()
    assert (article.title, article.source, article.published, article.url) == (
        'A "title" [1], ../x',
        "The <b>Desk</b>",
        "2017-06-03",
        "https://a.example/?q=1",
    )


@pytest.mark.parametrize(
    ("text", "published", "url", "sentence"),
    [
        (" \n", "", "", "There is no text"),
        ("Text.", "some day", "", "'some day' is not a date"),
        ("Text.", "", "javascript:alert(1)", "is not an http or https address"),
    ],
)
def test_a_text_with_something_wrong_is_not_kept(
    tmp_path: Path, text: str, published: str, url: str, sentence: str
) -> None:
    uploads = Uploads(tmp_path)
    with pytest.raises(InputError, match=sentence):
        uploads.keep_text(text, "", "", published, url)
    assert not uploads.folder.exists()


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("/lib/uploads/a.txt", "a.txt"),
        ("/lib/uploads/a.jsonl#key/with/slashes", "a.jsonl"),
        ("/lib/uploads/below/a.txt", None),
        ("/lib/a.txt", None),
        ("/lib/uploads", None),
        ("https://news.example/lib/uploads/a.txt", None),
    ],
)
def test_the_file_of_an_origin(origin: str, name: str | None) -> None:
    folder = Path("/lib/uploads")
    assert file_within(folder, origin) == (None if name is None else folder / name)

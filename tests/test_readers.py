import io
import json
import logging
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from documents import HTML, SENTENCE, docx, encrypted_pdf, pdf
from hypothesis import given
from hypothesis import strategies as st
from reading import read_here

from index.encodings import clean_text, decode_text
from index.errors import EmptyArticleError, ReadError, UnreadableOriginError, UnsupportedFormatError
from index.files import absolute_path
from index.formats import read_format
from index.readers import Record, find_records
from index.record_files import MAX_BAD_FIRST
from index.types import Article, Failure, normalise_text

ROOT = Path(__file__).parent.parent


def articles(*paths: Path | str) -> list[Article]:
    """The articles at `paths`, none of which fails."""
    found = list(find_records([str(path) for path in paths]))
    assert [item for item in found if isinstance(item, Failure)] == []
    return [read_here(item) for item in found if isinstance(item, Record)]


def failures(*paths: Path | str) -> dict[str, str]:
    """Name → reason of everything at `paths` that fails, when found or when read."""
    reasons = {}
    for item in find_records([str(path) for path in paths]):
        if isinstance(item, Failure):
            reasons[Path(item.origin).name] = item.reason
        else:
            try:
                read_here(item)
            except ReadError as error:
                reasons[Path(item.origin).name] = str(error)
    return reasons


def write(path: Path, content: str | bytes = SENTENCE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


# The sample collection


def test_the_sample_collection_is_five_articles_and_no_failure():
    found = articles(ROOT / "seeds")
    assert [Path(article.origin).name for article in found] == sorted(
        path.name for path in (ROOT / "seeds").glob("*.txt")
    )
    assert [(article.source, article.published, article.place) for article in found] == [
        ("Sputnik", "2022-05", None),
        ("Agencies", "2017-12-25", "MOSCOW"),
        ("TASS", "2017-06-03", "UN"),
        ("TASS", "2022-01-21", "MOSCOW"),
        ("RFE/RL", "2017-07-05", None),
    ]
    assert [article.title.startswith("[") for article in found] == [True, True, False, True, False]
    assert found[3].text.startswith(" date 2022-01-21 MOSCOW, January 21. /TASS/. Washington")


def test_every_quotation_of_the_sample_questions_is_in_a_stored_text():
    texts = {Path(article.origin).name: article.text for article in articles(ROOT / "seeds")}
    quotations = 0
    for line in (ROOT / "seeds" / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        for evidence in json.loads(line).get("evidence", []):
            assert evidence["quote"] in texts[evidence["article"]]
            quotations += 1
    assert quotations > 0


# Formats


def test_text_and_markdown(tmp_path):
    write(tmp_path / "a.txt", f"Menu\r\nCouncil widens sanctions\r\n{SENTENCE}\r\n")
    write(tmp_path / "b.MD", f"---\nsource: TASS\n---\n# Council widens sanctions\n\n{SENTENCE}\n")
    plain, markdown = articles(tmp_path)
    assert plain.text == f"Council widens sanctions\n{SENTENCE}\n"
    assert (plain.title, plain.origin) == ("Council widens sanctions", str(tmp_path / "a.txt"))
    assert markdown.text == f"# Council widens sanctions\n\n{SENTENCE}\n"
    assert (markdown.title, markdown.source) == ("Council widens sanctions", "TASS")


def test_html_main_text_and_what_the_markup_states(tmp_path):
    [article] = articles(write(tmp_path / "a.html", HTML))
    assert SENTENCE in article.text
    assert "“It is café politics,” an envoy said" in article.text
    assert "Home" not in article.text
    assert "these words" not in article.text
    assert (article.title, article.author, article.source) == ("Council widens sanctions", "Jane Doe", "The Ledger")
    assert (article.published, article.url) == ("2021-03-04", "https://ledger.example/council")


def test_a_date_in_the_text_of_a_page_is_not_its_date(tmp_path):
    page = f"<html><body><article><p>{SENTENCE} It was 2020-01-01.</p></article><p>© 2019</p></body></html>"
    [article] = articles(write(tmp_path / "a.html", page))
    assert (article.published, article.source, article.url) == (None, None, None)


@pytest.mark.parametrize(
    ("markup", "published"),
    [
        ('<script type="application/ld+json">{"@type":"NewsArticle","datePublished":"2021-03"}</script>', "2021-03"),
        (
            '<script type="application/ld+json">{"@graph":[{"@type":"Person"},'
            '{"@type":["Article"],"datePublished":"2021-03-04T01:00:00Z"}]}</script>',
            "2021-03-04",
        ),
        ('<script type="application/ld+json">not json</script><meta name="DC.date" content="2021">', "2021"),
        ('<meta itemprop="datePublished" content="4 March 2021">', "2021-03-04"),
        ('<time pubdate datetime="2021-03-04">Thursday</time>', "2021-03-04"),
        ('<time datetime="2021-03-04">the day of the event</time>', None),
        ('<meta name="date" content="soon">', None),
    ],
)
def test_dates_that_the_markup_calls_the_date_of_publication(tmp_path, markup, published):
    page = f"<html><head>{markup}</head><body><article><p>{SENTENCE} {SENTENCE}</p></article></body></html>"
    [article] = articles(write(tmp_path / "a.htm", page))
    assert article.published == published


def test_a_short_page_is_read_too(tmp_path):
    [article] = articles(write(tmp_path / "a.html", "<html><body><p>Ship sinks.</p></body></html>"))
    assert article.text.strip() == "Ship sinks."


@pytest.mark.parametrize("encoding", ["windows-1251", "utf-8", "utf-16"])
def test_html_in_the_encoding_that_it_declares(tmp_path, encoding):
    text = "Россия и Китай наложили вето на резолюцию Совета Безопасности ООН, сообщило агентство."
    page = f'<html><head><meta charset="{encoding}"></head><body><article><p>{text}</p></article></body></html>'
    assert text in articles(write(tmp_path / "a.html", page.encode(encoding)))[0].text
    xhtml = f'<?xml version="1.0" encoding="{encoding}"?>\n{page}'
    assert text in articles(write(tmp_path / "a.html", xhtml.encode(encoding)))[0].text


def test_pdf_text_and_title(tmp_path):
    [article] = articles(
        write(tmp_path / "a.pdf", pdf(["LONDON \\(Reuters\\) - The council met.", "It voted."], "The vote"))
    )
    assert article.text.split("\n")[:2] == ["LONDON (Reuters) - The council met.", "It voted."]
    assert (article.title, article.source, article.place) == ("The vote", "Reuters", "LONDON")


def test_a_title_that_a_program_gave_is_none(tmp_path):
    [article] = articles(write(tmp_path / "a.pdf", pdf([SENTENCE], "Microsoft Word - final2.doc")))
    assert article.title.startswith("The council widened")


def test_a_pdf_that_opens_with_an_empty_password_is_read(tmp_path):
    [article] = articles(write(tmp_path / "a.pdf", encrypted_pdf("")))
    assert SENTENCE in article.text


def test_docx_paragraphs_and_tables_in_order(tmp_path):
    [article] = articles(write(tmp_path / "a.docx", docx()))
    assert article.text.split("\n") == [
        "Council widens sanctions",
        SENTENCE,
        "For\tFor\tAgainst",
        "15\t0",
        "The end.",
    ]
    assert article.title == "Council widens sanctions"
    [article] = articles(write(tmp_path / "a.docx", docx(title="From the properties")))
    assert article.title == "From the properties"


# Encodings


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("“Café”, naïve – 5 €", "utf-8"),
        ("“Café”, naïve – 5 €", "utf-8-sig"),
        ("“Café”, naïve – 5 €", "utf-16"),
        ("“Café”, naïve – 5 €", "utf-32"),
        ("It’s a line.", "cp1252"),
        ("The minister said “we’ll see” – and the café’s owner agreed. Prices rose 5 % to £30.", "cp1252"),
        ("Россия и Китай наложили вето на резолюцию Совета Безопасности ООН. Об этом сообщило агентство.", "cp1251"),
        ("Россия и Китай наложили вето на резолюцию Совета Безопасности ООН.", "koi8_r"),
        ("北朝鮮に対する制裁決議案は否決された。", "shift_jis"),
    ],
)
def test_encodings_are_recognised(text, encoding):
    assert decode_text(text.encode(encoding)) == text


def test_one_damaged_character_does_not_make_utf8_another_encoding():
    text = "Россия и Китай наложили вето."
    damaged = text.encode() + b" \xd0 " + text.encode()
    assert decode_text(damaged) == f"{text} \ufffd {text}"


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"])))
def test_utf8_text_is_kept_to_the_letter(text):
    assert decode_text(b"\xef\xbb\xbf" + text.encode()) == text
    assert decode_text((text + "\n").encode()) == (text + "\n").removeprefix("\ufeff")


@given(st.text(alphabet=st.characters()))
def test_no_half_of_a_surrogate_pair_is_left(text):
    cleaned = clean_text(text)
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned == normalise_text(cleaned)


@given(st.binary(max_size=200))
def test_bytes_are_text_or_an_error_in_one_sentence(raw):
    reason, text = "", ""
    try:
        text, _ = read_format(raw, "text")
    except (UnsupportedFormatError, EmptyArticleError) as error:
        reason = str(error)
    assert bool(text.strip()) != reason.endswith(".")


# What cannot be read


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "It is empty."),
        ("a.txt", b" \n\t\xc2\xa0\n", "There is no text in it, only white space."),
        ("a.txt", b"\xef\xbb\xbf", "There is no text in it, only white space."),
        ("a.txt", bytes(range(256)), "The content is binary, not text; if it is UTF-16, save it as UTF-8."),
        ("a.txt", b"\x01\x02\x03text", "The content is binary, not text; if it is text, save it as UTF-8."),
        ("a.txt", b"\xff\xfea", "Its encoding is not known, or it is damaged; save it as UTF-8."),
        (
            "a.html",
            b"<html><body></body></html>",
            "No article text was found in the page; save its text as a .txt file.",
        ),
        ("a.pdf", b"no pdf", "The content is not a PDF, although its name says so."),
        ("a.pdf", b"%PDF-1.7\nbroken", "The PDF is damaged and cannot be read; export it again."),
        ("a.pdf", pdf([]), "The PDF has no text layer (a scan?); run text recognition (OCR) over it first."),
        ("a.pdf", encrypted_pdf("secret"), "The PDF is protected by a password; save a copy without one."),
        (
            "a.docx",
            b"PK\x03\x04 no archive",
            "The content is not a Word document, or it is damaged or protected; save it again as .docx or .txt.",
        ),
        ("a.rtf", b"{}", "Files of the kind '.rtf' are not read; save it as .docx, .pdf or .txt."),
        ("a.xls", b"{}", "Files of the kind '.xls' are not read; save it as .csv with a column named text."),
        ("a.json", b"{}", "Files of the kind '.json' are not read; write one JSON object a line into a .jsonl file."),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path, name, content, reason):
    write(tmp_path / "good.txt")
    write(tmp_path / name, content)
    assert failures(tmp_path) == {name: reason}
    assert failures(tmp_path / name) == {name: reason}


def test_a_document_that_unpacks_to_more_than_it_may(tmp_path, monkeypatch):
    import index.formats

    monkeypatch.setattr(index.formats, "MAX_UNPACKED_BYTES", 2**20)
    target = io.BytesIO(docx())
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/filler.xml", bytes(2**21))
    assert failures(write(tmp_path / "a.docx", target.getvalue())) == {
        "a.docx": "The document unpacks to more than 1 MB."
    }


def test_a_file_over_the_limit(tmp_path, monkeypatch):
    import index.files

    monkeypatch.setattr(index.files, "MAX_FILE_BYTES", 2**20)
    assert articles(write(tmp_path / "a.txt", "a " * 2**19))
    assert failures(write(tmp_path / "a.txt", "a " * 2**19 + "b")) == {
        "a.txt": "It is larger than 1 MB; split it into articles."
    }


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = write(tmp_path / "a.txt")

    open_file = os.open

    def refuse(file: object, *arguments: int, **options: int) -> int:
        if file == path:
            raise PermissionError(13, "Permission denied")
        return open_file(file, *arguments, **options)

    [record] = find_records([str(path)])
    monkeypatch.setattr(os, "open", refuse)
    assert list(find_records([str(path)])) == [Failure(str(path), "It may not be read; change its permissions.")]
    with pytest.raises(UnreadableOriginError, match="may not be read"):
        read_here(record)


def test_a_file_that_goes_away_between_finding_and_reading(tmp_path):
    path = write(tmp_path / "a.txt")
    [record] = find_records([str(path)])
    path.unlink()
    with pytest.raises(ReadError, match="no such file"):
        read_here(record)


def test_paths_that_are_not_there(tmp_path):
    missing, broken = tmp_path / "nope", tmp_path / "link.txt"
    broken.symlink_to(tmp_path / "gone.txt")
    assert failures(missing, broken) == {
        "nope": "There is no such file or folder; check the path.",
        "link.txt": "It is a link to something that is not there; correct or remove it.",
    }
    assert list(failures("a\0b").values()) == ["It is not a path."]
    assert list(failures("").values()) == ["The path is empty; name a file, a folder or an address."]


def test_libraries_that_read_formats_say_nothing(tmp_path):
    for name, content in (
        ("a.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog"),
        ("b.pdf", pdf([SENTENCE]).replace(b"startxref", b"startxxxx")),
        ("c.html", HTML.encode()),
        ("d.html", b"<html>"),
        ("e.docx", b"PK"),
        ("f.txt", b"caf\xe9"),
    ):
        write(tmp_path / name, content)
    program = (
        "import sys\nsys.path += ['tests']\nfrom index.errors import ReadError\n"
        "from index.readers import find_records\nfrom reading import read_here\n"
        "for record in find_records(sys.argv[1:]):\n"
        "    try:\n        read_here(record)\n    except ReadError as error:\n        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) >= 3


def test_levels_of_loggers_are_put_back(tmp_path):
    logger = logging.getLogger("pypdf")
    logger.setLevel(logging.INFO)
    try:
        articles(write(tmp_path / "a.pdf", pdf([SENTENCE])))
        assert logger.level == logging.INFO
    finally:
        logger.setLevel(logging.NOTSET)


# Folders


def test_a_folder_is_read_with_all_below_it_sorted_and_once(tmp_path):
    for name in ("b/z.txt", "b/a.txt", "a.txt", "c/.hidden/x.txt", ".x.txt", "b/c/d.txt"):
        write(tmp_path / name, f"{SENTENCE} {name}")
    for name in ("photo.jpg", "code.py", "yarn.lock", "LICENSE", "b/style.css"):
        write(tmp_path / name, b"\0\1")
    expected = ["a.txt", "b/a.txt", "b/z.txt", "b/c/d.txt"]
    found = articles(tmp_path / "b" / "z.txt", tmp_path, tmp_path / "b" / ".." / "a.txt")
    assert [Path(article.origin).relative_to(tmp_path).as_posix() for article in found] == expected


def test_a_hidden_file_that_is_named_is_read(tmp_path):
    assert len(articles(write(tmp_path / ".hidden.txt"))) == 1


def test_files_without_a_suffix_are_not_passed_over(tmp_path):
    for name in ("article", "report 1.2"):
        write(tmp_path / name)
    assert set(failures(tmp_path)) == {"article", "report 1.2"}
    assert failures(tmp_path)["article"].startswith("Its name has no suffix that tells its kind; give it one of .atom,")


def test_an_unknown_kind_fails_only_if_it_is_named(tmp_path):
    write(tmp_path / "a.txt")
    picture = write(tmp_path / "photo.jpg", b"\xff\xd8")
    assert failures(tmp_path) == {}
    assert failures(picture)["photo.jpg"].startswith("Files of the kind '.jpg' are not read; readable are .atom, .csv,")


def test_links_in_a_circle_end_and_files_keep_their_real_path(tmp_path):
    write(tmp_path / "real" / "a.txt")
    (tmp_path / "real" / "loop").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "real")
    (tmp_path / "self.txt").symlink_to(tmp_path / "self.txt")
    outside = write(tmp_path.parent / f"{tmp_path.name}-outside" / "b.txt", SENTENCE * 2)
    (tmp_path / "more").symlink_to(outside.parent)
    found = list(find_records([str(tmp_path)]))
    assert [Path(item.origin).relative_to(tmp_path).as_posix() for item in found if isinstance(item, Record)] == [
        "more/b.txt",
        "real/a.txt",
    ]
    assert [Path(item.origin).name for item in found if isinstance(item, Failure)] == ["self.txt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.txt")
    os.mkfifo(tmp_path / "b.jsonl")
    reason = "It is no regular file (a pipe, socket or device); give a file or a folder."
    assert failures(tmp_path) == {"a.txt": reason, "b.jsonl": reason}
    assert failures("/dev/null") == {"null": reason}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
def test_a_name_that_is_not_utf8(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text(SENTENCE)
    assert failures(tmp_path) == {"caf\\udce9.txt": "The name of the file is not UTF-8; rename it."}


def test_paths_are_made_absolute(tmp_path, monkeypatch):
    write(tmp_path / "real" / "deep" / "a.txt")
    (tmp_path / "link").symlink_to(tmp_path / "real" / "deep")
    monkeypatch.chdir(tmp_path / "real")
    assert absolute_path("deep/./a.txt") == tmp_path / "real/deep/a.txt"
    assert absolute_path("../link/a.txt") == tmp_path / "link/a.txt"
    assert absolute_path("../link/../deep/a.txt") == tmp_path / "real/deep/a.txt"


# Sidecars and digests


def test_the_sidecar_wins_field_by_field(tmp_path):
    write(tmp_path / "a.txt", f"Council widens sanctions\nLONDON, March 4 (Reuters) - {SENTENCE}")
    write(tmp_path / "metadata.csv", "file,title,source,published,url\na.txt,,Wire,2021-03-04,https://wire.example/1\n")
    for path in (tmp_path, tmp_path / "a.txt", tmp_path / "metadata.csv"):
        found = articles(path)
        assert len(found) == (0 if path.name == "metadata.csv" else 1)
        for article in found:
            assert (article.title, article.place) == ("Council widens sanctions", "LONDON")
            assert (article.source, article.published) == ("Wire", "2021-03-04")
            assert article.url == "https://wire.example/1"


def test_a_sidecar_counts_for_its_own_folder(tmp_path):
    write(tmp_path / "a.txt")
    write(tmp_path / "sub" / "a.txt")
    write(tmp_path / "metadata.csv", "file,source\na.txt,Wire\n")
    assert [article.source for article in articles(tmp_path)] == ["Wire", None]


def test_a_broken_sidecar_keeps_no_article_out(tmp_path):
    write(tmp_path / "a.txt")
    write(tmp_path / "metadata.csv", "title\nT\n")
    sidecar_failure, record = find_records([str(tmp_path)])
    assert isinstance(sidecar_failure, Failure)
    assert isinstance(record, Record)
    assert read_here(record).text == SENTENCE


def digests(*paths: Path) -> dict[str, str]:
    return {
        item.origin.rpartition("/")[2]: item.digest
        for item in find_records([str(path) for path in paths])
        if isinstance(item, Record)
    }


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name, _ in before.items() ^ after.items()}


def test_a_digest_changes_with_the_bytes_or_the_row_and_with_nothing_else(tmp_path):
    for name in ("a.txt", "b.txt"):
        write(tmp_path / name)
    sidecar = write(tmp_path / "metadata.csv", "file,title,source\na.txt,A,\nb.txt,B,\n")
    first = digests(tmp_path)
    assert first == digests(tmp_path) == digests(tmp_path / "b.txt", tmp_path / "a.txt")
    write(sidecar, "source,file,title,note\n,b.txt,B,x\n,a.txt,A,\n")
    assert digests(tmp_path) == first
    write(sidecar, "file,title,source\na.txt,A,TASS\nb.txt,B,\n")
    assert changed(first, digests(tmp_path)) == {"a.txt"}
    write(sidecar, "file,title,source\na.txt,A,\nb.txt,B,\n")
    write(tmp_path / "b.txt", SENTENCE + " ")
    assert changed(first, digests(tmp_path)) == {"b.txt"}
    assert all(len(digest) == 64 for digest in first.values())


def test_finding_parses_nothing(tmp_path):
    write(tmp_path / "a.pdf", b"%PDF-1.7\nbroken")
    [record] = find_records([str(tmp_path)])
    assert isinstance(record, Record)
    with pytest.raises(UnsupportedFormatError):
        read_here(record)


# Records


def test_json_lines(tmp_path):
    lines = [
        {"id": "a#1", "title": "A vote", "body": SENTENCE, "source": "TASS", "date": "June 3", "author": ["X Y", "Z"]},
        {
            "Text": "Cafe\u0301 \ud800.\r\nSecond line",
            "url": "https://wire.example/2",
            "published": "2021-03-04T10:00Z",
        },
        {"_id": 7, "text": "", "content": "LONDON (Reuters) - The third."},
    ]
    raw = "\ufeff" + json.dumps(lines[0]) + "\n\n" + "\n".join(json.dumps(line) for line in lines[1:])
    first, second, third = articles(write(tmp_path / "news.jsonl", raw))
    assert first.origin == str(tmp_path / "news.jsonl") + "#a#1"
    assert (first.text, first.title, first.source) == (SENTENCE, "A vote", "TASS")
    assert (first.published, first.author) == ("--06-03", "X Y, Z")
    assert second.origin == str(tmp_path / "news.jsonl") + "#3"
    assert second.text == "Café \ufffd.\nSecond line"
    assert (second.url, second.published) == ("https://wire.example/2", "2021-03-04")
    assert third.origin.endswith("#7")
    assert (third.text, third.source, third.place) == ("LONDON (Reuters) - The third.", "Reuters", "LONDON")


def test_records_that_cannot_be_used_keep_out_no_other(tmp_path):
    lines = ['{"id": 1, "text": "One."}', "{broken", '{"id": 1, "text": "Again."}', '{"id": 4, "title": "T"}', "[]"]
    lines += ['{"id": 6, "text": " "}', '{"id": 7, "text": ["no"]}', '{"id": 8, "text": "Eight."}']
    path = write(tmp_path / "a.jsonl", "\n".join(lines))
    assert failures(path) == {
        "a.jsonl#2": "Line 2: not a JSON object in UTF-8.",
        "a.jsonl#1": "Line 3: a record above already has the id '1'; give each its own.",
        "a.jsonl#4": "Line 4: no text in any of the fields text, body, content.",
        "a.jsonl#5": "Line 5: not a JSON object in UTF-8.",
        "a.jsonl#6": "There is no text in it, only white space.",
        "a.jsonl#7": "Line 7: no text in any of the fields text, body, content.",
    }
    good = [item for item in find_records([str(path)]) if isinstance(item, Record) and not item.origin.endswith("#6")]
    assert [read_here(record).text for record in good] == ["One.", "Eight."]


def test_an_edited_line_changes_one_digest(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"id": 1, "text": "One."}\n{"id": 2, "text": "Two."}\n')
    before = digests(path)
    write(path, '{"id": 1, "text": "One, longer."}\n{"id": 2, "text": "Two."}\n')
    assert changed(before, digests(path)) == {"a.jsonl#1"}


def test_a_record_file_that_changes_between_finding_and_reading(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"id": 1, "text": "One."}\n')
    [record] = find_records([str(path)])
    write(path, '{"id": 1, "text": "Two."}\n')
    with pytest.raises(UnreadableOriginError, match="changed while it was read; run the command again"):
        read_here(record)


def test_csv(tmp_path):
    long = "word " * 40_000
    write(tmp_path / "a.csv", f'id,Title,TEXT,date\r\nx,"A, b","Line one\r\nline two",2021\r\n,,{long},\r\n')
    write(tmp_path / "b.csv", "id;text\n1;Prix: 5,50\n".encode("cp1252"))
    write(tmp_path / "c.tsv", "text\tsource\nOne, two\tTASS\n")
    found = articles(tmp_path)
    assert [article.origin.rpartition("/")[2] for article in found] == ["a.csv#x", "a.csv#4", "b.csv#1", "c.tsv#2"]
    assert (found[0].text, found[0].title, found[0].published) == ("Line one\nline two", "A, b", "2021")
    assert found[1].text == long
    assert found[2].text == "Prix: 5,50"
    assert (found[3].text, found[3].source) == ("One, two", "TASS")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl", "", "It holds no record."),
        ("a.csv", "text\n", "It holds no record."),
        ("a.jsonl", '{"a": 1}\n', "The text of its records must be in a field named text, body or content; found 'a'."),
        (
            "a.csv",
            "x,y\n1,2\n",
            "The text of its records must be in a field named text, body or content; found 'x', 'y'.",
        ),
        (
            "a.jsonl",
            '[{"text":\n"x"}]',
            "It is not JSON Lines: line 1 is not a JSON object; write one object a line, in UTF-8.",
        ),
        (
            "a.jsonl",
            "[" * 100_000,
            "It is not JSON Lines: line 1 is not a JSON object; write one object a line, in UTF-8.",
        ),
        ("a.csv", 'text\n"open\n', "It is not CSV from line 2 on (unexpected end of data)."),
        ("a.csv", b"text\n\0\n", "The content is binary, not text; if it is text, save it as UTF-8."),
    ],
)
def test_record_files_that_hold_no_articles(tmp_path, name, content, reason):
    write(tmp_path / name, content)
    assert failures(tmp_path) == {name: reason}


def test_bad_lines_before_the_first_record_are_named_and_the_others_read(tmp_path):
    bad = ["{", "[1]", *["not JSON"] * (MAX_BAD_FIRST - 2)]
    path = write(tmp_path / "a.jsonl", "\n".join([*bad, '{"text": "One."}', "{", '{"text": "Two."}']))
    good = [read_here(found) for found in find_records([str(path)]) if isinstance(found, Record)]
    assert [article.text for article in good] == ["One.", "Two."]
    expected = [*range(1, MAX_BAD_FIRST + 1), MAX_BAD_FIRST + 2]
    assert failures(path) == {f"a.jsonl#{line}": f"Line {line}: not a JSON object in UTF-8." for line in expected}
    path = write(path, "\n".join([*bad, "another", '{"text": "One."}']))
    assert failures(path) == {
        "a.jsonl": "It is not JSON Lines: line 1 is not a JSON object; write one object a line, in UTF-8."
    }


def test_a_row_with_too_many_cells(tmp_path):
    path = write(tmp_path / "a.csv", "text,title\nOne.,T\nTwo, three,T\n")
    assert failures(path) == {"a.csv#3": "Line 3: 3 cells under 2 columns; put texts that hold a comma in quotes."}


def test_a_question_set_is_passed_over_unless_it_is_named(tmp_path):
    questions = write(tmp_path / "q.jsonl", '{"id": "1", "question": "Who?", "answerable": false}\n')
    write(tmp_path / "a.txt")
    assert len(articles(tmp_path)) == 1
    assert failures(questions) == {"q.jsonl": "It is a question set, not articles; run it with: dateline eval run FILE"}


def test_the_sidecar_may_speak_for_all_records_of_a_file(tmp_path):
    write(tmp_path / "a.jsonl", '{"text": "One."}\n{"text": "Two.", "source": "AFP"}\n')
    write(tmp_path / "metadata.csv", "file,source\na.jsonl,TASS\n")
    assert [article.source for article in articles(tmp_path)] == ["TASS", "TASS"]


def test_finding_imports_no_library_that_reads_formats():
    program = (
        "import sys, index.readers\nlist(index.readers.find_records(['seeds']))\n"
        "print({'trafilatura', 'pypdf', 'docx', 'lxml', 'httpx', 'charset_normalizer'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "set()\n"

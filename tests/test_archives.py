"""ZIP and TAR archives: their files are articles, read in memory; their names are no places."""

import gzip
import io
import json
import random
import tarfile
import zipfile
from pathlib import Path

import pytest
from documents import HTML, SENTENCE, docx, pdf
from fakes import BagOfWordsEncoder
from reading import read_here

import index.archives
from index.archives import BadMember, Member, read_members
from index.containers import BadPart, Containers
from index.errors import EmptyArticleError, ReadError, UnsupportedFormatError
from index.ingest import index_paths
from index.library import Library
from index.readers import Record, find_records
from index.reading import read_records
from index.types import Article, Failure

MEMBERS = {
    "news/one.txt": SENTENCE.encode(),
    "news/two.html": HTML.encode(),
    "three.pdf": pdf([SENTENCE], "Three"),
    "four.docx": docx(title="Four"),
    "a#b.md": f"# Five\n\n{SENTENCE}".encode(),
    "records.jsonl": "\n".join(json.dumps({"id": key, "text": f"{SENTENCE} {key}"}) for key in "xy").encode(),
    "rows.csv": b"text,title\nOne row.,Six\n",
    "questions.jsonl": b'{"id": "1", "question": "Who?", "answerable": false}\n',
    "photo.jpg": b"\xff\xd8",
    ".hidden.txt": b"hidden",
    "__MACOSX/._one.txt": b"hidden",
    "README": b"passed over",
}
KEYS = [
    "news/one.txt", "news/two.html", "three.pdf", "four.docx", "a#b.md", "records.jsonl#x", "records.jsonl#y",
    "rows.csv#2",
]  # fmt: skip


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("news/", b"")
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_tar(path: Path, members: dict[str, bytes], **fields: object) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix in {".gz", ".tgz"} else "w") as archive:
        folder = tarfile.TarInfo("news")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for field, value in fields.items():
                setattr(member, field, value)
            archive.addfile(member, io.BytesIO(content))
    return path


WRITERS = {".zip": write_zip, ".tar": write_tar, ".tar.gz": write_tar, ".tgz": write_tar}


@pytest.mark.parametrize("suffix", WRITERS)
def test_the_files_of_an_archive_are_articles(tmp_path, suffix):
    path = WRITERS[suffix](tmp_path / f"all{suffix}", MEMBERS)
    found = list(find_records([str(tmp_path)]))
    assert [item.origin for item in found] == [f"{path}#{key}" for key in KEYS]
    articles = [article for _, article in read_records(item for item in found if isinstance(item, Record))]
    assert [article.title for article in articles if isinstance(article, Article)][1:4] == [
        "Council widens sanctions",
        "Three",
        "Four",
    ]
    assert [article.origin for article in articles if isinstance(article, Article)] == [item.origin for item in found]
    # The same whether or not those before were read, as where they are unchanged.
    for item, article in zip(found, articles, strict=True):
        assert isinstance(item, Record)
        assert read_here(item) == article
    assert sorted(tmp_path.iterdir()) == [path]


def test_the_sidecar_may_speak_for_all_files_of_an_archive(tmp_path):
    write_zip(tmp_path / "a.zip", {"one.txt": SENTENCE.encode()})
    (tmp_path / "metadata.csv").write_text("file,source\na.zip,TASS\n", "utf-8")
    [record] = find_records([str(tmp_path)])
    assert isinstance(record, Record)
    assert read_here(record).source == "TASS"


def test_a_single_file_that_is_packed(tmp_path):
    (tmp_path / "one.txt.gz").write_bytes(gzip.compress(SENTENCE.encode()))
    (tmp_path / "two.JSONL.gz").write_bytes(gzip.compress(b'{"text": "One."}\n{"text": "Two."}\n'))
    found = list(find_records([str(tmp_path)]))
    assert [item.origin.removeprefix(f"{tmp_path}/") for item in found] == [
        "one.txt.gz#one.txt",
        "two.JSONL.gz#two.JSONL#1",
        "two.JSONL.gz#two.JSONL#2",
    ]
    assert [read_here(item).text for item in found if isinstance(item, Record)] == [SENTENCE, "One.", "Two."]


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../a.txt", "Its name leads out of the archive, as that of no honest file does."),
        ("news/../../a.txt", "Its name leads out of the archive, as that of no honest file does."),
        ("/etc/passwd", "Its name leads out of the archive, as that of no honest file does."),
        ("//host/share/a.txt", "Its name leads out of the archive, as that of no honest file does."),
        ("C:\\windows\\a.txt", "Its name leads out of the archive, as that of no honest file does."),
        ("c:a.txt", "Its name leads out of the archive, as that of no honest file does."),
        ("..\\a.txt", "Its name leads out of the archive, as that of no honest file does."),
        ("a\nb.txt", "Its name holds characters that no name has, or is too long."),
        ("a\u202etxt.txt", "Its name holds characters that no name has, or is too long."),
        ("n" * 600 + ".txt", "Its name holds characters that no name has, or is too long."),
        ("inner.zip", "An archive within an archive is not read; unpack it."),
        ("inner.tar.gz", "An archive within an archive is not read; unpack it."),
        ("feed.xml", "A feed within an archive is not read; unpack it."),
        ("metadata.csv", "A metadata.csv within an archive is not read; unpack the archive."),
        ("old.doc", "Files of the kind '.doc' are not read; save it as .docx, .pdf or .txt."),
    ],
)
def test_what_is_not_read_is_named_and_the_others_are_read(tmp_path, suffix, name, reason):
    path = WRITERS[suffix](tmp_path / f"all{suffix}", {"one.txt": b"One.", name: b"x", "two.txt": b"Two."})
    found = [item.reason if isinstance(item, BadMember) else item.read() for item in read_members(path)]
    assert found == [b"One.", reason, b"Two."]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("suffix", WRITERS)
def test_two_files_of_one_name(tmp_path, suffix):
    path = tmp_path / f"all{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.txt", "One.")
            archive.writestr("a.txt", "Two.")
    else:
        with tarfile.open(path, "w:gz" if suffix != ".tar" else "w") as archive:
            for text in (b"One.", b"Two."):
                member = tarfile.TarInfo("a.txt")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
    first, second = read_members(path)
    assert isinstance(first, Member)
    assert second == BadMember("a.txt", "The archive holds another file of that name above.")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_not_followed(tmp_path, kind):
    write_tar(tmp_path / "a.tar", {"a.txt": b""}, type=kind, linkname="/etc/passwd")
    assert list(read_members(tmp_path / "a.tar")) == [
        BadMember("a.txt", "It is a link or a device within the archive, which is not followed.")
    ]


def test_a_link_in_a_zip_is_not_followed(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("a.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert list(read_members(tmp_path / "a.zip")) == [
        BadMember("a.txt", "It is a link or a device within the archive, which is not followed.")
    ]


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
def test_an_archive_that_unpacks_to_too_much(tmp_path, monkeypatch, suffix):
    path = write_tar(tmp_path / f"a{suffix}", {f"{number}.txt": bytes(100_000) for number in range(5)})
    monkeypatch.setattr(index.archives, "MAX_ARCHIVE_BYTES", 250_000)
    read = []
    with pytest.raises(UnsupportedFormatError, match="unpacks to more than"):
        read.extend(member.name for member in read_members(path))
    for limit in ("MAX_MEMBERS", "MAX_ARCHIVE_BYTES"):
        monkeypatch.setattr(index.archives, limit, 3 if limit == "MAX_MEMBERS" else 10**9)
    with pytest.raises(UnsupportedFormatError, match="more than 3 files"):
        list(read_members(path))


def test_a_zip_that_unpacks_to_too_much(tmp_path, monkeypatch):
    path = write_zip(tmp_path / "a.zip", {"a.txt": b"a" * 5_000_000, "b.txt": b"ab" * 10})
    bomb, good = read_members(path)
    assert bomb == BadMember("a.txt", "It unpacks to more than 250 times its size, as no text does.")
    assert isinstance(good, Member)
    monkeypatch.setattr(index.archives, "MAX_ARCHIVE_BYTES", 10)
    with pytest.raises(UnsupportedFormatError, match="unpacks to more than"):
        list(read_members(path))


def test_a_zip_that_lies_about_its_size(tmp_path):
    """The directory says ten bytes; as many are unpacked, and the check sum shows the lie."""
    path = write_zip(tmp_path / "a.zip", {"a.txt": bytes(range(65, 91)) * 1_000})
    raw = bytearray(path.read_bytes())
    central = raw.index(b"PK\1\2", raw.index(b"a.txt"))
    raw[central + 24 : central + 28] = (10).to_bytes(4, "little")
    path.write_bytes(raw)
    [member] = read_members(path)
    assert isinstance(member, Member)
    with pytest.raises(ReadError, match="damaged"):
        member.read()


def test_nothing_to_read_in_it(tmp_path):
    for members in ({}, {"photo.jpg": b"x"}, {".hidden.txt": b"x"}):
        with pytest.raises(EmptyArticleError, match="no file of a readable kind"):
            list(read_members(write_zip(tmp_path / "a.zip", members)))


def test_what_is_before_the_damage_is_read(tmp_path):
    def made(seed: int) -> bytes:
        return random.Random(seed).randbytes(20_000).hex().encode()

    path = write_tar(tmp_path / "a.tar.gz", {f"{number}.txt": made(number) for number in range(65, 70)})
    path.write_bytes(path.read_bytes()[:-40])
    found = list(find_records([str(path)]))
    assert [item.origin for item in found[:2]] == [f"{path}#65.txt", f"{path}#66.txt"]
    reason = "The archive is damaged, or not what its name says; nothing behind the damage is read."
    assert found[-1] in {Failure(str(path), reason), Failure(f"{path}#69.txt", reason)}


def test_files_that_go_from_an_archive_go_from_the_library(tmp_path):
    path = tmp_path / "a.zip"
    texts = {f"{name}.txt": f"{SENTENCE} {name}".encode() for name in ("one", "two#2", "three")}
    write_zip(path, texts)
    with Library.open_for_writing(tmp_path / "library", BagOfWordsEncoder()) as library:
        assert index_paths(library, [str(path)], prune=True).added == 3
        write_zip(path, {"one.txt": texts["one.txt"], "three.txt": b"The council met again on Friday."})
        report = index_paths(library, [str(path)], prune=True)
        assert (report.added + report.updated, report.unchanged, report.removed, report.failed) == (1, 1, 1, ())
        assert sorted(library.origins()) == [f"{path}#one.txt", f"{path}#three.txt"]
        path.write_bytes(path.read_bytes()[:-10])
        report = index_paths(library, [str(path)], prune=True)
        assert (report.removed, len(report.failed)) == (0, 1)
        assert len(library.origins()) == 2
        path.unlink()
        assert index_paths(library, [str(tmp_path)], prune=True).removed == 2


def test_a_position_that_is_not_there_any_more(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"one.txt": b"One.", "two.txt": b"Two."})
    containers = Containers()
    positions = [part.position for part in containers.list(path, is_named=True) if not isinstance(part, BadPart)]
    assert [containers.part(path, position).key for position in (*positions, *positions)] == ["one.txt", "two.txt"] * 2
    with pytest.raises(ReadError, match="changed while it was read"):
        containers.part(path, positions[-1] + 1)
    assert containers.part(path, positions[0]).key == "one.txt"


def test_an_archive_that_is_cut_off_is_not_taken_for_the_one_that_is_its_last_member(tmp_path):
    """The directory of the inner archive, which is stored as it is, would be found at the end."""
    inner, outer = io.BytesIO(), tmp_path / "a.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("old.txt", "An old note: the mill burned down in 1950.")
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("report.txt", "The quay was sold for nine crowns.")
        archive.writestr("attachment.zip", inner.getvalue())
    outer.write_bytes(outer.read_bytes()[:-40])
    (found,) = find_records([str(outer)])
    assert isinstance(found, Failure)
    assert "damaged" in found.reason


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
@pytest.mark.parametrize(
    ("end", "keys"),
    [(1536, ["1.txt"]), (1700, ["1.txt"]), (2560, ["1.txt", "2.txt"]), (3584, ["1.txt", "2.txt", "3.txt"])],
)
def test_a_tar_that_is_cut_off_between_its_files(tmp_path, suffix, end, keys):
    """Its folder and the headers and contents of its files take 512 bytes each."""
    texts = {f"{number}.txt": f"{SENTENCE} {number}".encode() for number in (1, 2, 3)}
    raw = write_tar(tmp_path / "whole.tar", texts).read_bytes()
    (tmp_path / "whole.tar").unlink()
    pack = gzip.compress if suffix == ".tar.gz" else bytes
    path = tmp_path / f"a{suffix}"
    with Library.open_for_writing(tmp_path / "library", BagOfWordsEncoder()) as library:
        path.write_bytes(pack(raw))
        assert index_paths(library, [str(path)]).added == 3
        path.write_bytes(pack(raw[:end]))
        report = index_paths(library, [str(path)], prune=True)
    reason = "The archive is cut off: its end is missing, and files that it had may be, too."
    assert (report.unchanged, report.removed) == (len(keys), 0)
    assert report.failed == (Failure(str(path), reason),)


def test_a_tar_with_a_damaged_header(tmp_path):
    path = write_tar(tmp_path / "a.tar", {f"{number}.txt": SENTENCE.encode() for number in (1, 2)})
    raw = path.read_bytes()
    path.write_bytes(raw[:1536] + b"\xff" * 512 + raw[2048:])
    record, failure = find_records([str(path)])
    assert record.origin == f"{path}#1.txt"
    reason = "The archive is damaged, or not what its name says; nothing behind the damage is read."
    assert failure == Failure(str(path), reason)

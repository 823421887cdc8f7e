"""Folders into a library: what is new, changed, gone or unreadable, and interruptions."""

import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import BagOfWordsEncoder

from index import ingest
from index.errors import LibraryWriteError
from index.ingest import index_paths
from index.library import Library, SplitArticle
from index.types import Article, IndexReport, SearchFilter

TEXTS = {
    "a.txt": "Russia vetoed the resolution on Friday. China vetoed it as well.\n",
    "b.txt": "Lavrov called for talks with Washington. The talks begin in May, he said.\n",
    "deep/c.md": "# Harbour\n\nThe harbour raised its tariff. Ships left for Tarrow.\n",
}


@pytest.fixture
def news(tmp_path: Path) -> Path:
    folder = tmp_path / "news"
    for name, text in TEXTS.items():
        write(folder / name, text)
    return folder


@pytest.fixture
def encoder() -> BagOfWordsEncoder:
    return BagOfWordsEncoder()


@pytest.fixture
def library(tmp_path: Path, encoder: BagOfWordsEncoder) -> Iterator[Library]:
    with Library.open_for_writing(tmp_path / "library", encoder) as opened:
        yield opened


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def index(library: Library, *paths: Path | str, prune: bool = False) -> IndexReport:
    return index_paths(library, [str(path) for path in paths], prune=prune)


def counts(report: IndexReport) -> tuple[int, int, int, int, int]:
    """Added, updated, unchanged, removed, failed."""
    return report.added, report.updated, report.unchanged, report.removed, len(report.failed)


def origins(library: Library, folder: Path) -> set[str]:
    return {str(Path(origin).relative_to(folder)) for origin in library.origins()}


def test_a_folder_is_indexed_with_all_below_it(library: Library, news: Path) -> None:
    assert counts(index(library, news)) == (3, 0, 0, 0, 0)
    assert origins(library, news) == set(TEXTS)
    article = library.article(library.origins()[str(news / "a.txt")])
    assert article.text.strip() == TEXTS["a.txt"].strip()
    (hit,) = library.keyword("harbour tariff", 1, SearchFilter())
    assert hit.passage.article_id == library.origins()[str(news / "deep" / "c.md")]


def test_what_is_unchanged_is_not_read_again(library: Library, news: Path, encoder: BagOfWordsEncoder) -> None:
    index(library, news)
    generation = library.generation
    encoder.encoded.clear()
    os.utime(news / "a.txt")
    assert counts(index(library, news)) == (0, 0, 3, 0, 0)
    assert (encoder.encoded, library.generation) == ([], generation)


def test_only_what_was_edited_is_encoded(library: Library, news: Path, encoder: BagOfWordsEncoder) -> None:
    index(library, news)
    encoder.encoded.clear()
    write(news / "a.txt", "France abstained on Monday.\n")
    assert counts(index(library, news)) == (0, 1, 2, 0, 0)
    assert len(encoder.encoded) == 1
    assert "France abstained on Monday." in encoder.encoded[0]
    assert (library.count_articles(), library.keyword("vetoed", 5, SearchFilter())) == (3, [])


def test_a_row_of_the_sidecar_updates_its_article_alone(
    library: Library, news: Path, encoder: BagOfWordsEncoder
) -> None:
    index(library, news)
    encoder.encoded.clear()
    write(news / "metadata.csv", "file,source,published\na.txt,TASS,2017-06-03\n")
    assert counts(index(library, news)) == (0, 1, 2, 0, 0)
    article = library.article(library.origins()[str(news / "a.txt")])
    assert (article.source, article.published, encoder.encoded) == ("TASS", "2017-06-03", [])


def test_files_that_are_gone_stay_until_they_are_pruned(library: Library, news: Path) -> None:
    index(library, news)
    (news / "a.txt").unlink()
    assert counts(index(library, news)) == (0, 0, 2, 0, 0)
    assert library.count_articles() == 3
    assert counts(index(library, news, prune=True)) == (0, 0, 2, 1, 0)
    assert origins(library, news) == {"b.txt", "deep/c.md"}
    assert library.keyword("vetoed", 5, SearchFilter()) == []


def test_pruning_leaves_what_is_elsewhere(library: Library, news: Path, tmp_path: Path) -> None:
    write(tmp_path / "newsroom" / "d.txt", "Another folder whose name begins alike has this text.\n")
    write(tmp_path / "old" / "e.txt", "An article of another folder that will be gone.\n")
    index(library, news, tmp_path / "newsroom", tmp_path / "old")
    shutil.rmtree(tmp_path / "old")
    (tmp_path / "newsroom" / "d.txt").unlink()
    (news / "b.txt").unlink()
    assert counts(index(library, news, prune=True)) == (0, 0, 2, 1, 0)
    assert origins(library, tmp_path) == {"news/a.txt", "news/deep/c.md", "newsroom/d.txt", "old/e.txt"}
    assert counts(index(library, news / "deep", prune=True)) == (0, 0, 1, 0, 0)


def test_a_named_file_that_is_gone_is_pruned_and_no_failure(library: Library, news: Path) -> None:
    index(library, news)
    (news / "a.txt").unlink()
    assert counts(index(library, news / "a.txt")) == (0, 0, 0, 0, 1)
    assert counts(index(library, news / "a.txt", prune=True)) == (0, 0, 0, 1, 0)
    assert origins(library, news) == {"b.txt", "deep/c.md"}


def test_paths_may_be_relative(library: Library, news: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(news / "deep")
    assert counts(index(library, "..")) == (3, 0, 0, 0, 0)
    assert counts(index(library, news, ".", "../a.txt")) == (0, 0, 3, 0, 0)
    (news / "a.txt").unlink()
    assert counts(index(library, "..", prune=True)) == (0, 0, 2, 1, 0)


def test_a_moved_file_is_kept_once(library: Library, news: Path, encoder: BagOfWordsEncoder) -> None:
    index(library, news)
    encoder.encoded.clear()
    (news / "a.txt").rename(news / "z.txt")
    assert counts(index(library, news, prune=True)) == (0, 0, 3, 0, 0)
    assert encoder.encoded == []
    assert origins(library, news) == {"b.txt", "deep/c.md", "z.txt"}


def test_copies_are_one_article(library: Library, news: Path, tmp_path: Path) -> None:
    shutil.copytree(news, tmp_path / "copy")
    assert counts(index(library, news, tmp_path / "copy")) == (3, 0, 3, 0, 0)
    assert library.count_articles() == 3
    for file in news.rglob("*.*"):
        file.unlink()
    assert counts(index(library, news, prune=True))[3] == 0
    assert origins(library, tmp_path) == {f"copy/{name}" for name in TEXTS}


def test_what_is_known_of_a_text_comes_from_an_origin_that_is_left(library: Library, tmp_path: Path) -> None:
    for folder, source in (("alpha", "Alpha News"), ("beta", "Beta Post")):
        write(tmp_path / "wire" / folder / "a.txt", "Queen Una abdicated on Friday, her office said.")
        write(tmp_path / "wire" / folder / "metadata.csv", f"file,source\na.txt,{source}\n")
    index(library, tmp_path / "wire")
    assert [article.source for article in library.articles()] == ["Alpha News"]
    (tmp_path / "wire" / "alpha" / "a.txt").unlink()
    index(library, tmp_path / "wire", prune=True)
    assert [(article.source, len(article.origins)) for article in library.articles()] == [("Beta Post", 1)]


def test_a_folder_that_is_gone_may_only_be_unmounted(library: Library, news: Path, tmp_path: Path) -> None:
    index(library, news)
    news.rename(tmp_path / "unmounted")
    report = index(library, news, prune=True)
    assert (report.removed, len(report.failed)) == (0, 1)
    assert library.count_articles() == 3


def test_records_of_a_file_come_and_go_one_by_one(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "news.jsonl"
    write(file, '{"id": "1", "text": "Ships left the harbour."}\n{"id": "2", "text": "The talks ended."}\n')
    assert counts(index(library, file)) == (2, 0, 0, 0, 0)
    write(file, '{"id": "2", "text": "The talks ended early."}\n{"id": "3", "text": "A vote was held."}\n')
    assert counts(index(library, file, prune=True)) == (1, 1, 0, 1, 0)
    assert set(library.origins()) == {f"{file}#2", f"{file}#3"}
    write(file, "no record at all\n")
    report = index(library, file, prune=True)
    assert (report.removed, len(report.failed)) == (0, 1), "a file that cannot be read is no reason to remove"


JSON_LINES = "".join(f'{{"id": "{key}", "text": "Ships left the harbour {key}."}}\n' for key in "abc")
CSV = "id,text,source\n" + "".join(f"{key},Ships left the harbour {key}.,TASS\n" for key in "abc")
CSV_ID_LAST = "text,id\n" + "".join(f"Ships left the harbour {key}.,{key}\n" for key in "abc")


@pytest.mark.parametrize(
    ("name", "whole", "damaged"),
    [
        ("a.jsonl", JSON_LINES, JSON_LINES.replace('"b"', '"b')),
        ("a.jsonl", JSON_LINES, JSON_LINES[:-10]),
        ("a.jsonl.gz", JSON_LINES, JSON_LINES[:-10]),
        ("a.csv", CSV, CSV.replace("b,Ships", "b,,,Ships")),
        ("a.csv", CSV, CSV[:-10]),
        ("a.csv", CSV_ID_LAST, CSV_ID_LAST[:-10]),
    ],
)
def test_nothing_of_a_file_with_a_damaged_record_is_pruned(
    library: Library, tmp_path: Path, name: str, whole: str, damaged: str
) -> None:
    pack = gzip.compress if name.endswith(".gz") else bytes
    file = tmp_path / "news" / name
    file.parent.mkdir()
    file.write_bytes(pack(whole.encode()))
    assert counts(index(library, file)) == (3, 0, 0, 0, 0)
    before = library.origins()
    file.write_bytes(pack(damaged.encode()))
    assert counts(index(library, file.parent, prune=True)) == (0, 0, 2, 0, 1)
    assert library.origins() == before


def test_the_last_row_may_be_short_where_others_are(library: Library, tmp_path: Path) -> None:
    write(tmp_path / "news" / "a.csv", "id,text,source\na,Ships left.\nb,Ships came.")
    write(tmp_path / "news" / "b.csv", "id,text,source\na,The talks began.,TASS\nb,The talks ended.\n")
    assert counts(index(library, tmp_path / "news")) == (4, 0, 0, 0, 0)


def test_what_cannot_be_read_is_named_and_keeps_nothing_out(library: Library, news: Path, tmp_path: Path) -> None:
    (news / "empty.txt").write_bytes(b" \n\t\n")
    (news / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    (news / "old.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    report = index(library, news, tmp_path / "none")
    assert report.added == 3
    failed = {Path(failure.origin).name: failure.reason for failure in report.failed}
    assert set(failed) == {"empty.txt", "broken.pdf", "old.doc", "none"}
    assert all(reason.endswith(".") and "\n" not in reason for reason in failed.values())
    assert "no such file" in failed["none"]
    assert counts(index(library, news, tmp_path / "none")) == (0, 0, 3, 0, 4)


def test_an_article_that_can_no_longer_be_read_is_kept(library: Library, news: Path) -> None:
    index(library, news)
    (news / "a.txt").write_bytes(b"")
    assert counts(index(library, news, prune=True)) == (0, 0, 2, 0, 1)
    assert origins(library, news) == set(TEXTS)


def test_progress_rises_with_what_is_stored(library: Library, news: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "BATCH_CHARACTERS", 1)
    (news / "empty.txt").write_bytes(b"")
    seen: list[tuple[int, int]] = []

    def note(done: int, found: int) -> None:
        seen.append((done, found))
        assert library.count_articles() >= done - 1, "one cannot be read"

    index_paths(library, [str(news)], on_progress=note)
    assert seen[0] == (0, 4)
    assert seen[-1] == (4, 4)
    assert seen == sorted(seen)
    assert len(seen) > 3


def test_progress_of_one_batch_is_its_begin_and_its_end(library: Library, news: Path) -> None:
    seen: list[tuple[int, int]] = []
    index_paths(library, [str(news)], on_progress=lambda done, found: seen.append((done, found)))
    assert seen == [(0, 3), (3, 3)]


@pytest.mark.parametrize("batch_characters", [1, 100_000])
@pytest.mark.parametrize("interrupted_at", [0, 1, 2])
def test_an_interruption_keeps_what_was_finished(
    library: Library,
    news: Path,
    encoder: BagOfWordsEncoder,
    monkeypatch: pytest.MonkeyPatch,
    batch_characters: int,
    interrupted_at: int,
) -> None:
    monkeypatch.setattr(ingest, "BATCH_CHARACTERS", batch_characters)

    split, taken = library.split, 0

    def interrupted(article: Article, digest: str) -> SplitArticle:
        nonlocal taken
        if taken == interrupted_at:
            raise KeyboardInterrupt
        taken += 1
        return split(article, digest)

    with monkeypatch.context() as patch:
        patch.setattr(library, "split", interrupted)
        with pytest.raises(KeyboardInterrupt):
            index(library, news)
    assert library.count_articles() == interrupted_at
    encoder.encoded.clear()
    assert counts(index(library, news)) == (3 - interrupted_at, 0, interrupted_at, 0, 0)
    assert len(encoder.encoded) == 3 - interrupted_at


def test_an_interruption_while_encoding_leaves_whole_articles(
    library: Library, news: Path, encoder: BagOfWordsEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "BATCH_CHARACTERS", 1)
    encode = encoder.encode

    def interrupted(texts):
        if len(encoder.encoded) == 1:
            raise KeyboardInterrupt
        return encode(texts)

    with monkeypatch.context() as patch:
        patch.setattr(encoder, "encode", interrupted)
        with pytest.raises(KeyboardInterrupt):
            index(library, news)
    assert library.count_articles() == library.count_passages() == 1
    assert counts(index(library, news)) == (2, 0, 1, 0, 0)
    assert library.count_passages() == 3


def test_a_full_disk_ends_the_run_and_keeps_what_was_stored(
    library: Library, news: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(library, news)
    write(news / "long.txt", "A very long report. " * 20_000)
    connection = library._store._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LibraryWriteError, match="What was indexed before is kept"):
        index(library, news)
    assert origins(library, news) == set(TEXTS)
    connection.execute("PRAGMA max_page_count = 1000000")
    assert counts(index(library, news)) == (1, 0, 3, 0, 0)


def test_the_sample_collection(library: Library) -> None:
    seeds = Path(__file__).resolve().parent.parent / "seeds"
    assert counts(index(library, seeds)) == (5, 0, 0, 0, 0)
    assert {Path(origin).name for origin in library.origins()} == {file.name for file in seeds.glob("*.txt")}
    for summary in library.articles():
        article = library.article(summary.article_id)
        for passage in library.passages(summary.article_id):
            assert article.text[passage.start : passage.end] == passage.text

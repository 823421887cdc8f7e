"""Search files that follow the collection: readers bring them up to date, writers write them when they must."""

from pathlib import Path

import pytest
from fakes import BagOfWordsEncoder

from index import search_files, vectors
from index.keywords import KeywordIndex
from index.library import Library
from index.search_files import KEYWORDS_NAME, VECTORS_NAME, SearchFiles
from index.types import Article, Metadata, SearchFilter
from index.vectors import VectorIndex

ALL = SearchFilter()


def made(number: int, text: str = "", **known: str) -> tuple[Article, str]:
    origin = f"/news/{number}.txt"
    return Article.from_text(text or f"Item{number} left the harbour late.", Metadata(**known), origin), str(number)


def stamps(library: Library) -> dict[str, int]:
    """By name of a derived file, the generation it was written at."""
    found = {name: library._files._store.stamp(name) for name in search_files.NAMES}
    return {name: stamp.generation for name, stamp in found.items() if stamp is not None}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Library.open_for_writing(tmp_path / "library", BagOfWordsEncoder()) as library:
        library.put([made(number) for number in range(30)])
    return tmp_path / "library"


def found(library: Library, query: str, search_filter: SearchFilter = ALL) -> list[set[str]]:
    """The articles that each search finds for words that only some have."""
    searches = (library.dense(query, 3, search_filter), library.keyword(query, 99, search_filter))
    by_passage = [{hit.passage.text for hit in hits if query in hit.passage.text} for hits in searches]
    return [*by_passage, {library.article(name).text for name, _ in library.keyword_articles(query, 99, search_filter)}]


def test_a_reader_takes_in_what_changed_without_building_anything_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it has searched before or opens now, while the files are of an older generation."""
    monkeypatch.setattr(SearchFiles, "write_when_due", lambda self: None)
    before = Library.open(path, BagOfWordsEncoder())
    assert found(before, "Item7") == [{"Item7 left the harbour late."}] * 3
    writer = Library.open_for_writing(path, BagOfWordsEncoder())
    writer.put([made(7, "Item7 came back."), made(99, "Item99 is new.")])
    writer.remove_origins(["/news/3.txt"])
    with monkeypatch.context() as patch:
        patch.setattr(VectorIndex, "build", lambda *arguments: pytest.fail("built again"))
        patch.setattr(KeywordIndex, "create", lambda *arguments: pytest.fail("built again"))
        with Library.open(path, BagOfWordsEncoder()) as now:
            for reader in (before, now):
                assert stamps(reader)[KEYWORDS_NAME] == 1
                assert found(reader, "Item7") == [{"Item7 came back."}] * 3
                assert found(reader, "Item99") == [{"Item99 is new."}] * 3
                assert found(reader, "Item3") == [set()] * 3
                assert found(reader, "Item5") == [{"Item5 left the harbour late."}] * 3
    before.close()
    writer.close()


def test_filters_follow_what_changed(path: Path) -> None:
    tass, wire = SearchFilter(sources=frozenset({"tass"})), SearchFilter(sources=frozenset({"wire"}))
    with Library.open(path, BagOfWordsEncoder()) as reader:
        assert found(reader, "Item7", tass) == [set()] * 3
        with Library.open_for_writing(path, BagOfWordsEncoder()) as writer:
            writer.put([made(7, source="TASS"), made(8, source="Wire")])
            assert found(reader, "Item7", tass) == [{"Item7 left the harbour late."}] * 3
            assert found(reader, "Item8", wire) == [{"Item8 left the harbour late."}] * 3
            writer.put([made(7, source="Wire")])
            writer.remove_origins(["/news/8.txt"])
            assert found(reader, "Item7", tass) == found(reader, "Item8", wire) == [set()] * 3
            assert found(reader, "Item7", wire) == [{"Item7 left the harbour late."}] * 3


def test_the_vector_file_is_written_anew_only_when_much_changed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "LEAST_TAIL", 4)
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.put([made(number) for number in range(100, 103)])
    with Library.open(path, BagOfWordsEncoder()) as library:
        assert stamps(library) == {VECTORS_NAME: 1, KEYWORDS_NAME: 2, "keywords_articles": 2}
        assert all(finding.ok for finding in library.check())
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.remove_origins(["/news/1.txt", "/news/2.txt"])
    with Library.open(path, BagOfWordsEncoder()) as library:
        assert stamps(library)[VECTORS_NAME] == 3
        assert all(finding.ok for finding in library.check())
    files = sorted(file.name.rpartition("-")[0] for file in path.iterdir() if "-" in file.name)
    assert files == ["keywords", "keywords_articles", "vectors"], "older ones are gone"


def test_the_kind_follows_the_number_or_the_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "LEAST_TAIL", 630)  # fewer would not suffice to fit the compressed form to
    path = tmp_path / "large"

    def kind() -> str:
        with Library.open(path, BagOfWordsEncoder()) as library:
            (vector_file,) = [finding for finding in library.check() if finding.check == VECTORS_NAME]
            assert vector_file.ok
            assert found(library, "Item7")[0] == {"Item7 left the harbour late."}
            return vector_file.message

    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.put([made(number) for number in range(640)])
    assert "exact search of 640 passages" in kind()
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.choose_vectors("compressed")
    assert "compressed search of 640 passages, recall@10 against exact search " in kind()
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.choose_vectors(None)
    assert "exact search of 640" in kind()
    monkeypatch.setattr(vectors, "EXACT_LIMIT", 640)
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.put([made(1_000)])
    assert "compressed search of 641 passages" in kind()


def test_files_are_written_while_articles_come_in_but_not_all_the_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(search_files.time, "monotonic", lambda: now[0])
    write = SearchFiles.write

    def slow(self: SearchFiles) -> None:
        write(self)
        now[0] += 2.0

    monkeypatch.setattr(SearchFiles, "write", slow)
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        written = []
        for number in range(100, 104):
            library.put([made(number)])
            written.append(stamps(library)[KEYWORDS_NAME] == library.generation)
            now[0] += 60.0
        assert written == [True, False, True, False], "two seconds of writing in a hundred"
    with Library.open(path, BagOfWordsEncoder()) as library:
        assert all(finding.ok for finding in library.check())


def test_words_of_removed_articles_are_not_known_any_more(path: Path) -> None:
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        assert library.document_frequency(["item7", "harbour"]) == {"item7": 1, "harbour": 30}
        library.remove_origins([f"/news/{number}.txt" for number in range(5, 30)])
        assert library.document_frequency(["item7", "harbour"]) == {"item7": 0, "harbour": 5}
    with Library.open(path, BagOfWordsEncoder()) as library:
        assert library.document_frequency(["item7", "harbour"]) == {"item7": 0, "harbour": 5}


def test_scores_do_not_depend_on_much_that_was_removed(path: Path, tmp_path: Path) -> None:
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.remove_origins([f"/news/{number}.txt" for number in range(3, 30)])
        library.put([made(3)])
    with Library.open_for_writing(tmp_path / "fresh", BagOfWordsEncoder()) as library:
        library.put([made(number) for number in range(4)])

    def scores(library_path: Path) -> list[float]:
        with Library.open(library_path, BagOfWordsEncoder()) as library:
            return [round(hit.score, 4) for hit in library.keyword("Item2 left", 10, ALL)]

    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library.put([made(2)])
    assert scores(path) == scores(tmp_path / "fresh")


def test_a_reader_takes_the_new_base_when_it_cannot_follow_the_changes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer has forgotten which articles changed before its new files."""
    monkeypatch.setattr(vectors, "LEAST_TAIL", 4)
    with Library.open(path, BagOfWordsEncoder()) as reader:
        assert found(reader, "Item7") == [{"Item7 left the harbour late."}] * 3
        with Library.open_for_writing(path, BagOfWordsEncoder()) as writer:
            writer.put([made(number) for number in range(100, 140)])
        with monkeypatch.context() as patch:
            patch.setattr(VectorIndex, "build", lambda *arguments: pytest.fail("built again"))
            patch.setattr(KeywordIndex, "create", lambda *arguments: pytest.fail("built again"))
            assert found(reader, "Item120") == [{"Item120 left the harbour late."}] * 3


def test_nothing_is_no_change(path: Path) -> None:
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        assert library.put([]).added == 0
        assert library.remove_origins(["/none.txt"]) == 0
        assert library.generation == 1


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE derived SET details = '{' WHERE name = 'vectors'",
        "UPDATE derived SET details = replace(details, 'exact', 'exacu') WHERE name = 'vectors'",
        "UPDATE derived SET generation = 9",
    ],
)
def test_damaged_stamps_count_as_none(path: Path, damage: str) -> None:
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library._store._connection.execute(damage)
    with Library.open(path, BagOfWordsEncoder()) as library:
        assert found(library, "Item7") == [{"Item7 left the harbour late."}] * 3
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        library._store._connection.execute(damage)
        assert [one.check for one in library.check() if not one.ok]
        assert all(one.ok for one in library.repair())


def test_damaged_notes_of_changes_are_not_followed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SearchFiles, "write_when_due", lambda self: None)
    writer = Library.open_for_writing(path, BagOfWordsEncoder())
    writer.put([made(99)])
    writer._store._connection.execute("UPDATE changes SET generation = 1")
    with Library.open(path, BagOfWordsEncoder()) as reader:
        assert found(reader, "Item99") == [{"Item99 left the harbour late."}] * 3
    writer.close()


@pytest.mark.parametrize("name", [VECTORS_NAME, KEYWORDS_NAME])
def test_a_writer_writes_damaged_files_anew(path: Path, name: str) -> None:
    (damaged,) = (
        [path / "vectors-1.faiss"] if name == VECTORS_NAME else sorted((path / "keywords-1").glob("*.store"))[:1]
    )
    content = damaged.read_bytes()
    for bad in (content[:40] + bytes([content[40] ^ 1]) + content[41:], content[:50]):
        damaged.write_bytes(bad)
        with Library.open(path, BagOfWordsEncoder()) as library:
            assert name in {finding.check for finding in library.check() if not finding.ok}
        with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
            pass
        with Library.open(path, BagOfWordsEncoder()) as library:
            assert all(finding.ok for finding in library.check())
            assert found(library, "Item7") == [{"Item7 left the harbour late."}] * 3
        (damaged,) = sorted(path.glob("vectors-*.faiss") if name == VECTORS_NAME else path.glob("keywords-*/*.store"))[
            :1
        ]
        content = damaged.read_bytes()


def test_all_files_are_read_by_those_who_may_read_one(path: Path) -> None:
    modes = {
        file.name: file.stat().st_mode & 0o777
        for file in path.rglob("*")
        if file.is_file() and ".lock" not in file.name
    }
    assert len(set(modes.values())) == 1, modes

"""Libraries in unusual places and of other times: full disks, read-only media, copies, old versions, many readers."""

import resource
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from command_line import run
from fakes import BagOfWordsEncoder
from fault_trials import LATER, TEXTS
from fork_server import ForkServer
from library_checks import ALL, check_database, check_searches, check_whole, collection
from made_changes import PAIRS, Changer
from mounts import make_read_only, small_disk
from old_libraries import NAMES, copy_old_library, held_by_old_libraries
from trial_processes import DATABASE_PREFIX

from index.errors import LibraryBusyError, LibraryWriteError
from index.ingest import index_paths
from index.library import Library
from index.types import Article, Metadata

MODULES = ("faiss", "tantivy", "ui.cli", "trial_processes", "index.ingest", "index.encoder")


@pytest.fixture
def news(tmp_path: Path) -> Path:
    return write_news(tmp_path / "news", TEXTS)


@pytest.fixture
def path(tmp_path: Path, news: Path) -> Path:
    """A closed library of three texts."""
    with Library.open_for_writing(tmp_path / "library", BagOfWordsEncoder()) as library:
        index_paths(library, [str(news)])
    return tmp_path / "library"


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer(*MODULES) as started:
        yield started


def write_news(folder: Path, texts: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def add(library: Library, text: str = "A pilot retired. markpilotq.", origin: str = "/news/pilot.txt") -> None:
    library.put([(Article.from_text(text, Metadata(), origin), "digest")])


# Old versions


@pytest.mark.parametrize("name", NAMES)
def test_a_library_of_an_older_version_is_read_and_gone_on_with(tmp_path: Path, name: str) -> None:
    path = copy_old_library(name, tmp_path / "library")
    before = (path / DATABASE_PREFIX).read_bytes()
    assert check_whole(path, ["markd4q"]) == held_by_old_libraries()
    assert (path / DATABASE_PREFIX).read_bytes() == before, "to read changes nothing"
    done = run("ask", "Who vetoed the resolution?", "--library", path, "--json")
    assert done.exit_code == 0
    assert done.document["citations"][0]["origin"] == "/news/veto.txt"
    news = write_news(tmp_path / "news", LATER)
    done = run("index", news, "--library", path)
    assert (done.exit_code, done.stdout) == (0, "2 added, 0 updated, 0 unchanged, 0 removed, 0 failed\n")
    held = check_whole(path)
    assert held.items() > held_by_old_libraries().items()
    assert {Path(origin).name for origin in held.keys() - held_by_old_libraries().keys()} == set(LATER)
    with Library.open(path, BagOfWordsEncoder()) as library:
        assert all(finding.ok for finding in library.check())
        assert library.article(library.origins()["/news/veto.txt"]).published == "2017-06-03"


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_of_an_older_version_goes_on_while_a_writer_changes_it(tmp_path: Path, name: str) -> None:
    path, encoder = copy_old_library(name, tmp_path / "library"), BagOfWordsEncoder()
    with Library.open(path, encoder) as reader:
        assert collection(reader) == held_by_old_libraries()
        with Library.open_for_writing(path, encoder) as writer:
            add(writer)
            check_searches(reader, encoder)
            assert len(collection(reader)) == len(held_by_old_libraries()) + 1
        check_searches(reader, encoder)


@pytest.mark.parametrize("name", NAMES)
def test_a_library_of_an_older_version_on_a_read_only_medium(tmp_path: Path, name: str) -> None:
    with small_disk(tmp_path / "disk", 4_096) as disk:
        path = copy_old_library(name, disk / "library")
        make_read_only(disk)
        assert check_whole(path) == held_by_old_libraries()


# Places


def test_a_read_only_medium_is_read_and_not_written(tmp_path: Path, path: Path, news: Path) -> None:
    expected = check_whole(path)
    with small_disk(tmp_path / "disk", 4_096) as disk:
        copied = Path(shutil.copytree(path, disk / "library"))
        make_read_only(disk)
        assert check_whole(copied) == expected
        assert run("ask", "Who vetoed the resolution?", "--library", copied).exit_code == 0
        write_news(news, LATER)
        for command in (["index", news], ["articles", "remove", "0" * 16]):
            done = run(*command, "--library", copied)
            assert done.exit_code == 1
            assert "written" in done.error
            assert str(copied) in done.error


def test_a_copy_made_while_the_library_was_written_on_a_read_only_medium(tmp_path: Path, path: Path) -> None:
    """The last commits are in SQLite's log, which a medium that cannot be written does not let SQLite take up: either
    all is there, or it is said plainly."""
    with small_disk(tmp_path / "disk", 4_096) as disk:
        with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
            add(library)
            library.write_derived()
            copied = Path(shutil.copytree(path, disk / "library"))
            expected = collection(library)
        assert (copied / f"{DATABASE_PREFIX}-wal").stat().st_size
        make_read_only(disk)
        done = run("articles", "--library", copied, "--json")
        if done.exit_code:
            assert "not the database of a library" not in done.error, "there is nothing wrong with it"
        else:
            assert {origin for summary in done.documents for origin in summary["origins"]} == set(expected)


@pytest.mark.parametrize("is_open", [False, True])
def test_a_copied_library_is_a_library(tmp_path: Path, path: Path, is_open: bool) -> None:
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        add(library)
        if is_open:
            shutil.copytree(path, tmp_path / "copy")
        expected = collection(library)
    if not is_open:
        shutil.copytree(path, tmp_path / "copy")
    assert check_whole(tmp_path / "copy") == check_whole(path) == expected
    with Library.open_for_writing(tmp_path / "copy", BagOfWordsEncoder()) as library:
        add(library, "Only in the copy. markcopyq.", "/news/copy.txt")
    assert check_whole(tmp_path / "copy").items() > expected.items()
    assert check_whole(path, ["markcopyq"]) == expected


def test_a_moved_library_is_the_same(tmp_path: Path, path: Path) -> None:
    expected = check_whole(path)
    moved = path.rename(tmp_path / "elsewhere")
    assert check_whole(moved) == expected
    with Library.open(moved, BagOfWordsEncoder()) as library:
        assert all(finding.ok for finding in library.check())


# No space


def test_a_full_disk_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    changer = Changer(Random(1), tmp_path)
    texts = {f"{number:03}.txt": changer.text() for number in range(150)}
    with small_disk(tmp_path / "disk", 640) as disk:
        library = disk / "library"
        news = write_news(tmp_path / "news", dict(list(texts.items())[:20]))
        assert run("index", news, "--library", library).exit_code == 0
        held = check_whole(library)
        write_news(news, texts)
        done = run("index", news, "--library", library)
        assert done.exit_code == 1
        assert "free some space" in done.error.lower()
        found = check_whole(library)
        assert found.items() >= held.items()
        for name in texts.keys() - {Path(origin).name for origin in found}:
            (news / name).unlink()
        first = next(iter(found))
        with Library.open(library, BagOfWordsEncoder()) as opened:
            identifier = opened.origins()[first]
        # To remove takes space as well, in SQLite's log; it works or says why not.
        done = run("articles", "remove", identifier, "--library", library)
        left = check_whole(library)
        assert done.exit_code in (0, 1)
        assert left == found if first in left else left == {o: one for o, one in found.items() if o != first}
        moved = Path(shutil.copytree(library, tmp_path / "moved"))
    write_news(news, texts)
    assert run("index", news, "--library", moved).exit_code == 0
    assert len(check_whole(moved)) == len(texts)


@pytest.mark.parametrize("kilobytes", [1, 16, 48, 64, 100, 160])
def test_files_that_may_not_grow(server: ForkServer, path: Path, news: Path, kilobytes: int) -> None:
    """The limit on the size of a file stops each write at another place than a full disk does."""
    held = check_whole(path)
    write_news(news, {**LATER, "long.txt": " ".join(f"Sentence {number} is long." for number in range(900))})
    ended = server.call("test_library_places:index_with_limit", path=str(path), news=str(news), kilobytes=kilobytes)
    assert ended.code in (0, 1), ended.stderr
    assert (ended.code == 0) == (ended.stderr == "")
    if ended.code:
        assert ended.stderr.startswith("Error: ")
        assert ended.stderr.count("\n") == 1
    found = check_whole(path)
    assert found.items() >= held.items()
    assert ended.code or len(found) == len(TEXTS) + len(LATER) + 1
    assert run("index", news, "--library", path).exit_code == 0
    assert len(check_whole(path)) == len(TEXTS) + len(LATER) + 1


def index_with_limit(path: str, news: str, kilobytes: int) -> None:
    """Run by the fork server."""
    from trial_processes import run_command

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, resource.RLIM_INFINITY))
    try:
        run_command(["index", news, "--library", path], path)
    finally:
        # The server takes the output from files.
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


# Writers and readers


def test_a_second_writer_is_refused_at_once_and_changes_nothing(path: Path, news: Path) -> None:
    write_news(news, LATER)
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        before = collection(library)
        for command in (["index", news], ["articles", "remove", next(iter(library.origins().values()))]):
            done = run(*command, "--library", path)
            assert (done.exit_code, "Another process is changing" in done.error) == (1, True)
        done = run("doctor", "--repair", "--library", path)
        assert (done.exit_code, "Another process is changing" in done.stdout) == (1, True)
        with pytest.raises(LibraryBusyError):
            Library.open_for_writing(path, BagOfWordsEncoder())
        assert collection(library) == before
    assert run("index", news, "--library", path).exit_code == 0


def test_the_lock_of_a_killed_writer_holds_nobody_up(server: ForkServer, tmp_path: Path, path: Path) -> None:
    ended = server.call(
        "trial_processes:make_changes",
        path=str(path),
        changes=[{"kind": "put", "articles": [["/news/late.txt", "Late", "It was late. marklateq."]]}],
        acknowledged=str(tmp_path / "acknowledged"),
        die=True,
    )
    assert ended.was_killed
    assert (path / "writer.lock").exists()
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        assert "/news/late.txt" in library.origins()
        add(library)
    assert "/news/pilot.txt" in check_whole(path)


def test_many_readers_see_one_state_each_while_a_writer_adds_and_rebuilds(server: ForkServer, tmp_path: Path) -> None:
    path, stop = tmp_path / "library", tmp_path / "stop"
    changer = Changer(Random(5), tmp_path)

    def pair(number: int, version: int) -> dict:
        texts = [changer.text(f"zzpair{number}", f"version{version}v") for _ in "ab"]
        return {
            "kind": "put",
            "articles": [[f"/pair/{number}/{h}", "News", text] for h, text in zip("ab", texts, strict=True)],
        }

    changes = [pair(number, 0) for number in range(PAIRS)]
    for version in range(1, 5):
        changes += [pair(version, version), {"kind": "rebuild"}, pair(version + 1, version), {"kind": "reopen"}]
    with ForkServer(*MODULES) as first, ForkServer(*MODULES) as second:
        for readers in (first, second):
            readers.start("trial_processes:read_meanwhile", path=str(path), stop=str(stop))
        ended = server.call(
            "trial_processes:make_changes", path=str(path), changes=changes, acknowledged=str(tmp_path / "said")
        )
        stop.touch()
        assert ended.code == 0, ended.stderr
        for readers in (first, second):
            seen = readers.wait()
            assert seen.code == 0, seen.stderr
            assert seen.result["changes"] > 1, seen.result
    assert len(check_whole(path)) == 2 * PAIRS


def test_a_library_opened_to_read_cannot_be_changed(path: Path) -> None:
    with Library.open(path, BagOfWordsEncoder()) as library:
        with pytest.raises(LibraryWriteError, match="opened to read"):
            add(library)
        with pytest.raises(LibraryWriteError, match="opened to read"):
            library.remove_origins(list(library.origins()))
        check_database(library)
        assert library.keyword("pilot", 5, ALL) == []

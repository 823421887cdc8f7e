"""Libraries of question sets in a cache: made once, found again, never half there."""

import os
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from eval import collections
from eval.collections import KEPT_DAYS, LAST_USED_NAME, open_collection
from eval.types import EvalQuestion, QuestionSet
from index.encoder import DEFAULT_ENCODER
from index.errors import EncoderError, InputError
from index.ingest import index_paths
from index.library import Library
from index.store import DATABASE_NAME
from index.types import SearchFilter
from tests.fakes import BagOfWordsEncoder
from tests.small_library import made_article


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def articles(tmp_path):
    folder = tmp_path / "articles"
    (folder / "more").mkdir(parents=True)
    (folder / "lamp.txt").write_text("The lamp was lit in 1923 by Ann Lee.")
    (folder / "more" / "vote.txt").write_text("The vote on the harbour was put off until May.")
    return folder


def opened(cache, *paths, encoder=None, **options):
    """Opens a collection and says whether it had to be made."""
    encoder = encoder or BagOfWordsEncoder()
    library = open_collection(paths, encoder, cache=cache, **options)
    return library, bool(encoder.encoded)


def folders(cache):
    return sorted(path.name for path in cache.iterdir() if path.is_dir())


def origins(library):
    return sorted(library.origins())


def carried(*articles, sha256="5e7" * 20):
    return QuestionSet("set.json", "squad", sha256, (EvalQuestion("q", "Is it?"),), tuple(articles))


def test_articles_are_indexed_once_and_searched_from_then_on(cache, articles):
    progress = []
    library, made = opened(cache, articles, on_progress=lambda done, total: progress.append((done, total)))
    with library:
        assert made
        assert origins(library) == [str(articles / "lamp.txt"), str(articles / "more" / "vote.txt")]
        assert library.keyword("lamp", 5, SearchFilter())[0].passage.text.startswith("The lamp")
        first = library.path
    assert progress[-1] == (2, 2)
    library, made = opened(cache, articles)
    with library:
        assert not made
        assert library.path == first
        assert library.dense("vote on the harbour", 1, SearchFilter())[0].passage.text.startswith("The vote")
    assert all(finding.ok for finding in library_check(first))


def library_check(path):
    with Library.open(path, BagOfWordsEncoder()) as library:
        return library.check()


def test_the_default_encoder_is_not_loaded_to_find_a_library_again(cache, articles, monkeypatch):
    class Default(BagOfWordsEncoder):
        def __init__(self):
            super().__init__(DEFAULT_ENCODER)

    loaded = []

    def load(name):
        loaded.append(name)
        return Default()

    monkeypatch.setattr(collections, "load_encoder", load)
    with open_collection([articles], DEFAULT_ENCODER, cache=cache):
        assert loaded == [DEFAULT_ENCODER]
    with open_collection([articles], DEFAULT_ENCODER, cache=cache) as library:
        assert loaded == [DEFAULT_ENCODER]
        assert not library.has_loaded_encoder


def test_an_encoder_that_cannot_be_loaded_leaves_nothing(cache, articles, monkeypatch):
    def fail(name):
        raise EncoderError(f"The encoder {name!r} could not be loaded.")

    monkeypatch.setattr(collections, "load_encoder", fail)
    for name in (DEFAULT_ENCODER, "another"):
        with pytest.raises(EncoderError, match=name):
            open_collection([articles], name, cache=cache)
        assert not cache.exists() or folders(cache) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "lamp.txt").write_text("The lamp was lit in 1924."),
        lambda folder: (folder / "lamp.txt").rename(folder / "light.txt"),
        lambda folder: (folder / "new.txt").write_text("Another article."),
        lambda folder: (folder / "lamp.txt").unlink(),
        lambda folder: (folder / "metadata.csv").write_text("file,title\nlamp.txt,The lamp\n"),
    ],
)
def test_other_content_is_another_library(cache, articles, change):
    library, _ = opened(cache, articles)
    library.close()
    change(articles)
    library, made = opened(cache, articles)
    with library:
        assert made
        found = {Path(origin).name for origin in library.origins()}
        assert found == {path.name for path in articles.rglob("*.txt")}
    assert len(folders(cache)) == 2


def test_a_copy_elsewhere_is_another_library_because_citations_name_their_files(cache, articles, tmp_path):
    library, _ = opened(cache, articles)
    library.close()
    copy = shutil.copytree(articles, tmp_path / "copy")
    library, made = opened(cache, copy)
    with library:
        assert made
        assert origins(library)[0] == str(copy / "lamp.txt")


def test_times_of_files_are_no_content(cache, articles):
    library, _ = opened(cache, articles)
    library.close()
    os.utime(articles / "lamp.txt", (1, 1))
    library, made = opened(cache, articles)
    library.close()
    assert not made


def test_another_encoder_or_other_code_is_another_library(cache, articles, monkeypatch):
    opened(cache, articles)[0].close()
    other = BagOfWordsEncoder("other")
    library, made = opened(cache, articles, encoder=other)
    library.close()
    assert made
    same_name = BagOfWordsEncoder(dimension=64)
    library, made = opened(cache, articles, encoder=same_name)
    library.close()
    assert made
    monkeypatch.setattr(collections, "_code_sha256", lambda: "changed")
    library, made = opened(cache, articles)
    library.close()
    assert made
    assert len(folders(cache)) == 4


def test_files_that_cannot_be_read_are_named_and_the_others_go_in(cache, articles, caplog):
    (articles / "empty.txt").write_text("  ")
    (articles / "old.doc").write_text("x")
    library, _ = opened(cache, articles)
    with library:
        assert library.count_articles() == 2
    assert f"Failed: {articles / 'empty.txt'}: " in caplog.text
    assert f"Failed: {articles / 'old.doc'}: Files of the kind '.doc' are not read" in caplog.text


def test_a_record_whose_id_is_taken_is_named_and_the_first_goes_in(cache, articles, caplog):
    lines = ['{"id": "a", "text": "The lamp was lit."}', '{"id": "a", "text": "The lamp was never lit."}']
    (articles / "all.jsonl").write_text("\n".join(lines))
    library, _ = opened(cache, articles)
    with library:
        assert library.count_articles() == 3
    assert "already has the id 'a'" in caplog.text


def test_where_there_is_no_article_it_is_said(cache, tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match=r"There are no articles in '.*none'"):
        opened(cache, tmp_path / "none")
    with pytest.raises(InputError, match=r"There are no articles in '.*gone'\. .*no such file or folder"):
        opened(cache, tmp_path / "gone")
    (tmp_path / "none" / "empty.txt").write_text(" ")
    with pytest.raises(InputError, match=r"No article in '.*none' could be read"):
        opened(cache, tmp_path / "none")
    assert folders(cache) == []


def test_articles_that_a_set_carries_go_in_under_all_their_origins(cache):
    one = replace(made_article("The lamp was lit in 1923.", "lamp"), origins=("/sets/a.json#1", "/sets/a.json#7"))
    two = made_article("The vote was put off.", "vote", title="Vote")
    progress = []
    with open_collection(
        carried(one, two),
        BagOfWordsEncoder(),
        cache=cache,
        on_progress=lambda done, total: progress.append((done, total)),
    ) as library:
        assert origins(library) == ["/news/vote.txt", "/sets/a.json#1", "/sets/a.json#7"]
        assert library.article(one.article_id).origins == one.origins
        assert library.article(two.article_id) == two
    assert progress == [(2, 2)]
    encoder = BagOfWordsEncoder()
    open_collection(carried(one, two), encoder, cache=cache).close()
    assert encoder.encoded == []
    moved = replace(one, origins=("/elsewhere/a.json#1",))
    for other in (carried(moved, two), carried(one, two, sha256="0" * 60)):
        encoder = BagOfWordsEncoder()
        open_collection(other, encoder, cache=cache).close()
        assert encoder.encoded != []


def test_many_articles_of_a_set_go_in_in_batches(cache, monkeypatch):
    monkeypatch.setattr(collections, "BATCH_CHARACTERS", 100)
    articles = [made_article(f"Article {number} tells of lamp {number}." * 2, str(number)) for number in range(9)]
    progress = []
    with open_collection(
        carried(*articles), BagOfWordsEncoder(), cache=cache, on_progress=lambda done, total: progress.append(done)
    ) as library:
        assert [summary.article_id for summary in library.articles()] == [article.article_id for article in articles]
    assert len(progress) > 2
    assert progress == sorted(progress)
    assert progress[-1] == 9


def test_a_set_without_articles_says_what_to_do(cache):
    with pytest.raises(InputError, match=r"'set\.json' carries no articles; name some with --articles"):
        open_collection(carried(), BagOfWordsEncoder(), cache=cache)


def test_a_build_that_is_interrupted_leaves_nothing_half(cache, articles):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened(cache, articles, on_progress=interrupt)
    assert folders(cache) == []
    library, made = opened(cache, articles)
    with library:
        assert made
        assert library.count_articles() == 2


def test_what_a_killed_process_left_is_cleared_away(cache, articles, tmp_path):
    opened(cache, articles)[0].close()
    (name,) = folders(cache)
    # As after kill -9: the same library half made, and another one.
    (cache / name).rename(cache / f"{name}.unfinished")
    other = cache / f"{'0' * 32}.unfinished"
    other.mkdir()
    (other / DATABASE_NAME).write_text("half")
    library, made = opened(cache, articles)
    with library:
        assert made
        assert library.count_articles() == 2
    assert folders(cache) == [name]


@pytest.mark.parametrize("name", [DATABASE_NAME, "vectors-*"])
def test_a_damaged_library_is_made_again(cache, articles, caplog, name):
    opened(cache, articles)[0].close()
    (folder,) = folders(cache)
    (damaged,) = (cache / folder).glob(name)
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    library, made = opened(cache, articles)
    with library:
        assert made
        assert library.count_articles() == 2
    assert "made again" in caplog.text
    library, made = opened(cache, articles)
    library.close()
    assert not made


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "lamp.txt").write_text("The lamp was never lit."),
        lambda folder: (folder / "lamp.txt").unlink(),
        lambda folder: (folder / "new.txt").write_text("Another article."),
    ],
)
def test_articles_that_change_while_they_are_read_are_not_kept_under_a_wrong_name(cache, articles, monkeypatch, change):
    def change_and_index(*arguments, **options):
        change(articles)
        return index_paths(*arguments, **options)

    monkeypatch.setattr(collections, "index_paths", change_and_index)
    with pytest.raises(InputError, match="changed while they were read"):
        opened(cache, articles)
    assert folders(cache) == []


def test_libraries_that_nobody_uses_go_when_another_is_made(cache, articles):
    opened(cache, articles)[0].close()
    (old,) = folders(cache)
    long_ago = time.time() - (KEPT_DAYS + 1) * 86_400
    os.utime(cache / old / LAST_USED_NAME, (long_ago, long_ago))
    (cache / "notes").mkdir()
    os.utime(cache / "notes", (long_ago, long_ago))
    (articles / "new.txt").write_text("Another article.")
    opened(cache, articles)[0].close()
    assert old not in folders(cache)
    assert "notes" in folders(cache)
    assert len(folders(cache)) == 2


def test_a_library_that_is_used_is_kept(cache, articles):
    opened(cache, articles)[0].close()
    (name,) = folders(cache)
    long_ago = time.time() - (KEPT_DAYS + 1) * 86_400
    os.utime(cache / name / LAST_USED_NAME, (long_ago, long_ago))
    opened(cache, articles)[0].close()
    assert (cache / name / LAST_USED_NAME).stat().st_mtime > long_ago + 86_400
    (articles / "new.txt").write_text("Another article.")
    opened(cache, articles)[0].close()
    assert name in folders(cache)


def test_a_library_that_is_being_made_is_waited_for(cache, articles, caplog):
    begun, may_end = threading.Event(), threading.Event()

    def wait(done, total):
        begun.set()
        may_end.wait(20)

    results = []

    def make():
        library, made = opened(cache, articles, on_progress=wait)
        library.close()
        results.append(made)

    thread = threading.Thread(target=make)
    thread.start()
    assert begun.wait(20)
    threading.Timer(0.3, may_end.set).start()
    library, made = opened(cache, articles)
    library.close()
    thread.join()
    assert (made, results) == (False, [True])
    assert "waiting for it" in caplog.text


def test_a_cache_that_cannot_be_written_is_said(tmp_path, articles):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"The cache of indexed articles '.*file' cannot be used"):
        opened(tmp_path / "file", articles)


def test_a_library_that_another_command_changed_is_made_again(cache, articles, tmp_path, caplog):
    library, _ = opened(cache, articles)
    before, path = origins(library), library.path
    library.close()
    (tmp_path / "strange.txt").write_text("Nobody named this article.")
    with Library.open_for_writing(path, BagOfWordsEncoder()) as changed:
        index_paths(changed, [str(tmp_path / "strange.txt")])
    library, made = opened(cache, articles)
    with library:
        assert made
        assert origins(library) == before
    assert "another command has changed it" in caplog.text


def test_files_that_cannot_be_read_are_named_every_time(cache, articles, caplog):
    (articles / "broken.pdf").write_bytes(b"no PDF")
    for expected in (True, False):
        caplog.clear()
        library, made = opened(cache, articles)
        library.close()
        assert made is expected
        assert "broken.pdf" in caplog.text

"""`dateline index` and `dateline articles`: what they change, print and refuse."""

import errno
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import copy_seeds, run
from fakes import BagOfWordsEncoder

from index.dates import format_published

LISTED = ["article_id", "title", "source", "published", "url", "origins", "sha256", "characters", "passages"]


@pytest.fixture
def seeds(tmp_path):
    return copy_seeds(tmp_path / "seeds")


@pytest.fixture
def library(tmp_path):
    return tmp_path / "library"


@pytest.fixture
def indexed(seeds, library):
    assert run("index", seeds, "--library", library).exit_code == 0
    return library


def listed(library):
    return run("articles", "--json", "--library", library).documents


def test_index_counts_what_it_did(seeds, library):
    first = run("index", seeds, "--library", library)
    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout == "5 added, 0 updated, 0 unchanged, 0 removed, 0 failed\n"
    paths = sorted(seeds.iterdir())
    paths[0].write_text("Corrected: nothing of it was true, the ministry said on Friday.", "utf-8")
    paths[1].unlink()
    again = run("index", seeds, "--library", library, "--json")
    assert again.document == {"added": 0, "updated": 1, "unchanged": 3, "removed": 0, "failed": 0, "failures": []}
    assert len(listed(library)) == 5
    pruned = run("--library", library, "index", seeds, "--prune")
    assert pruned.stdout == "0 added, 0 updated, 4 unchanged, 1 removed, 0 failed\n"
    assert len(listed(library)) == 4


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.txt", None),
        ("empty.txt", b""),
        ("blank.txt", b" \n\n "),
        ("binary.txt", bytes(range(256)) * 8),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(64)),
    ],
)
def test_what_cannot_be_indexed_is_named_and_the_rest_goes_in(seeds, library, tmp_path, name, content):
    bad = tmp_path / name
    if content is not None:
        bad.write_bytes(content)
    done = run("index", bad, seeds, "--library", library)
    assert done.exit_code == 1
    assert done.stdout == "5 added, 0 updated, 0 unchanged, 0 removed, 1 failed\n"
    assert done.stderr.startswith(f"Failed: {bad}: ")
    assert done.stderr.count("\n") == 1
    assert len(listed(library)) == 5
    report = run("index", bad, seeds, "--library", library, "--json")
    assert (report.document["failed"], report.document["unchanged"]) == (1, 5)
    (failure,) = report.document["failures"]
    assert failure["origin"] == str(bad)
    assert failure["reason"]


def test_a_file_that_may_not_be_read(seeds, library, monkeypatch):
    """Permissions do not stop the administrator, whom tests may run as, so the refusal is the system's words here."""
    locked = sorted(seeds.iterdir())[2]
    open_file = os.open

    def refusing(file, *arguments, **options):
        if file == locked:
            raise PermissionError(errno.EACCES, "Permission denied", str(locked))
        return open_file(file, *arguments, **options)

    monkeypatch.setattr(os, "open", refusing)
    done = run("index", seeds, "--library", library)
    assert done.exit_code == 1
    assert done.stdout == "4 added, 0 updated, 0 unchanged, 0 removed, 1 failed\n"
    assert done.stderr.startswith(f"Failed: {locked}: ")
    assert done.stderr.count("\n") == 1


def test_index_with_another_encoder_is_refused_and_nothing_is_lost(seeds, indexed):
    before = listed(indexed)
    done = run("index", seeds, "--library", indexed, encoder=BagOfWordsEncoder("other-encoder"))
    assert done.exit_code == 1
    assert "other-encoder" in done.error
    assert listed(indexed) == before


def test_wrong_usage(library, seeds):
    for arguments in (["index"], ["index", "--no-such-option", seeds], ["articles", "burn"], ["articles", "show"]):
        done = run(*arguments, "--library", library)
        assert done.exit_code == 2
        assert done.stdout == ""
    assert not library.exists()


def test_interrupted_index_keeps_what_was_finished(seeds, library, monkeypatch):
    class Interrupted(BagOfWordsEncoder):
        """Stands for Ctrl-C at the second batch."""

        batches = 0

        def encode(self, texts):
            Interrupted.batches += 1
            if Interrupted.batches == 2:
                raise KeyboardInterrupt
            return super().encode(texts)

    monkeypatch.setattr("index.ingest.BATCH_CHARACTERS", 1)
    done = run("index", seeds, "--library", library, encoder=Interrupted())
    assert done.exit_code == 130
    assert done.stderr == "Interrupted. What was finished is kept; run the same command again to go on.\n"
    assert 1 <= len(listed(library)) < 5
    again = run("index", seeds, "--library", library)
    assert (again.exit_code, len(listed(library))) == (0, 5)


def test_ctrl_c_while_indexing(seeds, library):
    code = """
import sys, time
sys.path.insert(0, sys.argv.pop(1))
from fakes import BagOfWordsEncoder
from ui.cli import dateline
from ui.options import Parts

class Slow(BagOfWordsEncoder):
    waited = False
    def encode(self, texts):
        if not Slow.waited:
            Slow.waited = True
            print("encoding", flush=True)
            time.sleep(60)
        return super().encode(texts)

dateline.main(prog_name="dateline", obj=Parts(encoder=Slow()))
"""
    command = [sys.executable, "-c", code, str(Path(__file__).parent), "index", str(seeds), "--library", str(library)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "encoding\n"
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stdout == ""
    assert stderr == "Interrupted. What was finished is kept; run the same command again to go on.\n"
    assert run("index", seeds, "--library", library).exit_code == 0
    assert len(listed(library)) == 5


def test_articles_lists_by_default(indexed):
    text = run("articles", "--library", indexed)
    assert run("articles", "list", "--library", indexed).stdout == text.stdout
    documents = listed(indexed)
    assert documents == run("--library", indexed, "articles", "list", "--json").documents
    assert documents == run("articles", "--json", "--library", indexed, "list").documents
    assert all(list(document) == LISTED for document in documents)
    lines = text.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [document["article_id"] for document in documents]
    for line, document in zip(lines, documents, strict=True):
        assert document["published"] is None or format_published(document["published"]) in line


def test_show_prints_the_stored_text_exactly(indexed):
    for document in listed(indexed):
        shown = run("articles", "show", document["article_id"], "--text", "--library", indexed)
        text = shown.stdout_bytes.decode("utf-8")
        assert len(text) == document["characters"]
        stored = run("articles", "show", document["article_id"], "--json", "--library", indexed).document
        assert stored["text"] == text
        assert {name: stored[name] for name in LISTED} == document
        described = run("articles", "show", document["article_id"], "--library", indexed).stdout
        assert f"ID: {document['article_id']}" in described
        assert text.split("\n")[0] in described


def test_show_neutralises_for_a_terminal_only(tmp_path, library):
    hostile = tmp_path / "hostile.txt"
    harmless = "The board met for the first time this year. " * 20
    hostile.write_text(f"Notice\n\nThe \x1b[2J board met and \u202edecided\u202c nothing at all. {harmless}", "utf-8")
    assert run("index", hostile, "--library", library).exit_code == 0
    (document,) = listed(library)
    arguments = ["articles", "show", document["article_id"], "--library", str(library)]
    assert "\x1b[2J" in run(*arguments, "--text").stdout
    assert "\x1b" not in run(*arguments).stdout
    assert "\\x1b[2J" in run(*arguments).stdout
    main_side, terminal_side = pty.openpty()
    command = [sys.executable, "-c", "from ui.cli import main; main()", *arguments, "--text"]
    with os.fdopen(main_side, "rb", buffering=0) as terminal:
        done = subprocess.run(command, stdout=terminal_side, stderr=subprocess.PIPE, timeout=60, check=False)
        os.close(terminal_side)
        assert (done.returncode, done.stderr) == (0, b"")
        seen = terminal.read(65536)
    assert b"\x1b" not in seen
    assert b"\\x1b[2J" in seen
    assert b"\\u202e" in seen


def test_text_and_json_exclude_each_other(indexed):
    assert run("articles", "show", "x", "--text", "--json", "--library", indexed).exit_code == 2


def test_remove(indexed):
    documents = listed(indexed)
    wrong = run("articles", "remove", documents[0]["article_id"], "0123456789abcdef", "--library", indexed)
    assert wrong.exit_code == 1
    assert "0123456789abcdef" in wrong.error
    assert listed(indexed) == documents
    done = run("articles", "remove", documents[0]["article_id"], documents[1]["article_id"], "--library", indexed)
    assert (done.exit_code, done.stdout) == (0, "2 removed\n")
    assert listed(indexed) == documents[2:]
    last = run("articles", "remove", documents[2]["article_id"], "--json", "--library", indexed)
    assert last.document == {"removed": 1}


def test_an_unknown_article_and_an_absent_library_are_one_line_each(indexed, tmp_path):
    assert "'nothing'" in run("articles", "show", "nothing", "--library", indexed).error
    absent = tmp_path / "absent"
    for arguments in (["articles"], ["articles", "show", "x"], ["articles", "remove", "x"]):
        done = run(*arguments, "--library", absent)
        assert done.exit_code == 1
        assert str(absent) in done.error
    assert not absent.exists()


def test_an_empty_library_is_said_to_be_empty(indexed):
    assert run("articles", "remove", *[d["article_id"] for d in listed(indexed)], "--library", indexed).exit_code == 0
    done = run("articles", "--library", indexed)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no articles" in done.stderr

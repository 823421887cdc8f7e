"""The process that reads files: whatever becomes of it, one file is lost and the others are read."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from documents import SENTENCE, docx, pdf
from reading import read_here

import index.reading_process
from index.errors import ReaderStartError, UnreadableOriginError
from index.readers import Record, find_records
from index.reading import read_records
from index.reading_limits import Limits
from index.reading_process import ReadingProcess, Request
from index.types import Article, Failure

ROOT = Path(__file__).parent.parent

CRASHING = """
import sys, json
sys.path[:] = json.loads(sys.argv[1])
import os, signal, time
from index import parsing, reading_child

read_format = parsing.read_format
def hostile(raw, *more):
    for word, act in {
        b"SEGFAULT": lambda: os.kill(os.getpid(), signal.SIGSEGV),
        b"KILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
        b"EXIT": lambda: os._exit(3),
        b"HANG": lambda: time.sleep(1000),
        b"SPIN": spin,
        b"EAT": lambda: bytearray(2**40),
        b"DEEP": deep,
        b"WRITE": lambda: open(os.environ.get("TMPDIR", "/tmp") + "/written-by-a-file", "wb").write(b"x" * 10**6),
        b"ODD": lambda: 1 / 0,
        b"PRINT": lambda: (print("x" * 100_000), os.write(1, b"y" * 100_000), os.write(2, b"z" * 100_000)),
        b"CHATTER": lambda: os.write(outgoing(), bytes(100)),
    }.items():
        if raw.startswith(word):
            act()
    return read_format(raw, *more)

def spin():
    while True:
        pass

def deep():
    deep()

def outgoing():
    return max(int(name) for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name))

parsing.read_format = hostile
reading_child.main()
"""
"""The process, but with a reader of formats that a file can tell what to do to it."""


@pytest.fixture
def hostile(monkeypatch):
    monkeypatch.setattr(index.reading_process, "_PROGRAM", CRASHING)


def records(*paths: Path) -> list[Record]:
    found = list(find_records([str(path) for path in paths]))
    assert all(isinstance(item, Record) for item in found)
    return [item for item in found if isinstance(item, Record)]


def outcomes(folder: Path, limits: Limits | None = None) -> dict[str, Article | str]:
    """Name of each file in a folder with its article, or with why it cannot be read."""
    with ReadingProcess(limits) as process:
        return {
            Path(record.origin).name: found.reason if isinstance(found, Failure) else found
            for record, found in read_records(records(folder), process)
        }


def test_articles_come_in_order_and_as_if_they_were_read_here(tmp_path):
    for number in range(200):
        (tmp_path / f"{number:03}.txt").write_text(f"Article {number}\n\n{SENTENCE * (number % 7 + 1)}", "utf-8")
    (tmp_path / "a.pdf").write_bytes(pdf([SENTENCE], "A title"))
    (tmp_path / "b.docx").write_bytes(docx(title="Another title"))
    (tmp_path / "metadata.csv").write_text("file,source\n007.txt,TASS\n", "utf-8")
    found = records(tmp_path)
    assert list(read_records(found)) == [(record, read_here(record)) for record in found]
    assert [record for record, _ in read_records(iter(found))] == found
    assert list(read_records([])) == []


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("SEGFAULT", "Reading it crashes the program that reads it; save its text as .txt."),
        ("EXIT", "Reading it crashes the program that reads it; save its text as .txt."),
        ("CHATTER", "Reading it crashes the program that reads it; save its text as .txt."),
        (
            "KILL",
            "The process that read it was killed, perhaps because the memory ran out; save its text as .txt.",
        ),
        ("HANG", "Reading it takes longer than 1 s; split it, or save its text as .txt."),
        ("SPIN", "Reading it takes longer than 1 s; split it, or save its text as .txt."),
        ("EAT", "Reading it takes more than 2,048 MB of memory; split it, or save its text as .txt."),
        ("DEEP", "Reading it takes deeper nesting than any article has; split it, or save its text as .txt."),
        ("ODD", "It cannot be read (ZeroDivisionError); it is damaged, or not what its name says."),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the words are about limits that not every system has")
def test_what_a_file_does_to_the_process_is_one_failure(tmp_path, hostile, word, reason):
    for name, text in (("a", SENTENCE), ("b", word), ("c", word), ("d", SENTENCE * 2), ("e", SENTENCE * 3)):
        (tmp_path / f"{name}.txt").write_text(text, "utf-8")
    found = outcomes(tmp_path, Limits(seconds=1.0))
    assert [found["b.txt"], found["c.txt"]] == [reason, reason]
    assert [found[f"{name}.txt"].text for name in "ade"] == [SENTENCE, SENTENCE * 2, SENTENCE * 3]


def test_what_a_library_prints_goes_nowhere(tmp_path, hostile, capfd):
    (tmp_path / "a.txt").write_text("PRINT", "utf-8")
    assert outcomes(tmp_path)["a.txt"].text == "PRINT"
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="there is no such limit")
def test_the_process_writes_no_file(tmp_path, hostile, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "out"))
    (tmp_path / "out").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("WRITE", "utf-8")
    assert outcomes(tmp_path / "in")["a.txt"] == "It cannot be read: File too large."
    assert (tmp_path / "out" / "written-by-a-file").read_bytes() == b""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the address space")
def test_memory_is_limited(tmp_path):
    (tmp_path / "a.txt").write_text("ж" + "a" * 20_000_000, "utf-8")
    (tmp_path / "b.txt").write_text(SENTENCE, "utf-8")
    found = outcomes(tmp_path, Limits(memory_bytes=120 * 2**20))
    assert found["a.txt"] == "Reading it takes more than 120 MB of memory; split it, or save its text as .txt."
    assert found["b.txt"].text == SENTENCE


def test_a_page_that_takes_for_ever(tmp_path):
    operators = b"BT /F1 12 Tf " + b"(x) Tj T* " * 2_000_000 + b"ET"
    plain = pdf([SENTENCE])
    (tmp_path / "a.pdf").write_bytes(plain.replace(b"BT /F1 12 Tf 14 TL", operators))
    (tmp_path / "b.pdf").write_bytes(plain)
    found = outcomes(tmp_path, Limits(seconds=1.0))
    assert found["a.pdf"] == "Reading it takes longer than 1 s; split it, or save its text as .txt."
    assert SENTENCE in found["b.pdf"].text


def test_the_text_that_comes_out_is_limited(tmp_path):
    (tmp_path / "a.txt").write_text("x" * 101, "utf-8")
    (tmp_path / "b.txt").write_text("x" * 100, "utf-8")
    found = outcomes(tmp_path, Limits(characters=100))
    assert found["a.txt"] == "Its text is longer than 100 characters; split it into articles."
    assert found["b.txt"].text == "x" * 100


def test_no_more_is_read_ahead_than_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(index.reading_process, "AHEAD_BYTES", 25_000)
    for number in range(20):
        (tmp_path / f"{number:02}.txt").write_text(f"{number:02}" + "x" * 9_998, "utf-8")
    found = records(tmp_path)
    with ReadingProcess() as process:
        for record in found:
            process.ask(record.request)
        with process._changed:
            assert process._changed.wait_for(lambda: len(process._answers) == 3, timeout=60)
        texts = [b"".join(frame.body for frame in process.answer()) for _ in found]
        assert process._answer_bytes == 0
    assert [text[:2] for text in texts] == [b"%02d" % number for number in range(20)]


def test_a_file_that_changes_before_it_is_read(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(SENTENCE, "utf-8")
    found = records(path)
    path.write_text(SENTENCE * 2, "utf-8")
    [(_, failure)] = read_records(found)
    assert failure == Failure(str(path), "The file changed while it was read; run the command again.")
    path.unlink()
    [(_, failure)] = read_records(found)
    assert failure == Failure(str(path), "There is no such file or folder; check the path.")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_file_that_becomes_a_pipe(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(SENTENCE, "utf-8")
    found = records(path)
    path.unlink()
    os.mkfifo(path)
    [(_, failure)] = read_records(found)
    assert isinstance(failure, Failure)
    assert failure.reason.startswith("It is no regular file")


def test_a_process_that_does_not_start(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text(SENTENCE, "utf-8")
    found = records(tmp_path)
    monkeypatch.setattr(index.reading_process, "_PROGRAM", "raise ImportError('no such module')")
    with pytest.raises(ReaderStartError, match=r"does not start \(ImportError: no such module\)"):
        list(read_records(found))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with pytest.raises(ReaderStartError, match="does not start"):
        list(read_records(found))


def test_no_module_is_taken_from_the_folder_that_is_read(tmp_path, monkeypatch):
    for name in ("json.py", "lxml.py", "index.py", "trafilatura.py", "sitecustomize.py"):
        (tmp_path / name).write_text("import os\nos._exit(9)\n", "utf-8")
    (tmp_path / "a.html").write_text(f"<html><body><p>{SENTENCE}</p></body></html>", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert SENTENCE in outcomes(tmp_path)["a.html"].text


def test_nothing_is_started_where_nothing_is_read(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text(SENTENCE, "utf-8")

    def start(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", start)
    assert len(records(tmp_path)) == 1
    assert list(read_records([])) == []


def test_nothing_is_left_of_it(tmp_path):
    for number in range(10):
        (tmp_path / f"{number}.txt").write_text(SENTENCE, "utf-8")
    reading = read_records(records(tmp_path))
    next(reading)
    reading.close()
    assert len(list(read_records(records(tmp_path)))) == 10
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system cannot wait for the process of another")
@pytest.mark.parametrize("word", ["HANG", "SPIN"])
def test_it_ends_with_the_one_that_asked_however_that_ends(tmp_path, word):
    (tmp_path / "a.txt").write_text(word, "utf-8")
    program = f"""
import sys, threading
import index.reading_process as process
process._PROGRAM = {CRASHING!r}
from index.readers import find_records
from index.reading import read_records
start = process.ReadingProcess._start
def told(self):
    child = start(self)
    print(child.pid, flush=True)
    return child
process.ReadingProcess._start = told
list(read_records(find_records(sys.argv[1:])))
"""
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    ended, _, _ = select.select([child], [], [], 30)
    os.close(child)
    assert ended


def test_a_fault_of_the_thread_is_seen_by_whoever_waits(tmp_path):
    def lost() -> bytes:
        raise OSError(5, "Input/output error")

    with ReadingProcess() as process:
        process.ask(Request({"do": "read entry"}, lost))
        with pytest.raises(UnreadableOriginError, match="What was fetched is lost: Input/output error"):
            list(process.answer())
        process.ask(Request({"do": "read entry", "odd": object()}))
        with pytest.raises(TypeError):
            list(process.answer())

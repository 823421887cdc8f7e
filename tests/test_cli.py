"""The command line as a whole: errors become one line and an exit code, and each command is given its settings."""

import errno
import json
import logging
import os
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from command_line import copy_seeds, run

from index.errors import DatelineError
from ui.cli import SafeFormatter, dateline
from ui.settings import DEFAULT_K
from ui.state_folder import default_state_folder


@pytest.fixture
def failing():
    """Adds a command `fail` that raises the error that is put into the list."""
    errors = []

    @click.command()
    def fail():
        raise errors[0]

    dateline.add_command(fail, "fail")
    yield errors
    del dateline.commands["fail"]


def all_errors(kind=DatelineError):
    yield kind
    for child in kind.__subclasses__():
        yield from all_errors(child)


@pytest.mark.parametrize("kind", list(all_errors()), ids=lambda kind: kind.__name__)
def test_every_error_of_ours_is_one_line_and_exit_code_1(failing, kind):
    failing.append(kind("The file 'a\x1b[2J'\n is missing."))
    done = run("fail")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: The file 'a\\x1b[2J' is missing.\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/disk/library"),
            "Error: No space is left on the disk '/disk/library'. Free some space and run the same command again.\n",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "Error: No space is left on the disk. Free some space and run the same command again.\n",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "/etc/x"), "Error: Permission denied: '/etc/x'\n"),
        (OSError("something odd"), "Error: something odd\n"),
    ],
)
def test_errors_of_the_system_are_one_line(failing, error, line):
    failing.append(error)
    done = run("fail")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", line)


def test_a_programming_error_is_not_hidden(failing):
    failing.append(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        run("fail")


def test_interrupted(failing):
    failing.append(KeyboardInterrupt())
    done = run("fail")
    assert (done.exit_code, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


def test_version_and_help():
    assert run("--version").stdout == f"dateline {version('dateline')}\n"
    for arguments in (["--help"], ["-h"], ["articles", "show", "-h"]):
        done = run(*arguments)
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout.startswith("Usage: ")


def test_the_commands_are_those_of_the_contract():
    assert set(dateline.commands) == {"index", "articles", "search", "ask", "serve", "eval", "verify", "doctor"} | {
        "password"
    }
    assert set(dateline.commands["articles"].commands) == {"list", "show", "remove"}
    assert run("nonsense").exit_code == 2


def test_every_command_but_groups_of_verbs_takes_the_library():
    def commands(group, path=()):
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                yield from commands(command, (*path, name))
            else:
                yield " ".join((*path, name)), {option for parameter in command.params for option in parameter.opts}

    found = dict(commands(dateline))
    assert all("--library" in options for options in found.values()), found
    assert {name for name, options in found.items() if "--json" not in options} == {"serve", "password"}


@pytest.fixture
def library(tmp_path):
    folder = copy_seeds(tmp_path / "seeds")
    assert run("index", folder, "--library", tmp_path / "library").exit_code == 0
    return tmp_path / "library"


def dateline_process(*arguments, **options):
    command = [sys.executable, "-c", "from ui.cli import main; main()", *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **options)


def test_a_reader_that_stops_reading_ends_the_run_quietly(library):
    reading, writing = os.pipe()
    os.close(reading)
    with (
        os.fdopen(writing, "wb") as closed,
        dateline_process("articles", "--library", library, stdout=closed) as process,
    ):
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (1, b"")


def test_output_is_utf8_whatever_the_locale(library):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    (article, *_) = run("articles", "--json", "--library", library).documents
    arguments = ("articles", "--json", "--library", library)
    with dateline_process(*arguments, stdout=subprocess.PIPE, env=environment) as process:
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, b"")
    assert json.loads(stdout.decode("utf-8").split("\n")[0]) == article


def test_serve_is_given_its_settings(library, monkeypatch, tmp_path):
    served = []
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("ui.web.run_server", lambda path, **settings: served.append((path, settings)))
    people = tmp_path / "people"
    people.write_text("", "utf-8")
    monkeypatch.setenv("DATELINE_PORT", "8080")
    assert run("serve", "--library", library).exit_code == 0
    options = [
        "--host",
        "0.0.0.0",
        "--port",
        "0",
        "--auth-file",
        people,
        "--allow-host",
        "news.example",
        "--read-only",
        "--state",
        tmp_path / "state",
        "-m",
        "ollama:x",
        "-k",
        "3",
        "--reranker",
        "x",
        "--reader",
        "w",
        "--checker",
        "y",
        "--offer",
        "openai:a",
        "--offer",
        "hf:my folder, ollama:y",
    ]
    assert run("serve", *options, "--library", library).exit_code == 0
    assert served == [
        (
            library,
            {
                "host": "127.0.0.1",
                "port": 8080,
                "further_hosts": (),
                "auth_file": None,
                "read_only": False,
                "state": default_state_folder(library),
                "model": "extractive",
                "offered": (),
                "k": DEFAULT_K,
                "reranker": None,
                "reader": "none",
                "checker": None,
            },
        ),
        (
            library,
            {
                "host": "0.0.0.0",
                "port": 0,
                "further_hosts": ("news.example",),
                "auth_file": people,
                "read_only": True,
                "state": tmp_path / "state",
                "model": "ollama:x",
                "offered": ("openai:a", "hf:my folder", "ollama:y"),
                "k": 3,
                "reranker": "x",
                "reader": "w",
                "checker": "y",
            },
        ),
    ]
    for wrong in (["--port", "70000"], ["--port", "web"], ["--auth-file", tmp_path / "none"]):
        assert run("serve", *wrong, "--library", library).exit_code == 2
    assert len(served) == 2
    config = tmp_path / "config.toml"
    config.write_text('offer = "openai:a, openai:b ollama:c"', "utf-8")
    monkeypatch.setenv("DATELINE_CONFIG", str(config))
    assert run("serve", "--library", library).exit_code == 0
    monkeypatch.setenv("DATELINE_OFFER", "ollama:d ollama:e,ollama:f")
    assert run("serve", "--library", library).exit_code == 0
    assert [settings["offered"] for _, settings in served[2:]] == [
        ("openai:a", "openai:b", "ollama:c"),
        ("ollama:d", "ollama:e", "ollama:f"),
    ]


def test_serve_keeps_conversations_in_memory_where_nothing_can_be_written(library, monkeypatch, tmp_path):
    served = []
    monkeypatch.setattr("ui.web.run_server", lambda path, **settings: served.append(settings["state"]))
    (tmp_path / "home").write_text("a file where a folder is wanted")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    result = run("serve", "--library", library)
    assert (result.exit_code, served) == (0, [None])
    assert "are kept until the server stops only" in result.stderr
    assert "--state" in result.stderr


def test_evaluation_prints_figures_and_writes_results_that_verify_reads(library, tmp_path):
    questions = Path(__file__).resolve().parent.parent / "seeds" / "questions.jsonl"
    few = tmp_path / "few.jsonl"
    few.write_text("".join(questions.read_text("utf-8").splitlines(keepends=True)[:3]), "utf-8")
    out = tmp_path / "out"
    done = run("eval", "run", few, "--out", out, "--json", "--library", library)
    assert done.exit_code == 0, done.stderr
    assert done.document["n"] == 3
    assert {"retrieval", "answers", "citations", "refusals", "by_type", "timings_ms"} <= set(done.document)
    results = (out / "results.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["id"] for line in results] == ["seed-001", "seed-002", "seed-003"]
    checked = run("verify", out / "results.jsonl", "--json", "--library", library)
    assert checked.exit_code == 0
    assert [found["verdict"] for found in checked.documents] == ["unchanged"] * len(checked.documents)
    text = run("eval", "run", few, "--library", library)
    assert (text.exit_code, text.stdout.split("\n")[0].startswith(f"{few}: 3 questions")) == (0, True)


def test_a_wrong_question_set_is_one_line(library, tmp_path):
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text('{"id": "a"}\n', "utf-8")
    done = run("eval", "run", wrong, "--library", library)
    assert (done.exit_code, done.stdout) == (1, "")
    assert str(wrong) in done.error
    assert run("eval", "run", tmp_path / "none.jsonl", "--library", library).exit_code == 2


def test_a_model_that_cannot_be_reached_is_said_and_the_question_answered(library, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{port}/v1")
    question = "What did Safronkov say about the logic of confrontation?"
    done = run("ask", question, "-m", "openai:absent", "--json", "--library", library)
    assert done.exit_code == 0
    assert done.document["model"] == "extractive"
    assert "OPENAI_BASE_URL" in done.document["notices"][0]
    assert done.stderr == f"{done.document['notices'][0]}\n"


def test_log_lines_cannot_reach_the_terminal_either():
    record = logging.LogRecord("dateline", logging.WARNING, "f", 1, "The server said %r and %s", ("a", "\x1b[2J"), None)
    assert SafeFormatter().format(record) == "The server said 'a' and \\x1b[2J"

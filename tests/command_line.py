"""Runs the command line inside the test's process, with the bag-of-words encoder in place of a loaded one."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner
from fakes import BagOfWordsEncoder

from ui.cli import dateline
from ui.options import Parts

SEEDS = Path(__file__).resolve().parent.parent / "seeds"


@dataclass(frozen=True)
class Done:
    """What a run of a command left: the exit code and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str
    stdout_bytes: bytes

    @property
    def documents(self):
        """The JSON documents on standard output, one a line."""
        return [json.loads(line) for line in self.stdout.split("\n") if line]

    @property
    def document(self):
        """The only JSON document on standard output."""
        (document,) = self.documents
        return document

    @property
    def error(self):
        """The one line of an error."""
        assert self.stderr.startswith("Error: "), self.stderr
        assert self.stderr.count("\n") == 1, self.stderr
        return self.stderr


def run(*arguments, stdin=None, encoder=None, generator=None, reranker=None, checker=None):
    """Runs `dateline` with these arguments. An exception that the command line lets through fails the test."""
    parts = Parts(encoder=encoder or BagOfWordsEncoder(), generator=generator, reranker=reranker, checker=checker)
    result = CliRunner().invoke(
        dateline, [str(argument) for argument in arguments], input=stdin, obj=parts, catch_exceptions=False
    )
    return Done(result.exit_code, result.stdout, result.stderr, result.stdout_bytes)


def copy_seeds(folder):
    """Copies the articles of the sample collection, without its questions, into a new folder."""
    folder.mkdir()
    for path in sorted(SEEDS.glob("*.txt")):
        shutil.copy(path, folder)
    return folder

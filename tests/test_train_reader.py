"""The reader's training, by its command: it logs, keeps checkpoints, goes on from them, and starts from what ships."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_reader_examples import data  # noqa: F401, a fixture

ROOT = Path(__file__).parents[1]
PARAGRAPH = "The mill of Ald was sold in 1950. It has a wheel."


def squad(questions: list[tuple[str, str]]) -> dict:
    asked = [
        {"id": str(n), "question": question, "answers": [{"text": answer, "answer_start": 0}] if answer else []}
        for n, (question, answer) in enumerate(questions)
    ]
    return {"data": [{"title": "Ald", "paragraphs": [{"context": PARAGRAPH, "qas": asked}]}]}


def train(*arguments: str) -> str:
    command = [sys.executable, str(ROOT / "eval" / "benchmarks" / "train_reader.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("data")
def test_training_is_one_command_and_goes_on_where_it_was(tmp_path: Path):
    asked = [("When was the mill sold?", "1950"), ("What does the mill have?", "a wheel")]
    (tmp_path / "xquad_en.json").write_text(json.dumps(squad(asked)), encoding="utf-8")
    with_none = [*asked, ("Who burnt the mill down?", "")]
    (tmp_path / "squad2_sample.json").write_text(json.dumps(squad(with_none)), encoding="utf-8")
    folder = tmp_path / "run"
    given = (str(folder), "--data", str(tmp_path), "--start", str(ROOT / "rag" / "reader.safetensors"))
    first = train(*given, "--cases", "24", "--questions", "3")
    assert "goes on" not in first
    assert (folder / "checkpoint.pt").is_file()
    assert "<svg" in (folder / "log.svg").read_text(encoding="utf-8")
    last = json.loads((folder / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert last["step"] == 2
    assert last["xquad_en_f1"] == 1.0, "the reader that ships finds both answers, and two steps do not undo that"
    assert {"held_auroc", "squad2_sample_auroc", "squad2_sample_f1_all"} <= set(last)
    again = train(*given, "--cases", "48", "--questions", "3")
    assert "goes on at step 2 of 4" in again
    assert json.loads((folder / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])["step"] == 4

"""A made-up set, its results as `eval run` writes them, and a command that plays them back in place of `eval run`."""

import json
from pathlib import Path

from eval.question_sets import load_set
from eval.runner import RunOptions, run_set
from index.types import Article
from tests.small_library import library_of, made_article

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{7*7}}"
FORMULA = "=1+1"
HARBOUR = made_article(
    "The harbour opened in May 1999. Ann Lee paid for it.\n\nNobody else did.", "harbour", title="Port"
)
STRANGE = made_article(f"First line. The crew wrote {HOSTILE} on the wall. Last line.", "strange", title=HOSTILE)
ARTICLES: list[Article] = [HARBOUR, STRANGE]

LINES = [
    {"id": "open", "question": "When did the harbour open?", "answers": ["May 1999"], "type": "date",
     "evidence": [{"article": "harbour.txt", "quote": "The harbour opened in May 1999."}]},
    {"id": "paid", "question": "Who paid for the harbour?", "answers": ["Ann Lee"], "type": "who",
     "evidence": [{"article": "harbour.txt", "quote": "Ann Lee paid for it."}]},
    {"id": FORMULA, "question": f"What did the crew write on the wall? {HOSTILE}", "answers": [HOSTILE],
     "type": FORMULA, "evidence": [{"article": "strange.txt", "quote": HOSTILE}]},
    {"id": "moon", "question": "Which cheese is the moon made of?", "answerable": False, "type": "off-topic"},
    {"id": "lost", "question": "Who lost the harbour?", "answers": ["the navy"], "type": "who"},
]  # fmt: skip


def set_text(lines=LINES) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def play(folder: Path) -> Path:
    """A folder with a finished run of the set over the articles, for `entry` to play back."""
    folder.mkdir(parents=True)
    path = folder / "made.jsonl"
    path.write_text(set_text(), encoding="utf-8")
    with library_of(folder / "library", ARTICLES) as library:
        run_set(load_set([path]), library, options=RunOptions(baselines=False), out=folder / "done")
    return folder


def entry(folder: Path) -> str:
    """Code of a process that does as `dateline eval run`, with the results of `play`.

    While there is a file `hold` in the folder it stops after two questions; with a file `broken` it fails.
    """
    return f"""
import os, pathlib, shutil, signal, sys, threading, time
played = pathlib.Path({str(folder)!r})
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
(played / "arguments").write_text(chr(10).join(sys.argv[1:]))
if (played / "broken").exists():
    sys.exit("Error: " + (played / "broken").read_text())
def watch():
    os.read(0, 1)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=watch, daemon=True).start()
out.mkdir(exist_ok=True)
try:
    shutil.copy(played / "done" / "manifest.json", out)
    lines = (played / "done" / "results.jsonl").read_bytes().splitlines(True)
    with (out / "results.jsonl").open("ab") as file:
        for number in range(sum(1 for _ in (out / "results.jsonl").open("rb")), len(lines)):
            while number >= 2 and (played / "hold").exists():
                time.sleep(0.02)
            file.write(lines[number])
            file.flush()
    for name in ("report.json", "report.md", "report.html"):
        shutil.copy(played / "done" / name, out)
except KeyboardInterrupt:
    sys.exit(130)
"""

"""Files of every kind with faults put in at random: none may crash the reading, hang it, or keep the others out.

Run by hand, for as long as you like: `python tests/fuzz_files.py --files 5000 --seed 1`. It prints how many were read
and how many refused, by kind, and every file that crashed the process, took too much or raised an error that no reader
expects, with the seed that makes it again (`--only N`). `tests/test_fuzz_files.py` runs a few.
"""

import argparse
import gzip
import io
import json
import random
import re
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

from documents import HTML, SENTENCE, docx, encrypted_pdf, pdf

from index.readers import Record, find_records
from index.reading import read_records
from index.reading_limits import Limits
from index.reading_process import ReadingProcess
from index.types import Failure

SUSPICIOUS = re.compile(r"crashes|takes (?:longer|more|deeper)|was killed|It cannot be read \(")
"""Reasons that no fault of these small files should lead to."""

INTERESTING = (
    b"\0", b"\xff" * 4, b"\xed\xa0\x80", b"\x80\x00\x00\x00", b"-1", b"99999999999999999999", b"%n%s", b"<", b"]]>",
    b"{" * 500, b"[" * 500, b"(" * 500, b"<<" * 500, b"<a>" * 500, b"\xef\xbb\xbf", b"\xff\xfe", b"PK\3\4", b"%PDF-1.7",
    b"\n" * 500, b" " * 5_000, b"../", b"&a;", b"\\ud800", b"1 0 R", b"obj", b"endstream", b"stream\n",
)  # fmt: skip


def valid_files() -> dict[str, bytes]:
    """Name → a file that is read without fault, of every kind."""
    records = "\n".join(json.dumps({"id": key, "title": "T", "text": SENTENCE}) for key in "abc").encode()
    members = {"a.txt": SENTENCE.encode(), "b.html": HTML.encode(), "c.jsonl": records}
    packed, taped = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    with tarfile.open(fileobj=taped, mode="w") as tape:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tape.addfile(member, io.BytesIO(content))
    feed = (
        '<?xml version="1.0"?><rss version="2.0"><channel><title>T</title><item><title>A</title><guid '
        f'isPermaLink="false">1</guid><description>{SENTENCE * 9}</description></item></channel></rss>'
    )
    return {
        "a.txt": f"Council widens sanctions\n\nLONDON, March 4 (Reuters) - {SENTENCE}\n“Così è.”\n".encode() * 5,
        "b.txt": (SENTENCE * 5).encode("utf-16"),
        "c.md": f"---\ntitle: T\nauthor: [A, B]\n---\n# H\n\n{SENTENCE}\n".encode(),
        "d.html": HTML.encode(),
        "e.pdf": pdf([SENTENCE] * 5, "A title"),
        "f.pdf": encrypted_pdf(""),
        "g.docx": docx(title="A title"),
        "h.jsonl": records,
        "i.csv": f'id,title,text\n1,T,"{SENTENCE}"\n2,U,{SENTENCE[:-1]}\n'.encode(),
        "j.zip": packed.getvalue(),
        "k.tar": taped.getvalue(),
        "l.tar.gz": gzip.compress(taped.getvalue()),
        "m.txt.gz": gzip.compress(SENTENCE.encode()),
        "n.rss": feed.encode(),
    }


def with_faults(raw: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """A file with one to eight faults: bytes changed, cut, doubled, swapped, or taken from another file."""
    changed = bytearray(raw)
    for _ in range(chance.choice([1, 1, 2, 3, 8])):
        place = chance.randrange(len(changed) + 1)
        length = chance.choice([1, 1, 2, 4, 16, 200])
        kind = chance.randrange(7)
        if kind == 0:
            changed[place : place + length] = chance.randbytes(length)
        elif kind == 1:
            del changed[place : place + length]
        elif kind == 2:
            changed[place:place] = chance.choice(INTERESTING)
        elif kind == 3:
            changed[place:place] = changed[place : place + length] * chance.choice([2, 50])
        elif kind == 4 and place < len(changed):
            changed[place] ^= 1 << chance.randrange(8)
        elif kind == 5:
            other = chance.choice(others)
            start = chance.randrange(len(other))
            changed[place : place + length] = other[start : start + length]
        elif kind == 6 and chance.random() < 0.3:
            del changed[place:]
    return bytes(changed)


def fuzz(files: int, seed: int, folder: Path, only: int | None = None) -> tuple[Counter[str], list[str]]:
    """Reads that many files with faults. Returns how many were read and refused, by kind, and what was suspicious."""
    valid = valid_files()
    for number in range(files) if only is None else [only]:
        chance = random.Random(f"{seed} {number}")
        name = chance.choice(sorted(valid))
        path = folder / f"{number // 1000:03}" / f"{number:06}{name[1:]}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(with_faults(valid[name], chance, list(valid.values())))
    counts: Counter[str] = Counter()
    suspicious = []
    with ReadingProcess(Limits(seconds=30.0)) as process:
        found = list(find_records([str(folder)], process))
        outcomes = [item for item in found if isinstance(item, Failure)]
        records = [item for item in found if isinstance(item, Record)]
        read = list(read_records(records, process))
    assert [record for record, _ in read] == records
    for outcome in (*outcomes, *(article for _, article in read)):
        origin, reason = (outcome.origin, outcome.reason) if isinstance(outcome, Failure) else (outcome.origin, "")
        kind = Path(origin.partition("#")[0]).name.partition(".")[2]
        counts[f"{kind} {'refused' if reason else 'read'}"] += 1
        if SUSPICIOUS.search(reason) or (reason and not reason.endswith((".", ".)"))):
            suspicious.append(f"{origin}: {reason}")
    return counts, suspicious


def main() -> None:
    """Prints what became of the files; the exit status is 1 if something was suspicious."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=2_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", type=int)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts, suspicious = fuzz(chosen.files, chosen.seed, Path(folder), chosen.only)
    lines = [*(f"{count:7} {kind}" for kind, count in sorted(counts.items())), *suspicious]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(bool(suspicious))


if __name__ == "__main__":
    main()

"""Random changes of a library, and what it holds after each: the model that trials compare a real library with.

A collection is a mapping of origins to (title, text). Changes are JSON, so that they can be sent to the process that
makes them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

Collection = dict[str, tuple[str, str]]
Change = dict[str, Any]

WORDS = (
    "the a of in and to harbour ships left vetoed resolution Russia China talks May vote late ambassador resigned "
    "tariff raised council meeting agreed border opened harvest failed minister said report flood bridge closed strike "
    "ended"
).split()

PAIRS = 8
"""Origins that are changed two at a time, both in one commit."""

RECORDS = 6
"""Records of the file that is indexed."""

RECORDS_NAME = "records.jsonl"

PAIR_WORD = "zzpair"
"""A word that every article of a pair has, followed by the number of the pair."""


class Changer:
    """Draws changes and applies them to a model. `marks` are words that no two texts share, one at the end of each."""

    def __init__(self, random: Random, news: Path) -> None:
        self._random = random
        self._news = news / RECORDS_NAME
        self._marks = 0
        self._records: dict[str, tuple[str, str]] = {}

    def text(self, *first: str) -> str:
        """A new text of a few sentences, with some words first and a word of its own at the end."""
        self._marks += 1
        sentences = [" ".join(self._random.choices(WORDS, k=self._random.randint(5, 12))) for _ in range(12)]
        return " ".join([*first, *(f"{sentence}." for sentence in sentences), f"{self._random.random():.6f}"[2:]]) + (
            f" mark{self._marks}q."
        )

    def draw(self, held: Collection) -> Change:
        """A change that can be made to what is held."""
        kind = self._random.choices(
            ["put", "index", "remove", "forget", "derived", "repair", "rebuild", "reopen", "search"],
            [6, 4, 2, 2, 1, 1, 1, 2, 1],
        )[0]
        if kind == "put":
            return {"kind": "put", "articles": self._pair(held)}
        if kind == "index":
            return self._index()
        if kind in ("remove", "forget") and held:
            origin = self._random.choice(sorted(held))
            halves = [origin[:-1] + half for half in "ab"] if origin.startswith(("/pair/", "/copy/")) else [origin]
            texts = {held[half][1] for half in halves}
            # To remove an article is to forget every origin of it.
            same = sorted(name for name, (_, text) in held.items() if text in texts)
            return {"kind": kind, "origins": same if kind == "remove" else halves}
        return {"kind": kind if kind in ("derived", "repair", "rebuild", "reopen", "search") else "search"}

    def _pair(self, held: Collection) -> list[list[str]]:
        number = self._random.randrange(PAIRS)
        shared = [name for name in held if name.startswith("/pair/")]
        if shared and self._random.random() < 0.1:
            # The texts of another pair under new origins, which are then kept once.
            number = int(self._random.choice(shared).split("/")[2])
            texts = [held.get(f"/pair/{number}/{half}") for half in "ab"]
            if all(texts):
                return [[f"/copy/{number}/{half}", *(text or ("", ""))] for half, text in zip("ab", texts, strict=True)]
        version = f"version{self._random.randrange(10**9)}v"
        return [
            [f"/pair/{number}/{half}", f"Title {self._random.randrange(4)}", self.text(f"{PAIR_WORD}{number}", version)]
            for half in "ab"
        ]

    def _index(self) -> Change:
        for _ in range(self._random.randint(1, 3)):
            name = f"r{self._random.randrange(RECORDS)}"
            if name in self._records and self._random.random() < 0.3:
                del self._records[name]
            else:
                self._records[name] = (f"Title {self._random.randrange(4)}", self.text())
        if not self._records:
            self._records["r0"] = ("Title", self.text())
        lines = [{"id": name, "title": title, "text": text} for name, (title, text) in sorted(self._records.items())]
        return {
            "kind": "index",
            "path": str(self._news),
            "content": "".join(f"{json.dumps(line)}\n" for line in lines),
            "prune": self._random.random() < 0.6,
            "batch": self._random.choice([1, 700, 10**6]),
        }


def states(held: Mapping[str, tuple[str, str]], change: Change) -> list[Collection]:
    """What a library may hold while a change is made, in order: first what it held, last what it holds afterwards."""
    found = [dict(held)]
    if change["kind"] == "put":
        found.append({**held, **{origin: (title, text) for origin, title, text in change["articles"]}})
    elif change["kind"] in ("remove", "forget"):
        found.append({origin: kept for origin, kept in held.items() if origin not in change["origins"]})
    elif change["kind"] == "index":
        records = [json.loads(line) for line in change["content"].splitlines()]
        for record in records:
            origin = f"{change['path']}#{record['id']}"
            found.append({**found[-1], origin: (record["title"], record["text"])})
        if change["prune"]:
            names = {f"{change['path']}#{record['id']}" for record in records}
            kept = {o: one for o, one in found[-1].items() if not o.startswith(f"{change['path']}#") or o in names}
            found.append(kept)
    return found


def marks_of(held: Mapping[str, tuple[str, str]]) -> set[str]:
    """The words of their own that the texts have."""
    return {text.split()[-1].strip(".") for _, text in held.values()}

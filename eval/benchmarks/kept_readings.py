"""A reader whose readings are kept in a file, since numbers are fitted on the same ones again and again."""

import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from rag.reading import Reader, Reading, Text


class KeptReader:
    """A reader; what it says of a question and a text is read from the file where it is there."""

    def __init__(self, reader: Reader, file: Path) -> None:
        self.name, self.digest = reader.name, reader.digest
        self._reader = reader
        self._file = sqlite3.connect(file, timeout=60)
        self._file.execute("CREATE TABLE IF NOT EXISTS reading (key TEXT PRIMARY KEY, judged BLOB, tokens BLOB)")

    def read(self, question: str, texts: Sequence[Text]) -> list[Reading]:
        keys = [self._key(question, text) for text in texts]
        known = {key: self._kept(key) for key in keys}
        new = [(key, text) for key, text in zip(keys, texts, strict=True) if known[key] is None]
        if new:
            for (key, _), reading in zip(new, self._reader.read(question, [text for _, text in new]), strict=True):
                judged = np.array([reading.none, reading.answered, reading.relevance])
                tokens = np.array([reading.starts, reading.ends, reading.first, reading.last], dtype=np.float32)
                self._file.execute(
                    "INSERT OR REPLACE INTO reading VALUES (?, ?, ?)", (key, judged.tobytes(), tokens.tobytes())
                )
                known[key] = reading
            self._file.commit()
        return [reading for key in keys if (reading := known[key]) is not None]

    def _key(self, question: str, text: Text) -> str:
        return sha256("\0".join((self.digest, question, text.context, text.text)).encode()).hexdigest()

    def _kept(self, key: str) -> Reading | None:
        row = self._file.execute("SELECT judged, tokens FROM reading WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        none, answered, relevance = np.frombuffer(row[0]).tolist()
        starts, ends, first, last = np.frombuffer(row[1], dtype=np.float32).reshape(4, -1)
        return Reading(starts.astype(np.int64), ends.astype(np.int64), first, last, none, answered, relevance)

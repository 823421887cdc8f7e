"""The tables of a library's SQLite file, and how a file of an older format version becomes one of this version.

Format 1 had no checksums, and no record of which articles changed when. A library of format 1 can be read as it is (its
search files are then built in memory, as for any library without them); the first command that changes it, `dateline
index` or `dateline doctor --repair`, brings it to format 2 in one commit.
"""

import sqlite3
import uuid

from index.checksums import entries_checksum, row_checksum

FORMAT_VERSION = 2
"""Version of the tables below."""

READABLE_VERSIONS = ("1", "2")
"""Format versions that can be read. Others are refused by name."""

CHECKSUM_KEY = "checksum"
"""Key of the manifest under which the checksum of its other entries is."""

ARTICLE_FIELDS = "article_id, sha256, title, source, place, author, published, url, first_day, last_day, characters"
"""The columns of an article that its checksum is taken of, behind its row. The text has its SHA-256."""

PASSAGE_FIELDS = "article_row, start, end, context, embedding"
"""The columns of a passage that its checksum is taken of, behind its row."""

TABLES = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE articles (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    article_id TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL, text TEXT NOT NULL,
    title TEXT NOT NULL, source TEXT, place TEXT, author TEXT, published TEXT, url TEXT,
    first_day TEXT, last_day TEXT, characters INTEGER NOT NULL, checksum INTEGER
);
CREATE TABLE origins (
    origin TEXT PRIMARY KEY, digest TEXT NOT NULL,
    article_row INTEGER NOT NULL REFERENCES articles(row) ON DELETE CASCADE, checksum INTEGER
);
CREATE INDEX origins_by_article ON origins(article_row);
CREATE TABLE passages (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    article_row INTEGER NOT NULL REFERENCES articles(row) ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, context TEXT NOT NULL, embedding BLOB NOT NULL, checksum INTEGER
);
CREATE INDEX passages_by_article ON passages(article_row);
CREATE TABLE passage_tokens (
    passage_row INTEGER PRIMARY KEY REFERENCES passages(row) ON DELETE CASCADE, tokens BLOB NOT NULL, checksum INTEGER
);
"""

_NEW_IN_2 = """
CREATE INDEX articles_by_day ON articles(first_day, last_day, source);
CREATE TABLE derived (
    name TEXT PRIMARY KEY, generation INTEGER NOT NULL, sha256 TEXT NOT NULL, details TEXT NOT NULL,
    checksum INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE article_sentences (
    article_row INTEGER PRIMARY KEY REFERENCES articles(row) ON DELETE CASCADE, sentences BLOB NOT NULL,
    checksum INTEGER
);
CREATE TABLE changes (article_row INTEGER PRIMARY KEY, generation INTEGER NOT NULL, checksum INTEGER);
CREATE INDEX changes_by_generation ON changes(generation);
"""
"""`changes` has of every article, also of one that is gone, the newest generation that changed it, for all generations
after the one that the manifest has as `changes_after`. By it derived files are brought up to date."""

_UPGRADE = f"""
CREATE TABLE IF NOT EXISTS passage_tokens (
    passage_row INTEGER PRIMARY KEY REFERENCES passages(row) ON DELETE CASCADE, tokens BLOB NOT NULL
);
DROP TABLE derived;
ALTER TABLE articles ADD COLUMN checksum INTEGER;
ALTER TABLE origins ADD COLUMN checksum INTEGER;
ALTER TABLE passages ADD COLUMN checksum INTEGER;
ALTER TABLE passage_tokens ADD COLUMN checksum INTEGER;
{_NEW_IN_2}
UPDATE articles SET checksum = row_checksum(row, {ARTICLE_FIELDS});
UPDATE origins SET checksum = row_checksum(origin, digest, article_row);
UPDATE passages SET checksum = row_checksum(row, {PASSAGE_FIELDS});
UPDATE passage_tokens SET checksum = row_checksum(passage_row, tokens);
INSERT INTO manifest SELECT 'changes_after', value FROM manifest WHERE key = 'generation';
INSERT INTO manifest SELECT 'articles', count(*) FROM articles;
INSERT INTO manifest SELECT 'passages', count(*) FROM passages;
UPDATE manifest SET value = '{FORMAT_VERSION}' WHERE key = 'format_version';
"""


def add_functions(connection: sqlite3.Connection) -> None:
    """Gives SQL the function `row_checksum`."""
    connection.create_function("row_checksum", -1, row_checksum, deterministic=True)


def create_tables(connection: sqlite3.Connection, manifest: dict[str, str]) -> None:
    """Makes all tables in an empty file, inside the caller's transaction."""
    _run(connection, TABLES + _NEW_IN_2)
    entries = {
        "format_version": str(FORMAT_VERSION),
        "generation": "0",
        "library_id": uuid.uuid4().hex,
        "changes_after": "0",
        "articles": "0",
        "passages": "0",
        **manifest,
    }
    connection.executemany("INSERT INTO manifest VALUES (?, ?)", entries.items())
    sign_manifest(connection)


def upgrade(connection: sqlite3.Connection) -> None:
    """Makes a file of format 1 one of this version, inside the caller's transaction."""
    _run(connection, _UPGRADE)
    connection.execute("INSERT INTO manifest VALUES ('library_id', ?)", (uuid.uuid4().hex,))
    sign_manifest(connection)


def sign_manifest(connection: sqlite3.Connection) -> None:
    """Keeps the checksum of the manifest's entries, inside the caller's transaction."""
    entries = connection.execute("SELECT key, value FROM manifest WHERE key <> ?", (CHECKSUM_KEY,)).fetchall()
    connection.execute("INSERT OR REPLACE INTO manifest VALUES (?, ?)", (CHECKSUM_KEY, str(entries_checksum(entries))))


def _run(connection: sqlite3.Connection, statements: str) -> None:
    # Not by `executescript`, which would commit the caller's transaction first.
    for statement in statements.split(";\n"):
        if statement.strip():
            connection.execute(statement)

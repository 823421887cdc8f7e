"""Any number of made-up news articles, the same for the same seed, as JSON Lines or as files.

    python eval/benchmarks/made_articles.py 100000 articles.jsonl
    python eval/benchmarks/made_articles.py 1000 folder/ --files

Their lengths are log-normal around 400 words. Their words are real function words, some 300 real content words, and
forty thousand invented ones, drawn by Zipf's law, so that a keyword index has common and rare terms and an encoder
texts that differ. Each article belongs to one of 400 topics, whose words, people and places come again and again, and
its title begins with a word that no other article has. Articles of one source are 50%, 10%, 1% and .1% of all, and the
days are spread evenly over ten years, so that filters of any selectivity can be tried. An article depends on the seed
and its own number alone. 100,000 take about a minute.
"""

import argparse
import csv
import json
import math
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from eval.benchmarks.made_names import ENDS, FAMILY, GIVEN, STARTS

SEED = 11

MEDIAN_WORDS = 400
SPREAD = 0.5
"""Standard deviation of the logarithm of an article's length: one in twenty has more than 900 words."""
FEWEST_WORDS, MOST_WORDS = 40, 4_000

TOPICS = 400
TOPIC_WORDS = 80
TOPIC_SHARE = 0.45
"""Share of the content words that come from the article's topic."""

INVENTED = 40_000
"""Invented words; with the real ones they are the vocabulary, the real ones the most frequent."""
ZIPF_SHIFT = 2.7
"""Mandelbrot's shift: the frequency of the word of rank r is proportional to 1 / (r + shift)."""
TABLE = 1 << 17
"""Entries of the table that words are drawn from."""

SOURCES = {
    "National Wire": 0.5,
    "Morning Ledger": 0.25,
    "Coast Herald": 0.1,
    "Evening Courier": 0.139,
    "Hill Gazette": 0.01,
    "Ferry Post": 0.001,
}
"""Share of the articles that each source has; a filter by source lets that share through."""

FIRST_DAY = date(2015, 1, 1)
DAYS = 3_652
"""Ten years of days from the first one on: a filter of a year lets a tenth through."""

FILES_IN_A_FOLDER = 1_000

_COMMON = """
government minister council year people report country state plan law court company market price bank budget vote party
election leader president mayor official police army border talks agreement treaty sanctions trade energy oil gas power
water road bridge railway harbour airport hospital school university student teacher doctor worker union strike wage job
tax debt loan growth industry factory farm harvest food wheat fish forest river storm flood fire drought weather climate
research study science engineer computer network software data satellite rocket test launch missile weapon attack war
peace soldier troops crisis emergency rescue refugee camp aid health virus vaccine patient drug crime trial judge lawyer
prison evidence witness claim charge fine appeal ruling rights protest march crowd media newspaper film music museum
theatre book author artist prize match team player coach goal season club league record city town village region county
district capital street house building tenant rent land property project contract tender cost fund investor share profit
loss sale export import customs tariff port ship cargo crew captain pilot flight train bus car driver accident safety
inspection standard rule licence permit ban limit delay decision reform proposal debate session committee commission
deputy adviser spokesman statement letter document survey poll figure rate average quarter month week day morning
pressure demand supply shortage reserve capacity output repair work service customer website account payment fee
""".split()

_SYLLABLES = (
    "b br c ch cl d dr f fl g gr h j k kr l m n p pl qu r s sh sk sl st t th tr v w z".split(),
    "a e i o u ai ea ou".split(),
    ["", "", "l", "m", "n", "r", "s", "t", "nd", "rk"],
)
_SUFFIXES = ["", "", "", "", "s", "er", "ing", "ed", "ment", "al"]

_SENTENCES = (
    "The {w} {w} in {P} has been {w} since the {w} of last year, and {d} of the {w} are still without a {w}.",
    "{N} said that the {w} would not be {w} before the {w} had agreed to the {w} of {P}.",
    '"We have seen the {w} and we know what the {w} means," {N} told reporters in {P} after the {w} {w}.',
    "According to the {w}, about {d} {w} were sent to {P}, where the {w} is run by {N}.",
    "But {N}, who leads the {w} in {P}, called the {w} a {w} and asked for another {w}.",
    "It was the {w} time in {d} years that a {w} from {P} had been given to the {w} without a {w}.",
    "The {w} of the {w} rose by {d} per cent, more than the {w} that {N} had expected.",
    "In a {w} that was published on Monday, the {w} of {P} said that it had no {w} of any {w}.",
    "Others see it in another way: for them, the {w} is only the first {w} on the way to a {w} {w}.",
    "No {w} was hurt, but the {w} between {P} and the {w} stayed closed for {d} hours.",
    "{N} and {N} met for {d} hours; neither of them would say whether the {w} had been part of the {w}.",
    "If the {w} fails, the {w} will have to pay for the {w} and for all that the {w} has cost.",
    "There are now {d} {w} in the {w}, which is twice as many as there were when {N} took the {w}.",
    "A {w} of the {w} is to look into it by the end of the {w}.",
    "The {w}, which {N} had first put forward in {P}, would bring {d} million crowns to the {w}.",
    '"That {w} is not ours," said {N}.',
)
_OPENINGS = ("the {w} of {P}, {N} said.", "a {w} in {P}, according to {N} and the {w}.")
_TITLES = ("{w} {w} in {P} after {w}", "{w} of {P} and the {w}", "{N} on the {w} {w}", "{d} {w} and a {w} for {P}")
_QUESTIONS = (
    "What did {N} say about the {w} and the {w} in {P}?",
    "How many {w} were sent to {P} for the {w}?",
    "Why did {N} call the {w} of the {w} a {w}?",
    "Which {w} did {N} want for the {w} in {P}?",
)


@dataclass(frozen=True, slots=True)
class MadeArticle:
    """One article. `word` is the one that no other article has, in lower case; it stands in the title and the text.
    `question` asks for the article in words, and of people and places, that it uses."""

    number: int
    word: str
    title: str
    text: str
    source: str
    published: str
    author: str
    question: str


@dataclass(frozen=True, slots=True)
class _Topic:
    words: list[str]
    people: list[str]
    places: list[str]


def made_articles(count: int, seed: int = SEED, first: int = 0) -> Iterator[MadeArticle]:
    """Articles number `first` to `first + count - 1`."""
    for number in range(first, first + count):
        yield made_article(number, seed)


def made_article(number: int, seed: int = SEED) -> MadeArticle:
    """The article of that number, which depends on the number and the seed alone."""
    source = random.Random((seed << 40) + number)
    draw = source.random
    topic = _topic(seed, int(TOPICS * draw() ** 1.5))
    table, word = _table(seed), unique_word(number)
    people = [topic.people[int(len(topic.people) * draw())] for _ in range(4)]
    used: dict[str, list[str]] = {kind: [] for kind in "wNPd"}

    def content() -> str:
        if draw() < TOPIC_SHARE:
            return topic.words[int(TOPIC_WORDS * draw() ** 2)]
        return table[int(TABLE * draw())]

    makers: dict[str, Callable[[], str]] = {
        "w": content,
        "N": lambda: people[int(4 * draw())],
        "P": lambda: topic.places[int(len(topic.places) * draw() ** 2)],
        "d": lambda: str(int(2 ** (1 + 9 * draw()))),
    }

    def filled(patterns: tuple[tuple[str, str], ...]) -> str:
        pattern, kinds = patterns[int(len(patterns) * draw())]
        values = [makers[kind]() for kind in kinds]
        for value, kind in zip(values, kinds, strict=True):
            used[kind].append(value)
        return pattern % tuple(values)

    title = f"{word.capitalize()}: {filled(_compiled(_TITLES))}"
    length = min(max(MEDIAN_WORDS * math.exp(SPREAD * source.gauss(0, 1)), FEWEST_WORDS), MOST_WORDS)
    sentences = [f"The case of {word} is before " + filled(_compiled(_OPENINGS))]
    paragraphs, words = [], 12
    while words < length:
        sentence = filled(_compiled(_SENTENCES))
        words += sentence.count(" ") + 1
        sentences.append(sentence[0].upper() + sentence[1:])
        if draw() < 0.3:
            paragraphs.append(" ".join(sentences))
            sentences = []
    if sentences:
        paragraphs.append(" ".join(sentences))
    # A question is in words of the article.
    said = {kind: lambda words=words: words[int(len(words) * draw())] for kind, words in used.items() if words}
    makers.update(said)
    return MadeArticle(
        number=number,
        word=word,
        title=title,
        text="\n\n".join(paragraphs),
        source=_source(draw()),
        published=(FIRST_DAY + timedelta(days=int(DAYS * draw()))).isoformat(),
        author=people[0],
        question=filled(_compiled(_QUESTIONS)),
    )


def unique_word(number: int) -> str:
    """The word of an article, different for each number: its digits to the base of 75 as syllables, then an ending."""
    consonants, vowels = "bdfgklmnprstvxz", "aeiou"
    word, rest = "", number + 75 * 75
    while rest:
        rest, digit = divmod(rest, 75)
        word += consonants[digit // 5] + vowels[digit % 5]
    return word + "q"


def as_record(article: MadeArticle) -> dict[str, str]:
    """The article as a line of a JSON Lines file that `dateline index` reads."""
    return {
        "id": str(article.number),
        "title": article.title,
        "text": article.text,
        "source": article.source,
        "published": article.published,
        "author": article.author,
    }


def write_jsonl(path: Path, articles: Iterable[MadeArticle]) -> None:
    """One record a line."""
    with path.open("w", encoding="utf-8") as file:
        for article in articles:
            file.write(json.dumps(as_record(article)) + "\n")


def write_files(folder: Path, articles: Iterable[MadeArticle], *, metadata: bool = True) -> list[Path]:
    """A text file for each article, a thousand in a folder, with a `metadata.csv` of these beside them unless
    `metadata` is false; returns the files."""
    written: list[Path] = []
    rows: dict[Path, list[tuple[str, str, str, str]]] = {}
    for article in articles:
        path = folder / f"{article.number // FILES_IN_A_FOLDER:04}" / f"{article.number:07}.txt"
        if path.parent not in rows:
            path.parent.mkdir(parents=True, exist_ok=True)
            rows[path.parent] = []
        path.write_text(f"{article.title}\n\n{article.text}\n", encoding="utf-8")
        rows[path.parent].append((path.name, article.title, article.source, article.published))
        written.append(path)
    for parent, lines in rows.items() if metadata else ():
        with (parent / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([("file", "title", "source", "published"), *lines])
    return written


def _source(place: float) -> str:
    """The source at a place in 0..1 of the shares laid end to end."""
    for name, share in SOURCES.items():
        place -= share
        if place < 0:
            return name
    return next(iter(SOURCES))


@lru_cache(maxsize=8)
def _compiled(patterns: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Each pattern as one of `%`, and the kinds of its places in order."""
    compiled = []
    for pattern in patterns:
        kinds = "".join(part[0] for part in pattern.split("{")[1:])
        for kind in "wNPd":
            pattern = pattern.replace(f"{{{kind}}}", "%s")
        compiled.append((pattern, kinds))
    return tuple(compiled)


@lru_cache(maxsize=2)
def _vocabulary(seed: int) -> list[str]:
    """All content words, the most frequent first."""
    source = random.Random(seed)
    known = dict.fromkeys(_COMMON)
    while len(known) < len(_COMMON) + INVENTED:
        syllables = 1 + (source.random() < 0.6)
        word = "".join(part[int(len(part) * source.random())] for part in _SYLLABLES * syllables)
        known[word + _SUFFIXES[int(len(_SUFFIXES) * source.random())]] = None
    return list(known)


@lru_cache(maxsize=2)
def _table(seed: int) -> list[str]:
    """Words as often as Zipf's law has them, so that a random place in the list draws by it."""
    vocabulary = _vocabulary(seed)
    weights = [1 / (rank + ZIPF_SHIFT) for rank in range(1, len(vocabulary) + 1)]
    return random.Random(seed).choices(vocabulary, weights, k=TABLE)


@lru_cache(maxsize=TOPICS)
def _topic(seed: int, number: int) -> _Topic:
    source = random.Random(f"{seed}/{number}")
    table, vocabulary = _table(seed), _vocabulary(seed)
    words = [
        vocabulary[int(len(vocabulary) * source.random())] if place % 4 == 3 else table[int(TABLE * source.random())]
        for place in range(TOPIC_WORDS)
    ]
    people = [f"{source.choice(GIVEN)} {source.choice(FAMILY)}{source.choice(('', 'sen', 'mann'))}" for _ in range(12)]
    return _Topic(words, people, [source.choice(STARTS) + source.choice(ENDS) for _ in range(6)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("count", type=int)
    parser.add_argument("out", type=Path, help="a JSON Lines file, or with --files a folder")
    parser.add_argument("--files", action="store_true", help="a text file for each, with a metadata.csv")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    write = write_files if arguments.files else write_jsonl
    write(arguments.out, made_articles(arguments.count, arguments.seed))
    print(f"{arguments.count:,} articles in {arguments.out}")


if __name__ == "__main__":
    main()

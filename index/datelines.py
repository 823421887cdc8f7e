"""The dateline: place, date and agency in front of an article's first sentence, as in `LONDON, March 4 (Reuters) -`."""

import re
from dataclasses import dataclass

from index.dates import DATE_PATTERN, MONTH_PATTERN, parse_date
from index.patterns import late

HEADER_LINES = 12
"""Lines with text at the top of an article among which a dateline, a byline or a date line is looked for.

The longest header among the articles looked at has eight: navigation, title, subheading, byline, paper, date, caption.
"""

BODY_LINE_LENGTH = 60
"""Characters; a longer line that ends like a sentence is a paragraph, and what follows is no longer the header."""

MIN_PARAGRAPH_LENGTH = 40
"""Characters that must follow a dateline of a place alone (`TARROW - A judge …`), else it is a headline."""

AGENCIES = frozenset(
    [
        "reuters",
        "ap",
        "afp",
        "tass",
        "xinhua",
        "dpa",
        "upi",
        "ani",
        "pti",
        "yonhap",
        "kyodo",
        "interfax",
        "ria",
        "sputnik",
        "efe",
        "ansa",
        "itar-tass",
        "agencies",
        "bloomberg",
        "anadolu",
        "irna",
        "kcna",
        "cna",
    ]
) | {"associated press", "ria novosti", "agence france-presse", "press association"}
"""News agencies, lower case, in whose datelines a place may also be written in small letters."""

_NO_PLACES = frozenset(
    [
        "breaking",
        "update",
        "updated",
        "correction",
        "corrected",
        "exclusive",
        "analysis",
        "opinion",
        "explainer",
        "factbox",
        "timeline",
        "watch",
        "video",
        "live",
        "news",
        "note",
        "warning",
        "editorial",
        "interview",
        "feature",
        "review",
        "photos",
        "photo",
        "brief",
        "briefing",
        "urgent",
        "alert",
        "developing",
        "column",
        "commentary",
        "advisory",
        "press",
        "release",
        "immediate",
        "full",
        "read",
        "related",
        "summary",
        "abstract",
        "introduction",
        "chapter",
        "part",
        "question",
        "answer",
        "listen",
        "podcast",
        "poll",
        "quiz",
        "obituary",
        "letters",
        "sport",
        "weather",
        "important",
        "notice",
        "attention",
        "conclusion",
        "background",
        "methods",
        "results",
        "discussion",
    ]
)
"""Words in capitals that open a line like a place does."""

MAX_DATELINE_LENGTH = 400
"""Characters; the longest that the pattern is meant for have 150. A line may have millions, all of one word."""

_WORD = r"[^\W\d_](?:[^\W_]|[.'’\-])*"
_DASH = r"(?:[ ]?[—–][ ]?|[ ]--?(?=\s))"
_HEAD = late(
    rf"""(?P<start>[ \t]*)
    (?:(?i:date)[ \t]*:?[ \t]*(?P<stamp>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[ \t]+)?
    (?P<place>{_WORD}(?:[ /]{_WORD}){{0,4}})
    (?P<region>,[ ](?!{MONTH_PATTERN}){_WORD}(?:[ ]{_WORD}){{0,2}})?
    (?:,?[ ](?P<date>{DATE_PATTERN}))?
    (?:
        [ .,]{{0,3}}/(?P<slash>[^/\n]{{2,40}})/(?:[ ]?[.:]|{_DASH})?
      | ,?[ ]\((?P<paren>[^()\n]{{2,60}})\)(?:[ ]?:|{_DASH})
      | [.,]?(?P<dash>{_DASH})
      | (?P<colon>:)
    )""",
    re.VERBOSE,
)
_SENTENCE_END = late(r"[.!?…][\"”’')\]]*\s*$")


@dataclass(frozen=True, slots=True)
class Dateline:
    """A dateline at `text[start:end]`, with the closing dot, colon or dash and without the space after it.

    `place` is as it is written; `source` is the agency, `published` a date in the form of `Metadata.published`, each
    `None` where the dateline does not state it.
    """

    start: int
    end: int
    place: str
    source: str | None
    published: str | None


def find_dateline(text: str) -> Dateline | None:
    """The dateline of an article, in its first line or after title, subheading and byline; `None` if it has none."""
    for start, line in header_lines(text):
        if found := _dateline_at(line, start):
            return found
    return None


def dateline_end(text: str) -> int:
    """Offset just after the dateline, where the first sentence begins; 0 if the article has none."""
    found = find_dateline(text)
    return found.end if found else 0


def header_lines(text: str) -> list[tuple[int, str]]:
    """`(offset, line)` of the lines with text at the top, up to and including the first that is a paragraph."""
    lines: list[tuple[int, str]] = []
    start = 0
    while start < len(text) and len(lines) < HEADER_LINES:
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end]
        if line.strip():
            lines.append((start, line))
            if len(line) > BODY_LINE_LENGTH and _SENTENCE_END.search(line):
                break
        start = end + 1
    return lines


def _dateline_at(line: str, offset: int) -> Dateline | None:
    match = _HEAD.match(line, 0, MAX_DATELINE_LENGTH)
    if not match:
        return None
    source = match["slash"] or match["paren"]
    published = parse_date(match["date"]) if match["date"] else None
    if match["paren"] and (in_brackets := parse_date(match["paren"])):
        source, published = None, published or in_brackets
    if match["date"] and published is None:
        return None
    source = " ".join(source.split()) if source else None
    rest = line[match.end() :].strip()
    if not _is_dateline(match, source, published, rest):
        return None
    return Dateline(
        start=offset + match.end("start"),
        end=offset + len(line[: match.end()].rstrip()),
        place=f"{match['place']}{match['region']}" if match["region"] else _without_full_stop(match["place"]),
        source=source,
        published=match["stamp"] or published,
    )


def _is_dateline(match: re.Match[str], source: str | None, published: str | None, rest: str) -> bool:
    """Whether the words that have the shape of a dateline are one."""
    words = [word for word in re.split(r"[ /]", match["place"]) if word not in {"and", "of"}]
    if not words or words[0].lower().strip(".") in _NO_PLACES or sum(map(str.isalpha, match["place"])) < 2:
        return False
    region = match["region"] or ""
    if any(word[0].islower() for word in region.replace(",", "").split()):
        return False
    if not all(word.isupper() for word in words):
        # `Moscow, Dec 25 (Reuters) -` is a dateline, `John Smith (Labour) -` is not.
        capitalised = all(word[0].isupper() for word in words)
        return capitalised and source is not None and (published is not None or source.lower() in AGENCIES)
    if source is not None:
        initials = "".join(word[0] for word in source.split())
        # `WHO (World Health Organization) -` explains a name.
        return any(map(str.isalpha, source)) and initials.upper() != "".join(filter(str.isalpha, match["place"]))
    if match["colon"] is not None:
        return published is not None
    return published is not None or len(rest) >= MIN_PARAGRAPH_LENGTH


def _without_full_stop(place: str) -> str:
    """`MOSCOW.` → `MOSCOW`, but `U.N.` as it is."""
    return place[:-1] if place.endswith(".") and "." not in place.split()[-1][:-1] else place

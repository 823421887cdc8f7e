"""The lines above an article's first paragraph: title, subheading, byline, publication and date."""

import re
from dataclasses import dataclass

from index.datelines import AGENCIES, find_dateline, header_lines
from index.dates import parse_date
from index.types import Metadata

MAX_TITLE_LENGTH = 140
"""Characters; headlines of news rarely pass 110, the subheading of one of the sample articles has 142."""

MAX_SUBHEADINGS = 3
"""Lines below the title that say nothing looked for here (subheading, caption) before the header counts as over."""

MAX_LINE_LENGTH = 1_000
"""Characters of a line that are looked at. No line of a header is as long, and one without an end has millions."""

WRAPPED_LINE = range(40, 101)
"""Characters of a line of a paragraph that was broken by hand or by a converter, usually after 60 to 80."""

_OUTLET_WORD = re.compile(
    r"\b(?:agency|argus|broadcasting|bulletin|chronicle|courier|daily|dispatch|echo|examiner|express|gazette|globe|"
    r"guardian|herald|independent|inquirer|journal|ledger|magazine|mail|media|mirror|monitor|network|news|observer|"
    r"post|press|radio|record|register|reporter|review|sentinel|service|standard|star|sun|telegraph|television|times|"
    r"today|tribune|tv|voice|weekly|wire|world)\b",
    re.IGNORECASE,
)
_SMALL_WORD = re.compile(r"of|the|and|&|for|del?|della|de[rn]|d[iu]|da|la|le|van|von|al|bin|ibn|el", re.IGNORECASE)
_NO_PERSON = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|the|an?|this|that|my|our", re.IGNORECASE)
_OPENING_QUOTES = tuple("\"'“‘«„‚")
_NO_TITLE_END = tuple(".:;,…-–—|\\{}>")

_PERSON = re.compile(r"[^\W\d_][\w.'’\-]*(?:[ ][^\W\d_][\w.'’\-]*){1,4}")
_BYLINE = re.compile(r"(?i:(?:written |reported )?by)[ ]+(?P<names>\S.{1,120})")
_NAME_SEPARATOR = re.compile(r",[ ]+(?:and[ ]+)?|[ ]+and[ ]+|[ ]+&[ ]+|[ ]+[-–—|•·][ ]+")
_LABEL = re.compile(
    r"(?:(?P<name>title|headline|source|agency|authors?|byline|by|place|location)[ ]?:"
    r"|(?P<date>date|published|first published|posted|publication date|published date)(?: on| at)?(?:[ ]?:|(?=[ ]))"
    r"|(?P<change>(?:last )?(?:updated|modified))(?: on| at)?(?:[ ]?:|(?=[ ])))[ ]*(?P<value>\S.*)",
    re.IGNORECASE,
)
_FIELDS = {"headline": "title", "agency": "source", "authors": "author", "byline": "author", "location": "place"}
_UPDATED = re.compile(r"[ ,;|/(–—-]+(?:last )?updated\b.*", re.IGNORECASE)
_PARTS = re.compile(r"[ ]+[-–—|•·][ ]+")
_HEADING = re.compile(r"#{1,6}[ \t]+(?P<title>\S.*?)[ \t]*#*")
_LINK = re.compile(r"\[([^\]\n]*)\]\([^)\n]*\)")
_EMPHASIS = re.compile(r"[*`]+|(?<![^\W_])__?(?=\S)|(?<=\S)__?(?![^\W_])")
_SENTENCE_WITHIN = re.compile(
    r"(?!(?:gov|sen|rep|gen|col|capt|prof|sept?|jan|feb|mar|apr|jun|jul|aug|oct|nov|dec|inc|corp|ltd|mrs|vol)\.)"
    r"\b[^\W\d_]{3,}\.[\"”’')]*\s+\S",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?…][\"”’')\]]*$")
_NO_TITLE_START = re.compile(r"[-*•>|=~`\[{<\\/@&#]|[0-9]+[.)]\s|[a-z]+://|www\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Line:
    """A stripped line of the header. `next_to_text`: the line below it is not empty; `is_last`: no text follows it."""

    text: str
    next_to_text: bool
    is_last: bool


def read_header(text: str) -> Metadata:
    """What the lines above the first paragraph, and the dateline, state."""
    dateline = find_dateline(text)
    found: dict[str, str] = {}
    lines = _lines_above(text, dateline.start if dateline else None)
    position = unknown = 0
    after_byline = False
    while position < len(lines):
        line = lines[position].text
        stated = _statement(line)
        if stated is None and after_byline and _is_outlet(line):
            stated = {"source": line}
        after_byline = stated is not None and "author" in stated
        if stated is None and "title" not in found:
            title, used = _title(lines[position:], above_dateline=dateline is not None)
            if not title:
                break
            stated = {"title": title}
            position += used - 1
        if stated is None:
            unknown += 1
            if unknown > MAX_SUBHEADINGS or _SENTENCE_END.search(line):
                break
        found = {**(stated or {}), **found}
        position += 1
    published = found.get("published")
    if dateline and (published is None or not (dateline.published or "--").startswith("--")):
        published = dateline.published
    return Metadata(
        title=found.get("title"),
        source=(dateline.source if dateline else None) or found.get("source"),
        place=dateline.place if dateline else found.get("place"),
        author=found.get("author"),
        published=published,
    )


def _lines_above(text: str, end: int | None) -> list[_Line]:
    lines = []
    for start, line in header_lines(text):
        after = start + len(line)
        if end is not None and start <= end <= after:
            break
        below = text[after + 1 : text.find("\n", after + 1) if text.find("\n", after + 1) >= 0 else len(text)]
        lines.append(_Line(line.strip()[:MAX_LINE_LENGTH], bool(below.strip()), not text[after:].strip()))
    return lines


def _title(lines: list[_Line], *, above_dateline: bool) -> tuple[str | None, int]:
    """The title that `lines` begin with and the number of lines it takes, `(None, 0)` if they begin with none."""
    first, below = lines[0], lines[1:]
    if heading := _HEADING.fullmatch(first.text):
        return _EMPHASIS.sub("", _LINK.sub(r"\1", heading["title"])).strip() or None, 1
    title, used = first.text, 1
    if first.next_to_text and below and below[0].text[0].islower():
        # A title on two lines, or else a paragraph on many.
        if below[0].next_to_text or len(first.text) not in WRAPPED_LINE:
            return None, 0
        title, used = f"{first.text} {below[0].text}", 2
    elif _is_wrapped(lines):
        return None, 0
    if title.startswith(_OPENING_QUOTES):
        # A headline may be a quotation, but so may a first paragraph: only what stands above a header line counts.
        next_is_header = len(lines) > used and _statement(lines[used].text) is not None
        if not next_is_header and not (above_dateline and len(lines) == used):
            return None, 0
    elif _SENTENCE_WITHIN.search(title):
        return None, 0
    return (title, used) if not lines[used - 1].is_last and _looks_like_title(title) else (None, 0)


def _is_wrapped(lines: list[_Line]) -> bool:
    """Whether the lines are the beginning of a paragraph that is broken into lines of about one length."""
    if len(lines) < 3 or not (lines[0].next_to_text and lines[1].next_to_text):
        return False
    first, second, third = (line.text for line in lines[:3])
    if len(first) not in WRAPPED_LINE or len(second) not in WRAPPED_LINE or len(third) >= WRAPPED_LINE.stop:
        return False
    return not _SENTENCE_END.search(second) and _statement(second) is None


def _looks_like_title(line: str) -> bool:
    if len(line) > MAX_TITLE_LENGTH or _NO_TITLE_START.match(line):
        return False
    if line.rstrip("\"”’')] ").endswith(_NO_TITLE_END):
        return False
    letters = [character for character in line if character.isalpha()]
    # A small letter at the start continues something, except in names such as iPhone.
    if not letters or (letters[0].islower() and not "".join(letters[1:2]).isupper()):
        return False
    return len(line.split()) >= 2 or not line.isascii()


def _statement(line: str) -> dict[str, str] | None:
    """What a line that is only byline, date, publication or `label: value` states; `None` if it is another line."""
    if label := _LABEL.fullmatch(line):
        return _labelled(label)
    if byline := _BYLINE.fullmatch(line):
        return _names(byline["names"])
    if published := _date(line):
        return {"published": published}
    parts = _PARTS.split(line)
    stated: dict[str, str] = {}
    for part in parts if len(parts) > 1 else []:
        said = {"source": part} if _is_outlet(part) else _statement(part)
        if said is None:
            return None
        stated = {**said, **stated}
    return stated if {"published", "author"} & stated.keys() else None


def _labelled(label: re.Match[str]) -> dict[str, str] | None:
    value = label["value"]
    if not label["name"]:
        published = _date(value)
        if published is None:
            return None
        return {"published": published} if label["date"] else {}
    name = label["name"].lower()
    if name in {"author", "authors", "byline", "by"}:
        return _names(value)
    if name in {"source", "agency"} and not (_is_outlet(value) or _is_capitalised(value)):
        # `Source: Iran ready to talk` is a headline.
        return None
    return {_FIELDS.get(name, name): value}


def _date(stated: str) -> str | None:
    """A date of at least a month; a number of four digits alone may be anything."""
    published = parse_date(_UPDATED.sub("", stated))
    return published if published and len(published) > len("2021") else None


def _names(stated: str) -> dict[str, str] | None:
    """Authors, publication and date of a byline without its `By`; `None` if it does not begin with a name."""
    found: dict[str, str] = {}
    persons = []
    for part in _NAME_SEPARATOR.split(stated.strip()):
        if _is_outlet(part):
            found["source"] = part
        elif published := _date(part):
            found["published"] = published
        elif _PERSON.fullmatch(part) and _is_capitalised(part) and not _NO_PERSON.fullmatch(part.split()[0]):
            persons.append(part)
        else:
            return None
    if persons:
        found["author"] = ", ".join(persons)
    return found or None


def _is_outlet(name: str) -> bool:
    """Whether a line is the name of a newspaper, broadcaster or agency."""
    words = name.lower().split()
    if name.lower() in AGENCIES:
        return True
    return _is_capitalised(name) and len(words) > 1 and (words[0] == "the" or _OUTLET_WORD.search(name) is not None)


def _is_capitalised(name: str) -> bool:
    """At most five words, each with a capital except small ones such as `of`, and no full stop at the end."""
    words = name.split()
    if not 1 <= len(words) <= 5 or name.endswith((".", ":", "?", "!")) or not words[0][0].isalpha():
        return False
    return all(_SMALL_WORD.fullmatch(word) or not word[0].islower() for word in words)

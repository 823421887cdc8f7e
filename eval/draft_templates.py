"""Questions for the numbers, dates and people of a sentence: its own words in the order of a question."""

import re
from collections.abc import Iterator
from dataclasses import replace

from eval.draft_clauses import PREPOSITIONS, Clause, joined, parse_clause
from eval.draft_people import is_state, name_forms, person_in
from eval.draft_reported import reported_clause
from eval.draft_types import Candidate, Story
from eval.draft_verbs import BE
from eval.draft_wording import has_name, place_in_time, resolved_subject, stands_alone
from index.dates import MONTH_PATTERN
from index.sentences import SPEECH_VERBS

MIN_DEED_WORDS = 4
"""Words behind the verb of a sentence whose subject is asked for; fewer do not tell one deed from another."""

MIN_WORDS, MAX_WORDS = 5, 60
"""Words of a sentence that questions are made of: a shorter one is a heading, a longer one is not plain."""

_NUMBER_WORD = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|"
    "nineteen|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-(?:one|two|three|four|five|six|seven|eight|"
    "nine))?"
)
_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_COUNT = rf"(?P<count>(?:{_DIGITS}|(?i:{_NUMBER_WORD}))(?: (?:hundred|thousand|million|billion|dozen))?)"
_APPROXIMATELY = (
    r"(?P<about>(?i:about|some|nearly|almost|around|over|under|roughly|only|just|more than|fewer than|less than|"
    r"at least|at most|up to|an estimated) )?"
)
_PERCENT = r"(?: ?%| per ?cent)"
_MONEY = r"(?P<count>[$£€]\d[\d,.]*(?: (?:thousand|million|billion|trillion))?)"
_NO_PLURAL = r"(?:previous|various|famous|serious|its|this|less|across|plus|as|his|us|is|was|has|does|years[’'])"
_PREPOSITION = "|".join(sorted(PREPOSITIONS))
_NOUN = (
    rf"(?P<noun>(?:(?!(?:{_PREPOSITION}|and|or|to)\b)[a-z-]+ ){{0,2}}?"
    rf"(?:(?!{_NO_PLURAL}\b)[a-z-]+s|people|children|men|women|staff))\b"
)
_OF = rf"(?P<of> of (?:(?!(?:{_PREPOSITION}|and|or)\b)[\w’'-]+ ?)+)?"
_TO = r"(?P<to>to [a-z]+ (?:(?:up|off|out|back|away|down) )?)?"

_COUNTED_SUBJECT = re.compile(rf"^{_APPROXIMATELY}{_COUNT} (?P<noun>(?:of the (?:original )?)?[a-z].*)$")
_SHARE_SUBJECT = re.compile(rf"^{_APPROXIMATELY}(?P<count>(?:{_DIGITS}){_PERCENT}) of (?P<noun>.+)$")
_COUNTED_OBJECT = re.compile(rf"^{_TO}{_APPROXIMATELY}{_COUNT} {_NOUN}{_OF}(?P<after>.*)$")
_MONEY_OBJECT = re.compile(rf"^{_TO}{_APPROXIMATELY}{_MONEY}(?P<after>.*)$")
_SHARE_OBJECT = re.compile(rf"^{_TO}{_APPROXIMATELY}(?P<count>(?:{_DIGITS}){_PERCENT}) of (?P<after>.+)$")
_BY_PERCENT = re.compile(
    rf"^(?P<before>.*?)\bby {_APPROXIMATELY}(?P<count>(?:{_DIGITS}){_PERCENT})(?! of\b)(?P<after>.*)$"
)
_BY_VOTES = re.compile(
    rf"^(?P<before>.*?)\bby (?P<count>(?:{_DIGITS}|{_NUMBER_WORD}) votes to (?:\d+|{_NUMBER_WORD}))(?P<after>.*)$"
)
_VOTED = re.compile(r"^(?P<before>)(?P<count>\d+(?:-| to )\d+)(?P<after> (?:to|in favou?r of|against) .+)$")
_BY_COUNT = re.compile(rf"^(?P<before>.*?)\bby (?P<count>{_DIGITS}|{_NUMBER_WORD}) votes(?! to \d)(?P<after>.*)$")
_AT_MONEY = re.compile(rf"^(?P<before>.*?)\bat {_APPROXIMATELY}{_MONEY}(?P<after>.*)$")
_TO_MONEY = re.compile(
    rf"^(?P<before>(?:up |down )?)(?:from [$£€][\d.,]+(?: [a-z]+illion)? )?to {_MONEY}(?P<after>.*)$"
)
_WAS_MONEY = re.compile(rf"^{_APPROXIMATELY}{_MONEY}(?P<after>)$")
_FOR_TIME = re.compile(
    rf"^(?P<before>.*?)\bfor {_APPROXIMATELY}{_COUNT} (?P<unit>minutes|hours|days|weeks|months|years)\b(?P<after>.*)$"
)

_YEAR = r"(?:1[5-9]|20)\d\d"
_SEASON = r"(?:the end of |(?:the )?(?:spring|summer|autumn|winter|fall) (?:of )?)?"
_DATE = (
    rf"(?:(?:(?:early|late|mid)[ -])?(?:{MONTH_PATTERN} \d{{1,2}}(?:,? {_YEAR})?"
    rf"|\d{{1,2}} {MONTH_PATTERN}(?:,? {_YEAR})?|(?:the end of )?{MONTH_PATTERN},? {_YEAR}|{_SEASON}{_YEAR})"
    rf"|{MONTH_PATTERN}(?! \d))(?![-–—\w])"
)
_DATED = re.compile(rf"\b(?P<preposition>in|on|since|until|by) (?P<date>(?-i:{_DATE}))", re.IGNORECASE)
_YEAR_ALONE = re.compile(_YEAR)
_WHEN = {"in": "When", "on": "When", "since": "Since when", "until": "Until when", "by": "By when"}


_SAYS = re.compile(rf"^(?:{SPEECH_VERBS}|saying|called|vowed|urged)$")


def propose(story: Story, position: int) -> Iterator[Candidate]:
    """The questions for numbers, dates and people that the rules find in a sentence of a story; most hold none."""
    sentence = place_in_time(story.sentence(position), story)
    if not MIN_WORDS <= len(sentence.split()) <= MAX_WORDS or any(story.structure.quoted[position]):
        return
    text, source = reported_clause(sentence)
    clause = parse_clause(text)
    if clause is None:
        return
    claimant = _claimant(source, story, position)
    if source and claimant is None:
        return
    for candidate in (*_numbers(clause, story, position), *_dates(clause, story, position)):
        if claimant:
            question = f"According to {claimant}, {candidate.question[:1].lower()}{candidate.question[1:]}"
            candidate = replace(candidate, question=question)
        yield candidate
    if not source:
        yield from _people(clause, story, position)


def _claimant(source: str, story: Story, position: int) -> str | None:
    """Who says it, as a question can name them: `""` if nobody does, `None` if only the article tells."""
    if not source:
        return ""
    speaker = story.structure.speakers[position]
    person = person_in(speaker.name, story) if speaker is not None and speaker.sentence == position else None
    if person is not None and person.split()[-1] in source:
        return person
    phrase, names_itself = resolved_subject(source, story)
    return (
        phrase
        if names_itself
        and len(phrase.split()) <= 6
        and not re.search(r",|\b(?i:he|she|it|they|we|its|his|her|their)\b", phrase)
        else None
    )


def _numbers(clause: Clause, story: Story, position: int) -> Iterator[Candidate]:
    yield from _counted_subject(clause, story, position)
    subject, names_itself = resolved_subject(clause.subject, story)
    if clause.auxiliary in BE and not clause.verb:
        found = _WAS_MONEY.match(clause.rest)
        if found is not None:
            text = f"How much {joined(clause.asked(subject, ''), _lead(clause))}"
            yield from _checked(text, found, clause, story, position, names_itself)
        return
    for pattern, opening in (
        (_MONEY_OBJECT, "How much"),
        (_SHARE_OBJECT, "What percentage of"),
        (_COUNTED_OBJECT, "How many"),
    ):
        found = pattern.match(clause.rest)
        if found is None:
            continue
        groups = found.groupdict()
        noun, of = groups.get("noun") or "", groups.get("of") or ""
        after = _after(found["after"])
        if after is None and pattern is not _SHARE_OBJECT:
            return
        if pattern is _SHARE_OBJECT:
            split = re.match(rf"(?P<whole>(?:(?!(?:{_PREPOSITION})\b).)+)(?P<after>.*)", found["after"])
            if split is None:
                return
            noun, after = split["whole"].strip(), split["after"].strip()
        asked = clause.asked(subject, joined((groups["to"] or "").strip(), after or "", _lead(clause)))
        yield from _checked(
            f"{opening} {joined(noun, of.strip())} {asked}", found, clause, story, position, names_itself
        )
        return
    for pattern, opening in (
        (_BY_VOTES, "By what vote"),
        (_BY_PERCENT, "By what percentage"),
        (_VOTED, "By what vote"),
        (_BY_COUNT, "By how many votes"),
        (_AT_MONEY, "At how much"),
        (_TO_MONEY, "To how much"),
        (_FOR_TIME, "For how many {unit}"),
    ):
        found = pattern.match(clause.rest)
        if found is None or (pattern is _VOTED and clause.base != "vote"):
            continue
        after = found["after"].strip()
        asked = clause.asked(subject, joined(found["before"].strip(), after, _lead(clause)))
        opening = opening.format(unit=found.groupdict().get("unit", ""))
        yield from _checked(f"{opening} {asked}", found, clause, story, position, names_itself)
        return


def _counted_subject(clause: Clause, story: Story, position: int) -> Iterator[Candidate]:
    for pattern, opening in ((_SHARE_SUBJECT, "What percentage of"), (_COUNTED_SUBJECT, "How many")):
        found = pattern.match(clause.subject)
        if found is None:
            continue
        plural = re.search(r"(?:s|people|children|men|women|staff)\b", found["noun"])
        if pattern is _COUNTED_SUBJECT and plural is None:
            return
        text = joined(opening, found["noun"], clause.predicate, _lead(clause))
        yield from _checked(text, found, clause, story, position, has_name(text))
        return


def _checked(
    text: str, found: re.Match[str], clause: Clause, story: Story, position: int, names_itself: bool
) -> Iterator[Candidate]:
    """The question if it can be understood and its answer stands in the sentence."""
    question = f"{' '.join(text.split())}?"
    count = found["count"]
    about = found.groupdict().get("about") or ""
    answers = tuple(dict.fromkeys(form for form in (about + count, count) if form in story.quote(position)))
    if not answers or _ends_open(question[:-1]) or not stands_alone(question, possessive=True):
        return
    yield Candidate(question, answers[-1:], (position,), "number", names_itself and has_name(question))


def _dates(clause: Clause, story: Story, position: int) -> Iterator[Candidate]:
    if clause.is_cut:
        return
    subject, names_itself = resolved_subject(clause.subject, story)
    in_lead = _DATED.fullmatch(clause.lead)
    if in_lead is not None:
        found, rest = in_lead, clause.rest
    else:
        all_found = list(_DATED.finditer(clause.rest))
        if len(all_found) != 1:
            return
        found = all_found[0]
        behind = clause.rest[found.end() :].strip()
        counts = _YEAR_ALONE.fullmatch(found["date"]) and re.match(r"[a-z]", behind)
        if counts and behind.split()[0] not in PREPOSITIONS | {"and"}:
            return
        behind = "" if behind.startswith("and ") else behind
        rest = joined(clause.rest[: found.start()].strip(), behind, _lead(clause))
    if not (clause.verb or rest) or found["date"] not in story.quote(position) or _ends_open(rest):
        return
    opening = _WHEN[found["preposition"].lower()]
    question = f"{' '.join(f'{opening} {clause.asked(subject, rest)}'.split())}?"
    if not stands_alone(question, possessive=True) or re.search(rf"{_YEAR}", question):
        return
    answer = found["date"].strip()
    yield Candidate(question, (answer,), (position,), "date", names_itself and has_name(question))


def _people(clause: Clause, story: Story, position: int) -> Iterator[Candidate]:
    if clause.is_cut or _SAYS.match(clause.verb) or len(clause.rest.split()) < MIN_DEED_WORDS:
        return
    person = person_in(clause.subject, story)
    countries = clause.subject.removeprefix("The ").split(" and ")
    if person is not None and " " in person:
        opening, answers, method = "Who", name_forms(person, story), "person"
    elif all(is_state(name) for name in countries) and len(countries) <= 2:
        opening = "Which country" if len(countries) == 1 else "Which countries"
        answers, method = (clause.subject.removeprefix("The "),), "country"
        answers = tuple(answer for answer in answers if answer in story.quote(position))
    else:
        return
    question = f"{joined(opening, clause.predicate, _lead(clause))}?"
    if answers and stands_alone(re.sub(r"\b(?:his|her|its|their)\b", "the", question)):
        yield Candidate(question, answers, (position,), method, has_name(question))


def _lead(clause: Clause) -> str:
    return clause.lead[:1].lower() + clause.lead[1:]


def _after(text: str) -> str | None:
    """What may follow a counted thing in the question: a phrase with a preposition, "a year"; `None` if another."""
    text = re.sub(
        r"^(?:now|already|so far|alone)\b",
        "",
        (text if " between " in f" {text}" else re.split(r"(?:^| )and ", text)[0]).strip(),
    ).strip()
    first = text.split(" ")[0]
    if not text:
        return ""
    if first == "of":
        return None
    if first in PREPOSITIONS or re.match(
        r"(?:a|each|per) (?:year|month|week|day|hour|head|kilogram|tonne|ton)\b", text
    ):
        return text
    return None


def _ends_open(rest: str) -> bool:
    return rest.split(" ")[-1] in PREPOSITIONS - {"up", "down", "out", "off"} if rest else False

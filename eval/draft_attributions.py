"""Questions for who said something, and for what somebody said, from the statements that an article attributes."""

import re
from collections.abc import Iterator

from eval.draft_checks import content_terms
from eval.draft_clauses import Clause, joined, parse_clause
from eval.draft_people import name_forms, person_in
from eval.draft_types import Candidate, Story
from eval.draft_verbs import is_base
from eval.draft_wording import has_name, place_in_time, resolved_subject, stands_alone

MIN_QUOTED_WORDS, MAX_QUOTED_WORDS = 6, 25
"""Words of a quotation that is asked for: enough to be nobody else's, few enough to read."""

MIN_QUOTED_TERMS = 4
"""Content terms of a quotation that is asked for: "It has not done so today" could be anybody's."""

MIN_CLAUSE_WORDS, MAX_CLAUSE_WORDS = 6, 22
"""Words of a reported clause that is asked for."""

_QUOTED_SENTENCE = re.compile(r"^[\"“](?P<words>[^\"“”]+)[\"”](?=\s|$)")
_REPORTED = re.compile(
    r"^(?P<who>[^\"“”]{2,120}?) (?P<verb>said|added|noted|stressed|argued|warned|claimed|insisted|announced|predicted|"
    r"acknowledged|explained|promised|admitted|estimated|denied|conceded|thought|believed|suspected)"
    r"(?:(?: (?:on|in|at|after|during) [^,\"“”]{3,40}?)? that)? (?P<clause>[^\"“”]+)\.$"
)
_BEHIND = re.compile(
    r"^(?P<clause>[A-Z][^\"“”]+), (?P<who>(?:[^\"“”,]{2,70}, )?[^\"“”,]{2,60}) "
    r"(?P<verb>said|added|noted|stressed|explained|estimated|predicted)"
    r"(?: [^,\"“”]{0,30})?\.$"
)
_CALLED = re.compile(
    r"\b(?:called|described) (?P<what>(?:the|an?|[A-Z])[^\"“”,]{2,70}?) (?:as )?[\"“](?P<words>[^\"“”]{4,100})[\"”]"
)
_DESCRIBED = re.compile(r"\bdescribed (?:the|an?|[A-Z])")
_ASKED_TO = re.compile(r"^(?:on )?(?P<whom>(?:(?!to\b)\S+ ){1,8}?)to (?P<action>(?P<verb>[a-z]+) .+)$")
_ASKS = frozenset("urge ask order press invite allow force require advise encourage instruct warn".split())
_ACCUSED = re.compile(r"^(?P<whom>(?:(?!of\b)\S+ ){1,6}?)of (?P<deed>[a-z]+ing .+)$")
_BACKGROUND = re.compile(r" (?:amid|despite|during|because of|in response to) .*$")
_EDGES = " ,.?!"


def propose_attributions(story: Story, position: int) -> Iterator[Candidate]:
    """The questions for the words of a sentence that the article attributes to a person by name."""
    speaker = story.structure.speakers[position]
    if speaker is None:
        return
    person = person_in(speaker.name, story)
    if person is None:
        return
    naming = _naming(person, speaker.sentence, story)
    if naming is None:
        return
    positions = (position, naming)
    known = " ".join(story.quote(place) for place in positions)
    names = tuple(form for form in name_forms(person, story) if form in known)
    if not names:
        return
    sentence = place_in_time(story.sentence(position), story)
    yield from _quotations(story, positions, names)
    if story.structure.quoted[position][0]:
        return
    yield from _reported(sentence, story, positions, names)
    yield from _called(sentence, story, positions, person)
    yield from _asked_to(sentence, story, positions, person)


def _naming(person: str, stated: int, story: Story) -> int | None:
    """The sentence that gives the full name: the one that names the speaker, else the first of the article."""
    positions = (stated, *range(len(story.structure.spans)))
    return next((position for position in positions if person in story.quote(position)), None)


def _quotations(story: Story, positions: tuple[int, ...], names: tuple[str, ...]) -> Iterator[Candidate]:
    """Who said “WORDS”?"""
    found = _QUOTED_SENTENCE.match(story.sentence(positions[0]))
    if found is None or story.structure.quoted[positions[0]][0]:
        return
    words = found["words"].strip()
    shortened = _shortened(words)
    if not MIN_QUOTED_WORDS <= len(shortened.split()) <= MAX_QUOTED_WORDS or not words[:1].isupper():
        return
    if len(content_terms(shortened)) < MIN_QUOTED_TERMS:
        return
    yield Candidate(f"Who said “{shortened}”?", names, positions, "quotation", True)


def _shortened(words: str) -> str:
    """A quotation without its final mark; of a long one the part before a comma, with an ellipsis."""
    ends = [
        match.start() for match in re.finditer(",", words) if len(words[: match.start()].split()) <= MAX_QUOTED_WORDS
    ]
    if len(words.split()) > MAX_QUOTED_WORDS and ends:
        return words[: ends[-1]] + " …"
    return words.rstrip(_EDGES)


def _reported(sentence: str, story: Story, positions: tuple[int, ...], names: tuple[str, ...]) -> Iterator[Candidate]:
    """Who said that CLAUSE?"""
    found = _BEHIND.match(sentence) or _REPORTED.match(sentence)
    if found is None:
        return
    parsed = parse_clause(f"{found['clause'][:1].upper()}{found['clause'][1:]}.")
    if parsed is None:
        return
    subject, _ = resolved_subject(parsed.subject, story)
    clause = joined(subject, parsed.predicate, parsed.lead[:1].lower() + parsed.lead[1:])
    if not MIN_CLAUSE_WORDS <= len(clause.split()) <= MAX_CLAUSE_WORDS:
        return
    if any(name.split()[-1] in clause for name in names):
        return
    verb = (
        found["verb"]
        if found["verb"] in {"warned", "predicted", "denied", "promised", "argued", "admitted"}
        else "said"
    )
    question = f"Who {verb} that {clause}?"
    if not stands_alone(question.replace(" that ", " ", 1)):
        return
    yield Candidate(question, names, positions, "attribution", has_name(question))


def _called(sentence: str, story: Story, positions: tuple[int, ...], person: str) -> Iterator[Candidate]:
    """What did PERSON call THING? The answer is the quoted words."""
    found = _CALLED.search(sentence)
    if found is None:
        return
    what, names_itself = resolved_subject(found["what"], story)
    words = found["words"].strip(_EDGES)
    opening = "How did {} describe {}?" if _DESCRIBED.search(found.group()) else "What did {} call {}?"
    question = opening.format(person, what)
    if words in story.quote(positions[0]) and stands_alone(question):
        yield Candidate(question, (words,), positions, "attribution", names_itself or has_name(what))


def _asked_to(sentence: str, story: Story, positions: tuple[int, ...], person: str) -> Iterator[Candidate]:
    """What did PERSON urge SOMEBODY to do? What did PERSON accuse SOMEBODY of? What did PERSON call for?"""
    clause = _spoken(sentence, person)
    if clause is None:
        return
    answer = question = ""
    asked_to, accused = _ASKED_TO.match(clause.rest), _ACCUSED.match(clause.rest)
    base = clause.base if not clause.auxiliary else _base_of_participle(clause)
    if (
        asked_to is not None
        and (base in _ASKS or (base == "call" and clause.rest.startswith("on ")))
        and is_base(asked_to["verb"])
    ):
        whom, _ = resolved_subject(asked_to["whom"].strip(), story)
        on = "on " if base == "call" else ""
        question, answer = f"{clause.asked(person, f'{on}{whom} to do')}", asked_to["action"]
    elif accused is not None and base == "accuse":
        whom, _ = resolved_subject(accused["whom"].strip(), story)
        question, answer = f"{clause.asked(person, f'{whom} of')}", accused["deed"]
    elif base == "call" and clause.rest.startswith("for "):
        question, answer = f"{clause.asked(person, 'for')}", clause.rest.removeprefix("for ")
    answer = _BACKGROUND.sub("", answer).strip(_EDGES)
    question = f"What {question}?"
    if not answer or len(answer.split()) < 2 or answer not in story.quote(positions[0]) or not stands_alone(question):
        return
    specific = base != "call" or clause.rest.startswith("on ")
    yield Candidate(question, (answer,), positions, "attribution", specific)


def _spoken(sentence: str, person: str) -> Clause | None:
    """The main clause of a sentence whose subject is the person, by name or as "he" or "she"."""
    text = re.sub(r"^(?:He|She) (?:also )?", f"{person} ", sentence)
    text = re.split(r", (?:saying|adding|warning) ", text)[0]
    text = text if text.endswith(".") else text + "."
    clause = parse_clause(re.sub(r"[\"“][^\"“”]*[\"”]", "something", text) if "“" in text or '"' in text else text)
    if clause is None or person.split()[-1] not in clause.subject.split()[-1]:
        return None
    return clause


def _base_of_participle(clause: Clause) -> str:
    """The base of a regular participle behind "has"."""
    return clause.verb.removesuffix("d") if is_base(clause.verb.removesuffix("d")) else clause.verb.removesuffix("ed")

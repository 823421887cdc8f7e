"""Questions proposed from a library, for a person to edit, accept or reject."""

import json
import math
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eval.draft_attributions import propose_attributions
from eval.draft_checks import Checker
from eval.draft_model import ModelReport, draft_by_model
from eval.draft_names import Names
from eval.draft_near_misses import is_alterable, near_misses, topic_near_misses
from eval.draft_selection import Chosen, alternating, first_of, in_turns
from eval.draft_templates import propose
from eval.draft_types import Candidate, Draft, Story, stories
from eval.draft_wording import anchored
from index.errors import InputError

if TYPE_CHECKING:
    from index.library import Library
    from rag.generators import Generator

__all__ = ["Draft", "DraftSet", "draft_questions", "draft_set", "write_drafts"]

NEAR_MISS_SHARE = 1 / 3
"""Share of the proposals that are meant to have no answer: as in SQuAD 2.0's training set (43,498 of 130,319)."""

MODEL_SHARE = 1 / 2
"""Share of the answerable proposals that a model writes, where there is one."""

QUOTATION = "quotation"
QUOTATION_SHARE = 1 / 3
"""Share of the answerable proposals that may ask who said some words: many, safe, and easily found by words."""

CANDIDATES_PER_QUESTION = 8
"""Candidates by rules that are gathered for each question wanted before no more articles are read, so that there is a
choice: some are alike or ambiguous, and near-misses are made of others."""

BASES_PER_NEAR_MISS = 2
"""Candidates laid aside for each near-miss wanted, since not every one can be altered without being answered."""

MIN_ARTICLES = 40
"""Articles read in any case, as far as there are so many: the names that near-misses are made with come from them."""


@dataclass(frozen=True, slots=True)
class DraftSet:
    """Proposed questions, and how they came about.

    `articles` is the number read. `dropped` counts what was not proposed, by reason. `model_errors` are the errors of
    the language model in one sentence each; questions by rules are proposed all the same.
    """

    drafts: tuple[Draft, ...]
    articles: int
    dropped: Mapping[str, int]
    model_errors: tuple[str, ...]


def draft_questions(
    library: "Library",
    *,
    count: int,
    seed: int,
    generator: "Generator | None" = None,
    near_miss_share: float = NEAR_MISS_SHARE,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Draft]:
    """At most `count` proposed questions; the drafts of `draft_set`, which see."""
    made = draft_set(
        library,
        count=count,
        seed=seed,
        generator=generator,
        near_miss_share=near_miss_share,
        on_progress=on_progress,
    )
    return list(made.drafts)


def draft_set(
    library: "Library",
    *,
    count: int,
    seed: int,
    generator: "Generator | None" = None,
    near_miss_share: float = NEAR_MISS_SHARE,
    on_progress: Callable[[int, int], None] | None = None,
) -> DraftSet:
    """At most `count` proposed questions about the articles of a library, spread over articles and methods.

    About `near_miss_share` (0..1) of them are meant to have no answer. With a `generator`, a language model writes
    half of the others. Fewer are returned where the rules find no more; the same library, seed and count give the same
    questions, as far as the model does. `on_progress` is given articles read and articles in all.
    """
    rng = random.Random(seed)
    checker = Checker(library)
    report = ModelReport()
    dropped: Counter[str] = Counter()
    read, candidates = _gather(library, count, rng, on_progress)
    unanswerable = round(count * near_miss_share)
    names = Names.of(read)
    chosen = Chosen(dropped)
    for draft in _model_drafts(generator, read, math.ceil((count - unanswerable) * MODEL_SHARE), report):
        chosen.add(draft)
    bases: list[Draft] = []
    quotations = 0
    for story, candidate in in_turns(candidates, rng):
        is_full = len(chosen.drafts) >= count - unanswerable
        is_base = len(bases) < BASES_PER_NEAR_MISS * unanswerable and is_alterable(candidate.question, names)
        # In turns, so that a small collection does not spend on one kind what the other one needs.
        is_base = is_base and (is_full or len(bases) < len(chosen.drafts)) and candidate.method != QUOTATION
        is_quotation = candidate.method == QUOTATION and quotations >= QUOTATION_SHARE * (count - unanswerable)
        if (is_full and not is_base) or is_quotation:
            continue
        settled = _settled(story, candidate, names, checker, dropped)
        if settled is not None and is_base:
            bases.append(settled)
        elif settled is not None:
            quotations += chosen.add(settled) and candidate.method == QUOTATION
    wrong = Chosen(dropped, chosen.drafts)
    altered = (made for base in bases for made in first_of(near_misses(base, names, checker, rng)))
    for draft in alternating(altered, topic_near_misses(names, checker, rng)):
        if len(wrong.drafts) >= unanswerable:
            break
        wrong.add(draft)
    used = {draft.sentence for draft in wrong.drafts}
    for draft in bases:
        if len(chosen.drafts) < count - unanswerable and draft.sentence not in used:
            chosen.add(draft)
    answerable = chosen.drafts
    everything = [*answerable, *wrong.drafts]
    rng.shuffle(everything)
    dropped.update({f"model: {reason}": times for reason, times in report.dropped.items()})
    return DraftSet(
        tuple(draft.numbered(position) for position, draft in enumerate(everything[:count], start=1)),
        len(read),
        dict(dropped),
        tuple(report.errors),
    )


def write_drafts(path: Path, drafts: Sequence[Draft]) -> None:
    """Writes the drafts as JSON Lines, each marked as a proposal, into a new file.

    Raises `InputError` if there is a file already, which may hold somebody's edits, or it cannot be written.
    """
    lines = "".join(json.dumps(draft.as_json(), ensure_ascii=False) + "\n" for draft in drafts)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise InputError(f"there is already a file {str(path)!r}; name a new one, or take it away first") from None
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error.strerror or error}") from error


def _gather(
    library: "Library", count: int, rng: random.Random, on_progress: Callable[[int, int], None] | None
) -> tuple[list[Story], list[tuple[Story, Candidate]]]:
    """Articles in an order by chance, and the candidates in them: so many articles as it takes to have enough."""
    identifiers = sorted(summary.article_id for summary in library.articles())
    rng.shuffle(identifiers)
    read: list[Story] = []
    candidates: list[tuple[Story, Candidate]] = []
    for story in stories(library, identifiers):
        read.append(story)
        for position in range(len(story.structure.spans)):
            if position != story.structure.dateline:
                found = (*propose(story, position), *propose_attributions(story, position))
                candidates += [(story, candidate) for candidate in found]
        if on_progress is not None:
            on_progress(len(read), len(identifiers))
        if len(candidates) >= CANDIDATES_PER_QUESTION * count and len(read) >= MIN_ARTICLES:
            break
    return read, candidates


def _model_drafts(
    generator: "Generator | None", read: Sequence[Story], wanted: int, report: ModelReport
) -> Iterator[Draft]:
    if generator is not None:
        yield from draft_by_model(generator, read, wanted, report)


def _settled(story: Story, candidate: Candidate, names: Names, checker: Checker, dropped: Counter[str]) -> Draft | None:
    """The draft of a candidate, with the article named in it where it would be ambiguous without."""
    evidence = story.evidence(*candidate.positions)
    question: str | None = candidate.question
    notes: list[str] = []
    if candidate.method != "quotation":
        rivals = checker.rivals(
            candidate.question, candidate.answers, [place.quote for place in evidence if place.quote]
        )
        if story.article.article_id in rivals:
            dropped["its article answers it in two ways"] += 1
            return None
        if rivals or not candidate.names_itself:
            question = anchored(candidate.question, story, candidate.answers)
            notes.append("Names the article, because the question may be about another one without it.")
    if question is None:
        dropped["ambiguous, and the article has neither source and date nor title"] += 1
        return None
    for answer in candidate.answers:
        bearers = [name for name in names.people if name.split()[-1] == answer]
        if len(bearers) > 1:
            notes.append(f"“{answer}” is also the surname of others in the collection: {', '.join(bearers)}.")
    return Draft(
        id="",
        question=question,
        answers=candidate.answers,
        evidence=evidence,
        answerable=True,
        type=candidate.method,
        method=candidate.method,
        sentence=story.sentence(candidate.positions[0]),
        note=" ".join(notes),
        cluster=story.name,
    )

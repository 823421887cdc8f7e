"""A check of statements by a model of natural language inference, behind the rules that forbid."""

from collections.abc import Sequence
from itertools import groupby
from typing import Protocol

from rag.contradictions import Finding
from rag.nli import Entailment, load_nli
from rag.statement_check import StatementChecker, WordChecker
from rag.support import Judgement
from rag.types import ProblemKind, Support

ENTAILED_FROM = 0.5
"""Probability of entailment from which a statement counts as entailed: more likely than not."""

NEVER_SUPPORTED: frozenset[ProblemKind] = frozenset({"quotation", "speaker", "number", "date", "hedge"})
"""Problems with which a statement is `partial` at most, whatever the model says. Of the others that the rules do not
forbid (a name in another form, an opposite or a negation somewhere in the cited words) a model that reads both texts
is taken to be the better judge; these few are what readers quote and count on. Neither this nor `ENTAILED_FROM` was
measured: the project was built and tested with models of made weights only."""


class Entailing(Protocol):
    """What is needed of a model of inference; see `rag.nli.NliModel`."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...

    def entailment(self, evidence: Sequence[str], statement: str) -> Entailment:
        """What the model says of the statement. Raises `ModelError`."""
        ...


class ModelChecker(StatementChecker, Protocol):
    """A checker with a model of its own; `name` and `digest` identify it in the manifest of a run."""

    @property
    def digest(self) -> str: ...


class NliStatementChecker:
    """Judges by the rules of `rag.contradictions`, then by a model of inference where they forbid nothing.

    What stands word for word in the article is `verbatim`, what the rules forbid `unsupported`, and of neither the
    model is asked. A statement that it finds entailed is `supported`, but `partial` with a problem of
    `NEVER_SUPPORTED`. One that it does not find entailed is `partial` if the cited words hold enough of its own words
    (`rag.support`), and else `unsupported`. Before the sentences of an article the model reads its title, source and
    date, so that "Reuters reported" is borne out.
    """

    def __init__(self, model: Entailing) -> None:
        self.name = model.name
        self._model = model
        self._words = WordChecker()

    @property
    def digest(self) -> str:
        """The digest of the model's weights."""
        return self._model.digest

    def judge(
        self,
        statement: str,
        evidence: Sequence[str],
        *,
        found: Sequence[Finding] = (),
        known: frozenset[str] = frozenset(),
        sources: Sequence[str] = (),
    ) -> Judgement:
        """See `StatementChecker.judge`; the probability is that of entailment where the model was asked."""
        by_words = self._words.judge(statement, evidence, found=found, known=known)
        if by_words.support == "verbatim" or by_words.forbidden or not evidence:
            return by_words
        probability = self._model.entailment(premise_of(evidence, sources), statement).probability
        entailed = probability >= ENTAILED_FROM
        if entailed:
            kept_back = any(problem.kind in NEVER_SUPPORTED for problem in by_words.problems)
            support: Support = "partial" if kept_back else "supported"
        else:
            support = "unsupported" if by_words.support == "unsupported" else "partial"
        return Judgement(support, by_words.problems, probability, likely=entailed, entailed=entailed)


def premise_of(evidence: Sequence[str], sources: Sequence[str]) -> list[str]:
    """The lines that the model reads: for each article what is known of it, then its sentences as one text.

    `sources` has an entry for each sentence, or none at all.
    """
    lines: list[str] = []
    pairs = zip(sources or [""] * len(evidence), evidence, strict=True)
    for source, group in groupby(pairs, key=lambda pair: pair[0]):
        lines += [source] if source else []
        lines.append(" ".join(" ".join(text.split()) for _, text in group))
    return lines


def load_checker(name: str | None) -> ModelChecker | None:
    """The checker by the NLI model of that name or folder (see `rag.nli.load_nli`), `None` for no name.

    Raises `ModelError` if the model cannot be loaded.
    """
    return None if name is None else NliStatementChecker(load_nli(name))

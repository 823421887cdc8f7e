"""How many voices stand behind an answer: cited articles of one source, and copies of one report, are one."""

from collections.abc import Mapping, Sequence

from index.types import Article, Span
from rag.copies import same_words
from rag.types import Citation


def count_independent(citations: Sequence[Citation], articles: Mapping[str, Article]) -> int:
    """The number of independent sources among the cited articles; at least 1 where anything is cited.

    Two articles count once if they name the same source (without regard to case), or if the cited words of one stand in
    the other (`rag.copies.same_words`): a newspaper that prints an agency's report is no second witness. Articles
    without a named source are each their own. `articles` gives the texts by `article_id`; one that is not in it is
    compared by its source alone. That two sources of different names draw on one is not known from the text.
    """
    cited = {citation.article_id: citation for citation in citations}
    group = {article_id: article_id for article_id in cited}

    def root(article_id: str) -> str:
        while group[article_id] != article_id:
            article_id = group[article_id]
        return article_id

    ids = list(cited)
    for at, one in enumerate(ids):
        for other in ids[:at]:
            if root(one) != root(other) and _is_one_voice(cited[one], cited[other], citations, articles):
                group[root(one)] = root(other)
    return len({root(article_id) for article_id in ids})


def _is_one_voice(
    one: Citation, other: Citation, citations: Sequence[Citation], articles: Mapping[str, Article]
) -> bool:
    if one.source and other.source and one.source.strip().casefold() == other.source.strip().casefold():
        return True
    first, second = articles.get(one.article_id), articles.get(other.article_id)
    if first is None or second is None:
        return False
    return any(
        same_words(here, Span(citation.start, citation.end), there) is not None
        for here, there in ((first, second), (second, first))
        for citation in citations
        if citation.article_id == here.article_id
    )

"""From a statement and the passages it names to the places that are cited and the label."""

from dataclasses import dataclass, field

import pytest

from index.types import Article, Hit, Metadata, Passage, Span, normalise_text
from rag.statement_check import CitablePassage, EncoderChecker, check_statement, choose_sentences
from rag.support import Judgement
from rag.words import Words

STRIKE = (
    "The strike in Port Amity ended on Sunday after 26 days. Ana Reyes, the union leader, said the offer was not what "
    "dockers had asked for. “It is enough for now”, she said. The company [3] would not comment. Police counted 400 "
    "people."
)


def passage(text, rank=1, **metadata):
    article = Article.from_text(normalise_text(text), Metadata(**{"title": "Strike", **metadata}), f"{rank}.txt")
    return CitablePassage.of(
        Hit(Passage(f"p{rank}", article.article_id, 0, len(article.text), article.text, ""), rank, 1.0), article
    )


HERE = passage(STRIKE)


def check(text, quotes=(), named=(HERE,), passages=(HERE,), checker=None):
    return check_statement(text, quotes, named, passages, checker)


def cited(checked, of=HERE):
    return [of.article.text[span.start : span.end] for _, span in checked.places]


def test_the_sentence_that_carries_a_statement_is_cited_alone():
    checked = check("The strike in Port Amity ended after 26 days.")
    assert checked.judgement.support == "supported"
    assert cited(checked) == ["The strike in Port Amity ended on Sunday after 26 days."]


def test_neighbouring_sentences_are_one_place():
    checked = check(
        "The strike in Port Amity ended on Sunday, and the union leader Ana Reyes said the offer was not ideal."
    )
    assert len(checked.places) == 1


@pytest.mark.parametrize(
    ("quote", "how"),
    [("It is enough for now", "exact"), ("it is enough for NOW", "normalised"), ("It was enough for now", None)],
)
def test_a_quotation_is_found_as_it_is_normalised_or_not(quote, how):
    checked = check(f"The union leader said “{quote}”.", (quote,))
    assert checked.quoted == how
    assert (checked.judgement.support == "unsupported") == (how is None)
    assert ("quotation", quote) in {(p.kind, p.detail) for p in checked.judgement.problems} or how is not None


def test_a_whole_sentence_is_verbatim_exactly_or_normalised():
    assert check("Police counted 400 people.").quoted == "exact"
    changed = check("police counted 400 people")
    assert (changed.judgement.support, changed.quoted) == ("verbatim", "normalised")


def test_a_bracket_of_the_article_keeps_no_sentence_from_being_verbatim():
    assert check("The company (3) would not comment.").judgement.support == "verbatim"


def test_what_a_named_passage_does_not_hold_is_cited_from_the_one_that_does():
    other = passage("The museum in Tarrow opened on Monday with 40 paintings.", rank=2)
    checked = check("The museum in Tarrow opened with 40 paintings.", named=(HERE,), passages=(HERE, other))
    assert checked.judgement.support == "supported"
    assert [article_id for article_id, _ in checked.places] == [other.article.article_id]


def test_a_statement_without_a_mark_that_nothing_supports_has_no_place():
    checked = check("Penguins live at the South Pole.", named=())
    assert (checked.places, checked.judgement.support) == ((), "unsupported")


def test_a_named_passage_that_carries_nothing_is_cited_whole():
    checked = check("Penguins live at the South Pole.")
    assert checked.places == ((HERE.article.article_id, Span(0, len(HERE.article.text))),)
    assert checked.judgement.support == "unsupported"


def test_source_and_date_of_the_article_may_be_named():
    dated = passage("The silo in Tarrow burned down.", rank=3, source="TASS", published="2017-06-03")
    for text in ("TASS reported that the silo in Tarrow burned down.", "In June 2017 the silo in Tarrow burned down."):
        assert check(text, named=(dated,), passages=(dated,)).judgement.support == "supported", text
    wrong = check("In July 2017 the silo in Tarrow burned down.", named=(dated,), passages=(dated,))
    assert wrong.judgement.support == "unsupported"


def test_the_date_of_the_article_is_not_that_of_an_event_with_a_date_of_its_own():
    dated = passage("The silo in Tarrow burned down on 1 May 2016.", rank=4, published="2017-06-03")
    checked = check("The silo in Tarrow burned down in June 2017.", named=(dated,), passages=(dated,))
    assert checked.judgement.support == "unsupported"


def test_the_best_sentence_comes_first_and_others_only_if_they_add():
    sentences = [
        Words.of(text) for text in ("Ana left.", "The strike ended in May.", "The strike went on.", "It rained.")
    ]
    assert choose_sentences(Words.of("The strike ended in May."), sentences) == [1]
    assert choose_sentences(Words.of("The strike ended in May, and Ana left."), sentences) == [0, 1]
    assert choose_sentences(Words.of("Nothing of this."), sentences) in ([], [1], [2])


@dataclass
class Near:
    """An encoder for which every word is as near as it is told, and what it was asked."""

    value: float
    asked: list = field(default_factory=list)

    def __call__(self, text, spans, others):
        self.asked.append(([text[span.start : span.end] for span in spans], list(others)))
        return [self.value] * len(spans)


def test_nearness_to_the_cited_words_helps_and_never_against_a_rule():
    text = "The walkout in Port Amity finished on Sunday."
    near, far = (check(text, checker=EncoderChecker(Near(value))).judgement for value in (0.99, 0.0))
    assert near.probability > far.probability
    swapped = check("The strike in Port Amity ended after 27 days.", checker=EncoderChecker(Near(0.99)))
    assert swapped.judgement.support == "unsupported"


def test_the_encoder_is_shown_words_of_content_and_the_cited_sentences():
    near = Near(0.9)
    check("The Port Amity strike ended.", checker=EncoderChecker(near))
    words, others = near.asked[0]
    assert words == ["Port", "Amity", "strike", "ended"]
    assert others == ["The strike in Port Amity ended on Sunday after 26 days."]


def test_a_checker_of_ones_own_has_the_word():
    class Always:
        name = "always"

        def judge(self, statement, evidence, *, found=(), known=frozenset(), sources=()):
            return Judgement("partial", tuple(finding.problem for finding in found), 0.5)

    assert check("The strike in Port Amity ended.", checker=Always()).judgement.support == "partial"

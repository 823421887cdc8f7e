"""Copies of one report are one voice: what counts as a copy, where the same words stand, and what an answer says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.types import Article, Hit, Passage, Span
from rag import answering
from rag.answering import AnswerSettings, ask
from rag.copies import COPIED_SHARE, SHINGLE_WORDS, Collapsed, articles_with_copies, collapse, same_words
from rag.followups import make_standalone
from rag.parts import split_question
from rag.statements import Chosen, compose
from rag.types import Answer, Question
from tests.small_library import library_of, made_article

SENTENCES = (
    "The port of Averley closed its western basin on Tuesday after a barge carrying grain struck the lock gate.",
    "Harbour master Ines Calder told reporters that divers would examine the gate before any ship could pass.",
    "Eleven vessels were waiting in the roads by nightfall, among them two ferries with some four hundred passengers.",
    '"We have asked the yards at Sollen for a spare gate, and we expect it here within nine days," Calder said.',
    "The barge had left Marrow in the morning and was towed to the eastern quay with a torn bow but without leaks.",
    "The town council will meet on Thursday to hear how the traders are to be compensated for their spoiled cargoes.",
)
REPORT = "AVERLEY, June 3 (Korvex) - " + " ".join(SENTENCES)
SHORTENED = "A barge has shut the port. " + " ".join((*SENTENCES[:2], *SENTENCES[3:5]))
OTHER_QUOTES = "Averley, 4 June -- " + " ".join(SENTENCES).replace('"We', "“We").replace('days,"', "days,”")
SAME_QUOTATION = (
    'Ships may have to go round by Marrow for more than a week. "We have asked the yards at Sollen for a spare gate, '
    'and we expect it here within nine days," the harbour master announced at noon, to the anger of grain merchants.'
)
MOSTLY_QUOTED = (
    'On Monday the mayor spoke first. "{}" The hall applauded him warmly, and a band struck up the anthem.',
    'Nobody had expected it. "{}" So ended the evening for opponents of the plan, who left by the back door.',
)
SPEECH = (
    "We shall build the sea wall with our own stone and our own hands, and we shall ask no bank for a loan that our "
    "children would have to repay, because the sea does not wait for clerks and neither will the people of this town."
)


def hits_of(*passages: tuple[str, str]) -> list[Hit]:
    """Hits of (article, text), best first; the passage's identifier is `article:position`."""
    return [
        Hit(Passage(f"{article}:{position}", article, 0, len(text), text, ""), position + 1, 1.0 / (position + 1))
        for position, (article, text) in enumerate(passages)
    ]


def names(hits) -> list[str]:
    return [hit.passage.passage_id for hit in hits]


@pytest.mark.parametrize("copy", [SHORTENED, OTHER_QUOTES, REPORT])
def test_a_copy_is_left_out_and_kept_with_the_better_ranked(copy: str):
    found = collapse(hits_of(("original", REPORT), ("other", "The weather stays dry until Friday."), ("copy", copy)))
    assert names(found.hits) == ["original:0", "other:1"]
    assert {name: names(copies) for name, copies in found.copies.items()} == {"original:0": ["copy:2"]}


def test_ranks_are_counted_again_and_scores_stay():
    hits = hits_of(("a", REPORT), ("b", SHORTENED), ("c", SAME_QUOTATION))
    found = collapse(hits)
    assert [(hit.rank, hit.score) for hit in found.hits] == [(1, 1.0), (2, pytest.approx(1 / 3))]
    assert found.copies["a:0"] == (hits[1],)
    assert collapse([]) == Collapsed((), {})


def test_the_better_ranked_of_two_like_texts_is_kept():
    assert names(collapse(hits_of(("copy", OTHER_QUOTES), ("original", REPORT))).hits) == ["copy:0"]


def test_a_passage_that_says_much_more_stays_behind_the_copy_of_a_part_of_it():
    brief = " ".join(SENTENCES[:2])
    assert names(collapse(hits_of(("brief", brief), ("original", REPORT))).hits) == ["brief:0", "original:1"]
    assert names(collapse(hits_of(("original", REPORT), ("brief", brief))).hits) == ["original:0"]


@pytest.mark.parametrize("first", [0, 1])
def test_reports_that_share_a_quotation_are_two_voices(first: int):
    pair = [("original", REPORT), ("other", SAME_QUOTATION)]
    assert len(collapse(hits_of(pair[first], pair[1 - first])).hits) == 2


@pytest.mark.parametrize("marks", ['""', "“”", "«»"])
def test_reports_that_consist_of_a_quotation_mostly_are_two_voices_too(marks: str):
    quoted = [text.format(SPEECH).replace('"', marks[0], 1).replace('"', marks[1], 1) for text in MOSTLY_QUOTED]
    assert len(collapse(hits_of(("a", quoted[0]), ("b", quoted[1]))).hits) == 2
    # The same words without marks are narration, of which most is the same.
    bare = [text.replace(marks[0], "").replace(marks[1], "") for text in quoted]
    assert len(collapse(hits_of(("a", bare[0]), ("b", bare[1]))).hits) == 1


def test_a_passage_may_begin_inside_a_quotation():
    inside = [f'{SPEECH}" {text.split("{}")[1][2:]}' for text in MOSTLY_QUOTED]
    assert len(collapse(hits_of(("a", inside[0]), ("b", inside[1]))).hits) == 2
    assert len(collapse(hits_of(("a", inside[0]), ("b", inside[0]))).hits) == 1


def test_overlapping_passages_of_one_article_are_no_copies():
    hits = hits_of(("a", " ".join(SENTENCES[:4])), ("a", " ".join(SENTENCES[1:5])), ("a", " ".join(SENTENCES[:4])))
    assert len(collapse(hits).hits) == 3


def test_a_copy_that_is_cut_at_other_sentences_repeats_two_passages_together():
    first, second, across = " ".join(SENTENCES[:3]), " ".join(SENTENCES[3:]), " ".join(SENTENCES[1:5])
    found = collapse(hits_of(("a", first), ("a", second), ("copy", across)))
    assert names(found.hits) == ["a:0", "a:1"]
    assert sum(map(len, found.copies.values())) == 1
    # Neither of them alone has enough of it, nor have two articles.
    assert len(collapse(hits_of(("a", first), ("copy", across))).hits) == 2
    assert len(collapse(hits_of(("a", first), ("b", second), ("copy", across))).hits) == 3


def test_the_share_is_that_of_shingles():
    # Words 1 to 24 have 20 shingles; with the last n of them replaced, 20 - n are left.
    words = [f"w{number}" for number in range(24)]
    assert (SHINGLE_WORDS, COPIED_SHARE) == (5, 0.6)
    for replaced, kept in [(8, 1), (9, 2)]:
        changed = words[: 24 - replaced] + [f"x{number}" for number in range(replaced)]
        assert len(collapse(hits_of(("a", " ".join(words)), ("b", " ".join(changed)))).hits) == kept


def test_texts_of_few_words_are_compared_whole():
    hits = hits_of(("a", "Calder resigned."), ("b", "Calder resigned!"), ("c", "Calder stayed."), ("d", "—"))
    assert names(collapse(hits).hits) == ["a:0", "c:2", "d:3"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([REPORT, SHORTENED, OTHER_QUOTES, SPEECH, "x"]))))
def test_every_hit_is_kept_or_a_copy_of_another_article(passages: list[tuple[str, str]]):
    hits = hits_of(*passages)
    found = collapse(hits)
    left_out = [copy for copies in found.copies.values() for copy in copies]
    assert sorted(names(found.hits) + names(left_out)) == sorted(names(hits))
    assert [hit.rank for hit in found.hits] == list(range(1, len(found.hits) + 1))
    kept = {hit.passage.passage_id: hit for hit in found.hits}
    for original, copies in found.copies.items():
        for copy in copies:
            assert copy.passage.article_id != kept[original].passage.article_id
    assert collapse(found.hits).copies == {}


def test_articles_with_copies_are_those_of_all_searches_together():
    a, b, c = ((name, REPORT) for name in "abc")
    one, two = collapse(hits_of(a, b)), collapse(hits_of(b, c, ("d", SPEECH)))
    assert articles_with_copies([one]) == {"a": ("b",), "b": ("a",)}
    assert {name: set(others) for name, others in articles_with_copies([one, two]).items()} == {
        "a": {"b", "c"},
        "b": {"a", "c"},
        "c": {"a", "b"},
    }
    assert articles_with_copies([collapse(hits_of(a, ("d", SPEECH)))]) == {}


def found_in(words: str, article_text: str, other_text: str) -> str | None:
    """The characters of the other article that `same_words` gives for some words of an article."""
    article, other = made_article(article_text, "one"), made_article(other_text, "two")
    start = article.text.index(words)
    span = same_words(article, Span(start, start + len(words)), other)
    return None if span is None else other.text[span.start : span.end]


@pytest.mark.parametrize(
    ("words", "other"),
    [
        ("The ban ends.", "News. The ban ends. More news."),
        ("The ban ends.", "The ban ends."),
        ("The ban ends.", "LONDON, March 4 (Reuters) - The ban ends."),
        ("The ban ends.", "(Reuters) -- The ban ends."),
        ("The ban ends.", "A heading\nThe ban ends."),
        ("The ban ends.", "They say that The ban ends. No: The ban ends. The ban ends."),
        ("The ban ends", "Headline\nThe ban ends\nText."),
        ("It cost 3.", "It cost 3.5 crowns. It cost 3.[12] Nobody paid."),
    ],
)
def test_the_same_characters_are_found_as_whole_sentences(words: str, other: str):
    assert found_in(words, f"First. {words}", other) == words


@pytest.mark.parametrize(
    ("words", "other", "expected"),
    [
        ('"We won’t," he said.', "No.\n“We won't,” he said.", "“We won't,” he said."),
        ("A ban - of years - ends.", "B. A ban — of\n years – ends.", "A ban — of\n years – ends."),
        ("A ban -- of years -- ends.", "A ban — of years — ends. B.", "A ban — of years — ends."),
        ("One day. Then two.", "So. One day.\n\n  Then\u00a0two. So", "One day.\n\n  Then\u00a0two."),
    ],
)
def test_other_marks_and_white_space_are_the_same_words(words: str, other: str, expected: str):
    assert found_in(words, f"First. {words}", other) == expected


@pytest.mark.parametrize(
    "other",
    [
        "The ban will end.",
        "the ban ends.",
        "It is not true that The ban ends.",
        'He said: "The ban ends."',
        "He was told: The ban ends.",
        "The ban ends.5 crowns.",
        "",
    ],
)
def test_other_words_and_parts_of_sentences_are_not_the_same(other: str):
    assert found_in("The ban ends.", "First. The ban ends.", f"{other}\nLast.") is None


@given(st.text("ab .\"“”'’-—–\n\u00a0", max_size=40), st.text("ab .\"“”'’-—–\n\u00a0", max_size=20))
def test_what_is_found_is_the_same_but_for_marks_and_white_space(text: str, words: str):
    def plain(of: str) -> str:
        for marks, mark in [("“”", '"'), ("’", "'"), ("—–", "-")]:
            of = "".join(mark if character in marks else character for character in of)
        while "--" in of:
            of = of.replace("--", "-")
        return " ".join(of.split())

    article, other = made_article(f"x {words} y", "one"), made_article(f"{text} {words} {text}", "two")
    start = article.text.find(words)
    if not words.strip() or start < 0:
        return
    span = same_words(article, Span(start, start + len(words)), other)
    if span is not None:
        assert plain(other.text[span.start : span.end]) == plain(words)


def piece(article: Article, sentence: int = 0) -> Chosen:
    return Chosen(article, sentence, sentence)


def paper(name: str, text: str = "The ban ends.", **metadata: str) -> Article:
    # Another last line, or the texts would be one article.
    return made_article(f"{text}\nPrinted by {name}.", name, **{"source": name, **metadata})


def test_a_statement_names_and_cites_at_most_three_others():
    first, *others = (paper(name, published="2017-06-04") for name in ("TASS", "One", "Two", "Three", "Four", "Five"))
    text, (statement,), citations = compose([piece(first)], {first.article_id: others})
    label = "TASS, 4 June 2017; same words in One, 4 June 2017; Two, 4 June 2017; Three, 4 June 2017 and 2 more"
    assert text == f"The ban ends. ({label}) [1][2][3][4]"
    assert statement.citations == (1, 2, 3, 4)
    assert [citation.article_id for citation in citations] == [a.article_id for a in (first, *others[:3])]
    assert {citation.cited_text for citation in citations} == {"The ban ends."}


def test_a_copy_without_the_very_words_and_another_edition_of_the_source_are_not_named():
    first, edited, edition = paper("TASS"), paper("Gazette", "The ban has ended."), paper("TASS", "Now. The ban ends.")
    text, _, citations = compose([piece(first)], {first.article_id: [edited, edition]})
    assert text == "The ban ends. (TASS) [1]"
    assert len(citations) == 1


def test_a_copy_without_source_and_date_is_named_by_its_title():
    bare = made_article("The ban ends.\nIt was long.", "bare", title="End of a ban")
    text, _, _ = compose([piece(paper("TASS"))], {paper("TASS").article_id: [bare]})
    assert text == "The ban ends. (TASS; same words in End of a ban) [1][2]"


def test_words_that_two_chosen_articles_have_are_said_once():
    first, second = paper("TASS"), paper("Gazette", "Morning news. The ban ends.")
    text, statements, citations = compose([piece(first), piece(second, 1), piece(second, 0)])
    assert text == "The ban ends. (TASS; same words in Gazette) [1][2]\n\nMorning news. (Gazette) [3]"
    assert [statement.citations for statement in statements] == [(1, 2), (3,)]
    assert second.text[citations[1].start : citations[1].end] == "The ban ends." == citations[1].cited_text


ORIGINAL = made_article(REPORT, "original", title="Barge shuts basin", source="Korvex", published="2017-06-03")
COPY = made_article(
    "Port of Averley shut\n" + OTHER_QUOTES,
    "copy",
    title="Port of Averley shut",
    source="Gazette",
    published="2017-06-04",
)
OTHERS = [
    made_article(f"Ferry number {number} needs paint. Its crew of {number} is on leave.", f"ferry{number}")
    for number in range(4)
]


def asked(path: Path, question: str, articles: list[Article], monkeypatch: pytest.MonkeyPatch, k: int = 10) -> Answer:
    monkeypatch.setattr(answering, "refuse_below", lambda evidence: 0.0)
    with library_of(path, articles) as library:
        return ask(Question(question), library, settings=AnswerSettings(k=k))


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How many vessels were waiting in the roads?", SENTENCES[2]),
        ("What have they asked the yards at Sollen for?", SENTENCES[3]),
        ("How many vessels were waiting in the roads, and when does the town council meet?", SENTENCES[2]),
    ],
)
def test_an_answer_says_copied_words_once_and_cites_both(
    tmp_path: Path, question: str, words: str, monkeypatch: pytest.MonkeyPatch
):
    answer = asked(tmp_path / "library", question, [*OTHERS, COPY, ORIGINAL], monkeypatch)
    texts = {article.article_id: article.text for article in (*OTHERS, COPY, ORIGINAL)}
    saying = [statement for statement in answer.statements if words[5:40] in statement.text.replace("“", '"')]
    (statement,) = saying
    first, second = (answer.citations[number - 1] for number in (statement.citations[0], statement.citations[-1]))
    assert {first.source, second.source} == {"Korvex", "Gazette"}
    dates = {"Korvex": "Korvex, 3 June 2017", "Gazette": "Gazette, 4 June 2017"}
    assert statement.text.endswith(f"({dates[str(first.source)]}; same words in {dates[str(second.source)]})")
    for citation in (first, second):
        assert citation.cited_text == texts[citation.article_id][citation.start : citation.end]
        assert citation.cited_text.replace("“", '"').replace("”", '"') == words
    marks = "".join(f"[{number}]" for number in statement.citations)
    assert f"{statement.text} {marks}" in answer.text


def test_the_passages_of_an_answer_are_distinct_and_as_many_as_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    papers = [made_article(f"{REPORT}\nThe {name}.", name, source=name) for name in ("Gazette", "Herald", "Post")]
    answer = asked(tmp_path / "library", "How many vessels were waiting?", [*OTHERS, *papers], monkeypatch, k=4)
    assert len(answer.hits) == 4
    assert [hit.rank for hit in answer.hits] == [1, 2, 3, 4]
    assert collapse(answer.hits).copies == {}
    assert len({hit.passage.article_id for hit in answer.hits} - {paper.article_id for paper in papers}) >= 2
    assert "same words in" in answer.text


def test_copies_that_different_parts_of_a_question_find_first_are_one_passage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    papers = [
        made_article(f"{REPORT}\nThe Post.", "post", title="Vessels waiting in the roads", source="Post"),
        made_article(f"{REPORT}\nThe Herald.", "herald", title="Spare gate from Sollen yards", source="Herald"),
    ]
    parts = ("How many vessels were waiting in the roads?", "What did they ask the yards at Sollen for?")
    first = [asked(tmp_path / part[:8], part, [*OTHERS, *papers], monkeypatch).hits[0] for part in parts]
    assert [hit.passage.article_id for hit in first] == [paper.article_id for paper in papers]
    question = "How many vessels were waiting in the roads, and what did they ask the yards at Sollen for?"
    answer = asked(tmp_path / "both", question, [*OTHERS, *papers], monkeypatch)
    assert len(split_question(make_standalone(question, ()))) == 2
    assert collapse(answer.hits).copies == {}

"""Readers: spans and windows by hand-worked numbers, the reader that ships, models of transformers, and their use."""

import json
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from command_line import run
from fakes import BagOfWordsEncoder, WordReader
from hypothesis import given
from hypothesis import strategies as st

from eval.retrieval_run import run_retrieval
from eval.runner import RunOptions, run_set
from eval.systems import baseline_asks, library_search, system_ask
from eval.types import EvalQuestion, Evidence, QuestionSet
from index.errors import InputError, ModelError
from index.library import Library
from index.types import Hit, Passage, SearchFilter, Span
from rag.answering import AnswerSettings, ask
from rag.confidence import MOST_ODDS, READ_SIGNALS, confidence, confidence_signals, read_signals, refuse_below
from rag.features import FEATURES, READER_FEATURES
from rag.reader import DIGEST, FILE, OwnReader, load_reader, own_reader
from rag.reading import MAX_ANSWER_TOKENS, Reading, Readings, Text, merged, windows
from rag.retrieval import READ_PASSAGES, READER_WEIGHT, read_again, retrieve
from rag.short_answers import LEAST_ANSWERED, short_answers
from rag.types import Question
from rag.weights import load_weights
from tests.small_library import evidence_of, library_of, made_article
from tests.test_reranking import save_cross_encoder

NO_FILTER = SearchFilter()
EVERYTHING = Span(0, 10**6)

MAYOR = Text(
    "Quillbury Gazette",
    "Harold Pelham resigned on 3 May after eleven years in office. The council of Quillbury elected Tilda Marsh, a "
    "former harbour pilot, as its new mayor by 14 votes to 9. She will take up the post on 1 June. The town has "
    "about 8,400 inhabitants.",
)
FERRY = Text(
    "Ferries", "The last ferry to Marrow Island was sold for scrap in 1987. Its bell hangs in the church of St Olave."
)
"""Both made up."""


# Spans and windows


def reading(first: list[float], last: list[float], none: float = -5.0) -> Reading:
    places = np.arange(len(first), dtype=np.int64) * 2
    return Reading(
        places, places + 1, np.array(first, dtype=np.float32), np.array(last, dtype=np.float32), none, 0.0, 0.0
    )


def test_the_best_span_does_not_end_before_it_begins():
    # Token 2 is the likeliest first and token 0 the likeliest last one; 1..2 (-1 - 1) is the best that is a span.
    found = reading([-3.0, -1.0, -0.5], [-0.1, -4.0, -1.0]).best(EVERYTHING)
    assert found is not None
    assert found.span == Span(4, 5)
    assert found.score == pytest.approx(-1.5)
    within = reading([-3.0, -1.0, -0.5], [-0.1, -4.0, -1.0]).best(Span(0, 4))
    assert within is not None
    assert (within.span, within.score) == (Span(0, 1), pytest.approx(-3.1))


def test_no_token_within_is_no_answer():
    assert reading([-1.0], [-1.0]).best(Span(7, 9)) is None
    assert reading([-1.0], [-1.0]).share(Span(7, 9)) == 0.0


def test_a_span_has_no_more_tokens_than_allowed():
    count = MAX_ANSWER_TOKENS + 10
    scores = [-9.0] * count
    found = reading([0.0, *scores[1:]], [*scores[:-1], 0.0]).best(EVERYTHING)
    assert found is not None
    assert (found.span.end - found.span.start + 1) // 2 <= MAX_ANSWER_TOKENS


def test_the_share_of_a_sentence_is_that_of_its_first_tokens():
    some = reading([math.log(0.2), math.log(0.5), math.log(0.1)], [-1.0, -1.0, -1.0])
    assert some.share(Span(0, 3)) == pytest.approx(0.7)


def test_windows_are_merged_token_by_token():
    # Token 1 is in both windows: its better scores count. "None" is that of the second window, which is less likely.
    parts = [
        (0, np.array([[1.0, 0.0], [2.0, 0.0]], dtype=np.float32), np.array([3.0, 3.0], dtype=np.float32)),
        (1, np.array([[0.0, 1.0], [4.0, 4.0]], dtype=np.float32), np.array([0.0, 1.0], dtype=np.float32)),
    ]
    first, last, none = merged(parts, 3)
    firsts, lasts = np.array([1.0, 2.0, 4.0, 0.0]), np.array([0.0, 1.0, 4.0, 1.0])
    expected_first = firsts - np.log(np.exp(firsts).sum())
    expected_last = lasts - np.log(np.exp(lasts).sum())
    assert first == pytest.approx(expected_first[:3], abs=1e-6)
    assert last == pytest.approx(expected_last[:3], abs=1e-6)
    assert none == pytest.approx(expected_first[3] + expected_last[3], abs=1e-6)


@given(st.integers(0, 700), st.integers(2, 300))
def test_windows_hold_every_token_and_overlap(count: int, most: int):
    found = windows(count, most)
    assert found[0][0] == 0
    assert found[-1][1] == count
    assert all(end - begin <= most for begin, end in found)
    assert all(later[0] < earlier[1] for earlier, later in pairwise(found))


# The reader that ships


@pytest.fixture(scope="module")
def own() -> OwnReader:
    return own_reader()


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("Who was elected mayor of Quillbury?", MAYOR, "Tilda Marsh"),
        ("When did Harold Pelham resign?", MAYOR, "3 May"),
        ("When was the last ferry to Marrow Island sold?", FERRY, "1987"),
    ],
)
def test_it_finds_the_answer_word_for_word(own: OwnReader, question: str, text: Text, answer: str):
    other = FERRY if text is MAYOR else MAYOR
    found, elsewhere = own.read(question, [text, other])
    best = found.best(EVERYTHING)
    assert best is not None
    assert text.text[best.span.start : best.span.end] == answer
    assert best.score > found.none
    assert found.answered > 0 > elsewhere.answered
    assert found.relevance > elsewhere.relevance
    miss = elsewhere.best(EVERYTHING)
    assert miss is not None
    assert miss.score < elsewhere.none


def test_probabilities_add_up_to_one(own: OwnReader):
    for found in own.read("Who was elected mayor?", [MAYOR, Text("", MAYOR.text * 6)]):
        assert np.exp(found.first).sum() <= 1.0
        assert np.exp(found.last).sum() <= 1.0
        assert found.none <= 0.0
        assert len(found.starts) == len(found.ends) == len(found.first) == len(found.last)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_text_is_read_the_same_alone_and_among_others(precision: str, monkeypatch: pytest.MonkeyPatch):
    import torch  # noqa: F401

    monkeypatch.setenv("DATELINE_PRECISION", precision)
    texts = [Text("", "Nothing."), MAYOR, FERRY, Text("", MAYOR.text * 4), Text("Empty", "")]
    together = OwnReader().read("Who was elected mayor?", texts)
    for text, found in zip(texts, together, strict=True):
        alone = OwnReader().read("Who was elected mayor?", [text])[0]
        assert alone.first == pytest.approx(found.first, abs=1e-4)
        assert alone.last == pytest.approx(found.last, abs=1e-4)
        assert (alone.none, alone.answered, alone.relevance) == pytest.approx(
            (found.none, found.answered, found.relevance), abs=1e-4
        )


def test_a_long_text_is_read_to_its_end(own: OwnReader):
    filler = "The weather stayed mild and the harbour was quiet all week. " * 60
    found = own.read("Who was elected mayor of Quillbury?", [Text("", filler + MAYOR.text)])[0]
    best = found.best(EVERYTHING)
    assert best is not None
    assert (filler + MAYOR.text)[best.span.start : best.span.end] == "Tilda Marsh"


def test_words_of_the_title_are_no_answer(own: OwnReader):
    text = Text("Tilda Marsh elected mayor of Quillbury", "The ferry sails at nine.")
    found = own.read("Who was elected mayor of Quillbury?", [text])[0]
    assert found.ends.max() <= len(text.text)


def test_numpy_and_pytorch_read_the_same():
    """NumPy where PyTorch is not imported, in a process of its own; PyTorch here."""
    import torch  # noqa: F401

    here = OwnReader().read("Who was elected mayor?", [MAYOR, FERRY])
    code = (
        "import json, sys; from rag.reader import OwnReader; from rag.reading import Text\n"
        "texts = [Text(*one) for one in json.loads(sys.argv[1])]\n"
        "found = OwnReader().read('Who was elected mayor?', texts)\n"
        "assert 'torch' not in sys.modules\n"
        "print(json.dumps([[one.first.tolist(), one.none, one.answered, one.relevance] for one in found]))"
    )
    given = json.dumps([[text.context, text.text] for text in (MAYOR, FERRY)])
    environment = {"PATH": "", "DATELINE_PRECISION": "fp32", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code, given], capture_output=True, text=True, check=True, env=environment
    )
    # In bf16, as here on some processors, two digits are left.
    for mine, (first, none, answered, relevance) in zip(here, json.loads(done.stdout), strict=True):
        assert mine.first == pytest.approx(np.array(first), abs=0.2)
        assert (mine.none, mine.answered, mine.relevance) == pytest.approx((none, answered, relevance), abs=0.2)


def test_several_threads_may_read(own: OwnReader):
    fresh = OwnReader()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: fresh.read(f"Who was elected mayor {n % 3}?", [MAYOR, FERRY]), range(9)))
    assert all(len(each) == 2 for each in found)
    assert found[0][0].answered == pytest.approx(found[3][0].answered, abs=1e-4)


def test_weights_that_are_damaged_are_refused(tmp_path: Path):
    content = bytearray(FILE.read_bytes())
    content[-5] ^= 1
    damaged = tmp_path / "reader.safetensors"
    damaged.write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged or others; reinstall Dateline, or .* --reader none"):
        OwnReader(damaged, DIGEST).read("Who?", [MAYOR])
    with pytest.raises(ModelError, match="cannot be read"):
        OwnReader(tmp_path / "missing", DIGEST).read("Who?", [MAYOR])


def test_the_weights_are_small_enough_for_the_repository():
    assert FILE.stat().st_size < 60_000_000


def test_names_of_readers(monkeypatch: pytest.MonkeyPatch):
    assert load_reader("none") is None
    assert load_reader("dateline") is own_reader()
    assert load_reader(None) is None, "as the environment says, in these tests"
    monkeypatch.delenv("DATELINE_READER")
    assert load_reader(None) is own_reader()


# Models of transformers


def save_span_model(folder: Path, kind: str = "BertForQuestionAnswering") -> Path:
    """A small BERT with random weights and a head of two numbers, of the given class of transformers."""
    return save_cross_encoder(folder, kind=kind, labels=2)


WORDS = "the strike ended on sunday"


def test_a_question_answering_model_gives_its_own_scores(tmp_path: Path):
    import torch
    from transformers import AutoTokenizer, BertForQuestionAnswering

    folder = save_span_model(tmp_path / "model")
    reader = load_reader(str(folder))
    assert reader is not None
    assert reader.name == str(folder.resolve())
    assert len(reader.digest) == 64
    texts = [Text("a title", "on sunday the strike ended"), Text("", "strike"), Text("", f"{WORDS} " * 30)]
    found = reader.read(WORDS, texts)
    inputs = AutoTokenizer.from_pretrained(folder)(WORDS, texts[0].text, return_tensors="pt")
    with torch.inference_mode():
        output = BertForQuestionAnswering.from_pretrained(folder).eval()(**inputs)
    # Five words of the question, a separator, five of the passage, a separator; no word stands for none but the first.
    scores = output.start_logits[0].numpy()
    own = np.concatenate([scores[6:11], scores[:1]])
    assert found[0].first == pytest.approx(own[:5] - np.log(np.exp(own).sum()), abs=1e-3)
    assert [texts[0].text[start:end] for start, end in zip(found[0].starts, found[0].ends, strict=True)] == (
        texts[0].text.split()
    )
    alone = reader.read(WORDS, texts[:1])[0]
    assert alone.first == pytest.approx(found[0].first, abs=1e-4)
    assert len(found[2].starts) == 150, "in windows"
    best = found[0].best(EVERYTHING)
    assert best is not None
    assert found[0].answered == pytest.approx(best.score - found[0].none)


def test_what_is_no_reader_is_refused(tmp_path: Path, network_attempts: list[str]):
    classifier = save_span_model(tmp_path / "classifier", "BertForSequenceClassification")
    with pytest.raises(ModelError, match="is no reader: it was not trained to mark answers"):
        load_reader(str(classifier))
    with pytest.raises(ModelError, match="There is no folder"):
        load_reader(str(tmp_path / "missing"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="could not be loaded") as raised:
        load_reader(str(tmp_path / "empty"))
    assert "--reader" in str(raised.value)
    assert network_attempts == []


# Use


def hit(name: str, rank: int, score: float, context: str = "") -> Hit:
    return Hit(Passage(name, f"article-{name}", 0, 1, name, context), rank, score, dense_rank=rank)


def test_the_new_score_is_the_mean_of_the_search_and_of_the_probability_that_a_passage_answers():
    hits = [hit("a", 1, 0.9), hit("b blue", 2, 0.7), hit("c blue blue", 3, 0.5), hit("d", 4, 0.4)]
    reader = WordReader("blue")
    found = read_again(hits, Readings(reader, "?"), depth=3)
    # Log-odds of 3 and -3 are probabilities of .9526 and .0474; d is not read.
    yes, no = 0.9526 * READER_WEIGHT, 0.0474 * READER_WEIGHT
    expected = {"a": 0.9 + no, "b blue": 0.7 + yes, "c blue blue": 0.5 + yes, "d": 0.4}
    ranked = sorted(expected, key=lambda name: -expected[name])
    assert [one.passage.passage_id for one in found] == ranked
    assert [one.score * (1 + READER_WEIGHT) for one in found] == pytest.approx(
        [expected[name] for name in ranked], abs=1e-4
    )
    assert [one.rank for one in found] == [1, 2, 3, 4]
    assert all(0 <= one.score <= 1 for one in found)
    assert len(reader.given[0][1]) == 3


def test_each_passage_is_read_once_and_its_title_is_its_context():
    reader = WordReader("blue")
    readings = Readings(reader, "Which?")
    hits = [hit("a", 1, 1.0, "Title"), hit("b", 2, 0.5)]
    readings.of(hits[:1])
    readings.of(hits)
    assert readings.of([]) == {}
    assert reader.given == [("Which?", [Text("Title", "a")]), ("Which?", [Text("", "b")])]


ARTICLES = [
    made_article("The ferry sails at nine. The ferry is blue.", "ferry", title="Ferry", source="Gazette"),
    made_article("The ferry to Marrow was sold for scrap.", "scrap", title="Scrap", source="Herald"),
    made_article("A zebra boarded the train.", "zebra", title="Zebra", source="Post"),
]
FERRIES, SCRAP, _ = (article.article_id for article in ARTICLES)
QUERY = "When does the ferry sail?"


@pytest.fixture
def decisive(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the reader says counts for more than what the search does."""
    monkeypatch.setattr("rag.retrieval.READER_WEIGHT", 9.0)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("reader") / "library"
    with library_of(path, ARTICLES) as opened:
        opened.write_derived()
        yield opened


@pytest.mark.usefixtures("decisive")
def test_a_hybrid_search_is_read_again_and_the_others_are_not(library: Library):
    reader = WordReader("scrap")
    for mode, first in (("hybrid", SCRAP), ("dense", FERRIES), ("keyword", FERRIES)):
        found = retrieve(library, QUERY, k=3, search_filter=NO_FILTER, mode=mode, reader=reader)
        assert found[0].passage.article_id == first, mode
    assert len(reader.given) == 1


@pytest.mark.usefixtures("decisive")
def test_no_more_passages_are_read_than_are_needed(tmp_path: Path):
    texts = [f"Ferry number {number} is {'blue ' * (number % 7)}and slow." for number in range(60)]
    with library_of(tmp_path / "library", [made_article(text, str(n)) for n, text in enumerate(texts)]) as many:
        reader = WordReader("blue")
        found = retrieve(many, "Which ferry is slow?", k=50, search_filter=NO_FILTER, reader=reader)
        assert len(found) == 50
        assert len(reader.given[0][1]) == READ_PASSAGES
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_sentences_have_the_readers_part(library: Library):
    plain, hits, _ = evidence_of(library, QUERY)
    read, _, _ = evidence_of(library, QUERY, WordReader("nine"))
    assert not plain.is_read
    assert read.is_read
    assert all(len(sentence.features) == len(FEATURES) for sentence in plain.sentences)
    assert all(len(sentence.features) == len(FEATURES) + len(READER_FEATURES) for sentence in read.sentences)
    by_text = {sentence.candidate.text: sentence for sentence in read.sentences}
    nine, blue = by_text["The ferry sails at nine."], by_text["The ferry is blue."]
    assert nine.feature("reader_share") > 0.9 > 0.1 > blue.feature("reader_share")
    assert nine.feature("reader_span") > 0 > blue.feature("reader_span")
    assert nine.feature("reader_answered") == blue.feature("reader_answered") == pytest.approx(0.3)
    assert nine.feature("reader_relevance") == 0.0 > by_text["A zebra boarded the train."].feature("reader_relevance")
    assert set(load_weights(read=True).sentence) == {*FEATURES, *READER_FEATURES}
    assert len(hits) == 3


def test_the_confidence_takes_in_whether_a_passage_answers(library: Library):
    plain, _, _ = evidence_of(library, QUERY)
    read, _, _ = evidence_of(library, QUERY, WordReader("blue"))
    missed, _, _ = evidence_of(library, QUERY, WordReader("absent"))
    assert [one.candidate.text for one in read.unread] == [one.candidate.text for one in plain.sentences]
    assert read.sentences[0].candidate.text != plain.sentences[0].candidate.text
    assert confidence_signals(read) == pytest.approx(confidence_signals(plain))
    unread = math.log(confidence(plain) / (1 - confidence(plain)))
    assert read_signals(read) == pytest.approx((unread, 3.0))
    assert read_signals(missed) == pytest.approx((unread, -3.0))
    assert confidence(read) > confidence(missed)
    assert set(load_weights(read=True).confidence) == set(READ_SIGNALS)


def test_a_reader_is_believed_within_bounds(library: Library):
    read, _, _ = evidence_of(library, QUERY, WordReader("blue"))
    sure = {name: replace(reading, answered=400.0) for name, reading in read.readings.items()}
    assert read_signals(replace(read, readings=sure))[1] == MOST_ODDS


def test_what_is_refused_has_its_threshold_with_and_without_a_reader(library: Library):
    plain, _, _ = evidence_of(library, QUERY)
    read, _, _ = evidence_of(library, QUERY, WordReader("blue"))
    assert refuse_below([plain]) == load_weights().refuse_below
    assert refuse_below([plain, read]) == load_weights(read=True).refuse_below != load_weights().refuse_below


def test_what_the_reader_finds_is_the_short_answer(library: Library):
    question = "Which ferry was sold for scrap?"
    read, hits, _ = evidence_of(library, question, WordReader("marrow"))
    by_id = {one.passage.passage_id: one for one in hits}
    assert read.sentences[0].candidate.text == "The ferry to Marrow was sold for scrap."
    assert list(short_answers(read, by_id, library).values()) == ["Marrow"]
    unsure, _, _ = evidence_of(library, question, WordReader("absent"))
    assert short_answers(unsure, by_id, library) == {}
    likely = {name: replace(one, answered=LEAST_ANSWERED - 0.1) for name, one in read.readings.items()}
    assert short_answers(replace(read, readings=likely), by_id, library) == {}


def test_the_date_of_a_dateline_is_no_short_answer(tmp_path: Path):
    article = made_article("PORT IMSEL, 1998.\n\nThe strike in Port Imsel ended in 2003.", "strike")
    with library_of(tmp_path / "library", [article]) as strike:
        for number, (year, found) in enumerate([("1998", []), ("2003", ["2003"])]):
            read, hits, _ = evidence_of(strike, "When did the strike in Port Imsel end?", WordReader(year))
            by_id = {one.passage.passage_id: one for one in hits}
            first = sorted(read.sentences, key=lambda one: one.candidate.start)[number]
            assert list(short_answers(replace(read, sentences=(first,)), by_id, strike).values()) == found


def test_each_part_of_a_question_is_read_by_itself(library: Library):
    reader = WordReader("nine")
    ask(Question("When does the ferry sail? Who boarded the train?"), library, settings=AnswerSettings(reader=reader))
    asked = [question.rstrip("?") for question, _ in reader.given]
    assert list(dict.fromkeys(asked)) == ["When does the ferry sail", "Who boarded the train"]


@pytest.mark.usefixtures("decisive")
def test_answers_come_from_passages_in_the_new_order(library: Library):
    settings = AnswerSettings(k=1, reader=WordReader("scrap"))
    assert [one.passage.article_id for one in ask(Question(QUERY), library, settings=settings).hits] == [SCRAP]
    plain = replace(settings, reader=None)
    assert [one.passage.article_id for one in ask(Question(QUERY), library, settings=plain).hits] == [FERRIES]


def test_a_reader_that_cannot_be_run_is_an_error(library: Library):
    class Broken(WordReader):
        def read(self, question, texts):
            raise ModelError("The reader 'broken' cannot be run.")

    with pytest.raises(ModelError, match="'broken' cannot be run"):
        ask(Question(QUERY), library, settings=AnswerSettings(reader=Broken("x")))


# Evaluation


ASKED = EvalQuestion("q", QUERY, answers=("nine",), evidence=(Evidence("ferry.txt", "The ferry sails at nine."),))
SET = QuestionSet("set.jsonl", "dateline", "0" * 64, (ASKED,))


@pytest.mark.usefixtures("decisive")
def test_systems_have_the_reader_and_the_plain_searches_beside_them_have_not(library: Library):
    reader = WordReader("scrap")
    asked = system_ask("dateline", library, None, 3, None, None, reader)(Question(QUERY))
    assert asked.hits[0].passage.article_id == SCRAP
    baselines = baseline_asks("dateline", library, 3, generated=True, reader=reader)
    found = {name: one(Question(QUERY)).hits[0].passage.article_id for name, one in baselines.items()}
    plain = {"keyword_only": FERRIES, "dense_only": FERRIES, "without_reader": FERRIES}
    assert found == {**plain, "extractive": SCRAP}
    assert library_search(library, None, reader)(QUERY, NO_FILTER, "hybrid", 3)[0].passage.article_id == SCRAP


@pytest.mark.usefixtures("decisive")
def test_a_run_says_which_reader_it_had_and_goes_on_with_that_one_alone(library: Library, tmp_path: Path):
    plain = run_set(SET, library, options=RunOptions(k=3))
    worse = run_set(SET, library, out=tmp_path / "scrap", options=RunOptions(k=3, reader=WordReader("scrap")))
    assert plain.retrieval["article"]["RR@10"].value == 1.0 > worse.retrieval["article"]["RR@10"].value
    without = worse.baselines.pop("without_reader")
    assert worse.baselines == plain.baselines
    assert without["contains"] == plain.answers["contains"]
    assert worse.manifest.settings["reader"] == "finds-scrap"
    with pytest.raises(InputError, match=r"settings\.reader"):
        run_set(SET, library, out=tmp_path / "scrap", options=RunOptions(k=3))


@pytest.mark.usefixtures("decisive")
def test_a_retrieval_run_names_the_reader(library: Library):
    plain, worse = run_retrieval(SET, library), run_retrieval(SET, library, reader=WordReader("scrap"))
    assert plain.retrieval["article"]["RR@10"].value == 1.0 > worse.retrieval["article"]["RR@10"].value
    assert worse.baselines == plain.baselines
    assert (plain.as_json()["reader"], worse.as_json()["reader"]) == (None, "finds-scrap")
    assert "hybrid search, reader finds-scrap, encoder" in worse.text()


# The command line


def test_commands_take_a_reader(library: Library, tmp_path: Path):
    folder = str(save_span_model(tmp_path / "model"))
    for name in ("none", "dateline", folder):
        for command in ("search", "ask"):
            done = run(command, QUERY, "--library", str(library.path), "--reader", name, encoder=BagOfWordsEncoder())
            assert done.exit_code in (0, 3), done.stderr
    wrong = run("ask", QUERY, "--library", str(library.path), "--reader", str(tmp_path / "missing"))
    assert wrong.exit_code == 1
    assert "--reader" in wrong.stderr

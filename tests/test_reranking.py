"""The re-ranker: the new order by hand-worked numbers, real cross-encoders of made weights, and where it is used."""

import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import run
from fakes import BagOfWordsEncoder, WordReranker
from test_nli import save_tokenizer

from eval.retrieval_run import run_retrieval
from eval.runner import RunOptions, run_set
from eval.systems import baseline_asks, library_search, system_ask
from eval.types import EvalQuestion, Evidence, QuestionSet
from index.encoder import default_folder
from index.errors import InputError, ModelError
from index.library import Library
from index.types import Hit, Passage, SearchFilter
from rag.answering import AnswerSettings, ask
from rag.reranking import DEPTH, RERANKER_WEIGHT, CrossEncoderReranker, Reranker, load_reranker, rerank
from rag.retrieval import retrieve
from rag.types import Question
from tests.small_library import library_of, made_article
from ui.shared_library import SharedLibrary

NO_FILTER = SearchFilter()


class Scripted:
    """A re-ranker with the given scores."""

    name = "scripted"
    digest = "0"

    def __init__(self, *given: float) -> None:
        self.given = list(given)
        self.texts: list[str] = []

    def scores(self, question, texts) -> list[float]:
        self.texts = list(texts)
        return self.given


def hit(name: str, rank: int, score: float, context: str = "") -> Hit:
    return Hit(Passage(name, f"article-{name}", 0, 1, name, context), rank, score, dense_rank=rank)


HITS = [hit("a", 1, 0.9), hit("b", 2, 0.7), hit("c", 3, 0.5), hit("d", 4, 0.4), hit("e", 5, 0.2)]


def test_the_new_score_is_the_weighted_mean_of_both_scaled():
    # Of the search .9 .7 .5 → a 1, b .5, c 0; of the re-ranker -3 5 1 → a 0, b 1, c .5; it weighs 2 of 3.
    # a: (1 + 0) / 3 = .3333; b: (.5 + 2) / 3 = .8333; c: (0 + 1) / 3 = .3333, which is a tie and stays behind a.
    assert RERANKER_WEIGHT == 2.0
    found = rerank(HITS, "?", Scripted(-3.0, 5.0, 1.0), depth=3)
    assert [one.passage.passage_id for one in found] == ["b", "a", "c", "d", "e"]
    assert [one.score for one in found] == pytest.approx([0.833333, 0.333333, 0.333333, 0.0, -1.0], abs=1e-6)
    assert [one.rank for one in found] == [1, 2, 3, 4, 5]
    assert [one.dense_rank for one in found] == [2, 1, 3, 4, 5]


def test_title_and_text_are_read_of_as_many_as_the_depth_says():
    reranker = Scripted(1.0)
    rerank([hit("text", 1, 1.0, "Title"), hit("b", 2, 0.5)], "?", reranker, depth=1)
    assert reranker.texts == ["Title\ntext"]


def test_equal_scores_leave_the_order_of_the_search():
    assert [one.passage.passage_id for one in rerank(HITS, "?", Scripted(*[0.5] * 5))] == list("abcde")


def test_nothing_found_is_nothing_to_put_in_order():
    assert rerank([], "?", Scripted()) == []


@pytest.mark.parametrize("given", [(1.0,), (1.0, math.nan), (1.0, math.inf), (1.0, 2.0, 3.0)])
def test_scores_that_cannot_be_used_are_an_error(given: tuple[float, ...]):
    with pytest.raises(ModelError, match="'scripted' gave 2 passages no usable scores"):
        rerank(HITS[:2], "?", Scripted(*given))


WORDS = "the strike ended on sunday"


def save_cross_encoder(folder: Path, *, kind: str = "BertForSequenceClassification", labels: int = 1) -> Path:
    """A small BERT with random weights, of the given class of transformers."""
    import torch
    import transformers

    torch.manual_seed(7)
    tokenizer = save_tokenizer(folder)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        num_labels=labels,
        initializer_range=1.0,
    )
    getattr(transformers, kind)(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_cross_encoder(tmp_path_factory.mktemp("cross-encoder") / "model")


@pytest.fixture(scope="module")
def reranker(folder: Path) -> Reranker:
    loaded = load_reranker(str(folder))
    assert isinstance(loaded, CrossEncoderReranker)
    return loaded


def test_a_cross_encoder_gives_the_logits_of_the_model(folder: Path, reranker: Reranker):
    import torch
    from transformers import AutoTokenizer, BertForSequenceClassification

    texts = ["the strike ended", "on sunday", "strike " * 200]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = BertForSequenceClassification.from_pretrained(folder).eval()
    expected = []
    for text in texts:
        inputs = tokenizer(WORDS, text, truncation=True, max_length=64, return_tensors="pt")
        with torch.inference_mode():
            expected.append(float(model(**inputs).logits[0, 0]))
    assert reranker.scores(WORDS, texts) == pytest.approx(expected, abs=1e-4)
    assert len(set(expected)) == 3
    assert max(map(abs, expected)) > 1, "a probability would not be"
    assert reranker.scores(WORDS, []) == []


class CarelessModel:
    """Fails if two threads are in it at once."""

    def __init__(self) -> None:
        self.inside = 0

    def predict(self, pairs, **_options) -> list[float]:
        self.inside += 1
        time.sleep(0.005)
        alone = self.inside == 1
        self.inside -= 1
        if not alone:
            raise RuntimeError("Already borrowed")
        return [float(len(text)) for _, text in pairs]


def test_one_thread_at_a_time_is_in_the_model():
    careless = CrossEncoderReranker("careless", "0", CarelessModel())
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: careless.scores("?", ["a", "bcd"]), range(12)))
    assert found == [[1.0, 3.0]] * 12


def test_a_model_that_fails_is_one_sentence():
    class Broken:
        def predict(self, pairs, **_options):
            raise RuntimeError("CUDA out of memory.\nTried to allocate")

    with pytest.raises(ModelError, match=r"^The re-ranker 'broken' cannot be run: CUDA out of memory\.$"):
        CrossEncoderReranker("broken", "0", Broken()).scores("?", ["a"])


def test_a_re_ranker_is_known_by_its_folder_and_its_weights(folder: Path, reranker: Reranker, tmp_path: Path):
    assert reranker.name == str(folder.resolve())
    link = tmp_path / "link"
    link.symlink_to(folder)
    same = load_reranker(str(link))
    other = load_reranker(str(save_cross_encoder(tmp_path / "other")))
    assert same is not None
    assert other is not None
    assert (same.name, same.digest) == (reranker.name, reranker.digest)
    assert len(reranker.digest) == 64
    assert load_reranker(None) is None


def test_other_weights_have_another_digest(tmp_path: Path, reranker: Reranker):
    import torch
    from transformers import BertForSequenceClassification

    changed = save_cross_encoder(tmp_path / "changed")
    model = BertForSequenceClassification.from_pretrained(changed)
    with torch.no_grad():
        model.classifier.bias += 1.0
    model.save_pretrained(changed)
    loaded = load_reranker(str(changed))
    assert loaded is not None
    assert loaded.digest != reranker.digest


def test_a_plain_encoder_is_no_re_ranker(tmp_path: Path):
    for plain in (save_cross_encoder(tmp_path / "bert", kind="BertModel"), default_folder()):
        with pytest.raises(ModelError, match="is no re-ranker: it was trained to give no scores") as raised:
            load_reranker(str(plain))
        assert "--reranker" in str(raised.value)


def test_a_classifier_is_no_re_ranker(tmp_path: Path):
    with pytest.raises(ModelError, match="is no re-ranker: it gives 3 scores"):
        load_reranker(str(save_cross_encoder(tmp_path / "classifier", labels=3)))


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path, network_attempts: list[str]):
    with pytest.raises(ModelError, match="could not be loaded") as raised:
        load_reranker(str(tmp_path))
    assert "--reranker" in str(raised.value)
    assert network_attempts == []


def test_an_unknown_name_offline_is_one_sentence(network_attempts: list[str]):
    with pytest.raises(ModelError, match="The re-ranker 'no-such/reranker' could not be loaded") as raised:
        load_reranker("no-such/reranker")
    assert "\n" not in str(raised.value)
    assert len(network_attempts) < 5, "offline, the libraries alone try dozens of times, which takes a minute"
    network_attempts.clear()


ARTICLES = [
    made_article("The ferry sails at nine. The ferry is blue.", "ferry", title="Ferry", source="Gazette"),
    made_article("The ferry to Marrow was sold for scrap.", "scrap", title="Scrap", source="Herald"),
    made_article("A zebra boarded the train.", "zebra", title="Zebra", source="Post"),
]
FERRY, SCRAP, ZEBRA = (article.article_id for article in ARTICLES)
QUERY = "When does the ferry sail?"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("reranking") / "library"
    with library_of(path, ARTICLES) as opened:
        opened.write_derived()
        yield opened


@pytest.mark.parametrize("mode", ["hybrid", "dense", "keyword"])
def test_every_search_can_be_put_in_order(library: Library, mode):
    plain = retrieve(library, QUERY, k=3, search_filter=NO_FILTER, mode=mode)
    assert plain[0].passage.article_id == FERRY
    words = WordReranker("scrap")
    found = retrieve(library, QUERY, k=3, search_filter=NO_FILTER, mode=mode, reranker=words)
    assert found[0].passage.article_id == SCRAP
    assert {one.passage.passage_id for one in found} == {one.passage.passage_id for one in plain}
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert words.read[0][0] == QUERY
    assert "Ferry\nThe ferry sails at nine. The ferry is blue." in words.read[0][1]


def test_scores_fall_beyond_the_depth_too(tmp_path: Path):
    texts = [f"Ferry number {number} is {'blue ' * (number % 7)}and slow." for number in range(DEPTH + 20)]
    with library_of(tmp_path / "library", [made_article(text, str(n)) for n, text in enumerate(texts)]) as many:
        words = WordReranker("blue")
        found = retrieve(many, "Which ferry is slow?", k=70, search_filter=NO_FILTER, reranker=words)
    assert len(found) == 70
    assert len(words.read[0][1]) == DEPTH
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_answers_are_made_from_passages_in_the_new_order(library: Library):
    settings = AnswerSettings(k=1, reranker=WordReranker("zebra"))
    assert [hit.passage.article_id for hit in ask(Question(QUERY), library, settings=settings).hits] == [ZEBRA]
    plain = replace(settings, reranker=None)
    assert [hit.passage.article_id for hit in ask(Question(QUERY), library, settings=plain).hits] == [FERRY]


def first_articles(answer) -> str:
    return answer.hits[0].passage.article_id


def test_systems_are_put_in_order_and_the_plain_searches_beside_them_are_not(library: Library):
    words = WordReranker("zebra")
    for system in ("dateline", "keyword-only", "dense-only", "top-passage"):
        expected = FERRY if system == "keyword-only" else ZEBRA  # which no word of the question finds
        asked = system_ask(system, library, None, 3, None, words)(Question("When does Ferry sail?"))
        assert first_articles(asked) == expected, system
    baselines = baseline_asks("dateline", library, 3, generated=True, reranker=words)
    found = {name: first_articles(asked(Question(QUERY))) for name, asked in baselines.items()}
    assert found == {"keyword_only": FERRY, "dense_only": FERRY, "extractive": ZEBRA}
    assert library_search(library, words)(QUERY, NO_FILTER, "hybrid", 3)[0].passage.article_id == ZEBRA


ASKED = EvalQuestion("q", QUERY, answers=("nine",), evidence=(Evidence("ferry.txt", "The ferry sails at nine."),))
SET = QuestionSet("set.jsonl", "dateline", "0" * 64, (ASKED,))


def test_a_run_scores_the_new_order_and_leaves_the_baselines_as_they_are(library: Library):
    plain = run_set(SET, library, options=RunOptions(k=3))
    worse = run_set(SET, library, options=RunOptions(k=3, reranker=WordReranker("zebra")))
    assert plain.retrieval["article"]["RR@10"].value == 1.0
    assert worse.retrieval["article"]["RR@10"].value < 1.0
    assert worse.baseline_retrieval == plain.baseline_retrieval
    assert worse.baselines == plain.baselines


def test_a_run_with_another_re_ranker_is_another_run(library: Library, tmp_path: Path):
    first, second = WordReranker("zebra"), WordReranker("scrap")
    run_set(SET, library, out=tmp_path / "plain")
    done = run_set(SET, library, out=tmp_path / "zebra", options=RunOptions(reranker=first))
    assert done.manifest.settings["reranker"] == "counts-zebra"
    again = run_set(SET, library, out=tmp_path / "zebra", options=RunOptions(reranker=first))
    assert again.results == done.results
    for folder, options in [("plain", RunOptions(reranker=first)), ("zebra", RunOptions())]:
        with pytest.raises(InputError, match=r"settings\.reranker"):
            run_set(SET, library, out=tmp_path / folder, options=options)
    second.name = first.name
    with pytest.raises(InputError, match=r"settings\.reranker_digest"):
        run_set(SET, library, out=tmp_path / "zebra", options=RunOptions(reranker=second))


def test_a_retrieval_run_puts_its_own_search_in_order_alone(library: Library):
    plain = run_retrieval(SET, library)
    worse = run_retrieval(SET, library, reranker=WordReranker("zebra"))
    assert plain.retrieval["article"]["RR@10"].value == 1.0
    assert worse.retrieval["article"]["RR@10"].value < 1.0
    assert worse.baselines == plain.baselines
    assert (plain.as_json()["reranker"], worse.as_json()["reranker"]) == (None, "counts-zebra")
    assert "hybrid search, re-ranker counts-zebra, encoder" in worse.text()


def test_the_page_answers_in_the_new_order(library: Library, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ui.shared_library.load_reranker", {"zebra": WordReranker("zebra")}.get)
    options = {"model": "extractive", "k": 3, "reranker": "zebra", "encoder": BagOfWordsEncoder()}
    shared = SharedLibrary.open(library.path, **options)
    try:
        assert first_articles(shared.ask(Question(QUERY))) == ZEBRA
        *_, answer = shared.stream(Question(QUERY), k=1)
        assert [hit.passage.article_id for hit in answer.hits] == [ZEBRA]
    finally:
        shared.close()


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names by which commands load a re-ranker, which then counts zebras."""
    names: list[str] = []

    def load(name: str) -> WordReranker:
        names.append(name)
        return WordReranker("zebra")

    monkeypatch.setattr("rag.reranking.load_reranker", load)
    return names


def test_commands_take_it_by_name(library: Library, tmp_path: Path, loaded: list[str], monkeypatch: pytest.MonkeyPatch):
    questions = tmp_path / "set.jsonl"
    evidence = [{"article": "ferry.txt", "quote": "The ferry sails at nine."}]
    questions.write_text(json.dumps({"id": "q", "question": QUERY, "answers": ["nine"], "evidence": evidence}), "utf-8")
    named = ("--reranker", "some/model", "--library", library.path)
    assert run("search", QUERY, "--json", *named).documents[0]["article_id"] == ZEBRA
    assert run("ask", QUERY, "--json", *named).document["passages"][0]["article_id"] == ZEBRA
    assert run("eval", "retrieval", questions, "--json", *named).document["reranker"] == "counts-zebra"
    out = tmp_path / "out"
    assert run("eval", "run", questions, "--out", out, *named).exit_code == 0
    assert json.loads((out / "manifest.json").read_text("utf-8"))["settings"]["reranker"] == "counts-zebra"
    assert loaded == ["some/model"] * 4
    monkeypatch.setenv("DATELINE_RERANKER", "from/environment")
    assert run("search", QUERY, "--json", "--library", library.path).documents[0]["article_id"] == ZEBRA
    monkeypatch.delenv("DATELINE_RERANKER")
    config = tmp_path / "config.toml"
    config.write_text('reranker = "from/file"', "utf-8")
    monkeypatch.setenv("DATELINE_CONFIG", str(config))
    assert run("search", QUERY, "--json", "--library", library.path).documents[0]["article_id"] == ZEBRA
    assert loaded[4:] == ["from/environment", "from/file"]


def test_programs_bring_their_own(library: Library, loaded: list[str]):
    brought = run("search", QUERY, "--json", "--library", library.path, reranker=WordReranker("scrap"))
    assert brought.documents[0]["article_id"] == SCRAP
    assert loaded == []


def test_one_that_cannot_be_loaded_is_one_line(library: Library, tmp_path: Path):
    done = run("search", QUERY, "--reranker", tmp_path, "--library", library.path)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "--reranker" in done.error


@pytest.mark.parametrize("name", ["/no/such/folder", "./none", "~/none"])
def test_a_folder_that_is_not_there_is_named_as_one(name: str):
    with pytest.raises(ModelError, match=r"There is no folder .*--reranker"):
        load_reranker(name)

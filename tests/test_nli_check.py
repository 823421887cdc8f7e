"""Statements of a language model checked by a model of inference, behind the rules that forbid."""

import json
from pathlib import Path

import pytest
from command_line import run
from test_nli import LABELS, save_classifier

from eval.runner import RunOptions, run_set
from eval.systems import system_ask
from eval.types import EvalQuestion, Evidence, QuestionSet
from index.errors import DatelineError, InputError, ModelError
from rag.answering import AnswerSettings, ask
from rag.contradictions import Finding
from rag.model_answers import CHECKED_OTHERWISE
from rag.nli import Entailment, load_nli
from rag.nli_check import NEVER_SUPPORTED, NliStatementChecker, load_checker, premise_of
from rag.types import Problem, Question
from tests.fakes import BagOfWordsEncoder, ScriptedGenerator
from tests.small_library import library_of, made_article
from ui.shared_library import SharedLibrary

STRIKE = made_article(
    "The strike at the harbour ended on Sunday. The crews allegedly burned two cranes. 40 ships waited outside.",
    "strike",
    title="Strike ends",
    source="Coastwire",
    published="2021-03-04",
)
ASKED = "When did the strike at the harbour end?"
PARAPHRASE = "Dockers went back to work at the weekend, when the walkout was over at the harbour."
ENDED = "The strike at the harbour ended on Sunday."


class Said:
    """A model of inference that gives one probability whatever it reads, or fails."""

    def __init__(self, probability: float, *, fails: bool = False) -> None:
        self.name = "nli:said"
        self.digest = "0" * 64
        self.probability = probability
        self.fails = fails
        self.read: list[tuple[list[str], str]] = []
        """The premise and the statement of each call, in order."""

    def entailment(self, evidence, statement):
        self.read.append((list(evidence), statement))
        if self.fails:
            raise ModelError("nli:said: the model cannot be run (out of memory).")
        return Entailment(self.probability, self.probability >= 0.5)


def judged(probability: float, statement: str, *evidence: str, found=()):
    return NliStatementChecker(Said(probability)).judge(statement, evidence, found=found)


def test_words_of_the_article_are_verbatim_and_no_model_is_asked():
    model = Said(0.0)
    assert NliStatementChecker(model).judge(ENDED, [ENDED]).support == "verbatim"
    assert NliStatementChecker(model).judge(ENDED, []).support == "unsupported"
    assert model.read == []


@pytest.mark.parametrize(("probability", "support"), [(0.5, "supported"), (1.0, "supported"), (0.49, "unsupported")])
def test_entailment_decides_of_a_paraphrase(probability: float, support: str):
    judgement = judged(probability, PARAPHRASE, ENDED)
    assert (judgement.support, judgement.probability) == (support, probability)
    assert judgement.entailed is judgement.likely is (support == "supported")


def test_what_is_not_entailed_is_partial_where_the_words_are_held():
    said = "The strike at the harbour ended peacefully on Sunday."
    assert judged(0.1, said, ENDED).support == "partial"
    assert judged(0.9, said, ENDED).support == "supported"


def test_an_invented_number_or_quotation_is_never_supported():
    model = Said(1.0)
    checker = NliStatementChecker(model)
    number = checker.judge("The strike at the harbour ended on Sunday after 12 days.", [ENDED])
    assert (number.support, number.problems) == ("unsupported", (Problem("number", "12"),))
    quotation = Finding(Problem("quotation", "we have won it all"), True)
    assert checker.judge(ENDED, [ENDED], found=[quotation]).support == "unsupported"
    assert model.read == [], "what the rules forbid needs no model"


@pytest.mark.parametrize("kind", ["quotation", "speaker", "number", "date", "hedge"])
def test_what_keeps_back_a_statement_that_the_model_finds_entailed(kind):
    assert kind in NEVER_SUPPORTED
    found = [Finding(Problem(kind, "x"), False)]
    assert judged(1.0, PARAPHRASE, ENDED, found=found).support == "partial"


def test_numbers_that_have_changed_places_are_not_supported():
    evidence = "The ministry bought 40 ships and sold 12 cranes."
    judgement = judged(1.0, "The ministry bought 12 ships and sold 40 cranes.", evidence)
    assert judgement.support != "supported"
    assert {problem.kind for problem in judgement.problems} == {"number"}


def test_a_dropped_hedge_is_partial():
    judgement = judged(1.0, "The crews burned two cranes.", "The crews allegedly burned two cranes.")
    assert (judgement.support, judgement.problems) == ("partial", (Problem("hedge", "allegedly"),))


def test_another_problem_is_kept_and_does_not_lower_the_label():
    judgement = judged(0.9, "The walkout led by Okafor ended on Sunday.", ENDED)
    assert (judgement.support, judgement.problems) == ("supported", (Problem("name", "Okafor"),))


def test_the_premise_has_a_line_on_each_article_before_its_sentences():
    assert premise_of(["a\n b", "c", "d"], ["T. Coastwire", "T. Coastwire", ""]) == ["T. Coastwire", "a b c", "d"]
    assert premise_of(["a", "b"], []) == ["a b"]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    path: Path = tmp_path_factory.mktemp("nli-check") / "library"
    with library_of(path, [STRIKE]) as opened:
        yield opened


def answered(library, text: str, checker=None):
    settings = AnswerSettings(checker=checker)
    return ask(Question(ASKED), library, generator=ScriptedGenerator(text), settings=settings)


def test_an_answer_is_checked_with_title_source_and_date_in_sight(library):
    model = Said(0.9)
    answer = answered(library, f"{PARAPHRASE} [1]", NliStatementChecker(model))
    (statement,) = answer.statements
    assert statement.support == "supported"
    assert answer.citations[statement.citations[0] - 1].cited_text.startswith(ENDED), "few words need to be shared"
    premise, said = model.read[0]
    assert premise[0] == "Strike ends. Coastwire. 4 March 2021"
    assert premise[1].startswith(ENDED)
    assert said == PARAPHRASE
    assert answered(library, f"{PARAPHRASE} [1]").statements[0].support == "unsupported"
    assert answered(library, f"{PARAPHRASE} [1]", NliStatementChecker(Said(0.1))).statements[0].support == "unsupported"


def test_a_checker_that_fails_is_replaced_and_said_to_be(library):
    text = f"{PARAPHRASE} [1] The strike at the harbour ended [1]."
    answer = answered(library, text, NliStatementChecker(Said(1.0, fails=True)))
    assert answer.notices == (f"nli:said: the model cannot be run (out of memory). {CHECKED_OTHERWISE}",)
    assert answer.model == "scripted:model"
    assert answer.statements == answered(library, text).statements


def test_extractive_answers_are_not_checked(library):
    model = Said(1.0)
    ask(Question(ASKED), library, settings=AnswerSettings(checker=NliStatementChecker(model)))
    assert model.read == []


# Runs


SET = QuestionSet(
    "set.jsonl",
    "dateline",
    "0" * 64,
    (EvalQuestion("q", ASKED, answers=("Sunday",), evidence=(Evidence("strike.txt", ENDED),)),),
)


def test_a_run_with_another_checker_is_another_run(library, tmp_path):
    def ran(folder: str, checker=None, generator=True):
        options = RunOptions(statement_checker=checker, baselines=False)
        model = ScriptedGenerator(f"{PARAPHRASE} [1]") if generator else None
        return run_set(SET, library, out=tmp_path / folder, options=options, generator=model)

    first = NliStatementChecker(Said(0.9))
    done = ran("one", first)
    assert (done.manifest.settings["statement_checker"], len(done.manifest.settings["statement_checker_digest"])) == (
        "nli:said",
        64,
    )
    assert done.results[0].answer["statements"][0]["support"] == "supported"
    assert ran("one", first).results == done.results
    other = Said(0.9)
    other.digest = "1" * 64
    with pytest.raises(InputError, match=r"settings\.statement_checker_digest"):
        ran("one", NliStatementChecker(other))
    with pytest.raises(InputError, match=r"settings\.statement_checker"):
        ran("one")
    assert "statement_checker" not in ran("two", first, generator=False).manifest.settings


def test_a_checker_that_fails_fails_the_question_of_a_run(library):
    checker = NliStatementChecker(Said(1.0, fails=True))
    asked = system_ask("dateline", library, ScriptedGenerator(f"{PARAPHRASE} [1]"), 3, checker=checker)
    with pytest.raises(DatelineError, match="out of memory"):
        asked(Question(ASKED))


# Commands


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A classifier of made weights that calls everything entailed."""
    save_classifier(tmp_path / "model", LABELS, 2)
    return tmp_path / "model"


def test_the_command_takes_a_folder_and_asks_no_model_for_extractive_answers(library, folder, monkeypatch):
    text = f"{PARAPHRASE} [1]"
    common = (ASKED, "--json", "--library", library.path)

    def label(*options):
        done = run("ask", *common, *options, generator=ScriptedGenerator(text))
        return done.document["statements"][0]["support"]

    assert label() == "unsupported"
    assert label("--checker", folder) == "supported"
    monkeypatch.setenv("DATELINE_CHECKER", str(folder))
    assert label() == "supported"
    monkeypatch.delenv("DATELINE_CHECKER")
    config = folder / "config.toml"
    config.write_text(f"checker = {json.dumps(str(folder))}", "utf-8")
    monkeypatch.setenv("DATELINE_CONFIG", str(config))
    assert label() == "supported"
    assert run("ask", *common, "--checker", folder / "none").exit_code == 0, "the default model is extractive"


def test_one_that_cannot_be_loaded_is_one_line_before_anything_is_asked(library, tmp_path):
    generator = ScriptedGenerator("So. [1]")
    done = run("ask", ASKED, "--checker", tmp_path, "--library", library.path, generator=generator)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "holds no config.json" in done.error
    assert generator.messages == []


def test_programs_bring_their_own(library):
    checker = NliStatementChecker(Said(0.9))
    arguments = ("ask", ASKED, "--json", "--library", library.path)
    done = run(*arguments, generator=ScriptedGenerator(f"{PARAPHRASE} [1]"), checker=checker)
    assert done.document["statements"][0]["support"] == "supported"


def test_the_page_loads_it_only_where_a_language_model_can_be_asked(library, folder, monkeypatch):
    options = {"k": 3, "encoder": BagOfWordsEncoder()}
    shared = SharedLibrary.open(library.path, model="extractive", checker="/no/such/model", **options)
    shared.close()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    none = str(folder.parent)
    with pytest.raises(ModelError, match="holds no config"):
        SharedLibrary.open(library.path, model="extractive", offered=["openai:x"], checker=none, **options)
    shared = SharedLibrary.open(library.path, model="openai:x", checker=str(folder), **options)
    try:
        shared._generators["openai:x"] = ScriptedGenerator(f"{PARAPHRASE} [1]")
        assert shared.ask(Question(ASKED)).statements[0].support == "supported"
    finally:
        shared.close()


def test_a_checker_is_known_by_its_model(folder):
    assert load_checker(None) is None
    checker = load_checker(str(folder))
    assert (checker.name, checker.digest) == (f"nli:{folder}", load_nli(str(folder)).digest)

"""What a run was made with, and the folder that holds one run only."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from eval import manifest as manifest_module
from eval.manifest import (
    MANIFEST_NAME,
    differences,
    library_sha256,
    machine,
    make_manifest,
    open_run,
    read_manifest,
    source_commit,
    write_manifest,
)
from eval.results import RESULTS_NAME
from eval.types import EvalQuestion, Manifest, QuestionSet
from index.errors import InputError
from index.library import Library
from tests.fakes import BagOfWordsEncoder
from tests.small_library import library_of, made_article
from tests.test_results import made_result

QUESTION_SET = QuestionSet("sets/one.jsonl", "dateline", "5e7" * 20, (EvalQuestion("a", "Is it?"),))
LAMP = made_article("The lamp was lit in 1923.", "lamp", title="Lamp", published="1923-05")
VOTE = made_article("The vote was put off.", "vote")


@pytest.fixture
def library(tmp_path):
    with library_of(tmp_path / "library", [LAMP, VOTE]) as opened:
        yield opened


def made_manifest(library: Library, **changes) -> Manifest:
    options = {"model": "extractive", "system": "dateline", "settings": {"k": 10, "judge": None}, "seed": 1}
    return make_manifest(QUESTION_SET, library, **{**options, **changes})


def git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("there is no git to make a checkout with")
    folder = tmp_path / "checkout"
    (folder / "rag").mkdir(parents=True)
    (folder / "rag" / "a.py").write_text("one = 1\n")
    (folder / "README.md").write_text("Read me.\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "First")
    return folder


def test_a_manifest_says_everything_that_the_run_was_made_with(library):
    made = made_manifest(library, command="dateline eval run x", jobs=3)
    assert (made.set_path, made.set_format, made.set_sha256) == ("sets/one.jsonl", "dateline", "5e7" * 20)
    assert (made.questions, made.articles, made.passages) == (1, 2, library.count_passages())
    assert (made.library_path, made.library_generation) == (str(library.path), library.generation)
    assert (made.encoder, made.encoder_digest) == ("bag-of-words", library.encoder.digest)
    assert (made.model, made.system, made.seed, made.command) == ("extractive", "dateline", 1, "dateline eval run x")
    assert made.machine["jobs"] == 3
    assert abs((datetime.now(UTC) - datetime.fromisoformat(made.started)).total_seconds()) < 60
    assert {"numpy", "ir-measures", "faiss-cpu", "tantivy"} <= set(made.packages)
    assert json.loads(json.dumps(made.as_json())) == made.as_json()


def test_the_machine_is_described():
    found = machine()
    assert found["cores"] >= 1
    assert found["memory_gib"] is None or found["memory_gib"] > 0
    assert found["python"].startswith("3.")


def test_the_digest_of_a_library_is_of_its_articles_and_not_of_their_places(library, tmp_path):
    elsewhere = replace(LAMP, origins=("/other/place.txt",))
    with library_of(tmp_path / "moved", [VOTE, elsewhere]) as moved:
        assert library_sha256(moved) == library_sha256(library)
    for number, changed in enumerate([replace(LAMP, title="The lamp"), replace(LAMP, published="1924"), None]):
        articles = [VOTE] if changed is None else [VOTE, changed]
        with library_of(tmp_path / str(number), articles) as other:
            assert library_sha256(other) != library_sha256(library)


def test_where_and_when_are_no_part_of_the_identity(library, tmp_path):
    one = made_manifest(library, jobs=1, command="a")
    with library_of(tmp_path / "copy", [LAMP, VOTE]) as copy:
        other = replace(made_manifest(copy, jobs=4, command="b"), started="2020-01-01T00:00:00+00:00")
    assert one != other
    assert differences(one, other) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "openai:m"}, "model ('extractive', now 'openai:m')"),
        ({"system": "top-passage"}, "system ('dateline', now 'top-passage')"),
        ({"seed": 2}, "seed (1, now 2)"),
        ({"settings": {"k": 5, "judge": None}}, "settings.k (10, now 5)"),
        ({"settings": {"k": 10, "judge": None, "prompt_tokens": 9}}, "settings.prompt_tokens (None, now 9)"),
    ],
)
def test_what_differs_is_named_with_both_values(library, changes, said):
    assert differences(made_manifest(library), made_manifest(library, **changes)) == [said]


def test_a_commit_is_named_and_changes_of_the_code_are_marked(checkout):
    commit = git(checkout, "rev-parse", "HEAD")[:12]
    assert source_commit(checkout) == commit
    (checkout / "README.md").write_text("Changed.\n")
    (checkout / "rag" / "notes.txt").write_text("not tracked\n")
    assert source_commit(checkout) == commit
    (checkout / "rag" / "a.py").write_text("one = 2\n")
    assert source_commit(checkout) == f"{commit}+changes"


def test_only_the_source_tree_itself_counts_as_a_checkout(checkout, tmp_path):
    installed = checkout / "venv" / "site-packages"
    installed.mkdir(parents=True)
    assert source_commit(installed) is None
    assert source_commit(tmp_path) is None
    assert source_commit(tmp_path / "none") is None


def test_a_checkout_without_a_commit_has_none(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("there is no git to make a checkout with")
    git(tmp_path, "init", "-q")
    assert source_commit(tmp_path) is None


def test_without_git_there_is_no_commit(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert source_commit(checkout) is None


def test_a_git_that_hangs_is_given_up(checkout, monkeypatch):
    monkeypatch.setattr(manifest_module, "GIT_TIMEOUT_SECONDS", 0.0)
    assert source_commit(checkout) is None


def test_a_manifest_is_read_as_it_was_written(library, tmp_path):
    made = made_manifest(library)
    write_manifest(tmp_path, made)
    assert read_manifest(tmp_path) == made


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"name": "page", "start_url": "/"}', "\ufeff{", "[" * 99_999])
def test_something_else_is_not_taken_for_a_manifest(tmp_path, content):
    (tmp_path / MANIFEST_NAME).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"manifest\.json' is not the manifest of a run"):
        read_manifest(tmp_path)


def test_no_manifest_is_said(tmp_path):
    with pytest.raises(InputError, match=r"There is no run in .*: it holds no manifest\.json"):
        read_manifest(tmp_path)


def test_a_run_goes_on_under_the_manifest_that_it_was_begun_with(library, tmp_path):
    first = made_manifest(library, command="first")
    with open_run(tmp_path / "runs" / "one", first) as (manifest, results):
        assert (manifest, results.finished) == (first, [])
        assert read_manifest(tmp_path / "runs" / "one") == first
        results.append(made_result("a"))
    with open_run(tmp_path / "runs" / "one", made_manifest(library, command="second")) as (manifest, results):
        assert (manifest, results.finished) == (first, [made_result("a")])


def test_another_run_is_neither_continued_nor_replaced(library, tmp_path):
    with open_run(tmp_path, made_manifest(library)) as (_, results):
        results.append(made_result("a"))
    before = (tmp_path / RESULTS_NAME).read_bytes()
    other = made_manifest(library, model="openai:m", seed=2)
    with pytest.raises(InputError) as caught, open_run(tmp_path, other):
        pytest.fail("the folder must not be opened")
    for words in ("model ('extractive', now 'openai:m')", "seed (1, now 2)", "--out", "--fresh", repr(str(tmp_path))):
        assert words in str(caught.value)
    assert (tmp_path / RESULTS_NAME).read_bytes() == before
    with open_run(tmp_path, other, fresh=True) as (manifest, results):
        assert (manifest, results.finished) == (other, [])
    assert read_manifest(tmp_path) == other


@pytest.mark.parametrize("name", [RESULTS_NAME, "report.json", "report.md", "report.html"])
def test_what_no_manifest_explains_is_only_replaced_where_it_is_said(library, tmp_path, name):
    (tmp_path / name).write_text("of somebody\n")
    (tmp_path / "notes.txt").write_text("mine")
    made = made_manifest(library)
    with pytest.raises(InputError, match=rf"holds '{name}' and no manifest\.json"), open_run(tmp_path, made):
        pytest.fail("the folder must not be opened")
    assert (tmp_path / name).read_text() == "of somebody\n"
    assert not (tmp_path / MANIFEST_NAME).exists()
    with open_run(tmp_path, made, fresh=True) as (_, results):
        assert results.finished == []
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_manifest_of_something_else_is_only_replaced_where_it_is_said(library, tmp_path):
    (tmp_path / MANIFEST_NAME).write_text('{"name": "page"}')
    made = made_manifest(library)
    with pytest.raises(InputError, match=r"is not the manifest .* --fresh"), open_run(tmp_path, made):
        pytest.fail("the folder must not be opened")
    with open_run(tmp_path, made, fresh=True):
        assert read_manifest(tmp_path) == made


def test_two_runs_never_write_one_folder(library, tmp_path):
    made = made_manifest(library)
    with (
        open_run(tmp_path, made),
        pytest.raises(InputError, match="Another run is writing to"),
        open_run(tmp_path, made, fresh=True),
    ):
        pytest.fail("the folder must not be opened")
    with open_run(tmp_path, made):
        pass


def test_a_folder_that_cannot_be_made_is_said(library, tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with (
            pytest.raises(InputError, match=r"cannot be written to .*name a folder with --out"),
            open_run(path, made_manifest(library)),
        ):
            pytest.fail("the folder must not be opened")


def test_fresh_never_leaves_old_results_under_a_new_manifest(library, tmp_path, monkeypatch):
    with open_run(tmp_path, made_manifest(library)) as (_, results):
        results.append(made_result("a"))

    def killed(folder, manifest):
        raise SystemError("killed before the manifest is written")

    monkeypatch.setattr(manifest_module, "write_manifest", killed)
    with pytest.raises(SystemError), open_run(tmp_path, made_manifest(library, seed=2), fresh=True):
        pytest.fail("the folder must not be opened")
    monkeypatch.undo()
    with open_run(tmp_path, made_manifest(library)) as (_, results):
        assert results.finished == []


def test_the_encoder_is_named_by_the_one_that_is_used(tmp_path):
    with library_of(tmp_path / "library", [VOTE]):
        pass
    with Library.open(tmp_path / "library", BagOfWordsEncoder()) as library:
        assert made_manifest(library).encoder_digest == BagOfWordsEncoder().digest

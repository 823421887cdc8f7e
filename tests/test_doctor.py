"""`dateline doctor`: what is well, what is not, and what it mends."""

import socket

import numpy as np
import pytest
from command_line import copy_seeds, run
from fakes import BagOfWordsEncoder

from index.search_files import NAMES, VECTORS_NAME
from rag.templates import default_templates, load_templates


@pytest.fixture
def library(tmp_path):
    folder = copy_seeds(tmp_path / "seeds")
    assert run("index", folder, "--library", tmp_path / "library").exit_code == 0
    return tmp_path / "library"


def findings(*arguments, **parts):
    done = run("doctor", "--json", *arguments, **parts)
    document = done.document
    assert document["ok"] == all(finding["ok"] for finding in document["findings"])
    assert done.exit_code == (0 if document["ok"] else 1)
    return {finding["check"]: (finding["ok"], finding["message"]) for finding in document["findings"]}


def test_all_is_well(library):
    found = findings("--library", library)
    assert all(ok for ok, _ in found.values())
    assert found["library"][1] == str(library)
    assert {"library", "database", *NAMES, "encoder", "model extractive"} <= set(found)
    done = run("doctor", "--library", library)
    assert done.exit_code == 0
    assert all(line.startswith("ok     ") for line in done.stdout.splitlines())
    assert len(done.stdout.splitlines()) == len(found)


def test_damage_is_found_and_mended(library):
    (vectors,) = library.glob(f"{VECTORS_NAME}-*")
    vectors.write_bytes(vectors.read_bytes()[:-4] + b"gone")
    ok, message = findings("--library", library)[VECTORS_NAME]
    assert not ok
    assert "doctor --repair" in message
    assert "WRONG  " + VECTORS_NAME in run("doctor", "--library", library).stdout
    assert all(ok for ok, _ in findings("--repair", "--library", library).values())
    assert all(ok for ok, _ in findings("--library", library).values())


def test_no_library(tmp_path):
    for options in ([], ["--repair"]):
        found = findings(*options, "--library", tmp_path / "absent")
        assert found["library"][0] is False
        assert "dateline index" in found["library"][1]
        assert found["encoder"][0] is True
    assert not (tmp_path / "absent").exists()


def test_an_encoder_that_does_not_give_unit_vectors(library):
    class Crooked(BagOfWordsEncoder):
        def encode(self, texts):
            return super().encode(texts) * np.float32(2)

    ok, message = findings("--library", library, encoder=Crooked())["encoder"]
    assert not ok
    assert "length 2.0000" in message


def test_a_language_model_whose_server_does_not_answer(library, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{port}/v1")
    ok, message = findings("-m", "openai:speaker", "--library", library)["model openai:speaker"]
    assert not ok
    assert "OPENAI_BASE_URL" in message


def test_a_model_that_was_brought_is_not_looked_for(library):
    class Brought:
        name = "scripted"

    assert findings("-m", "openai:x", "--library", library, generator=Brought())["model scripted"][0]


def test_an_unknown_model(library):
    ok, message = findings("-m", "parrot:x", "--library", library)["model parrot:x"]
    assert not ok
    assert "parrot" in message


def test_the_prompts_in_force_and_their_digest(library, tmp_path, monkeypatch):
    monkeypatch.delenv("DATELINE_PROMPTS", raising=False)
    plain = findings("--library", library)["prompts"]
    assert plain == (True, f"Dateline's own; SHA-256 {load_templates().digest}; at most 16,000 tokens, answers 700")
    own = tmp_path / "prompts"
    copied = findings("--copy-prompts", own)
    assert set(copied) == {path.name for path in own.iterdir()} == set(default_templates())
    assert all(ok for ok, _ in copied.values())
    (own / "prompt_user.txt").write_text("$passages\n$question", "utf-8")
    assert not any(ok for ok, _ in findings("--copy-prompts", own).values()), "none is written over"
    assert (own / "prompt_user.txt").read_text("utf-8") == "$passages\n$question"
    monkeypatch.setenv("DATELINE_PROMPTS", str(own))
    ok, message = findings("--library", library)["prompts"]
    assert ok
    assert repr(str(own / "prompt_user.txt")) in message
    assert load_templates().digest in message
    assert load_templates().digest not in plain[1]
    (own / "prompt_user.txt").write_text("$question", "utf-8")
    ok, message = findings("--library", library)["prompts"]
    assert not ok
    assert "prompt_user.txt" in message

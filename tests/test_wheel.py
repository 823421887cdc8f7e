"""The wheel holds the four packages, the files they read, and nothing else."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {"index", "rag", "eval", "ui"}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of the files in a wheel built from a copy of the source, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    # Folders that are no part of the distribution, to show that they are left out.
    for name in (*sorted(PACKAGES), "tests", "seeds", "docs"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PIP_NO_INDEX": "1", "PYTHONWARNINGS": "default"},
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("dateline-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_top_level_is_the_four_packages(names: list[str]):
    top = {name.split("/")[0] for name in names}
    (information,) = [name for name in top if name.endswith(".dist-info")]
    assert information.startswith("dateline-")
    assert top == PACKAGES | {information}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_every_module_of_a_package_is_in_the_wheel(names: list[str], package: str):
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).glob("*.py")}
    assert f"{package}/__init__.py" in modules
    assert modules == {name for name in names if name.startswith(f"{package}/") and name.endswith(".py")}


def test_the_files_that_modules_read_are_in_the_wheel(names: list[str]):
    data = {name for name in names if name.split("/")[0] in PACKAGES and not name.endswith(".py")}
    judge = {f"eval/judge_{part}.txt" for part in ("faithfulness", "nuggets", "relevancy")}
    report = {"eval/report.html", "eval/report.css", "eval/sets/sample_articles.jsonl"}
    prompts = {f"rag/prompt_{part}.txt" for part in ("system", "user", "passage", "rewrite", "rewrite_user")}
    fitted = {"rag/weights.json", "rag/support.json", "index/interaction.npz", "index/answer_spans.npz"}
    reader = {"rag/weights_reader.json", "rag/reader.safetensors"}
    words = {"rag/irregular_verbs.txt", "rag/opposites.txt"}
    page = {f"ui/{path.parent.name}/{path.name}" for path in (ROOT / "ui").glob("*/*") if path.suffix != ".pyc"}
    assert {"ui/front/page.css", "ui/front/page.js", "ui/kept/answer.html", "ui/language/page.toml"} < page
    assert data == page | fitted | reader | words | prompts | judge | report


def test_the_command_and_the_licence_are_in_the_wheel(names: list[str]):
    assert any(name.endswith(".dist-info/entry_points.txt") for name in names)
    assert any(name.endswith("/LICENSE") for name in names)

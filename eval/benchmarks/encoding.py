"""How fast passages become vectors: the default encoder against sentence-transformers, in turns in one process.

    python eval/benchmarks/encoding.py [--passages 64] [--repeat 5] [--store]

The texts are passages of the articles in a folder (`--texts`, by default the sample articles, over and over with other
numbers in front). The plain alternative is `SentenceTransformer.encode` with its default batch of 32 and all cores;
beside it stands its batch of 8. `numpy` and `torch` are the two ways in which the default encoder reads, each with the
vectors of all tokens, the first on one core; `bf16` is the second in half precision, which on a processor without fast
`bf16` is only slower (`--bf16` measures it all the same). Every way reads the same passages in every round; seconds are
given as the least, which other work on the machine disturbs least, and the ratio to the plain one as the median over
the rounds.

`share` is what the matrix products alone would take, at the speed that PyTorch has for the largest of them on all
cores, of the least time: what no code around them can gain. `query` is one question, warm.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import index.default_encoder as default_encoder
from index.encoder import DEFAULT_ENCODER, DEFAULT_ENCODER_SHA256, default_folder
from index.passages import encoder_input, split_article
from index.types import Article, Metadata
from stored import ROOT, store

QUESTION = "What did Safronkov say about the logic of confrontation?"

FLOP_A_TOKEN = 2 * 6 * 12 * 384 * 384
"""Of the linear maps of the six layers: 21 million. Attention adds 9% at 200 tokens."""

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--passages", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--texts", type=Path, default=ROOT / "seeds", help="folder of .txt files, one article each")
    parser.add_argument("--bf16", action="store_true", help="measure half precision too, whatever the processor")
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()

    load = round(os.getloadavg()[0], 1)
    ways = _ways(arguments.bf16)
    counter = default_encoder.DefaultEncoder.load(DEFAULT_ENCODER, default_folder(), DEFAULT_ENCODER_SHA256)
    texts = _passages(arguments.texts, counter, arguments.passages)
    counts = counter.count_tokens(texts)
    tokens = sum(min(count, counter.max_tokens) for count in counts)
    expected = ways["sentence-transformers, batch 32"](texts)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    queries: dict[str, list[float]] = {name: [] for name in ways}
    cosines = {}
    for _ in range(arguments.repeat):
        for name, encode in ways.items():
            cosines[name] = float(np.einsum("ij,ij->i", _timed(seconds[name], encode, texts), expected).min())
            for _ in range(10):
                _timed(queries[name], encode, [QUESTION])
    gemm = tokens * FLOP_A_TOKEN / _flops()
    print(f"{len(texts)} passages, {tokens} tokens, {min(counts)} to {max(counts)} each")
    plain = seconds["sentence-transformers, batch 32"]
    found = {}
    for name, taken in seconds.items():
        found[name] = {
            "tokens_a_second": round(tokens / min(taken)),
            "against_plain_median": round(statistics.median(p / t for p, t in zip(plain, taken, strict=True)), 2),
            "against_plain_least": round(min(plain) / min(taken), 2),
            "share_of_matrix_products": round(gemm / min(taken), 2),
            "query_ms_least": round(1000 * min(queries[name]), 1),
            "query_ms_median": round(1000 * statistics.median(queries[name]), 1),
            "least_cosine": round(cosines[name], 6),
        }
        print(f"{name:34}" + "  ".join(f"{key} {value}" for key, value in found[name].items()))
    if arguments.store:
        command = f"python eval/benchmarks/encoding.py --passages {arguments.passages} --repeat {arguments.repeat}"
        store(
            "encoding",
            f"{command}{' --bf16' * arguments.bf16} --store",
            {"load_before": load, "tokens": tokens, "encoders": found},
        )


def _ways(with_bf16: bool) -> dict[str, Encode]:
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(str(default_folder()), local_files_only=True)

    def plainly(batch: int) -> Encode:
        def encode(texts: Sequence[str]) -> NDArray[np.float32]:
            return np.asarray(
                plain.encode(list(texts), batch_size=batch, normalize_embeddings=True, show_progress_bar=False)
            )

        return encode

    ways = {f"sentence-transformers, batch {batch}": plainly(batch) for batch in (32, 8)}
    ways["numpy"] = _ours("fp32", bulk=False)
    ways["torch"] = _ours("fp32", bulk=True)
    if with_bf16 or default_encoder.precision_of_processor() == "bf16":
        ways["torch, bf16"] = _ours("bf16", bulk=True)
    return ways


def _ours(precision: Any, *, bulk: bool) -> Encode:
    """The default encoder, which is told whether it reads much."""
    encoder = default_encoder.DefaultEncoder.load(DEFAULT_ENCODER, default_folder(), DEFAULT_ENCODER_SHA256)
    encoder._precision = precision
    encoder._is_bulk = lambda texts: bulk  # type: ignore[method-assign]
    encoder.encode([QUESTION])
    return encoder.encode


def _passages(folder: Path, encoder: Any, count: int) -> list[str]:
    """Passages of the articles in a folder, until there are enough; from the second round on with a number in front,
    so that no two are the same."""
    texts: list[str] = []
    turn = 0
    while len(texts) < count:
        for path in sorted(folder.glob("*.txt")):
            text = f"{turn or ''} {path.read_text('utf-8')}"
            article = Article.from_text(text, Metadata(title=path.stem), str(path))
            passages = split_article(article, encoder.count_tokens, encoder.max_tokens)
            texts += [encoder_input(passage) for passage in passages]
        turn += 1
    return texts[:count]


def _timed(seconds: list[float], encode: Encode, texts: Sequence[str]) -> NDArray[np.float32]:
    started = time.perf_counter()
    vectors = encode(texts)
    seconds.append(time.perf_counter() - started)
    return vectors


def _flops() -> float:
    """Floating-point operations a second of the largest linear map by PyTorch on all cores: the best of 30."""
    import torch

    vectors, weights = torch.randn(1024, 384), torch.randn(1536, 384)
    best = 0.0
    with torch.inference_mode():
        for _ in range(30):
            started = time.perf_counter()
            torch.nn.functional.linear(vectors, weights)
            best = max(best, 2 * 1024 * 384 * 1536 / (time.perf_counter() - started))
    return best


if __name__ == "__main__":
    main()

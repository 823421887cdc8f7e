"""Trains the reader that ships with Dateline (`rag/reader.safetensors`) from the default encoder's weights.

    python eval/benchmarks/train_reader.py FOLDER [--cases 31000] [--start FILE] [--without SET ...]
        [--negatives mined] [--write]

One encoder with two heads: which word piece of a passage is the first and which the last of the answer (the first word
piece of all stands for "not here", as in Devlin et al., NAACL 2019), and, from the last layer's vector of that word
piece, whether the passage answers the question and how well beside the other passages of its question. What it is
trained on is said in `reader_examples.py` and in the README beside the data.

FOLDER keeps a checkpoint of every few minutes, from which the same command goes on after an interruption, the log
(`log.jsonl`: losses, learning rate, word pieces a second; figures on questions held back and on the development halves
of XQuAD and SQuAD 2) and its plot (`log.svg`). The order of examples depends on the seed alone. In `bf16` where the
processor gains from it, on a GPU where there is one. The word pieces' own vectors stay as they are, so that the reader
ships without them. 10,000 cases take 6 minutes on two cores with AMX, 25 to 30 on two without AVX-512. `--start` goes
on from a reader's file, with another `--seed` so that other examples come first. `--write` writes the file that ships
and its digest.
"""

import argparse
import copy
import json
import math
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from development_sets import OPEN_DATA
from eval.benchmarks.near_words import NearWords
from growth_plot import growth_plot
from index.encoder import default_folder
from index.precision import precision_of_processor
from index.word_pieces import WordPieces
from rag.reading import Reading, merged
from reader_examples import NEGATIVES, Cases, Example, Text, drawn, near_words, read_cases, with_negatives
from reader_figures import SETS, answerability_auroc, read_squad, span_figures
from reader_file import read_reader, write_reader

CASES = 31_000
BATCH = 12
"""Cases of a step; some 20 pairs of question and passage."""

POOL = 26 * BATCH
"""Cases that are sorted by length before they are put into steps."""

WINDOWS = (64, 96, 128, 160)
"""Most word pieces of a passage, drawn anew for each step: long passages cost much and teach little more."""

QUESTION = 48
TITLE = 16
"""Most word pieces of a question and of a title."""

ROUND = 32
"""Word pieces of a step's pairs are filled up to a multiple of this: PyTorch prepares itself for each new length."""

WITH_TITLE = 0.5
"""Share of the cases whose passages have their titles in front, where all are known."""

RATE = 2e-4
HEADS_FASTER = 3.0
"""The learning rate of the encoder, and how many times it the heads have, which begin with made-up numbers."""

WARM_UP = 0.05
WEIGHT_DECAY = 0.01
CLIP = 1.0
SPAN_WEIGHT, ANSWERABLE_WEIGHT, RELEVANCE_WEIGHT = 1.0, 0.5, 0.5
CHECKPOINT_MINUTES = 4.0
SEED = 8
CURVE = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0)
"""Shares of the cases after which figures are taken."""

POOLED = 8_000_000
"""Factors of dropout that are drawn; a step uses a part of some 1,300,000 for each layer."""

HELD_READ = 200
"""Held-back cases that figures are taken on."""


class PooledDropout(torch.nn.Module):
    """Dropout (Srivastava et al., JMLR 2014) whose factors are a stretch, drawn anew each time, of one row for all:
    without a GPU, fresh ones for every layer would take a third of the time of a step."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.p = share

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.p:
            return vectors
        count = vectors.numel()
        if count > POOLED:
            return functional.dropout(vectors, self.p)
        begin = int(torch.randint(POOLED - count + 1, ()))
        return vectors * _factors(self.p, vectors.dtype, vectors.device)[begin : begin + count].view_as(vectors)


@lru_cache(maxsize=4)
def _factors(share: float, kind: torch.dtype, device: torch.device) -> torch.Tensor:
    """The row of factors, drawn when it is first asked for."""
    return functional.dropout(torch.ones(POOLED, dtype=torch.float32), share).to(device, kind)


class ReaderNet(torch.nn.Module):
    """The encoder with the reader's heads."""

    def __init__(self, folder: Path) -> None:
        from transformers import BertModel

        super().__init__()
        # Without a GPU, the gradients of PyTorch's fused attention take more than half of a step.
        attention = "sdpa" if torch.cuda.is_available() else "eager"
        self.bert = BertModel.from_pretrained(
            folder,
            add_pooling_layer=False,
            attn_implementation=attention,
            attention_probs_dropout_prob=0.0,
            local_files_only=True,
        )
        for module in self.bert.modules():
            if isinstance(getattr(module, "dropout", None), torch.nn.Dropout):
                module.dropout = PooledDropout(module.dropout.p)
        self.bert.embeddings.word_embeddings.weight.requires_grad_(False)
        size = self.bert.config.hidden_size
        self.span = torch.nn.Linear(size, 2)
        self.pool = torch.nn.Linear(size, size)
        self.judge = torch.nn.Linear(size, 2)

    def forward(self, batch: "Batch") -> tuple[torch.Tensor, torch.Tensor]:
        """Scores of each word piece as first and last of the answer, (n, length, 2), -1e4 where it cannot be one, and
        of each pair as answered and as relevant, (n, 2)."""
        vectors = self.bert(input_ids=batch.ids, attention_mask=batch.mask, token_type_ids=batch.kinds)[0].float()
        spans = self.span(vectors).masked_fill(~batch.allowed[..., None], -1e4)
        return spans, self.judge(torch.tanh(self.pool(vectors[:, 0])))


class Worker:
    """What computes losses and figures for a net: the net itself or, in `bf16`, one with a copy of its encoder in half
    precision, which takes over the net's weights after each step; those are kept and stepped in single precision.

    Twice as fast on a processor with AMX as letting PyTorch convert weights and inputs of each product (autocast).
    """

    def __init__(self, net: ReaderNet, *, half: bool) -> None:
        self.net = net
        if half:
            self.net = copy.deepcopy(net)
            self.net.bert.to(torch.bfloat16)
            self.net.span, self.net.pool, self.net.judge = net.span, net.pool, net.judge
        own = zip(net.bert.parameters(), self.net.bert.parameters(), strict=True)
        pairs = [pair for pair in own if half and pair[0].requires_grad]
        self._whole, self._half = [one for one, _ in pairs], [other for _, other in pairs]

    def give_gradients(self) -> None:
        """Hands the gradients of the copy to the net."""
        for whole, half in zip(self._whole, self._half, strict=True):
            if half.grad is not None:
                whole.grad, half.grad = half.grad.float(), None

    def take_weights(self) -> None:
        """Takes the net's weights over into the copy."""
        with torch.no_grad():
            for whole, half in zip(self._whole, self._half, strict=True):
                half.copy_(whole)


@dataclass
class Batch:
    """Pairs of question and passage. `gold`, (n, length, 2): where the answer may begin and end, place 0 for none;
    `case`, (n,): the case of each; `answered`, (n,): 1 with an answer; `has_span`, (n,): whether `gold` is known."""

    ids: torch.Tensor
    mask: torch.Tensor
    kinds: torch.Tensor
    allowed: torch.Tensor
    gold: torch.Tensor
    case: torch.Tensor
    answered: torch.Tensor
    has_span: torch.Tensor

    def to(self, device: str) -> "Batch":
        return Batch(**{name: value.to(device) for name, value in vars(self).items()})


@dataclass
class Pair:
    """One pair as word pieces; `first` is the place of the first one of the passage that it has, number `begin` of all
    that the passage has, `edges` the first and last place of each accepted answer."""

    ids: list[int]
    second: int
    first: int
    begin: int
    edges: list[tuple[int, int]]


class PairMaker:
    """Pairs of examples, each text split into word pieces once."""

    def __init__(self, folder: Path) -> None:
        self._pieces = WordPieces(folder, 100_000)
        self._known: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def read(self, text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ids without special ones, and the characters where each begins and ends."""
        if text not in self._known:
            found = self._pieces.read([text])[0]
            self._known[text] = tuple(np.asarray(one, np.int32) for one in (found.ids[1:-1], found.starts, found.ends))
        return self._known[text]

    def pair(self, example: Example, window: int, source: random.Random, *, with_title: bool) -> Pair:
        """A part of the passage of at most `window` word pieces, one with an answer where there is one."""
        question = self.read(example.question)[0][:QUESTION].tolist()
        title = self.read(example.text.title)[0][:TITLE].tolist() if with_title else []
        ids, starts, ends = self.read(example.text.passage)
        at = [np.flatnonzero((ends > start) & (starts < end)) for start, end in example.spans]
        places = [(int(found[0]), int(found[-1])) for found in at if len(found)]
        begin = 0
        if len(ids) > window:
            low, high = 0, len(ids) - window
            if places:
                one = source.choice(places)
                low, high = max(0, min(high, one[1] - window + 1)), max(0, min(high, one[0]))
                low = min(low, high)
            begin = source.randint(low, high)
        end = min(len(ids), begin + window)
        first = len(question) + 2 + len(title)
        inside = [(one - begin + first, other - begin + first) for one, other in places if begin <= one and other < end]
        if places and not inside:  # the answer is longer than the window
            inside = [(max(one, begin) - begin + first, min(other, end - 1) - begin + first) for one, other in places]
            inside = [(one, other) for one, other in inside if one <= other]
        return Pair(
            [101, *question, 102, *title, *ids[begin:end].tolist(), 102], len(question) + 2, first, begin, inside
        )


def make_batch(rows: Sequence[tuple[int, Example, Pair]]) -> Batch:
    """Rows are the number of the case, the example, and its pair."""
    longest = -(-max(len(pair.ids) for _, _, pair in rows) // ROUND) * ROUND
    shape = (len(rows), longest)
    ids, mask, kinds = (torch.zeros(shape, dtype=torch.long) for _ in range(3))
    allowed, gold = torch.zeros(shape, dtype=torch.bool), torch.zeros((*shape, 2), dtype=torch.bool)
    for row, (_, example, pair) in enumerate(rows):
        size = len(pair.ids)
        ids[row, :size] = torch.tensor(pair.ids)
        mask[row, :size] = 1
        kinds[row, pair.second : size] = 1
        allowed[row, 0] = True
        allowed[row, pair.first : size - 1] = True
        for first, last in pair.edges:
            if example.sentences:
                gold[row, first : last + 1] = True
            else:
                gold[row, first, 0] = gold[row, last, 1] = True
        if example.kind != "answer":
            gold[row, 0] = True
    return Batch(
        ids,
        mask,
        kinds,
        allowed,
        gold,
        torch.tensor([case for case, _, _ in rows]),
        torch.tensor([float(example.kind == "answer") for _, example, _ in rows]),
        gold.any(1).all(-1),
    )


def losses(net: ReaderNet, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of the spans (mean over the pairs whose span is known), of what is answered, and of the order in each case."""
    spans, judged = net(batch)
    shares = spans.log_softmax(1).masked_fill(~batch.gold, -torch.inf)
    of_pairs = -shares[batch.has_span].logsumexp(1).mean(-1)
    span_loss = of_pairs.mean() if len(of_pairs) else spans.sum() * 0
    answered_loss = functional.binary_cross_entropy_with_logits(judged[:, 0], batch.answered)
    order = [
        -judged[own, 1].log_softmax(0)[batch.answered[own] > 0].sum()
        for case in batch.case.unique()
        if (own := batch.case == case).sum() > 1
    ]
    return span_loss, answered_loss, torch.stack(order).mean() if order else judged.sum() * 0


def steps(
    cases: Cases, maker: PairMaker, near: NearWords, count: int, negatives: Mapping[str, float], seed: int
) -> Iterator[list[Any]]:
    """The rows of each step until `count` cases were given."""
    found = islice(drawn(cases.fitted, seed, near, negatives), count)
    number = 0
    while pool := list(islice(found, POOL)):
        source = random.Random(f"{seed} {number}")
        number += 1
        pool.sort(key=lambda examples: len(maker.read(examples[0].text.passage)[0]))
        parts = [pool[first : first + BATCH] for first in range(0, len(pool), BATCH)]
        source.shuffle(parts)
        for part in parts:
            window = source.choice(WINDOWS)
            rows = []
            for at, group in enumerate(part):
                # All or none of a case, so that a title in front does not tell which passage answers.
                titled = all(one.text.title for one in group) and source.random() < WITH_TITLE
                rows += [(at, one, maker.pair(one, window, source, with_title=titled)) for one in group]
            yield rows


def figures(
    net: ReaderNet, maker: PairMaker, near: NearWords, cases: Cases, data: Path, device: str, most: int
) -> dict[str, float]:
    """Figures on what is held back and, with the passage given, on the development halves; of `most` questions each."""
    read = make_reader(net, maker, device)
    found: dict[str, float] = {}
    source = random.Random(SEED)
    held = source.sample(cases.held, min(HELD_READ, len(cases.held)))
    groups = [with_negatives(case, random.Random(f"held {at}"), NEGATIVES, near) for at, case in enumerate(held)]
    examples = [one for group in groups for one in group]
    outputs = iter(read([(one.question, one.text) for one in examples]))
    judged = [[(one, next(outputs)) for one in group] for group in groups]
    flat = [pair for group in judged for pair in group]
    found["held_auroc"] = answerability_auroc([out.answered for _, out in flat], [e.kind == "answer" for e, _ in flat])
    first = [max(range(len(group)), key=lambda at: group[at][1].relevance) == 0 for group in judged if len(group) > 1]
    found["held_first"] = float(np.mean(first))
    for name in SETS:
        questions = read_squad(data / f"{name}.json")
        questions = source.sample(questions, min(most, len(questions)))
        outputs = read([(one.question, Text("", one.context)) for one in questions])
        found |= {f"{name}_{key}": value for key, value in span_figures(questions, outputs).items()}
    return {key: round(value, 4) for key, value in found.items()}


def make_reader(net: ReaderNet, maker: PairMaker, device: str) -> Any:
    """A function from pairs of question and text to the `Reading` of each."""

    def read(texts: Sequence[tuple[str, Text]]) -> list[Any]:
        source = random.Random(0)
        pairs = [
            maker.pair(Example(question, text, (), "mined"), 400, source, with_title=False) for question, text in texts
        ]
        outputs: list[Any] = [None] * len(pairs)
        order = sorted(range(len(pairs)), key=lambda at: len(pairs[at].ids))
        for begin in range(0, len(order), 16):
            some = order[begin : begin + 16]
            rows = [(at, Example(*texts[at], (), "mined"), pairs[at]) for at in some]
            with torch.inference_mode():
                spans, judged = net(make_batch(rows).to(device))
            for at, span, one in zip(some, spans.cpu().numpy(), judged.cpu().numpy(), strict=True):
                _, starts, ends = maker.read(texts[at][1].passage)
                pair = pairs[at]
                own = span[pair.first : len(pair.ids) - 1]
                first, last, none = merged([(pair.begin, own, span[0])], len(starts))
                outputs[at] = Reading(starts, ends, first, last, none, float(one[0]), float(one[1]))
        return outputs

    return read


def train(arguments: argparse.Namespace) -> Path:
    """Trains to the end, from the folder's checkpoint if there is one, and returns the last one."""
    torch.manual_seed(arguments.seed)
    folder = default_folder()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    half = device == "cuda" or precision_of_processor() == "bf16"
    net, maker = ReaderNet(folder), PairMaker(folder)
    if arguments.start is not None:
        read_reader(net, arguments.start)
    net.to(device)
    worker = Worker(net, half=half)
    cases = read_cases(arguments.data, arguments.without)
    near = near_words(cases.fitted, folder)
    negatives = {} if arguments.negatives == "none" else NEGATIVES
    if arguments.negatives == "mined":
        negatives = {"mined": sum(NEGATIVES.values())}
    parameters = [value for value in net.parameters() if value.requires_grad]
    inner = [value for value in net.bert.parameters() if value.requires_grad]
    decayed = [value for value in inner if value.dim() > 1]
    plain = [value for value in inner if value.dim() == 1]
    heads = [value for head in (net.span, net.pool, net.judge) for value in head.parameters()]
    optimizer = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": WEIGHT_DECAY},
            {"params": plain, "weight_decay": 0.0},
            {"params": heads, "weight_decay": WEIGHT_DECAY, "faster": HEADS_FASTER},
        ],
        lr=RATE,
        fused=True,
    )
    total = math.ceil(arguments.cases / BATCH)
    at, curve = 0, list(CURVE)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    checkpoint, log = arguments.folder / "checkpoint.pt", arguments.folder / "log.jsonl"
    if checkpoint.is_file():
        kept = torch.load(checkpoint, map_location=device, weights_only=True)
        net.load_state_dict(kept["net"])
        worker.take_weights()
        optimizer.load_state_dict(kept["optimizer"])
        torch.set_rng_state(kept["random"].cpu())
        at, curve = kept["step"], [share for share in CURVE if share * total > kept["step"]]
        print(f"goes on at step {at:,} of {total:,}")
    print(f"{len(cases.fitted):,} questions, {len(cases.held):,} held back; {total:,} steps on {device}", flush=True)
    last_kept = last_said = time.monotonic()
    sums, pieces, summed = np.zeros(3), 0, 0
    rows_of_steps = steps(cases, maker, near, arguments.cases, negatives, arguments.seed)
    worker.net.train()
    for number, rows in enumerate(islice(rows_of_steps, at, None), start=at + 1):
        rate = RATE * min(number / (WARM_UP * total), (total - number + 1) / ((1 - WARM_UP) * total))
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("faster", 1.0)
        batch = make_batch(rows).to(device)
        parts = losses(worker.net, batch)
        loss = SPAN_WEIGHT * parts[0] + ANSWERABLE_WEIGHT * parts[1] + RELEVANCE_WEIGHT * parts[2]
        optimizer.zero_grad()
        loss.backward()
        worker.give_gradients()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        worker.take_weights()
        sums += [float(one.detach()) for one in parts]
        pieces += int(batch.mask.sum())
        summed += 1
        if number % 20 == 0:
            now = time.monotonic()
            line = {
                "step": number,
                "cases": number * BATCH,
                **dict(zip(("span", "answered", "relevance"), (sums / summed).round(4).tolist(), strict=True)),
                "rate": rate,
                "pieces_per_second": round(pieces / (now - last_said)),
            }
            _log(log, line)
            sums, pieces, summed, last_said = np.zeros(3), 0, 0, now
        if curve and number >= curve[0] * total:
            most = 10_000 if curve[0] == 1 else arguments.questions
            worker.net.eval()
            found = figures(worker.net, maker, near, cases, arguments.data, device, most)
            _log(log, {"step": number, "cases": number * BATCH, **found})
            worker.net.train()
            curve = curve[1:]
            last_said = time.monotonic()
        if time.monotonic() - last_kept > CHECKPOINT_MINUTES * 60 or number == total:
            state = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "step": number}
            state["random"] = torch.get_rng_state()
            torch.save(state, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)
            last_kept = time.monotonic()
    _plot(log)
    return checkpoint


def _plot(log: Path) -> None:
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    names = {
        "span": "loss of spans",
        "answered": "loss of answered or not",
        "relevance": "loss of order",
        "xquad_en_f1": "XQuAD, F1",
        "squad2_sample_f1": "SQuAD 2, F1 where answered",
        "squad2_sample_auroc": "SQuAD 2, AUROC",
    }
    series = {said: [(line["cases"], line[name]) for line in lines if name in line] for name, said in names.items()}
    growth_plot(log.with_suffix(".svg"), "Training of the reader", "questions", "loss or figure", series)


def _log(path: Path, line: Mapping[str, Any]) -> None:
    said = (f"{key} {value:.6g}" if isinstance(value, float) else f"{key} {value}" for key, value in line.items())
    print(" ".join(said), flush=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, help="folder of the checkpoint and the log")
    parser.add_argument("--data", type=Path, default=OPEN_DATA, help="folder of the open sets")
    parser.add_argument("--cases", type=int, default=CASES, help="questions to train on")
    parser.add_argument("--questions", type=int, default=200, help="questions of each set for figures on the way")
    parser.add_argument("--without", nargs="*", default=(), metavar="SET", help="sets to leave out")
    parser.add_argument("--negatives", choices=("all", "mined", "none"), default="all")
    parser.add_argument("--start", type=Path, metavar="FILE", help="reader's file to go on from")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--write", action="store_true", help="write rag/reader.safetensors and its digest")
    arguments = parser.parse_args()
    checkpoint = train(arguments)
    if arguments.write:
        write_reader(checkpoint)


if __name__ == "__main__":
    main()

"""Fits `index/interaction.npz` and `index/answer_spans.npz`: what makes of the default encoder's tokens a late
interaction and short answers. The encoder itself stays as it is.

    python eval/benchmarks/fit_interaction.py [--data ../shared/data] [--cache FILE] [--write]

Fitted on openly licensed questions with marked answers (sources and licences in the README beside the data): TyDi QA
in English, the Wikipedia part of SQuADShifts, QED, QADiscourse and QAMR; some 17,000 questions on 7,400 paragraphs, of
which 400 paragraphs are kept back for the figures of each epoch. QED's questions are of the kind that CLAP NQ has, so
CLAP NQ is not zero-shot in style. First the projection: that the sentence with the answer matches the question better
than the others of its paragraph, and the paragraph better than those of other questions and than one found by BM25.
Then, on the projected tokens, the network that marks the answer in its sentence. Twenty minutes on two cores, most of
it the encoding, which `--cache` keeps.
"""

import argparse
import gzip
import json
import pickle
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from development_sets import OPEN_DATA, ROOT
from index.answer_spans import FEATURES, QUESTION_WEIGHT, TOKEN_WEIGHT, SpanModel, best_span, token_features
from index.encoder import Encoder, TokenVectors, load_encoder
from index.interaction import PassageTokens, Projection
from index.sentences import split_sentences

PARAGRAPHS = {"tydiqa_goldp_en": 3000, "squadshifts_new_wiki": 1200, "qed": 1300, "qadiscourse": 1500, "qamr": 600}
"""Sets that are taken, and how many paragraphs of each at most."""

QUESTIONS_OF_PARAGRAPH = 6
HELD_BACK = 400
"""Paragraphs that figures are taken on."""

SIZE = 32
"""Numbers that a token is projected to. With the first principal components alone, 24, 32, 48, 64 and 128 of them had
the sentence with the answer first for .848, .847, .847, .852 and .854 of XQuAD's questions, all 384 for .852."""

PROJECTION_EPOCHS = 2
"""From the third on, held-back questions are matched worse."""

SPAN_EPOCHS = 8
HIDDEN = 64
WIDTH = 5
BATCH = 24
SPAN_BATCH = 32
SEED = 0


@dataclass
class Example:
    """A question, its paragraph, one that BM25 takes for it (or none), and where the answer is in its paragraph."""

    question: str
    paragraph: str
    other: str | None
    start: int
    end: int


@dataclass
class Read:
    """A paragraph or question as the encoder reads it, and the sentence of each of its tokens (-1 for none)."""

    tokens: TokenVectors
    sentence: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, default=OPEN_DATA, help="folder of the open sets")
    parser.add_argument("--cache", type=Path, help="file where the encoded texts are kept for the next time")
    parser.add_argument("--write", action="store_true", help="write the two files")
    arguments = parser.parse_args()
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    encoder = load_encoder()
    examples = list(read_examples(arguments.data))
    read = encoded(examples, encoder, arguments.cache)
    held = set(random.Random(SEED).sample(sorted({example.paragraph for example in examples}), HELD_BACK))
    fit = [one for one in examples if one.paragraph not in held and one.other not in held]
    kept_back = [one for one in examples if one.paragraph in held]
    print(f"{len(fit):,} questions to fit, {len(kept_back):,} held back, {len(read):,} texts")
    projection = fit_projection(fit, kept_back, read)
    model = fit_spans(fit, kept_back, read, projection)
    if arguments.write:
        write(projection, model, encoder.digest)


def read_examples(data: Path) -> Iterator[Example]:
    """The questions, in a fixed order."""
    others = {row["neg_of"]: row["context"] for row in rows_of(data, "mined_negatives")}
    for name, most in PARAGRAPHS.items():
        by_paragraph: dict[str, list[dict[str, Any]]] = {}
        for row in rows_of(data, name):
            if row["answers"] and not row.get("is_impossible"):
                by_paragraph.setdefault(row["context"], []).append(row)
        chosen = sorted(by_paragraph)
        random.Random(SEED).shuffle(chosen)
        for paragraph in chosen[:most]:
            for row in by_paragraph[paragraph][:QUESTIONS_OF_PARAGRAPH]:
                answer = row["answers"][0]
                end = answer["answer_start"] + len(answer["text"])
                yield Example(row["question"], paragraph, others.get(row["id"]), answer["answer_start"], end)


def rows_of(data: Path, name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(data / "train" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def encoded(examples: Sequence[Example], encoder: Encoder, cache: Path | None) -> dict[str, Read]:
    """Every question and paragraph by its text; of the paragraphs that BM25 found, those that are paragraphs here."""
    if cache is not None and cache.is_file():
        return pickle.loads(cache.read_bytes())  # type: ignore[no-any-return]
    texts = sorted({one.paragraph for one in examples} | {one.question for one in examples}, key=len)
    read = {}
    for first in range(0, len(texts), 512):
        some = texts[first : first + 512]
        for text, tokens in zip(some, encoder.encode_tokens(some), strict=True):
            sentence = np.full(len(tokens.starts), -1)
            for number, span in enumerate(split_sentences(text)):
                sentence[(tokens.starts >= span.start) & (tokens.starts < span.end)] = number
            small = TokenVectors(tokens.vector, tokens.tokens.astype(np.float16), tokens.starts, tokens.ends)
            read[text] = Read(small, sentence)
        print(f"\r{first + len(some):,} of {len(texts):,} texts encoded", end="", flush=True)
    print()
    if cache is not None:
        cache.write_bytes(pickle.dumps(read))
    return read


def answer_tokens(example: Example, read: Read) -> tuple[int, int] | None:
    """First and last token of the answer inside one sentence; `None` if the encoder reads no token of it."""
    tokens = read.tokens
    found = np.flatnonzero((tokens.ends > example.start) & (tokens.starts < example.end))
    if not len(found) or read.sentence[found[0]] < 0:
        return None
    inside = found[read.sentence[found] == read.sentence[found[0]]]
    return int(inside[0]), int(inside[-1])


# The projection


class ProjectionNet(torch.nn.Module):
    """Both projections, begun with the principal components of the tokens, and the weights of a question's tokens."""

    def __init__(self, components: np.ndarray) -> None:
        super().__init__()
        self.passage = torch.nn.Linear(384, SIZE)
        self.question = torch.nn.Linear(384, SIZE)
        for layer in (self.passage, self.question):
            layer.weight.data = torch.tensor(components, dtype=torch.float32)
            layer.bias.data.zero_()
        self.gate = torch.nn.Linear(384, 1)
        self.gate.weight.data.zero_()
        self.gate.bias.data.zero_()
        self.scale = torch.nn.Parameter(torch.tensor(8.0))

    def similarities(self, question: torch.Tensor, passages: torch.Tensor) -> torch.Tensor:
        """Shape (questions, passages, tokens of a question, tokens of a passage)."""
        asked = functional.normalize(self.question(question), dim=-1)
        told = functional.normalize(self.passage(passages), dim=-1)
        return torch.einsum("bqx,cnx->bcqn", asked, told)

    def weights(self, question: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        gated = functional.softplus(self.gate(question * 5)).squeeze(-1) * mask
        return gated / (gated.sum(-1, keepdim=True) + 1e-6)

    def export(self) -> Projection:
        def arrays(layer: torch.nn.Linear) -> tuple[np.ndarray, np.ndarray]:
            return half(layer.weight.detach().numpy()), half(layer.bias.detach().numpy())

        gate = half(self.gate.weight.detach().numpy()[0] * 5)
        return Projection(*arrays(self.passage), *arrays(self.question), gate, float(half(self.gate.bias.detach())[0]))


def half(values: Any) -> np.ndarray:
    """As exact as the numbers are stored."""
    return np.asarray(values, dtype=np.float16).astype(np.float32)


def fit_projection(fit: Sequence[Example], held: Sequence[Example], read: dict[str, Read]) -> Projection:
    sample = random.Random(SEED).sample(sorted({example.paragraph for example in fit}), 800)
    tokens = np.concatenate([read[text].tokens.tokens for text in sample]).astype(np.float32)
    chosen = tokens[np.random.default_rng(SEED).choice(len(tokens), 20_000, replace=False)]
    _, _, components = np.linalg.svd(chosen - chosen.mean(axis=0), full_matrices=False)
    net = ProjectionNet(components[:SIZE])
    slow = [value for name, value in net.named_parameters() if name != "scale"]
    optimizer = torch.optim.Adam([{"params": [net.scale], "lr": 2e-2}, {"params": slow, "lr": 1e-3}])
    usable = [one for one in fit if answer_tokens(one, read[one.paragraph]) is not None]
    checked = [one for one in held if answer_tokens(one, read[one.paragraph]) is not None]
    steps = PROJECTION_EPOCHS * (len(usable) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / (steps + 1))
    with torch.no_grad():
        print(f"projection, principal components: {_means(net, checked, read)}")
    for epoch in range(PROJECTION_EPOCHS):
        random.Random(epoch).shuffle(usable)
        for first in range(0, len(usable) - BATCH + 1, BATCH):
            sentences, passages, _, _ = _projection_losses(net, usable[first : first + BATCH], read)
            optimizer.zero_grad()
            (sentences + passages).backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            print(f"projection, epoch {epoch + 1}: {_means(net, checked, read)}", flush=True)
    return net.export()


def _means(net: ProjectionNet, examples: Sequence[Example], read: dict[str, Read]) -> str:
    rows = [
        [float(value) for value in _projection_losses(net, examples[first : first + BATCH], read)]
        for first in range(0, len(examples), BATCH)
    ]
    sentence_loss, passage_loss, sentence, passage = np.mean(rows, axis=0)
    return (
        f"held back, best sentence {sentence:.3f} (loss {sentence_loss:.3f}), "
        f"best of {BATCH} paragraphs and more {passage:.3f} (loss {passage_loss:.3f})"
    )


def _padded(arrays: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    values = torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(np.asarray(array, dtype=np.float32)) for array in arrays], batch_first=True
    )
    lengths = torch.tensor([len(array) for array in arrays])
    return values, torch.arange(values.shape[1])[None, :] < lengths[:, None]


def _projection_losses(
    net: ProjectionNet, batch: Sequence[Example], read: dict[str, Read]
) -> tuple[torch.Tensor, torch.Tensor, float, float]:
    """Losses of the choice of sentence and of paragraph, and how often each choice is right."""
    wanted = [one.paragraph for one in batch] + [one.other for one in batch if one.other in read]
    texts = list(dict.fromkeys(text for text in wanted if text is not None))
    questions, question_mask = _padded([read[one.question].tokens.tokens for one in batch])
    passages, passage_mask = _padded([read[text].tokens.tokens for text in texts])
    similar = net.similarities(questions, passages).masked_fill(~passage_mask[None, :, None, :], -1.0)
    weights = net.weights(questions, question_mask)
    own = torch.tensor([texts.index(one.paragraph) for one in batch])
    of_passages = (similar.max(-1).values * weights[:, None, :]).sum(-1) * net.scale * 3
    sentence_loss, right = torch.zeros(()), 0
    for number, one in enumerate(batch):
        text = read[one.paragraph]
        inside = similar[number, own[number]][:, : len(text.sentence)]
        place = answer_tokens(one, text)
        assert place is not None
        scores = torch.stack(
            [
                (inside[:, text.sentence == sentence].max(-1).values * weights[number]).sum()
                if (text.sentence == sentence).any()
                else torch.tensor(-9.0)
                for sentence in range(int(text.sentence.max()) + 1)
            ]
        )
        gold = int(text.sentence[place[0]])
        sentence_loss = sentence_loss - (scores * net.scale).log_softmax(0)[gold]
        right += int(scores.argmax() == gold)
    passage_right = float((of_passages.argmax(1) == own).float().mean())
    passage_loss = functional.cross_entropy(of_passages, own)
    return sentence_loss / len(batch), passage_loss, right / len(batch), passage_right


# The network that marks the answer


class SpanNet(torch.nn.Module):
    """The network of `index.answer_spans.SpanModel`, to be fitted."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = torch.nn.Linear(384, 2)
        self.question = torch.nn.Linear(768, SIZE)
        self.input = torch.nn.Linear(3 * SIZE + FEATURES, HIDDEN)
        self.first = torch.nn.Conv1d(HIDDEN, HIDDEN, WIDTH, padding=WIDTH // 2)
        self.second = torch.nn.Conv1d(HIDDEN, HIDDEN, WIDTH, padding=WIDTH // 2)
        self.output = torch.nn.Linear(HIDDEN, 2)
        self.dropout = torch.nn.Dropout(0.15)

    def forward(
        self, tokens: torch.Tensor, features: torch.Tensor, mask: torch.Tensor, asked: torch.Tensor, told: torch.Tensor
    ) -> torch.Tensor:
        asked = asked * QUESTION_WEIGHT
        share = self.attention(asked).masked_fill(~told[..., None], -1e9).softmax(1)
        wanted = self.question(torch.einsum("bqk,bqh->bkh", share, asked).flatten(1))[:, None]
        own, here = tokens * TOKEN_WEIGHT, mask[..., None].float()
        state = torch.cat([own, own * wanted, wanted.expand(-1, own.shape[1], -1), features], -1)
        state = self.input(state).relu() * here
        for layer in (self.first, self.second):
            state = state + layer(self.dropout(state).transpose(1, 2)).transpose(1, 2).relu() * here
        return self.output(self.dropout(state)).masked_fill(~mask[..., None], -1e4)

    def export(self) -> SpanModel:
        arrays = {}
        for name, value in self.named_parameters():
            layer, kind = name.split(".")
            arrays[layer if kind == "weight" else f"{layer}_bias"] = half(value.detach().numpy())
        return SpanModel(arrays)


Sentence = tuple[np.ndarray, np.ndarray, np.ndarray, int, int]
"""Tokens, features, the question's tokens, and the first and last token of the answer."""


def fit_spans(
    fit: Sequence[Example], held: Sequence[Example], read: dict[str, Read], projection: Projection
) -> SpanModel:
    examples = [found for one in fit if (found := sentence_of(one, read, projection)) is not None]
    checked = [found for one in held if (found := sentence_of(one, read, projection)) is not None]
    net = SpanNet()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
    steps = SPAN_EPOCHS * (len(examples) // SPAN_BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / (steps + 1))
    for epoch in range(SPAN_EPOCHS):
        random.Random(epoch).shuffle(examples)
        net.train()
        losses = []
        for first in range(0, len(examples) - SPAN_BATCH + 1, SPAN_BATCH):
            batch = examples[first : first + SPAN_BATCH]
            found = net(*_span_inputs(batch))
            loss = functional.cross_entropy(found[..., 0], torch.tensor([one[3] for one in batch]))
            loss = loss + functional.cross_entropy(found[..., 1], torch.tensor([one[4] for one in batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        net.eval()
        model = net.export()
        spans = [best_span(model.logits(*one[:3]))[:2] == one[3:] for one in checked]
        exact = float(np.mean(spans))
        print(f"spans, epoch {epoch + 1}: loss {np.mean(losses):.3f}, held back, exactly right {exact:.3f}", flush=True)
    return net.export()


def sentence_of(example: Example, read: dict[str, Read], projection: Projection) -> Sentence | None:
    """What the network is given of an example's sentence with the answer."""
    text, asked = read[example.paragraph], read[example.question].tokens
    place = answer_tokens(example, text)
    if place is None:
        return None
    own = np.flatnonzero(text.sentence == text.sentence[place[0]])
    whole = projection.of_passage(text.tokens, 0)
    # As exact as passages keep them.
    whole = PassageTokens.from_bytes(whole.to_bytes(), projection.size)
    inside = PassageTokens(whole.vectors[own], whole.starts[own], whole.ends[own])
    features = token_features(example.paragraph, inside, example.question, asked, projection)
    return inside.vectors, features, asked.tokens.astype(np.float32), place[0] - int(own[0]), place[1] - int(own[0])


def _span_inputs(batch: Sequence[Sentence]) -> tuple[torch.Tensor, ...]:
    tokens, mask = _padded([one[0] for one in batch])
    features, _ = _padded([one[1] for one in batch])
    asked, told = _padded([one[2] for one in batch])
    return tokens, features, mask, asked, told


def write(projection: Projection, model: SpanModel, digest: str) -> None:
    names = ("passage", "passage_bias", "question", "question_bias", "gate", "gate_bias")
    small = {name: np.asarray(getattr(projection, name), dtype=np.float16) for name in names}
    np.savez(ROOT / "index" / "interaction.npz", encoder=np.array(digest), **small)  # type: ignore[arg-type]
    arrays = {name: value.astype(np.float16) for name, value in model.arrays.items()}
    np.savez(ROOT / "index" / "answer_spans.npz", encoder=np.array(digest), **arrays)  # type: ignore[arg-type]
    print("wrote index/interaction.npz and index/answer_spans.npz")


if __name__ == "__main__":
    main()

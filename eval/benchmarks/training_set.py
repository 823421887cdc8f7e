"""A question set made of openly licensed training data, for numbers that are fitted and never reported on.

Every second question in three is about a paragraph that the collection has; the third is about one that was left out,
so that the right answer to it is a refusal, while other paragraphs of the same article are there. Rows of the same
paragraph stay on one side. See the README beside the data for its sources and licences; none of it is in the project.

The reader was trained on these questions. What is fitted on what it says is fitted on those that were kept from its
training; all other paragraphs are only searched.
"""

import gzip
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

from reader_examples import group_of, is_held_back

SOURCES = {"tydiqa_goldp_en": 700, "squadshifts_new_wiki": 500, "qed": 600, "qadiscourse": 500}
"""Sets that are taken, and how many paragraphs of each: people's own questions, encyclopaedia and news."""

QUESTIONS_OF_PARAGRAPH = 2
"""Most questions that one paragraph gives."""

LEFT_OUT = 1 / 3
"""Share of the paragraphs that the collection lacks."""

SEED = 4


def write_training_set(folder: Path, data: Path, *, held_back: bool = False) -> Path | None:
    """A file in the format of SQuAD 2.0 in `folder`; `None` if `data` has no training data. With `held_back`, only
    those questions are asked that the reader was not trained on, all of them, and paragraphs as many as without."""
    sources = {name: data / "train" / f"{name}.jsonl.gz" for name in SOURCES}
    if not all(path.is_file() for path in sources.values()):
        return None
    source = random.Random(SEED)
    paragraphs: list[dict[str, Any]] = []
    for name, path in sources.items():
        rows = defaultdict(list)
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                if row["answers"] and not row.get("is_impossible") and len(row["context"]) < 4_000:
                    rows[row["context"]].append(row)
        contexts = source.sample(sorted(rows), SOURCES[name])
        if held_back:
            own = [context for context in sorted(rows) if is_held_back(group_of(rows[context][0]))]
            contexts = own + [context for context in contexts if context not in own][: len(contexts) - len(own)]
        for context in contexts:
            chosen = source.sample(rows[context], min(QUESTIONS_OF_PARAGRAPH, len(rows[context])))
            questions = [{"id": r["id"], "question": r["question"], "answers": r["answers"][:1]} for r in chosen]
            title = str(chosen[0].get("title") or "")
            asked = [] if held_back and not is_held_back(group_of(chosen[0])) else questions
            paragraphs.append({"title": title, "context": context, "qas": asked})
    source.shuffle(paragraphs)
    kept = paragraphs[int(len(paragraphs) * LEFT_OUT) :]
    homes = iter(source.choices(kept, k=len(paragraphs)))
    for paragraph in paragraphs[: len(paragraphs) - len(kept)]:
        # SQuAD keeps a question at a paragraph; without an answer, any does.
        questions = [{**asked, "answers": [], "is_impossible": True} for asked in paragraph["qas"]]
        next(homes)["qas"].extend(questions)
    articles = [{"title": paragraph.pop("title"), "paragraphs": [paragraph]} for paragraph in kept]
    path = folder / ("training_held_back.json" if held_back else "training.json")
    path.write_text(json.dumps({"version": "v2.0", "data": articles}), encoding="utf-8")
    return path

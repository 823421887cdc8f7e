"""A hundred writers killed, one library through all of them; the thousand are `python tests/kill_trials.py`."""

import json
from pathlib import Path
from random import Random

from faults import build, fail_where_required, missing_reason
from kill_trials import Trials
from made_changes import Changer, marks_of, states

SEED = 7
TRIALS = 100


def test_killed_writers_lose_nothing_and_leave_nothing_half_done(tmp_path: Path) -> None:
    fail_where_required()
    # Without a compiler the kills fall at random moments only.
    trials = Trials(tmp_path, SEED, None if missing_reason() else build(tmp_path))
    trials.run(TRIALS)
    summary = trials.summary
    assert summary.kills.total() == TRIALS
    killed = TRIALS - summary.kills["none, it came to its end"]
    assert killed > TRIALS / 4, summary.lines()
    assert summary.acknowledged > TRIALS, summary.lines()
    assert summary.reader["looks"] > TRIALS, summary.lines()


def test_the_model_of_a_run_of_indexing_has_a_state_for_each_record() -> None:
    lines = [{"id": name, "title": "T", "text": f"Text {name}."} for name in ("r1", "r2")]
    content = "".join(json.dumps(line) + "\n" for line in lines)
    change = {"kind": "index", "path": "/n.jsonl", "content": content, "prune": True, "batch": 1}
    held = {"/n.jsonl#r0": ("T", "Gone."), "/other": ("T", "Stays.")}
    first = {**held, "/n.jsonl#r1": ("T", "Text r1.")}
    second = {**first, "/n.jsonl#r2": ("T", "Text r2.")}
    last = {origin: one for origin, one in second.items() if origin != "/n.jsonl#r0"}
    assert states(held, change) == [held, first, second, last]
    assert states(held, {**change, "prune": False}) == [held, first, second]


def test_the_same_seed_draws_the_same_changes(tmp_path: Path) -> None:
    def draw() -> list[dict]:
        changer, held, changes = Changer(Random(3), tmp_path), {}, []
        for _ in range(40):
            changes.append(changer.draw(held))
            held = states(held, changes[-1])[-1]
            assert len(marks_of(held)) == len({text for _, text in held.values()})
        return changes

    changes = draw()
    assert changes == draw()
    assert {change["kind"] for change in changes} >= {"put", "index", "remove", "forget", "rebuild", "reopen"}

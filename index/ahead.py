"""Work done ahead in a thread, for whoever is busy with what came before."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

T = TypeVar("T")


def ahead(
    items: Iterator[T], weight: Callable[[T], int], most: int, stop: Callable[[], None] | None = None
) -> Generator[T, None, None]:
    """The items in their order, made in a thread ahead of whoever takes them.

    What is made and not yet taken weighs at most `most`, or is one item. An error of `items` is raised where the item
    would have come. The generator is to be exhausted or closed; closing before its end, also by an error in the thread
    that takes the items, calls `stop`, and waits until the thread has made the item that it is at.
    """
    changed = threading.Condition()
    made: deque[tuple[T, int]] = deque()
    state = {"weight": 0, "is_done": False, "is_closed": False}
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for item in items:
                own = weight(item)
                with changed:
                    while state["weight"] and state["weight"] + own > most and not state["is_closed"]:
                        changed.wait()
                    if state["is_closed"]:
                        return
                    made.append((item, own))
                    state["weight"] += own
                    changed.notify_all()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that takes the items
            errors.append(error)
        finally:
            if isinstance(items, Generator):
                items.close()
            with changed:
                state["is_done"] = True
                changed.notify_all()

    thread = threading.Thread(target=work, name="dateline-ahead", daemon=True)
    thread.start()
    try:
        while True:
            with changed:
                while not made and not state["is_done"]:
                    changed.wait()
                if not made:
                    break
                item, own = made.popleft()
                state["weight"] -= own
                changed.notify_all()
            yield item
        if errors:
            raise errors[0]
    finally:
        with changed:
            state["is_closed"] = True
            is_done = state["is_done"]
            changed.notify_all()
        if stop is not None and not is_done:
            stop()
        thread.join()

"""Many read the weights at once; who changes what is loaded on them is alone."""

from __future__ import annotations

import threading
import time

from services.engines.llama.gate import Gate


def test_many_are_inside_together():
    gate, both = Gate(), threading.Barrier(2, timeout=5)

    def enter():
        with gate.many():
            both.wait()

    other = threading.Thread(target=enter)
    other.start()
    enter()
    other.join()


def test_one_who_is_alone_meets_nobody_and_is_not_starved():
    gate, inside, most, ended = Gate(), [], [], threading.Event()

    def read():
        while not ended.is_set():
            with gate.many():
                inside.append(1)
                time.sleep(0.001)
                inside.pop()

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(20):
        with gate.alone():
            most.append(len(inside))
            time.sleep(0.001)
            most.append(len(inside))
    ended.set()
    for reader in readers:
        reader.join()
    assert most == [0] * 40

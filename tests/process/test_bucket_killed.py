"""Real processes that write to a bucket and are killed between or within requests.

COMAGIC_KILLS is the number of kills at moments of chance.
"""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from coverage_marks import unmeasured
from partitioned_sandbox import DAYS, TEN, box_of, truth
from program import PATIENCE, ended, environment, start

from comagic_cli.files import object_store

KILLED = int(os.environ.get("COMAGIC_KILLS", "10"))
KEYS = [f"calls/date={day}/part.jsonl" for day in DAYS]
REQUESTS = 34  # of an undisturbed run, about


@pytest.fixture(scope="module")
def box():
    with box_of(rows=3_000) as box:
        yield box


@pytest.fixture(scope="module")
def rows(box):
    """Return the rows of each day, by the key of its object."""
    return {f"calls/date={day}/part.jsonl": truth(box, day) for day in DAYS}


def whole(bucket, key, rows, old):
    """Check that an object is the old or the new, whole."""
    data = bucket.read(key)
    return data == old or sorted(data.decode().splitlines()) == rows[key]


@unmeasured
@pytest.mark.parametrize("moment", range(KILLED))
def test_a_killed_run_leaves_whole_objects_and_the_next_completes_them(
    comagic, bucket, box, rows, tmp_path, moment
):
    chance = random.Random(moment)
    environ = environment(tmp_path / "home", box, TMPDIR=str(tmp_path), **bucket.environ)
    output = f"{bucket.url}/calls/date={{date}}/part.jsonl"
    old = b"old\n"
    if moment % 2:  # files of the same request are there, and are written again
        assert comagic(*TEN, "-o", output, box=box, **bucket.environ).code == 0
        for key in KEYS:
            bucket.put(key, old)
    words = [*TEN, "-o", output, *(["--refresh", "all"] if moment % 2 else [])]
    while bucket.proxy.arrived.acquire(blocking=False):
        pass
    process = start(words, environ)
    for _ in range(chance.randint(1, REQUESTS)):
        while process.poll() is None and not bucket.proxy.arrived.acquire(timeout=0.05):
            pass
    time.sleep(chance.random() / 50)
    process.kill()
    ran = ended(process)
    assert ran.code in {-signal.SIGKILL, 0}, ran.err
    time.sleep(0.3)  # until the proxy has passed on what it had
    assert set(bucket.visible()) <= set(KEYS)
    assert all(whole(bucket, key, rows, old) for key in bucket.visible())
    ran = comagic(*words, box=box, **bucket.environ)
    assert ran.code == 0, ran.err
    assert bucket.visible() == KEYS
    assert all(sorted(bucket.read(key).decode().splitlines()) == rows[key] for key in KEYS)
    assert bucket.locks() == []
    assert bucket.uploads() == []
    assert set(comagic.pauses) <= {object_store.LEASE}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_that_waits_for_the_bucket(bucket, box, tmp_path, number):
    """The lock is deleted, and so is what is on the disk."""
    spools = tmp_path / "tmp"
    spools.mkdir()
    environ = environment(tmp_path / "home", box, TMPDIR=str(spools), **bucket.environ)
    bucket.put("x.csv", b"old")
    bucket.proxy.fail("hang", "PUT", "/x.csv")
    process = start([*TEN, "-o", f"{bucket.url}/x.csv"], environ)
    give_up = time.monotonic() + PATIENCE
    while not any(path.endswith("/x.csv") for _, path in bucket.proxy.requests):
        assert time.monotonic() < give_up
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(10) == 128 + number
    ended(process)
    assert bucket.all_keys() == ["x.csv"]
    assert bucket.read("x.csv") == b"old"
    assert list(spools.iterdir()) == []

"""Real processes that save recordings and are killed or stopped, then run again.

COMAGIC_KILLS is the number of kills, each at a moment of chance.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import resource
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from coverage_marks import unmeasured
from program import DAYS, Watched, ended, environment, start, stop

from comagic_cli.sandbox.media import RECORDING
from comagic_cli.sandbox.quirks import Fault

KILLS = int(os.environ.get("COMAGIC_KILLS", "5"))
TYPED = ["recordings", *DAYS, "--jobs", "4", "-o"]
NAMES = "{date}/{communication_id}-{record_id}.{ext}"


def service(*faults, rows=250, **quirks):
    faults = tuple(
        Fault(kind, every=every, method=RECORDING, seconds=s) for kind, every, s in faults
    )
    return Watched(rows=rows, faults=faults, **quirks)


def files(folder):
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path for path in found}


def rows(folder):
    with suppress(FileNotFoundError):
        text = (folder / "recordings.jsonl").read_text(encoding="utf-8")
        assert not text or text.endswith("\n")
        return [json.loads(line) for line in text.splitlines()]
    return []


def await_recordings(process, box):
    """Wait until 45 recordings have been asked for: two of them stall."""
    while sum(call.method == RECORDING for call in box.journal) < 45:
        assert process.poll() is None
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.01)


def check_true(folder):
    """Check that every row of the manifest is true, and every file with a name is whole."""
    found = files(folder)
    for row in rows(folder):
        if row["state"] == "saved":
            data = found[row["path"]].read_bytes()
            assert hashlib.sha256(data).hexdigest() == row["sha256"]
    for name, path in found.items():
        if name.endswith(".mp3"):
            assert len(path.read_bytes()) > 1000


def check_all(box, folder):
    """Check that each recording is there once, with one row, and nothing else."""
    check_true(folder)
    calls = box.truth(
        "calls", "2024-10-01 00:00:00", "2024-10-05 23:59:59", fields=["call_records"]
    )
    records = sorted(record for call in calls for record in call["call_records"] or ())
    listed = rows(folder)
    assert sorted(row["record_id"] for row in listed) == records
    assert {*files(folder)} == {row["path"] for row in listed} | {"recordings.jsonl"}
    assert not any(path.name.startswith(".") for path in folder.rglob("*"))


@unmeasured
def test_killed_runs_leave_only_whole_files(tmp_path):
    """The runs are of one folder; each kill comes at a number of requests, or a bit later."""
    folder, chance = tmp_path / "recordings", random.Random(16)
    with service(("truncate", 7, 0), ("slow", 11, 0.01), ("404", 31, 0)) as box:
        environ = environment(tmp_path, box)
        for number in range(KILLS):
            process = start([*TYPED, f"{folder}/{NAMES}"], environ)
            asked = len(box.journal) + chance.randint(3, 3 + 200 // KILLS)
            while process.poll() is None and len(box.journal) < asked:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.001)
            with suppress(subprocess.TimeoutExpired):
                process.wait(chance.random() * 0.02)
            process.kill()
            process.communicate()
            check_true(folder)
            if number % 4 == 3:  # a manifest that is lost is made anew
                (folder / "recordings.jsonl").unlink(missing_ok=True)
        codes = []
        while not codes or codes[-1]:
            codes.append(ended(start([*TYPED, f"{folder}/{NAMES}"], environ)).code)
            assert codes[-1] in {0, 3}
        check_all(box, folder)


def check_objects(bucket, truth):
    """Check that every object is whole, and every row of the manifest true."""
    found = {key.removeprefix("calls/"): bucket.read(key) for key in bucket.visible()}
    listed = [json.loads(line) for line in found.pop("recordings.jsonl", b"").splitlines()]
    assert all(truth[name] == data for name, data in found.items())
    saved = {row["path"]: row["sha256"] for row in listed if row["state"] == "saved"}
    assert all(hashlib.sha256(found[path]).hexdigest() == sha for path, sha in saved.items())
    assert len(saved) == sum(row["state"] == "saved" for row in listed)
    return saved


@unmeasured
def test_killed_runs_leave_only_whole_objects(comagic, bucket, tmp_path):
    """As in a folder. A run that is killed leaves its lock, which is deleted here."""
    chance, spools = random.Random(17), tmp_path / "tmp"
    spools.mkdir()
    with service(("truncate", 7, 0), ("slow", 11, 0.01), ("404", 31, 0)) as box:
        typed = [*TYPED, f"{tmp_path}/truth/{NAMES}"]
        while code := comagic(*typed, box=box).code:
            assert code == 3
        truth = {name: path.read_bytes() for name, path in files(tmp_path / "truth").items()}
        del truth["recordings.jsonl"]
        environ = environment(tmp_path / "home", box, TMPDIR=str(spools), **bucket.environ)
        typed = [*TYPED, f"{bucket.url}/calls/{NAMES}"]
        for number in range(KILLS):
            for key in bucket.locks():
                bucket.delete(key)
            process = start(typed, environ)
            seen = len(bucket.proxy.requests) + chance.randint(3, 3 + 300 // KILLS)
            while process.poll() is None and len(bucket.proxy.requests) < seen:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.001)
            with suppress(subprocess.TimeoutExpired):
                process.wait(chance.random() * 0.02)
            process.kill()
            process.communicate()
            time.sleep(0.3)  # until the proxy has passed on what it had
            check_objects(bucket, truth)
            if number % 4 == 3:  # a manifest that is lost is made anew
                bucket.delete("calls/recordings.jsonl")
        while code := comagic(*typed, box=box, **bucket.environ).code:
            assert code == 3
        assert {*check_objects(bucket, truth)} == {*truth}
    assert {key.removeprefix("calls/") for key in bucket.all_keys()} == {*truth, "recordings.jsonl"}
    assert bucket.uploads() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_keeps_the_objects_that_are_whole(bucket, tmp_path, number):
    spools = tmp_path / "tmp"
    spools.mkdir()
    with service(("stall", 20, 30)) as box:
        environ = environment(tmp_path / "home", box, TMPDIR=str(spools), **bucket.environ)
        process = start([*TYPED, f"{bucket.url}/calls/{NAMES}"], environ)
        await_recordings(process, box)
        ran = stop(process, number)
        assert (ran.code, ran.err) == (128 + number, "")
    listed = bucket.read("calls/recordings.jsonl").splitlines()
    saved = {f"calls/{json.loads(line)['path']}" for line in listed}
    assert len(saved) > 30
    assert {*bucket.all_keys()} == saved | {"calls/recordings.jsonl"}
    assert list(spools.iterdir()) == []


def test_a_run_is_stopped_soon_while_the_bucket_hangs(bucket, tmp_path):
    """The manifest can't be written: the next run finds what is there."""
    spools = tmp_path / "tmp"
    spools.mkdir()
    with service(("stall", 20, 30)) as box:
        environ = environment(tmp_path / "home", box, TMPDIR=str(spools), **bucket.environ)
        process = start([*TYPED, f"{bucket.url}/calls/{NAMES}"], environ)
        await_recordings(process, box)
        bucket.proxy.fail("hang", "PUT")
        bucket.proxy.fail("hang", "DELETE")
        since = time.monotonic()
        ran = stop(process, signal.SIGINT)
        assert (ran.code, ran.err, time.monotonic() - since < 20) == (130, "", True)
    assert list(spools.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_keeps_what_is_whole(tmp_path, number):
    folder = tmp_path / "recordings"
    with service(("stall", 20, 30)) as box:  # the stop comes in the midst of a download
        environ = environment(tmp_path, box)
        process = start([*TYPED, f"{folder}/{NAMES}"], environ)
        await_recordings(process, box)
        ran = stop(process, number)
        assert (ran.code, ran.err) == (128 + number, "")
        check_true(folder)
        saved = {row["path"] for row in rows(folder)}
        assert len(saved) > 30
        assert {*files(folder)} == saved | {"recordings.jsonl"}


def test_a_full_disk_is_an_error_and_leaves_only_whole_files(tmp_path):
    """A limit of the size of files stands for the disk."""
    folder = tmp_path / "recordings"

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    with service(recording_seconds=40, rows=100) as box:
        ran = ended(
            start([*TYPED, f"{folder}/{NAMES}"], environment(tmp_path, box), preexec_fn=limit)
        )
    assert (ran.code, "can't be written: File too large" in ran.err) == (8, True)
    names = {*files(folder)} - {"recordings.jsonl"}
    assert names == {row["path"] for row in rows(folder)}
    check_true(folder)


def peak_of(process):
    """Wait for a process; return the most bytes of its own that were seen, without mapped files.

    The system's figure for a child that has ended has those of this process, too.
    """
    status, peak = Path(f"/proc/{process.pid}/status"), 0
    if not status.exists():
        pytest.skip("this system has no /proc")
    while process.poll() is None:
        with suppress(OSError):
            found = re.search(r"RssAnon:\s+(\d+) kB", status.read_text())
            peak = max(peak, int(found[1]) * 1024 if found else 0)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.002)
    return peak


@unmeasured
@pytest.mark.parametrize("is_in_bucket", [False, True])
def test_memory_does_not_grow_with_the_size_of_recordings(bucket, tmp_path, is_in_bucket):
    """The measure is the peak of the process's own memory, of the same number of calls."""
    peaks, place = [], bucket.url if is_in_bucket else str(tmp_path)
    for seconds in (2, 4000):  # at most 16 kB and 32 MB each
        with service(rows=60, recording_seconds=seconds) as box:
            words = [*TYPED, f"{place}/{seconds}/{NAMES}", "--audio", "wav"]
            process = start(words, environment(tmp_path, box, **bucket.environ))
            peaks.append(peak_of(process))
            assert ended(process).code == 0
    sizes = [path.stat().st_size for path in files(tmp_path / "4000").values()]
    if is_in_bucket:
        sizes = [len(bucket.read(key)) for key in bucket.visible() if key.startswith("4000/")]
    assert sum(sizes) > 70_000_000
    assert peaks[1] < peaks[0] * 1.2, peaks

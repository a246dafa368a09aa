"""`comagic recordings` and `transcripts` into a bucket of S3: as into a folder."""

from __future__ import annotations

import csv
import hashlib
import json
import tempfile
import time

import pytest
from buckets import KEY, SECRET
from program import DAYS, PATIENCE, Watched
from recordings import NAMES, Spied, of_media, wanted

from comagic_cli.export.recordings.transcripts import METHOD
from comagic_cli.files import object_store
from comagic_cli.sandbox.media import RECORDING

MANIFEST = "calls/recordings.jsonl"


@pytest.fixture(autouse=True)
def spools(tmp_path, monkeypatch):
    """Return the folder for temporary files, in which nothing is left."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def save(comagic, bucket):
    """Save the recordings of all calls into the bucket, below `calls/`."""

    def save(box, *more, names=NAMES, command="recordings", **environ):
        typed = [command, *DAYS, "-o", f"{bucket.url}/calls/{names}", *more]
        ran = comagic(*typed, box=box, **(bucket.environ | environ))
        told = ran.out + ran.err
        assert SECRET not in told
        assert KEY not in told
        assert bucket.locks() == []
        assert bucket.uploads() == []
        return ran

    return save


def rows(bucket, key=MANIFEST):
    return [json.loads(line) for line in bucket.read(key).splitlines()]


def keys(bucket):
    """Return the keys of all objects, without the manifest."""
    return sorted(set(bucket.all_keys()) - {MANIFEST})


def puts(bucket):
    """Return the keys of the recordings that were put, in any order."""
    paths = (path for method, path in bucket.proxy.requests if method == "PUT")
    return [path.partition("/")[2].partition("/")[2] for path in paths if path.endswith(".mp3")]


def fetched(box, since=0):
    return sum(call.method == RECORDING for call in box.journal[since:])


def check_whole(box, bucket):
    """Check that each recording is one whole object with one true row, and nothing else is."""
    listed = rows(bucket)
    assert {(row["state"], row["reason"]) for row in listed} == {("saved", "")}
    found = sorted((row["communication_id"], row["record_id"]) for row in listed)
    assert found == sorted(wanted(box))
    assert keys(bucket) == sorted(f"calls/{row['path']}" for row in listed)
    for row in listed:
        data = bucket.read(f"calls/{row['path']}")
        assert (len(data), hashlib.sha256(data).hexdigest()) == (row["bytes"], row["sha256"])


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_objects_have_the_bytes_that_files_have(comagic, save, bucket, tmp_path, jobs):
    with Watched() as box:
        ran = save(box, "--jobs", jobs)
        assert (ran.code, ran.err) == (0, "")
        check_whole(box, bucket)
        assert comagic("recordings", *DAYS, "-o", f"{tmp_path}/files/{NAMES}", box=box).code == 0
    for row in rows(bucket):
        data = (tmp_path / "files" / row["path"]).read_bytes()
        assert bucket.read(f"calls/{row['path']}") == data


def test_what_is_there_is_skipped_after_one_listing_of_each_folder(save, bucket):
    with Watched() as box:
        assert save(box).code == 0
        asked, total = len(box.journal), len(keys(bucket))
        bucket.proxy.requests.clear()
        ran = save(box, "-v")
        assert f"{total} were there" in ran.err
        assert (fetched(box, asked), puts(bucket)) == (0, [])
        check_whole(box, bucket)
    days = {key.split("/")[1] for key in keys(bucket)}
    assert sum("list-type" in path for _, path in bucket.proxy.requests) == len(days)
    assert not any(path.endswith(".mp3") for _, path in bucket.proxy.requests)


def test_only_what_is_missing_or_not_a_recording_is_put(save, bucket):
    with Watched() as box:
        assert save(box).code == 0
        first, second, third, *_ = keys(bucket)
        kept = bucket.read(MANIFEST).splitlines(keepends=True)
        without_row = b"".join(line for line in kept if first.split("/")[-1].encode() not in line)
        bucket.put(MANIFEST, without_row)
        bucket.put(first, b"<html>login</html>")
        bucket.put(second, bucket.read(second)[:500])
        bucket.delete(third)
        bucket.proxy.requests.clear()
        assert save(box).code == 0
        assert sorted(puts(bucket)) == [first, second, third]
        check_whole(box, bucket)


def test_rows_of_objects_that_are_there_are_added_to_the_manifest(save, bucket):
    with Watched() as box:
        assert save(box).code == 0
        asked, whole = len(box.journal), rows(bucket)
        bucket.delete(MANIFEST)
        assert save(box).code == 0
        assert (fetched(box, asked), rows(bucket)) == (0, whole)


def test_what_was_cut_goes_on_and_what_is_missing_comes_with_the_next_run(save, bucket):
    with Watched(faults=of_media(("truncate", 7), ("404", (1,)))) as box:
        ran = save(box)
        assert (ran.code, f"The list: {bucket.url}/{MANIFEST}" in ran.err) == (3, True)
        assert min(row["state"] for row in rows(bucket)) == "missing"
        assert save(box).code == 0
        check_whole(box, bucket)


def test_names_of_people_are_keys(save, bucket):
    with Watched() as box:
        names = "{employee} #1/100% {phone}~[{record_id}].{ext}"
        assert save(box, names=names).code == 0
        asked, listed = len(box.journal), rows(bucket)
        assert len(listed) == len(wanted(box))
        assert keys(bucket) == sorted(f"calls/{row['path']}" for row in listed)
        assert save(box, names=names).code == 0
        assert fetched(box, asked) == 0


def test_names_at_the_top_of_a_bucket(comagic, bucket):
    typed = ["recordings", *DAYS, "-o", f"{bucket.url}/{{record_id}}.{{ext}}"]
    with Watched() as box:
        for _ in range(2):
            assert comagic(*typed, box=box, **bucket.environ).code == 0
        assert fetched(box) == len(wanted(box))
        expected = {f"{record}.mp3" for _, record in wanted(box)} | {"recordings.jsonl"}
    assert set(bucket.all_keys()) == expected


def test_the_manifest_may_be_in_another_place(comagic, save, bucket, tmp_path):
    """It names the others by their URLs or full paths."""
    local, remote = tmp_path / "list.csv", f"{bucket.url}/lists/a.csv"
    folder = tmp_path / "files"
    with Watched() as box:
        for _ in range(2):
            assert save(box, "--manifest", str(local)).code == 0
        assert fetched(box) == len(wanted(box))
        typed = ["recordings", *DAYS, "-o", f"{folder}/{NAMES}", "--manifest", remote]
        for _ in range(2):
            assert comagic(*typed, box=box, **bucket.environ).code == 0
        assert fetched(box) == 2 * len(wanted(box))
    places = {row["path"] for row in csv.DictReader(local.read_text().splitlines())}
    assert places == {f"{bucket.url}/{key}" for key in keys(bucket) if key.endswith(".mp3")}
    listed = bucket.read("lists/a.csv").decode().splitlines()
    assert {row["path"] for row in csv.DictReader(listed)} == {
        str(path) for path in folder.rglob("*.mp3")
    }


def test_a_manifest_beside_the_objects_but_above_them(save, bucket):
    with Watched() as box:
        assert save(box, "--manifest", f"{bucket.url}/list.jsonl").code == 0
    listed = {row["path"] for row in rows(bucket, "list.jsonl")}
    assert listed == {key for key in bucket.all_keys() if key.endswith(".mp3")}


@pytest.mark.parametrize("is_in_bucket", [False, True])
def test_an_export_names_the_objects_of_each_call(comagic, save, bucket, tmp_path, is_in_bucket):
    """A table in the bucket names them as seen from its folder, any other by their URLs."""
    typed = ["calls", *DAYS, "--fields", "communication_id", "--record-files"]
    target = f"{bucket.url}/tables/x.csv" if is_in_bucket else str(tmp_path / "x.csv")
    with Watched() as box:
        assert save(box).code == 0
        typed += [f"{bucket.url}/{MANIFEST}", "-o", target]
        assert comagic(*typed, box=box, **bucket.environ).code == 0
    table = bucket.read("tables/x.csv") if is_in_bucket else (tmp_path / "x.csv").read_bytes()
    found = [
        path
        for row in csv.DictReader(table.decode().splitlines())
        for path in row["call_record_files"].split("; ")
        if path
    ]
    before = "../calls" if is_in_bucket else f"{bucket.url}/calls"
    assert sorted(found) == sorted(f"{before}/{row['path']}" for row in rows(bucket))


def test_a_manifest_that_is_not_there(comagic, bucket):
    typed = ["calls", "--sandbox", *DAYS, "--record-files", f"{bucket.url}/none.jsonl"]
    ran = comagic(*typed, **bucket.environ)
    assert (ran.code, f"{bucket.url}/none.jsonl can't be read" in ran.err) == (2, True)


def test_an_object_that_is_not_a_manifest_is_left_alone(save, bucket):
    bucket.put(MANIFEST, b"mine\n")
    with Watched() as box:
        ran = save(box)
    assert (ran.code, bucket.read(MANIFEST), keys(bucket)) == (2, b"mine\n", [])
    assert f"{bucket.url}/{MANIFEST} is not a manifest of recordings" in ran.err


# Failures of the storage


@pytest.mark.parametrize("part", [".mp3", MANIFEST, "list-type"])
@pytest.mark.parametrize("kind", ["SlowDown 503", "reset", "lost"])
def test_what_passes_is_repeated(save, bucket, kind, part):
    bucket.proxy.fail(kind, "GET" if part == "list-type" else "PUT", part, times=3)
    with Watched() as box:
        assert save(box).code == 0
        check_whole(box, bucket)


@pytest.mark.parametrize(
    ("kind", "method", "part", "code", "said"),
    [
        ("AccessDenied 403", "PUT", "", 8, "it is not allowed"),
        ("AccessDenied 403", "GET", "list-type", 8, "/calls/2024-10-01/ can't be listed"),
        ("AccessDenied 403", "GET", MANIFEST, 8, "recordings.jsonl can't be read"),
        ("AccessDenied 403", "PUT", ".mp3", 8, ".mp3 can't be written"),
        ("SlowDown 503", "PUT", ".mp3", 6, "run the same command again"),
    ],
)
def test_what_the_storage_refuses_leaves_the_bucket_as_it_was(
    save, bucket, kind, method, part, code, said
):
    bucket.proxy.fail(kind, method, part)
    with Watched() as box:
        ran = save(box)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert bucket.all_keys() == []


def test_a_put_that_is_refused_keeps_what_came_before(save, bucket):
    with Watched() as box:
        bucket.proxy.fail("AccessDenied 403", "PUT", "/2024-10-03/")
        assert save(box).code == 8
        assert {row["time"][:10] for row in rows(bucket)} == {"2024-10-01", "2024-10-02"}
        assert keys(bucket) == sorted(f"calls/{row['path']}" for row in rows(bucket))
        bucket.proxy.faults.clear()
        assert save(box).code == 0
        assert fetched(box) == len(wanted(box)) + 1  # what was refused came twice
        check_whole(box, bucket)


def test_a_lock_that_another_run_took_ends_the_run(comagic, bucket, monkeypatch):
    """This run did not renew it in time: two would write the same."""
    monkeypatch.setattr(object_store, "RENEWAL", 0.01)
    lock = "calls/.recordings.lock"

    def take_over(call):
        if call.method == RECORDING and fetched(box) == 5:
            bucket.put(lock, b'{"run": "x", "host": "h", "process": 1}')
            give_up = time.monotonic() + PATIENCE
            while ("GET", f"/{bucket.name}/{lock}") not in bucket.proxy.requests:
                assert time.monotonic() < give_up, "the lock is not renewed"
                time.sleep(0.01)

    with Watched() as box:
        box.journal = Spied(take_over)
        typed = ["recordings", *DAYS, "-o", f"{bucket.url}/calls/{NAMES}"]
        ran = comagic(*typed, box=box, **bucket.environ)
        assert fetched(box) < len(wanted(box))
    assert (ran.code, "is being written by another run (process 1 on h)" in ran.err) == (9, True)
    assert lock in bucket.all_keys()


# Transcripts


def test_texts_of_calls_are_objects(save, bucket):
    with Watched() as box:
        for number in range(2):
            ran = save(box, names="{date}/{communication_id}.txt", command="transcripts")
            assert ran.code == 0
            ids = list(dict.fromkeys(call for call, _ in wanted(box)))
            found = {int(key.split("/")[-1].removesuffix(".txt")): key for key in keys(bucket)}
            assert sorted(found) == sorted(ids)
            assert b"operator: " in bucket.read(found[ids[0]])
            asked = [call for call in box.journal if call.method == METHOD]
            assert len(asked) == len(ids) + number  # what is there costs no point
            bucket.delete(found[ids[1]])


def test_lines_are_one_object(comagic, save, bucket):
    with Watched() as box:
        assert save(box, "-q", names="all.jsonl", command="transcripts").code == 0
        told = comagic("transcripts", *DAYS, "-q", box=box).out
    assert bucket.read("calls/all.jsonl").decode() == told
    assert bucket.all_keys() == ["calls/all.jsonl"]


def test_a_transcript_that_is_refused_ends_the_run(save, bucket):
    bucket.proxy.fail("AccessDenied 403", "PUT", ".txt")
    with Watched() as box:
        ran = save(box, names="{communication_id}.txt", command="transcripts")
    assert (ran.code, ".txt can't be written" in ran.err, keys(bucket)) == (8, True, [])

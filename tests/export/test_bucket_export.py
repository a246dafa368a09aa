"""Exports to a bucket of S3: as to a folder, each object whole or not there."""

from __future__ import annotations

import gzip
import io
import json
import os
import tempfile
from importlib import import_module

import pytest
from buckets import KEY, SECRET
from partitioned_sandbox import ASKED, DAYS, TEN, box_of, truth
from program import REPORT, Ran, Watched, ended, environment, start

from comagic_cli.files import cloud, object_store

FILES = [f"calls/date={day}/part.jsonl" for day in DAYS]


class Exports:
    """Exports of ten days to day files in a bucket."""

    def __init__(self, comagic, bucket, box):
        self.comagic, self.bucket, self.box = comagic, bucket, box
        self.output = f"{bucket.url}/calls/date={{date}}/part.jsonl"

    def __call__(self, *more, asked=TEN, **environ) -> Ran:
        words = [*asked, "-o", self.output, *more]
        ran = self.comagic(*words, box=self.box, **(self.bucket.environ | environ))
        told = ran.out + ran.err
        assert SECRET not in told
        assert KEY not in told
        return ran

    def is_exact(self, days=DAYS):
        return all(
            sorted(self.bucket.read(f"calls/date={day}/part.jsonl").decode().splitlines())
            == truth(self.box, day)
            for day in days
        )


@pytest.fixture
def exports(comagic, bucket):
    with box_of() as box:
        yield Exports(comagic, bucket, box)


@pytest.fixture(autouse=True)
def spools(tmp_path, monkeypatch):
    """Return the folder for temporary files, in which nothing is left."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    assert list(folder.iterdir()) == []


def unpacked(name, data):
    if name.endswith(".gz"):
        return gzip.decompress(data)
    if name.endswith(".zst"):
        zstandard = import_module("zstandard")
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    return data


@pytest.mark.parametrize(
    "suffix", ["csv", "tsv", "jsonl", "json", "txt", "xlsx", "parquet", "csv.gz", "jsonl.zst"]
)
def test_an_object_has_the_bytes_that_a_file_has(comagic, bucket, tmp_path, suffix):
    name = f"rows.{suffix}"
    with Watched() as box:
        assert comagic(*REPORT, "-o", tmp_path / name, box=box).code == 0
        ran = comagic(*REPORT, "-o", f"{bucket.url}/a b/я/{name}", box=box, **bucket.environ)
    assert (ran.code, ran.err) == (0, "")
    assert bucket.all_keys() == [f"a b/я/{name}"]
    if suffix != "xlsx":  # it has the time of its making
        there = unpacked(name, bucket.read(f"a b/я/{name}"))
        assert there == unpacked(name, (tmp_path / name).read_bytes())
    assert bucket.uploads() == []


def test_days_are_written_once_skipped_and_refreshed(exports):
    bucket, box = exports.bucket, exports.box
    ran = exports()
    assert (ran.code, ran.err) == (0, "")
    assert bucket.visible() == FILES
    assert exports.is_exact()
    assert bucket.locks() == []
    calls = len(box.pages)
    assert exports().code == 0
    assert len(box.pages) == calls  # nothing is asked for
    bucket.delete(FILES[2])
    bucket.put(FILES[5], b"old")
    assert exports().code == 0
    assert bucket.read(FILES[5]) == b"old"
    assert len(box.pages) == calls + 1
    assert exports("--refresh", "all").code == 0
    assert exports.is_exact()


def test_a_bucket_is_listed_a_few_times_not_once_a_day(exports):
    assert exports().code == 0
    assert exports().code == 0
    requests = exports.bucket.proxy.requests
    assert sum("list-type" in path for _, path in requests) <= 8
    assert sum(method == "HEAD" for method, _ in requests) == 0


@pytest.mark.parametrize("name", ["{month}/{date}.csv", "{month}.csv.gz", "{date}.parquet"])
def test_names_of_all_kinds(exports, name):
    exports.output = f"{exports.bucket.url}/{name}"
    assert exports(asked=[*ASKED, "--period", "2024-10"]).code == 0
    assert exports.bucket.visible()
    assert exports.bucket.visible()[0].startswith("2024-10")
    assert all(DAYS[0][:7] in key for key in exports.bucket.visible())


def test_another_request_is_refused(exports):
    assert exports().code == 0
    before = {key: exports.bucket.read(key) for key in exports.bucket.all_keys()}
    ran = exports("--where", "communication_id > 1", "--refresh", "all")
    assert ran.code == 2
    assert "has the files of another request: --where was not given" in ran.err
    assert {key: exports.bucket.read(key) for key in exports.bucket.all_keys()} == before


def test_files_without_a_note_are_refused(exports):
    exports.bucket.put(FILES[0], b"of whom")
    ran = exports()
    assert ran.code == 2
    assert "1 files exist, and s3://" in ran.err
    assert exports.bucket.all_keys() == [FILES[0]]


def test_rows_that_are_missing_are_kept_beside_the_name(exports):
    exports.box.lie = "2024"
    ran = exports()
    assert ran.code == 3
    assert f"not written: {exports.output.replace('{date}', DAYS[0])}" in ran.err
    assert {key for key in exports.bucket.visible() if key.endswith(".incomplete")}
    exports.box.lie = "no window"
    assert exports().code == 0
    assert exports.bucket.visible() == FILES
    assert exports.is_exact()


def test_rows_of_one_file_that_are_missing(comagic, bucket):
    bucket.put("x.jsonl", b"old")
    with box_of() as box:
        box.lie = "2024"
        ran = comagic(*TEN, "-o", f"{bucket.url}/x.jsonl", box=box, **bucket.environ)
        assert (ran.code, bucket.read("x.jsonl")) == (3, b"old")
        assert bucket.read("x.jsonl.incomplete").count(b"\n") == 300
        words = [*TEN, "-o", f"{bucket.url}/x.jsonl", "--keep-incomplete"]
        assert comagic(*words, box=box, **bucket.environ).code == 3
    assert bucket.read("x.jsonl").count(b"\n") == 300


def test_a_refusal_of_the_service_leaves_the_bucket_as_it_was(comagic, bucket):
    with box_of() as box:
        output = f"{bucket.url}/x/{{date}}.csv"
        words = [*TEN, "-o", output, "--report-id", "77"]
        assert comagic(*words, box=box, **bucket.environ).code == 2
    assert bucket.all_keys() == []


# Manifests


def test_a_manifest_beside_the_file(comagic, bucket):
    long = "я" * 100
    url = f"{bucket.url}/{long}/rows.csv"
    environ = bucket.environ
    with box_of() as box:
        words = [*TEN, "-o", url, "--manifest", f"{url}.manifest.json"]
        assert comagic(*words, box=box, **environ).code == 0
    told = json.loads(bucket.read(f"{long}/rows.csv.manifest.json"))
    assert (told["state"], told["output"], told["rows"]) == ("complete", "rows.csv", 300)
    line = f"{url}: 300 rows, {told['bytes']} bytes, complete\n"
    for words in ([url], [f"{url}.manifest.json"], [url, "--manifest", f"{url}.manifest.json"]):
        assert comagic("verify", *words, **environ) == Ran(0, line, "")
    bucket.put(f"{long}/rows.csv", bucket.read(f"{long}/rows.csv")[:-1])
    ran = comagic("verify", url, **environ)
    assert (ran.code, f"{url} is not what its manifest says" in ran.err) == (3, True)
    bucket.delete(f"{long}/rows.csv")
    ran = comagic("verify", url, **environ)
    assert (ran.code, ran.err) == (2, f"comagic: {url} can't be read: there is no such object.\n")


def test_a_manifest_in_a_folder_names_the_object(comagic, bucket, tmp_path):
    manifest = tmp_path / "m.json"
    with box_of() as box:
        words = [*TEN, "-o", f"{bucket.url}/rows.csv", "--manifest", manifest]
        assert comagic(*words, box=box, **bucket.environ).code == 0
    assert json.loads(manifest.read_text())["output"] == f"{bucket.url}/rows.csv"
    assert comagic("verify", manifest, **bucket.environ).code == 0


# Failures of the storage


@pytest.mark.parametrize(
    ("kind", "method", "code", "message", "hint"),
    [
        ("NoSuchBucket 404", "PUT", 8, "there is no such bucket", "Create it"),
        ("NoSuchBucket 404", "GET", 8, "there is no such bucket", "Create it"),
        ("InvalidAccessKeyId 403", "PUT", 8, "the access key is not known", "Check the key"),
        ("SignatureDoesNotMatch 403", "GET", 8, "the secret key is wrong", "Check the key"),
        ("ExpiredToken 400", "PUT", 8, "the session token has expired", "temporary"),
        ("AccessDenied 403", "PUT", 8, "it is not allowed", "rights"),
        ("RequestTimeTooSkewed 403", "PUT", 8, "clock shows another time", "set it"),
        ("PermanentRedirect 400", "GET", 8, "in another region", "AWS_REGION"),
        ("InvalidRequest 400", "PUT", 8, "InvalidRequest", ""),
        ("SlowDown 503", "PUT", 6, "SlowDown", "run the same command again"),
        ("InternalError 500", "GET", 6, "InternalError", "run the same command again"),
        ("reset", "PUT", 6, "HTTP error", "run the same command again"),
    ],
)
def test_what_the_storage_refuses(exports, kind, method, code, message, hint):
    exports.bucket.proxy.fail(kind, method)
    ran = exports()
    assert ran.code == code, ran.err
    assert message in ran.err
    assert hint in ran.err
    assert exports.bucket.url in ran.err
    assert len(ran.err.splitlines()) <= 3
    assert exports.bucket.all_keys() == []


@pytest.mark.parametrize("kind", ["SlowDown 503", "reset", "lost", "RequestTimeout 400"])
@pytest.mark.parametrize("part", ["list-type", "date=2024-10-04", ".json", ".lock"])
def test_what_passes_is_repeated(exports, kind, part):
    method = "GET" if part == "list-type" else "PUT"
    exports.bucket.proxy.fail(kind, method, part, times=3)
    ran = exports()
    assert ran.code == 0, ran.err
    assert exports.bucket.visible() == FILES
    assert exports.is_exact()
    assert exports.bucket.locks() == []


def test_a_put_that_is_refused_after_all_its_bytes(exports):
    """The files before it are there; the next run writes the others."""
    exports.bucket.proxy.fail("AccessDenied 403", "PUT", "date=2024-10-04")
    ran = exports()
    assert ran.code == 8
    assert f"{exports.output.replace('{date}', DAYS[3])} can't be written" in ran.err
    assert exports.bucket.visible() == FILES[:3]
    exports.bucket.proxy.faults.clear()
    assert exports().code == 0
    assert exports.is_exact()


def test_what_can_not_be_deleted_is_left(exports):
    """The key has no right to delete: the lock is marked as free."""
    exports.bucket.proxy.fail("AccessDenied 403", "DELETE")
    for _ in range(2):
        ran = exports()
        assert (ran.code, ran.err) == (0, "")
        assert exports.comagic.pauses == []
        exports.bucket.put(FILES[0], b"x")
    assert exports.bucket.visible() == FILES


# Settings


def test_without_credentials(comagic, bucket):
    endpoint = {
        "AWS_ENDPOINT_URL": bucket.proxy.endpoint,
        "AWS_METADATA_ENDPOINT": "http://169.254.0.1",
    }
    with box_of() as box:
        ran = comagic(*TEN, "-o", f"{bucket.url}/x.csv", box=box, **endpoint)
    assert ran.code == 2, ran.err
    assert "no credentials are found" in ran.err
    assert "AWS_ACCESS_KEY_ID" in ran.err


def test_a_profile_of_aws(comagic, bucket, tmp_path, monkeypatch):
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    (home / ".aws" / "credentials").write_text(
        f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
        "[other]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n"
    )
    (home / ".aws" / "config").write_text(
        f"[default]\nregion = ru-central1\nendpoint_url = {bucket.proxy.endpoint}\n"
    )
    with box_of() as box:
        words = [*TEN, "-o", f"{bucket.url}/x.csv"]
        ran = comagic(*words, box=box)
        assert (ran.code, ran.err, bucket.all_keys()) == (0, "", ["x.csv"])
        bucket.proxy.fail("AccessDenied 403")
        ran = comagic(*words, "-v", box=box)
        assert (ran.code, SECRET in ran.err) == (8, False)
        ran = comagic(*words, box=box, AWS_PROFILE="other")
        assert (ran.code, "signs in by role_arn" in ran.err) == (2, True)
        assert "aws configure export-credentials" in ran.err
        ran = comagic(*words, box=box, AWS_PROFILE="none")
        assert (ran.code, "there is no profile none" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "endpoint", ["http://storage.example", "ftp://x", "http://me:word@10.0.0.1"]
)
def test_plain_http_is_for_this_machine_only(comagic, bucket, endpoint):
    environ = bucket.environ | {"AWS_ENDPOINT_URL": endpoint}
    with box_of() as box:
        ran = comagic(*TEN, "-o", f"{bucket.url}/x.csv", box=box, **environ)
    assert (ran.code, "AWS_ENDPOINT_URL must begin with https://" in ran.err) == (2, True)
    assert "word" not in ran.err


def test_the_summary_names_the_object(comagic, bucket):
    url = f"{bucket.url}/x.csv"
    with box_of() as box:
        ran = comagic(*TEN, "-o", url, "-v", box=box, **bucket.environ)
        assert f", {url} (" in ran.err.splitlines()[-1]
        ran = comagic(*TEN, "-o", url, "--log-format", "json", box=box, **bucket.environ)
    assert json.loads(ran.err.splitlines()[-1])["output"] == url


def test_without_the_package(comagic, bucket, monkeypatch):
    monkeypatch.setattr(cloud, "find_spec", lambda _: None)
    with box_of() as box:
        ran = comagic(*TEN, "-o", f"{bucket.url}/x.csv", box=box, **bucket.environ)
    assert ran.code == 2
    assert "Writing to s3:// needs the package obstore." in ran.err
    assert "-m pip install obstore" in ran.err


def test_a_list_and_a_chart_can_be_written_to_a_bucket(comagic, bucket):
    words = ["list", "employees", "--sandbox", "-o", f"{bucket.url}/employees.csv"]
    assert comagic(*words, **bucket.environ).code == 0
    words = ["chart", "calls", "--sandbox", "-o", f"{bucket.url}/chart.csv"]
    assert comagic(*words, **bucket.environ).code == 0
    assert bucket.all_keys() == ["chart.csv", "employees.csv"]


# Locks


@pytest.fixture
def environ(tmp_path, bucket, exports, spools):
    return environment(tmp_path / "home", exports.box, TMPDIR=str(spools), **bucket.environ)


HURRIED = """
from comagic_cli.files import object_store
object_store.LEASE, object_store.RENEWAL = 2.0, 0.5
from comagic_cli.cli.main import run
run()
"""


def test_two_runs_at_once(exports, environ, spools):
    """The second waits for a renewal of the lock, and sees one."""
    command = [*TEN, "-o", exports.output]
    exports.bucket.proxy.faults.clear()
    exports.bucket.proxy.fail("hang", "PUT", "date=2024-10-04")
    first = start(command, environ, code=HURRIED)
    while not exports.bucket.visible():
        assert exports.bucket.proxy.arrived.acquire(timeout=60)
    calls = len(exports.box.journal)
    second = ended(start(command, environ, code=HURRIED))
    assert second.code == 9, second.err
    assert "is being written by another run (process" in second.err
    assert len([call for call in exports.box.journal[calls:] if "offset" in call.params]) == 0
    first.kill()
    first.communicate()
    for left in spools.iterdir():
        for file in left.iterdir():
            file.unlink()
        left.rmdir()


def test_the_lock_of_a_killed_run_is_taken_over(exports):
    exports.bucket.put("calls/.locked.lock", b'{"run": "x", "host": "h", "process": 1}')
    name = next(path for method, path in _requests_of(exports) if path.endswith(".lock"))
    key = name.partition("/")[2].partition("/")[2]
    exports.bucket.put(key, b'{"run": "killed", "host": "h", "process": 1}')
    exports.bucket.delete(FILES[0])
    assert exports().code == 0
    assert exports.comagic.pauses == [object_store.LEASE]
    assert exports.bucket.visible() == FILES
    assert key not in exports.bucket.all_keys()


def _requests_of(exports):
    assert exports().code == 0
    return list(exports.bucket.proxy.requests)


def test_a_storage_without_locks(exports):
    exports.bucket.proxy.is_unconditional = True
    ran = exports("-v")
    assert ran.code == 0
    assert object_store.NO_LOCKS in ran.err
    assert exports.bucket.visible() == FILES
    assert exports.bucket.locks() == []


def test_temporary_files_of_a_killed_run_are_deleted(exports, spools):
    left = spools / f"{object_store.SPOOL}left"
    left.mkdir()
    (left / "rows").write_text("rows")
    os.utime(left, (1, 1))
    assert exports().code == 0
    assert not left.exists()

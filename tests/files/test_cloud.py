"""Objects of a bucket: put whole, in one request or in parts."""

from __future__ import annotations

import os

import pytest

from comagic_cli.api.redact import redactor
from comagic_cli.errors import CannotWrite, NetworkFailure, UsageProblem
from comagic_cli.files import cloud
from comagic_cli.files.cloud import Bucket, split_url


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def opened(bucket, pauses):
    """Return the bucket as the program opens it."""
    return Bucket("s3", bucket.name, bucket.environ, redactor, lambda _: None, pauses.append)


def file_of(tmp_path, size):
    path = tmp_path / "rows"
    path.write_bytes(os.urandom(size))
    return path


@pytest.mark.parametrize("size", [0, 1, 30_000_000])
def test_a_file_is_put_in_one_request(bucket, opened, tmp_path, size):
    path = file_of(tmp_path, size)
    opened.put_file("a/b", path)
    assert bucket.read("a/b") == path.read_bytes()
    assert [method for method, _ in bucket.proxy.requests] == ["PUT"]


@pytest.mark.parametrize("kind", [None, "AccessDenied 403", "InternalError 500"])
def test_a_larger_file_is_put_in_parts_or_not_at_all(bucket, opened, tmp_path, monkeypatch, kind):
    """Parts that are refused at the end are aborted."""
    monkeypatch.setattr(cloud, "SINGLE", 1)
    monkeypatch.setattr(cloud, "PART", 5 << 20)
    path = file_of(tmp_path, 11_000_000)
    bucket.put("x", b"old")
    if kind:
        bucket.proxy.fail(kind, "POST", "uploadId")
        with pytest.raises((CannotWrite, NetworkFailure)):
            opened.put_file("x", path)
        assert bucket.read("x") == b"old"
    else:
        opened.put_file("x", path)
        assert bucket.read("x") == path.read_bytes()
    assert bucket.uploads() == []


def test_a_busy_storage_is_asked_again_after_longer_and_longer_pauses(bucket, opened, pauses):
    bucket.proxy.fail("SlowDown 503")
    with pytest.raises(NetworkFailure, match="SlowDown"):
        opened.put("x", b"rows")
    assert tuple(pauses) == cloud.PAUSES


def test_a_put_that_depends_on_a_version(bucket, opened):
    first = opened.put("x", b"1", is_new=True)
    assert first
    assert opened.put("x", b"2", is_new=True) is None
    second = opened.put("x", b"2", version=first)
    assert second
    assert opened.put("x", b"3", version=first) is None
    assert bucket.read("x") == b"2"
    bucket.delete("x")
    assert opened.put("x", b"3", version=second) is None


@pytest.mark.parametrize("url", ["s3://", "s3:///x", "s3://me:word@b/x", "s3://b:80/x"])
def test_a_url_without_a_bucket(url):
    with pytest.raises(UsageProblem, match="a bucket's name is expected") as caught:
        split_url(url)
    assert "word" not in str(caught.value)


def test_a_url():
    assert split_url("S3://b/a/{date}.csv") == ("s3", "b", "a/{date}.csv")

"""What Excel workbooks and Parquet files have in common on the command line."""

from __future__ import annotations

import json
import os

import pyarrow.parquet as pq
import pytest
from program import DAYS, Watched, environment, run

from comagic_cli.errors import install_command
from comagic_cli.formats import registry

ASKED = ["communications", *DAYS, "--fields", "communication_id,communication_date_time"]
PACKAGES = {"xlsx": "xlsxwriter", "parquet": "pyarrow"}


@pytest.fixture(params=sorted(PACKAGES))
def form(request):
    return request.param


class Redirected:
    """Standard output that goes to a file."""

    closed = False

    def __init__(self, stream):
        self.buffer = stream

    def flush(self):
        self.buffer.flush()

    def isatty(self):
        return False


def test_a_pipe_gets_what_a_file_does(comagic, tmp_path, monkeypatch, form):
    with Watched(rows=20) as box:
        assert comagic(*ASKED, "-o", tmp_path / f"a.{form}", box=box).code == 0
        with (tmp_path / "piped").open("wb") as stream, monkeypatch.context() as patch:
            patch.setattr("sys.stdout", Redirected(stream))
            assert comagic(*ASKED, "-f", form, "-o", "-", box=box).code == 0
    assert (tmp_path / "piped").read_bytes() == (tmp_path / f"a.{form}").read_bytes()


def test_a_reader_that_is_gone_is_no_noise(tmp_path, form):
    ours, theirs = os.pipe()
    os.close(ours)
    with Watched(rows=20) as box:
        ran = run([*ASKED, "-f", form], environment(tmp_path, box), stdout=theirs)
    os.close(theirs)
    assert (ran.code, ran.err) == (141, "")


def test_its_manifest_holds(comagic, tmp_path, form):
    target = tmp_path / f"rows.{form}"
    manifest = tmp_path / f"rows.{form}.manifest.json"
    with Watched(rows=20) as box:
        assert comagic(*ASKED, "-o", target, "--manifest", manifest, box=box).code == 0
    told = json.loads(manifest.read_text())
    assert (told["rows"], told["bytes"]) == (20, target.stat().st_size)
    assert comagic("verify", target).code == 0
    target.write_bytes(target.read_bytes() + b"\0")
    assert comagic("verify", target).code == 3


def test_what_writes_parquet_may_be_missing(comagic, tmp_path, monkeypatch):
    form = "parquet"
    monkeypatch.setattr(registry, "find_spec", lambda _: None)
    ran = comagic(*ASKED, "-o", tmp_path / f"rows.{form}", COMAGIC_TOKEN="unused")
    assert (ran.code, ran.err.splitlines()) == (
        2,
        [
            f"comagic: Writing {form} needs the package {PACKAGES[form]}.",
            f"  {install_command('pyarrow')}",
        ],
    )
    assert not any(path.name.startswith("rows") for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["-o", "rows.{}", "--resume"], "file is written whole; only csv, tsv, jsonl can be"),
        (["-o", "rows.{}.gz"], "can't be compressed"),
        (["-f", "{}", "-o", "rows.zst"], "can't be compressed"),
        (["-o", "rows.{}", "--delimiter", ";"], "--delimiter can't be used with -f"),
        (["-o", "rows.{}", "--times", "iso"], "--times can't be used with -f"),
    ],
)
def test_what_does_not_go_together(comagic, tmp_path, monkeypatch, form, more, words):
    monkeypatch.chdir(tmp_path)
    typed = [word.replace("{}", form) for word in more]
    ran = comagic(*ASKED, *typed, COMAGIC_TOKEN="unused")
    assert (ran.code, words in ran.err) == (2, True), ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_is_spared(comagic, monkeypatch, form):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ran = comagic(*ASKED, "-f", form, COMAGIC_TOKEN="unused")
    assert (ran.code, ran.out) == (2, "")
    assert f"A terminal can't show {form}." in ran.err


def test_times_of_several_zones_have_none(comagic, tmp_path):
    with Watched(rows=20, agent=True) as box:
        target = tmp_path / "rows.parquet"
        asked = [*ASKED, "--user-id", "all", "-o", target]
        for zone in ([], ["--tz", "Europe/Moscow"]):
            assert comagic(*asked, *zone, box=box).code == 0
            type_ = pq.read_schema(target).field("communication_date_time").type
            assert type_.tz == (zone[1] if zone else None)

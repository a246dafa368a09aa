"""A file held against the manifest of its export."""

from __future__ import annotations

import json

import pytest
from interrupted_exports import ASKED, ROWS, service

NAMES = ["csv", "tsv", "jsonl", "json", "csv.gz", "jsonl.gz", "tsv.zst"]


@pytest.fixture(scope="module")
def box():
    with service() as box:
        yield box


@pytest.fixture
def export(comagic, tmp_path, box):
    """Export to a file and a manifest beside it."""

    def make(suffix="csv", *more):
        target = tmp_path / f"rows.{suffix}"
        manifest = tmp_path / f"rows.{suffix}.manifest.json"
        ran = comagic(*ASKED, *more, "-o", target, "--manifest", manifest, box=box)
        assert ran.code == 0, ran.err
        return target

    return make


def manifest_of(target):
    return target.with_name(f"{target.name}.manifest.json")


def tell(target, **members):
    """Change what a manifest says."""
    path = manifest_of(target)
    path.write_text(json.dumps(json.loads(path.read_text()) | members))


@pytest.mark.parametrize("suffix", NAMES)
def test_a_file_that_is_as_it_was_written(comagic, export, suffix):
    target = export(suffix)
    line = f"{target}: {ROWS} rows, {target.stat().st_size} bytes, complete\n"
    for words in ([target], [target, "--manifest", manifest_of(target)], [manifest_of(target)]):
        ran = comagic("verify", *words)
        assert (ran.code, ran.out, ran.err) == (0, line, "")


LOOKS = [
    ("csv", ["--header", "none"]),
    ("tsv", ["--header", "none"]),
    ("csv", ["--excel", "--coded-values", "both"]),
    ("csv", ["--excel", "--header", "none"]),
    ("csv", ["--header", "title", "--delimiter", "tab", "--newlines", "escape"]),
]


@pytest.mark.parametrize(("suffix", "format_options"), LOOKS)
def test_a_file_of_another_look(comagic, export, suffix, format_options):
    target = export(suffix, *format_options)
    assert comagic("verify", target).out.startswith(f"{target}: {ROWS} rows, ")


def test_a_file_of_another_name(comagic, export):
    target = export("csv.gz")
    moved = target.rename(target.with_name("other"))
    assert comagic("verify", moved, "--manifest", manifest_of(target)).code == 0


def test_line_breaks_in_quotes_are_no_rows(comagic, tmp_path):
    rows = [
        {"lead_date_time": "2024-10-02 12:00:00", "lead_ext_id": '"a"\n\r\n"', "lead_name": "\n"}
    ] * 3
    target = tmp_path / "rows.csv"
    with service(data={"leads": rows}) as box:
        asked = ["leads", *ASKED[1:5], "--fields", "lead_ext_id,lead_date_time", "-o", target]
        assert comagic(*asked, "--manifest", manifest_of(target), box=box).code == 0
    assert target.read_bytes().count(b"\n") > 4
    assert comagic("verify", target).out.startswith(f"{target}: 3 rows, ")


def differs(comagic, *words) -> str:
    ran = comagic("verify", *words)
    assert (ran.code, ran.out) == (3, "")
    return ran.err.splitlines()[0]


def test_a_file_that_was_cut(comagic, export):
    target = export()
    size = target.stat().st_size
    target.write_bytes(target.read_bytes()[:-1])
    assert differs(comagic, target) == (
        f"comagic: {target} is not what its manifest says: it has {size - 1} bytes, not {size}."
    )


def test_a_file_that_was_changed(comagic, export):
    target = export()
    target.write_bytes(b"x" + target.read_bytes()[1:])
    assert " as SHA-256, not " in differs(comagic, target)


@pytest.mark.parametrize("suffix", [name for name in NAMES if name != "json"])
def test_a_manifest_that_tells_other_rows(comagic, export, suffix):
    target = export(suffix)
    tell(target, rows=ROWS + 1)
    assert f"it has {ROWS} rows, not {ROWS + 1}." in differs(comagic, target)


def test_a_file_that_can_not_be_unpacked(comagic, export):
    """Its bytes are those of the manifest: it was written so."""
    target, other = export("csv.gz"), export("csv")
    target.write_bytes(target.read_bytes()[:-9])
    told = comagic("verify", target).err
    size, digest = target.stat().st_size, _sha256(target)
    tell(target, bytes=size, sha256=digest)
    assert differs(comagic, target).startswith(f"comagic: {target} can't be unpacked: ")
    assert "bytes" in told
    assert comagic("verify", other).code == 0


def _sha256(path):
    import hashlib  # noqa: PLC0415

    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_export_that_is_incomplete(comagic, tmp_path):
    target = tmp_path / "rows.csv"
    with service(total_items="three_more") as box:
        asked = [*ASKED, "-o", target, "--manifest", manifest_of(target)]
        assert comagic(*asked, box=box).code == 3
    assert "rows.csv.incomplete is incomplete: rows are missing: 3 of " in differs(
        comagic, manifest_of(target)
    )


# What can't be held against anything


def refused(comagic, *words) -> str:
    ran = comagic("verify", *words)
    assert (ran.code, ran.out) == (2, "")
    return ran.err.splitlines()[0]


def test_no_manifest(comagic, export, tmp_path):
    target = export()
    manifest_of(target).unlink()
    assert "has no manifest beside it, and is not one." in refused(comagic, target)
    assert "can't be read: No such file" in refused(comagic, tmp_path / "none")
    assert "can't be read: No such file" in refused(comagic, target, "--manifest", "none")


def test_no_file(comagic, export):
    target = export()
    target.unlink()
    assert "can't be read: No such file" in refused(comagic, target)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"comagic_manifest": 1}'])
def test_no_manifest_of_ours(comagic, export, text):
    target = export()
    manifest_of(target).write_text(text)
    assert "is not a manifest that this version of comagic can read" in refused(comagic, target)


def test_a_manifest_of_another_format(comagic, export):
    target = export()
    tell(target, comagic_manifest=2)
    assert "is not a manifest that this version of comagic can read" in refused(comagic, target)


def test_an_export_to_no_file(comagic, tmp_path, box):
    manifest = tmp_path / "told.json"
    ran = comagic(*ASKED, "-f", "jsonl", "--manifest", manifest, box=box)
    assert "is the manifest of an export to stdout." in refused(comagic, manifest)
    rows = tmp_path / "rows"
    rows.write_text(ran.out)
    assert comagic("verify", rows, "--manifest", manifest).code == 0

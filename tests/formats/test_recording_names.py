"""The names of recordings, and the manifest that lists them."""

from __future__ import annotations

import pytest

from comagic_cli.errors import UsageProblem
from comagic_cli.formats.recordings import (
    COLUMNS,
    ManifestRow,
    Recording,
    RecordingManifest,
    parse_manifest,
    read_names,
    same_name,
)

CALL = Recording(
    communication_id=3200000014,
    record_id="bfedfe8fbebc200e",
    time="2026-10-01 07:46:05.5",
    contact_phone_number="+79720273217",
    direction="out",
    employees=("Осипов Тимур Маратович", "Белова Ольга"),
    user_id=501,
    customer="ООО «Ромашка»",
)
NAMES = "r/{date}/{communication_id}-{record_id}.{ext}"


def renamed(**changes):
    return Recording(**{name: getattr(CALL, name) for name in CALL.__struct_fields__} | changes)


def filled(text, **changes):
    return str(read_names(text).fill(renamed(**changes)))


@pytest.mark.parametrize(
    ("template", "path"),
    [
        (NAMES, "r/2026-10-01/3200000014-bfedfe8fbebc200e.mp3"),
        ("{month}/{time}-{record_id}.{ext}", "2026-10/07-46-05-bfedfe8fbebc200e.mp3"),
        (
            "{employee}/{phone}-{record_id}.mp3",
            "Осипов Тимур Маратович/+79720273217-bfedfe8fbebc200e.mp3",
        ),
        ("{user_id} {customer}/{direction}-{record_id}", "501 ООО «Ромашка»/out-bfedfe8fbebc200e"),
        # Without the recording's id it is added, before the suffix.
        ("{date}/{time}.{ext}", "2026-10-01/07-46-05-bfedfe8fbebc200e.mp3"),
        ("a.b/{date}", "a.b/2026-10-01-bfedfe8fbebc200e"),
        ("{{x}}-{record_id}.{ext}", "{x}-bfedfe8fbebc200e.mp3"),
        ("./../up/{record_id}.{ext}", "./../up/bfedfe8fbebc200e.mp3"),
        ("/abs/{record_id}.{ext}", "/abs/bfedfe8fbebc200e.mp3"),
        (".hidden/{record_id}.{ext}", ".hidden/bfedfe8fbebc200e.mp3"),
    ],
)
def test_names_are_filled(template, path):
    assert filled(template) == path


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("employees", ("../../etc/passwd",), "_.._etc_passwd"),
        ("employees", ("a\nb\x00c\x7f",), "a_b_c_"),
        ("employees", ('a:b*c?d"e<f>g|h\\i/j',), "a_b_c_d_e_f_g_h_i_j"),
        ("employees", ("...hidden. ",), "hidden"),
        ("employees", ("..",), "_"),
        ("employees", ("",), "_"),
        ("employees", (), "_"),
        ("employees", ("con",), "_con"),
        ("employees", ("NUL.txt",), "_NUL.txt"),
        ("employees", ("COM1",), "_COM1"),
        ("employees", ("Console",), "Console"),
        ("employees", ("Я" * 200,), "Я" * 30),
        ("employees", ("e\u0301",), "\u00e9"),
        ("employees", ("\u202egnp",), "_gnp"),
        ("employees", ("a\udcff",), "a_"),
        ("employees", ("{date}",), "{date}"),
    ],
)
def test_a_value_is_safe_as_a_name_on_every_file_system(name, value, part):
    assert filled("{employee}/{record_id}.{ext}", **{name: value}).split("/")[0] == part


@pytest.mark.parametrize(
    ("one", "other"),
    [("ab", "AB"), ("a/b", "a_b"), ("a" * 70, "a" * 71), ("x.", "x"), ("", "_"), ("é", "e\u0301")],
)
def test_different_ids_never_share_a_name(one, other):
    paths = [read_names(NAMES).fill(renamed(record_id=each)) for each in (one, other)]
    assert same_name(paths[0]) != same_name(paths[1])


def test_names_that_a_file_system_takes_for_one_are_equal():
    assert same_name("A/\u00e9") == same_name("a/e\u0301")


@pytest.mark.parametrize(
    ("template", "said", "hint"),
    [
        ("{day}/{record_id}", "-o {day}/{record_id}: there is no {day}", "In braces: date, month"),
        ("{date!r}/{record_id}", "-o {date!r}/{record_id}: there is no {date!r}", "In braces"),
        ("{date", "-o {date: a brace stands alone", "double a literal brace"),
        ("", "-o '': a name is empty", "Name the files"),
        ("r/{date}/", "-o r/{date}/ names a folder", "Name the files"),
        ("{record_id}.wav", "-o {record_id}.wav: the recordings are mp3", "--audio wav"),
        ("{record_id}.ogg", "-o {record_id}.ogg: the recordings are mp3", "Write .{ext}"),
        (
            "{record_id}.{ext}.gz",
            "-o {record_id}.{ext}.gz: these files are not compressed",
            "Omit .gz at the end.",
        ),
        ("{record_id}.ZST", "-o {record_id}.ZST: these files are not compressed", "Omit .zst"),
    ],
)
def test_other_names_are_refused(template, said, hint):
    with pytest.raises(UsageProblem) as raised:
        read_names(template, "mp3")
    assert raised.value.message == said
    assert hint in raised.value.hint


LONG = {"employees": ("Я" * 99,), "customer": "Ж" * 99, "communication_id": 3200000014}


@pytest.mark.parametrize(
    ("template", "name"),
    [
        (
            "{employee}-{customer}-{employee}-{communication_id}-{record_id}.{ext}",
            f"{'Я' * 27}-{'Ж' * 27}-{'Я' * 27}-3200000014-bfedfe8fbebc200e.mp3",
        ),
        ("{employee}" * 120 + "{record_id}.mp3", "_" * 120 + "bfedfe8fbebc200e.mp3"),
        # Where ids alone are too long, their hash tells them apart.
        ("{record_id}" * 20 + ".{ext}", f"{'bfedfe8fbebc200e' * 11}bfe-e6fcb19803bb8a3a.mp3"),
        ("x" * 300 + "{record_id}", f"{'x' * 183}-4fec7950d07ddce3"),
    ],
)
def test_a_name_that_is_too_long_is_shortened_but_not_its_ids(template, name):
    assert filled(template, **LONG) == name
    assert len(name.encode()) <= 200


def test_names_that_are_too_long_stay_different():
    template = "{record_id}" * 30 + ".mp3"
    assert filled(template) != filled(template, record_id="bfedfe8fbebc200f")


def test_it_is_told_when_the_id_is_added():
    assert (read_names("{date}.mp3").is_longer, read_names(NAMES).is_longer) == (True, False)
    assert read_names("{date}.txt", with_record=False).text == "{date}-{communication_id}.txt"


SAME = {name: getattr(CALL, name) for name in CALL.__struct_fields__}
BROKEN = {"state": "failed", "reason": "it\nbroke"}
ROWS = [
    ManifestRow(**SAME, path="a.mp3", bytes=5, sha256="00"),
    ManifestRow(communication_id="x,1", record_id="b", employees=('A "B"', "C\u2028D"), **BROKEN),
    ManifestRow(communication_id=1, record_id="003", duration="00:01:05", state="missing"),
]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_manifest_is_read_as_it_was_written(suffix):
    manifest = RecordingManifest(suffix == "csv")
    for row in ROWS:
        manifest.add(row)
    text = b"".join(manifest.chunks()).decode()
    assert list(parse_manifest(text, f"m.{suffix}").rows.values()) == ROWS
    if suffix == "csv":
        assert text.splitlines()[0] == ",".join(COLUMNS)


def test_a_recording_has_one_row():
    manifest = RecordingManifest()
    manifest.add(ROWS[0])
    manifest.add(
        ManifestRow(**{n: getattr(CALL, n) for n in CALL.__struct_fields__}, state="failed")
    )
    assert [row.state for row in manifest.rows.values()] == ["failed"]


@pytest.mark.parametrize(
    ("text", "path"),
    [("{", "m.jsonl"), ('{"rows": 5}\n', "m.jsonl"), ("a,b\n1,2\n", "m.csv"), ("x", "m.txt")],
)
def test_another_file_is_not_a_manifest(text, path):
    with pytest.raises(UsageProblem):
        parse_manifest(text, path)

"""`comagic recordings` against the sandbox: files, manifest, traps, and who gets the token."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
from collections import Counter
from dataclasses import replace
from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from coverage_marks import unmeasured
from openpyxl import load_workbook
from program import DAYS, Watched, environment, run
from recordings import NAMES, WINDOW, Spied, of_media, wanted
from shells import need

from comagic_cli.export.recordings.selection import Call, WebAccount, recordings_of
from comagic_cli.files.lock import lock_file
from comagic_cli.formats.partitions import file_name
from comagic_cli.sandbox.media import RECORDING

TRAPS = {"html": 97, "308": 89, "403": 83, "404": 41, "truncate": 13, "stall": 61, "slow": 53}
TRAPS |= {"reset": 37, "empty": 71, "503": 29, "429": 59}
NOW = datetime(2024, 10, 8, 12, tzinfo=ZoneInfo("Europe/Moscow"))


def save(comagic, box, folder, *more, **environ):
    """Save the recordings of all calls into a folder."""
    typed = [*DAYS, "-o", f"{folder}/{NAMES}", *more]
    return comagic("recordings", *typed, box=box, **environ)


def rows(folder):
    text = (folder / "recordings.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def files(folder):
    """Return the files of a folder by their paths, without the manifest."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path for name, path in found.items() if name != "recordings.jsonl"}


def check_whole(box, folder):
    """Check that each recording is one whole file with one true row, and nothing else is there."""
    listed, found = rows(folder), files(folder)
    assert {(row["state"], row["reason"]) for row in listed} == {("saved", "")}
    assert sorted((row["communication_id"], row["record_id"]) for row in listed) == sorted(
        wanted(box)
    )
    assert sorted(found) == sorted(row["path"] for row in listed)
    for row in listed:
        data = found[row["path"]].read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (row["bytes"], row["sha256"])


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "recordings"


@unmeasured
def test_two_thousand_recordings_with_every_trap_are_each_saved_once(comagic, folder):
    with Watched(rows=4200, faults=of_media(*TRAPS.items())) as box:
        codes, lacking = [], len(wanted(box))
        assert lacking > 2000
        while not codes or codes[-1] == 3:
            ran = save(comagic, box, folder, "--jobs", "3")
            codes.append(ran.code)
            states = [row["state"] != "saved" for row in rows(folder)]
            total = f"{len(states):,}".replace(",", " ")
            assert (ran.code == 3) == any(states)
            assert not any(states) or f"{sum(states)} of {total} recordings are missing" in ran.err
            assert sum(states) < lacking
            lacking = sum(states)
        outcomes = {call.outcome for call in box.journal if call.method == RECORDING}
        check_whole(box, folder)
        _check_sound(files(folder).values())
    assert (codes[0], codes[-1]) == (3, 0)
    assert outcomes == {"ok", *TRAPS}


def _check_sound(paths):
    need("soxi")
    known = subprocess.run(["sox", "--help"], capture_output=True, text=True, check=False).stdout
    if " mp3 " not in known:
        told = "sox can't read MP3: install libsox-fmt-mp3"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(told)
    done = subprocess.run(
        ["soxi", "-D", *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    lengths = [float(line) for line in done.stdout.split()]
    assert len(lengths) == len(list(paths))
    assert min(lengths) > 0.9


def test_what_is_there_is_skipped(comagic, folder):
    with Watched() as box:
        assert save(comagic, box, folder).code == 0
        check_whole(box, folder)
        before = {name: path.stat().st_mtime_ns for name, path in files(folder).items()}
        asked = len(box.journal)
        ran = save(comagic, box, folder, "-v")
        assert f"{len(before)} were there" in ran.err
        assert not any(call.method == RECORDING for call in box.journal[asked:])
        assert {name: path.stat().st_mtime_ns for name, path in files(folder).items()} == before


def test_rows_of_files_that_are_there_are_added_to_the_manifest(comagic, folder):
    with Watched() as box:
        assert save(comagic, box, folder).code == 0
        asked, whole = len(box.journal), rows(folder)
        (folder / "recordings.jsonl").unlink()
        assert save(comagic, box, folder).code == 0
        assert not any(call.method == RECORDING for call in box.journal[asked:])
    assert rows(folder) == whole


def test_what_is_not_a_recording_under_the_name_of_one_is_replaced(comagic, folder):
    with Watched() as box:
        assert save(comagic, box, folder).code == 0
        first, second, third, *_ = files(folder).values()
        first.write_text("<html>login</html>")  # as a script with wget leaves it
        second.write_bytes(second.read_bytes()[:500])
        third.unlink()
        manifest = folder / "recordings.jsonl"
        kept = manifest.read_text().splitlines(keepends=True)
        manifest.write_text("".join(line for line in kept if first.name not in line))
        asked = len(box.journal)
        assert save(comagic, box, folder).code == 0
        fetched = [call for call in box.journal[asked:] if call.method == RECORDING]
        assert len(fetched) == 3
        check_whole(box, folder)


def test_what_is_not_there_yet_is_noted_and_comes_with_the_next_run(comagic, folder):
    with Watched(faults=of_media(("404", (1, 2)))) as box:
        ran = save(comagic, box, folder)
        lacking = [row for row in rows(folder) if row["state"] != "saved"]
        reason = "it is not there yet (HTTP 404)"
        assert [(row["state"], row["reason"], row["path"]) for row in lacking] == [
            ("missing", reason, "")
        ] * 2
        total = len(wanted(box))
        assert (ran.code, ran.err) == (
            3,
            "".join(
                f"comagic: {row['communication_id']} {row['record_id']} of {row['time']}: "
                f"{reason}\n"
                for row in lacking
            )
            + f"comagic: 2 of {total} recordings are missing\n"
            "  Run the same command again: it downloads only what is missing. "
            f"The list: {folder}/recordings.jsonl\n",
        )
        assert save(comagic, box, folder).code == 0
        check_whole(box, folder)


@pytest.mark.parametrize(
    ("refresh", "comes"), [([], False), (["--refresh", "6d"], True), (["--refresh", "3d"], False)]
)
def test_what_was_missing_comes_with_a_later_period_within_refresh(comagic, folder, refresh, comes):
    comagic.stop_clock(NOW)
    with Watched(faults=of_media(("404", (1,)))) as box:
        first = ["recordings", "--period", "2024-10-03", "-o", f"{folder}/{NAMES}"]
        assert comagic(*first, box=box).code == 3
        later = ["recordings", "--period", "2024-10-04", "-o", f"{folder}/{NAMES}"]
        assert comagic(*later, *refresh, box=box).code == 0
    assert all(row["state"] == "saved" for row in rows(folder)) is comes


def test_wav_and_voice_mail_are_of_the_older_report(comagic, folder):
    with Watched() as box:
        ran = save(comagic, box, folder, "--audio", "wav")
        older = wanted(box, "wav_call_records", "calls-report")
        assert (ran.code, len(older) > 3) == (0, True)
        calls = box.truth("calls-report", *WINDOW, fields=["call_records", "wav_call_records"])
        count = sum(bool(call["call_records"]) and not call["wav_call_records"] for call in calls)
        assert f"\n{count} calls have a recording as mp3 only: omit --audio" in f"\n{ran.err}"
        assert sorted(files(folder)) == sorted(row["path"] for row in rows(folder))
        assert {row["record_id"] for row in rows(folder)} == {record for _, record in older}
        assert {path.read_bytes()[:4] for path in files(folder).values()} == {b"RIFF"}
        where = ["--where", "call_status = Пропущенный"]
        ran = save(comagic, box, folder / "mail", "--voice-mail", *where)
        mail = {record for _, record in wanted(box, "voice_mail_records", "calls-report")}
        assert (ran.code, bool(mail)) == (0, True)
        assert {row["record_id"] for row in rows(folder / "mail")} == mail
        assert {row["kind"] for row in rows(folder / "mail")} == {"voice_mail"}


def test_an_account_with_older_reports_only_has_recordings_too(comagic, folder):
    with Watched(flat_reports=False) as box:
        assert save(comagic, box, folder, "--where", "call_talk_duration > 60").code == 0
        long = box.truth("calls-report", *WINDOW, fields=["call_records", "talk_duration"])
    expected = [
        record for call in long if call["talk_duration"] > 60 for record in call["call_records"]
    ]
    assert sorted(row["record_id"] for row in rows(folder)) == sorted(expected)


@pytest.mark.parametrize(
    ("where", "code", "said"),
    [
        ("utm_source = google", 0, ""),  # a field that only the older report has
        ("call_status = Пропущенный", 0, "calls, and none has a recording"),
        ("nonsense = 1", 2, "calls has no field 'nonsense'"),
    ],
)
def test_a_filter_may_be_typed_in_the_fields_of_either_report(comagic, folder, where, code, said):
    with Watched() as box:
        ran = save(comagic, box, folder, "--where", where)
    assert (ran.code, said in ran.err) == (code, True)


def test_a_filter_without_an_equal_in_the_older_report_is_refused(comagic, folder):
    with Watched() as box:
        where = ["--where", 'call_processing_status = "Не обработан"']
        ran = save(comagic, box, folder, "--audio", "wav", *where)
    assert (ran.code, folder.exists()) == (2, False)
    assert "calls-report is needed here, and can't be filtered by call_processing_status" in ran.err


def test_the_manifest_is_csv_where_its_name_says_so(comagic, folder, tmp_path):
    manifest = tmp_path / "list.csv"
    with Watched(faults=of_media(("404", (1,)))) as box:
        for code in (3, 0):
            ran = save(comagic, box, folder, "--manifest", str(manifest))
            assert ran.code == code
        with manifest.open(encoding="utf-8", newline="") as file:
            listed = list(csv.DictReader(file))
        assert len(listed) == len(wanted(box))
    assert {row["state"] for row in listed} == {"saved"}
    assert all((tmp_path / row["path"]).is_file() for row in listed)


def test_a_file_that_is_not_a_manifest_is_left_alone(comagic, folder):
    folder.mkdir()
    (folder / "recordings.jsonl").write_text("mine\n")
    with Watched() as box:
        ran = save(comagic, box, folder)
    assert (ran.code, (folder / "recordings.jsonl").read_text()) == (2, "mine\n")
    assert "is not a manifest of recordings" in ran.err
    assert not files(folder)


def tokens(box):
    return [
        "authorization" in dict(call.headers) for call in box.journal if call.method == RECORDING
    ]


def test_a_host_that_asks_for_the_token_gets_it(comagic, folder):
    with Watched(recordings="token") as box:
        ran = save(comagic, box, folder, "--jobs", "1")
        host = box.url.split("/")[2]
        assert (ran.code, ran.err) == (
            0, f"{host} gives recordings to those with the account's token only.\n",
        )  # fmt: skip
        check_whole(box, folder)
        assert tokens(box) == [False, *[True] * len(wanted(box))]


def test_an_open_host_never_gets_the_token(comagic, folder):
    with Watched() as box:
        assert save(comagic, box, folder).code == 0
        assert set(tokens(box)) == {False}


def test_a_foreign_host_never_gets_the_token(comagic, folder):
    """Another port is another host; this one refuses everything."""
    with Watched() as box, Watched(faults=of_media(("403", 1))) as foreign:
        host = foreign.url.removesuffix("/v2.0")
        ran = save(comagic, box, folder, "--record-host", host, "--jobs", "1")
        assert ran.code == 4
        assert len(tokens(foreign)) == 10  # it is not asked two thousand times
        assert not any(tokens(foreign))
        assert not any(box.token in str(call) for call in foreign.journal)
        assert f"{host[7:]} refuses recordings without a token: HTTP 403.\n" in ran.err
        assert "10 recordings in a row were refused: HTTP 403" in ran.err


def test_a_login_is_told_and_ends_the_run(comagic, folder):
    with Watched(recordings="login") as box:
        ran = save(comagic, box, folder, "--jobs", "1")
        assert (ran.code, not files(folder)) == (4, True)
        assert (
            "refuses recordings without a token and with the account's: a redirect to a" in ran.err
        )
        assert sorted(set(tokens(box))) == [False, True]
        assert {row["state"] for row in rows(folder)} == {"refused"}


def test_a_host_that_is_down_ends_the_run(comagic, folder):
    with Watched(faults=of_media(("503", 1))) as box:
        ran = save(comagic, box, folder)
    assert (ran.code, "10 recordings in a row failed: HTTP 503" in ran.err) == (6, True)


def test_recordings_that_are_none_do_not_keep_the_next_from_coming(comagic, folder):
    with Watched(faults=of_media(("empty", range(1, 13)))) as box:
        ran = save(comagic, box, folder, "--jobs", "1")
        assert (ran.code, len(files(folder))) == (3, len(wanted(box)) - 12)
    assert Counter(row["reason"] for row in rows(folder)) == {"": len(files(folder))} | {
        "zero bytes came": 12
    }


def test_refusals_do_not_keep_the_next_from_coming_where_some_are_there(comagic, folder):
    with Watched() as box:
        assert save(comagic, box, folder, "--max-rows", "9").code == 0
    with Watched(faults=of_media(("403", range(1, 25)))) as box:
        ran = save(comagic, box, folder, "--jobs", "1")
        assert (ran.code, len(files(folder))) == (3, len(wanted(box)) - 12)
    assert f"12 of {len(rows(folder))} recordings are missing" in ran.err


def test_a_service_without_a_known_web_account_needs_its_host(comagic, folder):
    typed = ["--base-url", "https://dataapi.example.org", "-o", f"{folder}/{NAMES}"]
    ran = comagic("recordings", *typed, "--tz", "UTC", COMAGIC_TOKEN="secret-token")
    assert (ran.code, folder.exists()) == (2, False)
    assert "--record-host app.comagic.ru" in ran.err


def test_customers_have_folders_of_their_own(comagic, folder):
    names = f"{folder}/{{customer}}/{{user_id}}-{NAMES.replace('/', '-')}"
    typed = ["recordings", *DAYS, "--user-id", "all", "-o", names]
    with Watched(agent=True) as box:
        assert comagic(*typed, box=box).code == 0
    listed = rows(folder)
    assert len({row["user_id"] for row in listed}) == len({row["customer"] for row in listed}) == 3
    assert all((folder / row["path"]).is_file() for row in listed)
    assert all(row["path"].split("/")[0] == file_name(row["customer"]) for row in listed)


def test_two_recordings_of_one_name_are_refused(comagic, folder):
    """Nothing says that the ids of recordings differ between calls."""
    calls = [
        {"communication_id": id_, "call_start_date_time": f"2024-10-02 0{hour}:00:00"}
        | {"call_records": ["1010"]}
        for hour, id_ in enumerate((0x10, 0x1010))
    ]
    with Watched(data={"calls": calls}) as box:
        typed = ["recordings", *DAYS, "--jobs", "1", "-o"]
        ran = comagic(*typed, f"{folder}/{{record_id}}.{{ext}}", box=box)
        again = comagic(*typed, f"{folder}/{NAMES}", box=box)
    assert (ran.code, again.code, len(rows(folder))) == (2, 0, 2)
    assert f"two recordings would be {folder}/1010.mp3" in ran.err


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_file_that_is_another_recording_is_never_overwritten(comagic, folder, is_listed):
    """Recordings as mp3 and as wav have the same ids."""
    with Watched() as box:
        typed = ["recordings", *DAYS, "-o", f"{folder}/{{record_id}}"]
        assert comagic(*typed, box=box).code == 0
        before = {name: path.read_bytes() for name, path in files(folder).items()}
        listed = rows(folder)
        if not is_listed:
            (folder / "recordings.jsonl").unlink()
        ran = comagic(*typed, "--audio", "wav", box=box)
        assert {name: path.read_bytes() for name, path in files(folder).items()} == before
        assert not is_listed or rows(folder) == listed
    said = "two recordings would be" if is_listed else "is there as mp3"
    assert (ran.code, said in ran.err, "{ext}" in ran.err) == (2, True, True)


def test_an_address_that_is_none_is_an_error_of_that_recording(comagic, folder):
    calls = [
        {"id": id_, "communication_id": id_, "start_time": "2024-10-02 09:00:00"}
        | {"call_records": [f"{id_:x}ab"] * has, "full_record_file_link": "https://[x"}
        for id_, has in ((16, 0), (17, 1))
    ]
    with Watched(flat_reports=False, data={"calls-report": calls}) as box:
        ran = save(comagic, box, folder)
    assert (ran.code, len(files(folder))) == (3, 1)
    assert ran.err == (
        "comagic: 16 full of 2024-10-02 09:00:00: its address is not one\n"
        "comagic: 1 of 2 recordings is missing\n"
        "  Run the same command again: it downloads only what is missing. "
        f"The list: {folder}/recordings.jsonl\n"
    )


@pytest.mark.parametrize(
    ("ids", "link", "kind", "url"),
    [
        ((), "http://media.example.org/a", "full", "https://media.example.org/a"),
        ((), "https://media.example.org/a", "full", "https://media.example.org/a"),
        (("x",), "http://media.comagic.ru/a", "talk", "https://media.comagic.ru/a"),
        (
            *(("x",), "http://media.example.org/a", "talk"),
            "https://app.comagic.ru/system/media/talk/1/x/",
        ),
    ],
)
def test_a_link_of_plain_http_is_asked_for_with_tls(ids, link, kind, url):
    web = WebAccount("https://app.comagic.ru", "https://dataapi.comagic.ru/v2.0")
    call = Call(1, {"communication_id": 1}, ids, link=link)
    (recording,) = recordings_of(call, "mp3", web, with_voice_mail=False)
    assert (recording.kind, recording.url) == (kind, url)


def test_ids_of_all_kinds_have_addresses_of_their_own(comagic, folder):
    ids = ["a/b", "a?b", "a#b", "a%41b", "я"]
    calls = [
        {"communication_id": id_, "call_start_date_time": "2024-10-02 09:00:00"}
        | {"call_records": records}
        for id_, records in enumerate((ids, "text", 5, None, {}), 1)
    ]
    with Watched(data={"calls": calls}) as box:
        save(comagic, box, folder)
    assert {row["url"].partition("/talk/")[2] for row in rows(folder)} == {
        *("1/a%2Fb/", "1/a%3Fb/", "1/a%23b/", "1/a%2541b/", "1/%D1%8F/", "2/text/", "3/5/")
    }


def test_names_without_the_id_get_it(comagic, folder):
    with Watched() as box:
        ran = comagic("recordings", *DAYS, "-o", f"{folder}/{{date}}.{{ext}}", box=box)
        assert (ran.code, len(files(folder))) == (0, len(wanted(box)))
    assert (
        ran.err
        == f"The names get the id of the recording: {folder}/{{date}}-{{record_id}}.{{ext}}\n"
    )


def test_a_login_gives_its_token_to_a_host_that_asks_for_it(comagic, folder):
    with Watched(recordings="token") as box:
        typed = ["recordings", *DAYS, "-o", f"{folder}/{NAMES}", "--base-url", box.url]
        login = {"COMAGIC_LOGIN": "sandbox", "COMAGIC_PASSWORD": "sandbox"}
        assert comagic(*typed, **login).code == 0
        check_whole(box, folder)


def test_an_export_names_the_files_of_each_call(comagic, folder, tmp_path):
    names = ["--fields", "communication_id", "--record-files", folder / "recordings.jsonl"]
    with Watched(faults=of_media(("404", (1,)))) as box:
        save(comagic, box, folder)
        target = tmp_path / "tables" / "calls.csv"
        target.parent.mkdir()
        assert comagic("calls", *DAYS, *names, "-o", target, box=box).code == 0
        listed = list(csv.DictReader(target.read_text().splitlines()))
        calls = box.truth("calls", *WINDOW, fields=["communication_id"])
    assert len(listed) == len(calls)
    found = [
        (row["communication_id"], (target.parent / path).resolve())
        for row in listed
        for path in row["call_record_files"].split("; ")
        if path
    ]
    assert sorted(found) == sorted(
        (str(row["communication_id"]), folder / row["path"])
        for row in rows(folder)
        if row["state"] == "saved"
    )


def test_files_of_calls_are_links_in_a_workbook(comagic, folder, tmp_path):
    target = tmp_path / "calls.xlsx"
    with Watched() as box:
        save(comagic, box, folder)
        asked = ["--fields", "communication_id", "--record-files", folder / "recordings.jsonl"]
        assert comagic("calls", *DAYS, *asked, "-o", target, box=box).code == 0
    links = [
        cell.hyperlink.target.replace("\\", "/")
        for (cell,) in load_workbook(target).active.iter_rows(min_row=2, min_col=2)
        if cell.hyperlink
    ]
    single = Counter(row["communication_id"] for row in rows(folder))
    assert sorted(links) == sorted(
        f"recordings/{row['path']}" for row in rows(folder) if single[row["communication_id"]] == 1
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["visits"], "--record-files: visits has no communication_id"),
        (["calls", "-o", "{date}.csv"], "--record-files can't be used with {date}.csv"),
        (["calls"], "can't be read: No such file or directory"),
    ],
)
def test_files_of_calls_need_a_manifest_and_a_call(comagic, typed, said):
    ran = comagic(*typed, "--sandbox", "--period", "yesterday", "--record-files", "none.jsonl")
    assert (ran.code, said in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("-", "-o -: recordings are files"),
        ("ftp://me:secret@host/{date}", "-o ftp://...: only folders and buckets are written"),
        ("s3://key:secret@bucket/{date}", "-o s3://...: a bucket's name is expected after //"),
        ("s3://{date}/{record_id}", "-o s3://...: a bucket's name is expected after //"),
        ("gs://calls-{date}/{record_id}", "-o gs://...: a bucket's name is expected after //"),
        (
            "\udcff-{record_id}",
            "-o  -{record_id}: the manifest can't list names that are not UTF-8",
        ),
        ("{record_id}.{ext}.gz", "-o {record_id}.{ext}.gz: these files are not compressed"),
        ("az://container", "-o az://...: a bucket's name is expected after //"),
        ("%Y/{record_id}", "-o %Y/{record_id}: % is not replaced by a date"),
    ],
)
def test_recordings_go_to_folders_and_buckets_only(comagic, output, said):
    ran = comagic("recordings", "--sandbox", "-o", output)
    assert (ran.code, ran.err.splitlines()[0]) == (2, f"comagic: {said}")
    assert "secret" not in ran.err


def test_voice_mail_is_no_wav(comagic):
    ran = comagic("recordings", "--sandbox", "--audio", "wav", "--voice-mail")
    assert (ran.code, ran.err.splitlines()) == (
        2,
        [
            "comagic: --voice-mail can't be used with --audio wav: voice mail is mp3",
            "  Save voice mail by a second command, without --audio.",
        ],
    )


def test_no_more_calls_are_looked_at_than_typed(comagic, folder):
    with Watched() as box:
        assert save(comagic, box, folder, "--max-rows", "5").code == 0
        calls = box.truth("calls", *WINDOW, fields=["call_records"])[:5]
    assert len(rows(folder)) == sum(len(call["call_records"] or ()) for call in calls)


def test_a_dry_run_asks_for_nothing(comagic, folder):
    with Watched() as box:
        ran = save(comagic, box, folder, "--dry-run")
        assert (ran.code, box.journal, folder.exists()) == (0, [], False)
    assert json.loads(ran.out)["method"] == "get.calls"


def test_a_folder_that_another_run_writes_is_left_to_it(folder, tmp_path):
    with Watched() as box:
        folder.mkdir()
        with lock_file(folder / "recordings"):
            typed = ["recordings", *DAYS, "-o", f"{folder}/{NAMES}"]
            ran = run(typed, environment(tmp_path, box))
    assert (ran.code, "is being written by another run" in ran.err) == (9, True)


def test_a_folder_that_can_not_be_written_is_an_error(comagic, tmp_path):
    (tmp_path / "file").write_text("")
    with Watched() as box:
        ran = save(comagic, box, tmp_path / "file")
    assert (ran.code, f"{tmp_path}/file can't be written" in ran.err) == (8, True)


def test_no_calls_and_no_recordings_are_told_apart(comagic, folder):
    with Watched() as box:
        none = comagic("recordings", "--period", "2023-01-01", "-o", f"{folder}/{NAMES}", box=box)
        lost = save(comagic, box, folder, "--where", "call_status = Пропущенный")
        manifest = folder / "recordings.jsonl"
        assert (list(folder.rglob("*")), manifest.read_bytes()) == ([manifest], b"")
    assert (none.code, "no rows from 2023-01-01" in none.err) == (0, True)
    assert (lost.code, "calls, and none has a recording" in lost.err) == (0, True)


def test_a_manifest_that_can_not_be_written_is_an_error_before_all(comagic, folder, tmp_path):
    with Watched() as box:
        ran = save(comagic, box, folder, "--manifest", tmp_path / "none" / "list.csv")
        assert (ran.code, box.journal, folder.exists()) == (8, [], False)


def test_the_manifest_is_written_now_and_then(comagic, folder):
    """A killed run then has less to read anew."""
    moments = count(step=40.0)  # each look at the clock is later by more than half a minute
    comagic.clock = replace(comagic.clock, monotonic=lambda: next(moments))
    written = []

    def spy(call):
        if call.method == RECORDING and (folder / "recordings.jsonl").exists():
            written.append(len(rows(folder)))

    with Watched() as box:
        box.journal = Spied(spy)
        assert save(comagic, box, folder, "--jobs", "1").code == 0
        check_whole(box, folder)
    assert len(set(written)) > 3


def test_the_log_says_what_came(comagic, folder):
    with Watched(faults=of_media(("404", (1,)))) as box:
        ran = save(comagic, box, folder, COMAGIC_LOG_FORMAT="json")
        last = json.loads(ran.err.splitlines()[-1])
        total = len(wanted(box))
    expected = {"recordings": total, "saved": total - 1, "present": 0, "missing": 1, "exit_code": 3}
    assert {name: last[name] for name in expected} == expected

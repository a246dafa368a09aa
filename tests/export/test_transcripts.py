"""`comagic transcripts` against the sandbox: JSON Lines, texts beside recordings, and refusals."""

from __future__ import annotations

import json

import pytest
from program import DAYS, Watched

from comagic_cli.export.recordings.transcripts import METHOD, Transcript
from comagic_cli.rows.page import Answer
from comagic_cli.sandbox.quirks import Fault

WINDOW = ("2024-10-01 00:00:00", "2024-10-05 23:59:59")
NAMES = "{date}/{communication_id}.txt"


def write(comagic, box, *more):
    return comagic("transcripts", *DAYS, *more, box=box)


def spoken(box):
    """Return the ids of all calls with recordings, and how many have none."""
    calls = box.truth("calls", *WINDOW, fields=["communication_id", "call_records"])
    return [call["communication_id"] for call in calls if call["call_records"]], sum(
        not call["call_records"] for call in calls
    )


def asked(box):
    return [call.params["call_session_id"] for call in box.journal if call.method == METHOD]


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_each_call_with_a_recording_is_a_line(comagic, jobs):
    with Watched() as box:
        ran = write(comagic, box, "--jobs", jobs)
        ids, without = spoken(box)
        assert sorted(asked(box)) == sorted(ids)  # the others cost no point
        truth = {id_: box.every_row(METHOD, call_session_id=id_)[0] for id_ in ids}
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert lines == [{"communication_id": id_} | truth[id_] for id_ in ids]
    assert ran.code == 0
    total = len(ids) + without
    assert ran.err == f"{without} of {total} calls have no transcript.\n"


def test_lines_go_to_a_file(comagic, tmp_path):
    target = tmp_path / "spoken.jsonl"
    with Watched() as box:
        assert write(comagic, box, "-q", "-o", target).out == ""
        assert target.read_text() == write(comagic, box, "-q").out


def test_texts_stand_beside_the_recordings(comagic, tmp_path):
    folder = tmp_path / "recordings"
    with Watched() as box:
        names = ["-o", f"{folder}/{{date}}/{{communication_id}}-{{record_id}}.{{ext}}"]
        assert comagic("recordings", *DAYS, *names, box=box).code == 0
        assert write(comagic, box, "-o", f"{folder}/{NAMES}").code == 0
        ids, _ = spoken(box)
        texts = {int(path.stem): path for path in folder.rglob("*.txt")}
        assert sorted(texts) == sorted(ids)
        assert all(list(path.parent.glob(f"{path.stem}-*.mp3")) for path in texts.values())
        first, second, *_ = texts[ids[0]].read_text(encoding="utf-8").splitlines()
        assert first.endswith("operator: Компания «Светлый дом», здравствуйте!")
        assert " contact: " in second
        before = len(asked(box))
        texts[ids[1]].unlink()
        assert write(comagic, box, "-o", f"{folder}/{NAMES}").code == 0
        assert asked(box)[before:] == [ids[1]]  # what is there costs no point
    assert not any(path.name.startswith(".") for path in folder.rglob("*"))


def test_an_account_with_older_reports_only_has_transcripts_too(comagic):
    with Watched(flat_reports=False) as box:
        ran = write(comagic, box, "--where", "call_status = Принятый")
        ids, _ = spoken(box)
    assert [json.loads(line)["communication_id"] for line in ran.out.splitlines()] == ids


def test_customers_are_told_apart(comagic):
    with Watched(agent=True) as box:
        ran = write(comagic, box, "--user-id", "all", "--max-rows", "250")
    users = {json.loads(line)["user_id"] for line in ran.out.splitlines()}
    assert (ran.code, len(users)) == (0, 3)


@pytest.mark.parametrize(
    ("times", "code", "said"),
    [
        ((2, 5), 3, "2 transcripts are missing\n"),
        (range(1, 400), 5, "getobj.call_session_recognition_info"),
    ],
)
def test_transcripts_that_the_service_refuses_are_missing(comagic, times, code, said):
    faults = (Fault("invalid_parameter_value", at=tuple(times), method=METHOD),)
    with Watched(faults=faults) as box:
        ran = write(comagic, box)
    assert (ran.code, said in ran.err) == (code, True)


@pytest.mark.parametrize(
    ("calls", "code", "said"),
    [(2, 3, "2 transcripts are missing\n"), (3, 6, "the service failed (internal_error)")],
)
def test_the_service_may_fail_on_a_few_calls(comagic, calls, code, said):
    faults = (Fault("internal_error", at=tuple(range(1, calls * 5 + 1)), method=METHOD),)
    with Watched(faults=faults) as box:
        ran = write(comagic, box, "--jobs", "1")
        expected = len(spoken(box)[0]) - 2
    assert (ran.code, said in ran.err) == (code, True)
    assert code != 3 or ran.out.count("\n") == expected


def test_what_came_is_named_with_the_calls_that_are_missing(comagic, tmp_path):
    faults = (Fault("invalid_parameter_value", at=tuple(range(2, 14)), method=METHOD),)
    target = tmp_path / "t.jsonl"
    with Watched(faults=faults) as box:
        ran = write(comagic, box, "--jobs", "1", "-o", target)
        refused, whole = asked(box)[1:13], len(spoken(box)[0])
    kept = (tmp_path / "t.jsonl.incomplete").read_text().splitlines()
    assert (ran.code, target.exists(), len(kept)) == (3, False, whole - 12)
    *_, listed, missing, hint = ran.err.splitlines()
    assert listed.startswith(f"comagic: {refused[9]} of 2024-10-0")
    assert missing == "comagic: 12 transcripts are missing, 2 more than named"
    assert hint == (
        f"  What came is in {target}.incomplete. "
        "Run the same command again, or omit these calls with --where."
    )


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ("a.csv", "Name it .jsonl"),
        ("{record_id}.txt", "Name it by {communication_id}"),
        ("{date}.jsonl", "Name them '{communication_id}.txt', or a file of JSON Lines"),
        ("{nothing}.txt", "In braces"),
        ("{communication_id}.txt.gz", "Omit .gz at the end."),
    ],
)
def test_other_outputs_are_refused(comagic, output, hint):
    ran = comagic("transcripts", "--sandbox", "-o", output)
    assert (ran.code, hint in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"{}", []),
        (b"[]", []),
        (b"null", []),
        (b'{"speech_phrases": null}', []),
        (b'[{"speech_phrases": [{"phrase": "a"}]}]', ["a"]),
        (
            b'{"speech_phrases": [{"phrase": "a\\nb", "is_operator": true, "start_time": "1"}]}',
            ["1 operator: a b"],
        ),
        (
            b'{"speech_phrases": [{"phrase": "a", "edited_phrase": "b", "is_operator": false}]}',
            ["contact: b"],
        ),
        (b'{"speech_phrases": [null, "a", {"phrase": 5, "start_time": 1.5}]}', ["a", "1.5 5"]),
        (b'{"speech_phrases": [{"phrase": "a", "is_operator": 1}]}', ["a"]),
        (b'{"speech_phrases": [{"phrase": "a", "is_operator": {"value_id": true}}]}', ["a"]),
        (b'{"speech_phrases": {"phrase": "a"}}', ["a"]),
        (b'{"speech_phrases": "a"}', ["a"]),
        (b"5", []),
    ],
)
def test_answers_of_all_shapes_are_read(data, lines):
    assert [phrase.line for phrase in Transcript.of(Answer(data)).phrases] == lines


def test_a_dry_run_asks_for_nothing(comagic):
    with Watched() as box:
        ran = write(comagic, box, "--dry-run")
        assert (ran.code, box.journal) == (0, [])


def test_names_without_the_id_get_it(comagic, tmp_path):
    ran = comagic(
        *("transcripts", "--sandbox", "--period", "yesterday", "--max-rows", "9"),
        *("-o", f"{tmp_path}/{{time}}.txt"),
    )
    assert (ran.code, f"{tmp_path}/{{time}}-{{communication_id}}.txt\n" in ran.err) == (0, True)
    assert len(list(tmp_path.glob("*-*-*-32*.txt"))) > 0


@pytest.mark.parametrize("command", ["transcripts", "recordings"])
def test_the_last_line_of_the_log_names_the_period(comagic, tmp_path, command):
    name = {"transcripts": "t.jsonl", "recordings": "{communication_id}-{record_id}.{ext}"}[command]
    words = ["--period", "yesterday", "--max-rows", 3, "--log-format", "json"]
    ran = comagic(command, "--sandbox", *words, "-o", tmp_path / name)
    first, last = json.loads(ran.err.splitlines()[-1])["period"]
    assert (first[:10], first[10:], last[10:]) == (last[:10], " 00:00:00", " 23:59:59")

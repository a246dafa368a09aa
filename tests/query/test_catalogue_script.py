"""The script that compares the catalogue with what the service documents."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from catalogue import ACCEPTED, FILES, FOLDER, OWN_FIELDS, main, write_catalog

from comagic_cli.query.catalog import ReportType

MOMENT = "YYYY-MM-DD hh:mm:ss"


def documented(name: str, kind: str = "string", flags: str = "", **more: Any) -> dict[str, Any]:
    """Describe a field as the documentation does; flags are of f(ilter), s(ort), d(efault)."""
    known = {"filter": "f" in flags, "sort": "s" in flags, "default": "d" in flags}
    return {"name": name, "type": kind, **known, **more}


def printed(name: str, kind: str, **more: Any) -> dict[str, Any]:
    """Describe a member that only the printed answer has."""
    return {"name": name, "type": kind, "documented": False, **more}


def param(
    name: str, kind: str = "string", *, required: bool = False, **more: Any
) -> dict[str, Any]:
    return {"name": name, "type": kind, "required": required, **more}


USUAL = [param("access_token", required=True), param("user_id", "number"), param("limit", "number")]
PERIOD = [
    param(f"date_{end}", "iso8601", required=True, allowed=MOMENT) for end in ("from", "till")
]
ASKED = [
    param("fields", "array"),
    param("filters", "array"),
    param("field"),
    param("sort", "array"),
]


def method(name: str, fields: list[Any], params: list[Any], **more: Any) -> dict[str, Any]:
    facts = {"for_agents": True, "paged": True, "dated": False, "answers": "rows"}
    return {"method": name, **facts, **more, "params": [*USUAL, *params], "fields": fields}


CODED = [printed("value", "string"), printed("value_id", "")]
METHODS = [
    method(
        "get.calls",
        [
            documented("call_start_date_time", "iso8601", "fsd"),
            documented("call_status", "object", "fd", members=CODED),
            documented("tags", "object", "f", members=[documented("items", "array")]),
            documented("redirection_info", "string", "f"),
            printed("call_redirection_info", "string"),
            printed("employee_rating", ""),
        ],
        [*PERIOD, param("report_id", "number", required=True), param("fields", "array")],
        dated=True,
    ),
    method(
        "get.calls_report",
        [
            documented("id", "number", "f"),
            documented("start_time", "iso8601", "s", format=MOMENT),
            documented("direction", "enum", "fsd", values=["in", "out"]),
            documented("talk_duration", "number", "fd"),
            documented("sale_cost", "number", "fs"),
            documented("contact_id", "id"),
            documented("sale_cost", "number", "f"),
        ],
        [*PERIOD, *ASKED, param("include_ongoing_calls", "boolean")],
        dated=True,
    ),
    method(
        "get.tags",
        [
            documented("id", "number", "f"),
            documented("name", "string", "fs"),
            documented("rating", "number", "fs", in_example=False),
            documented("made", "date"),
        ],
        [*ASKED, param("state", "enum", allowed="on, off")],
    ),
    method(
        "getobj.site",
        [
            documented("domain_name", "nustringmber", members=[]),
            documented("creation_date", "date"),
        ],
        [param("site_id", "number", required=True)],
        paged=False,
        answers="one object",
    ),
]


def own(name: str, kind: str, flags: str = "", **more: Any) -> dict[str, Any]:
    """Write a field as the catalogue does, with the same flags."""
    return documented(name, kind, flags, **more)


def member(name: str, kind: str, *members: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "type": kind, **({"members": [*members]} if members else {})}


STATUS = [member("value_id", "string"), member("value", "string")]
CALLS: dict[str, Any] = {
    "command": "calls",
    "method": "get.calls",
    "title": "Calls",
    "type": "calls",
    "key": ["call_id"],
    "params": {},
    "fields": [
        own("call_start_date_time", "iso8601", "fsd", format=MOMENT, group="call"),
        own("call_status", "object", "fd", members=STATUS),
        own("tags", "object", "f", members=[member("items", "array", member("id", "number"))]),
        own("redirection_info", "string", "f", also=["call_redirection_info"]),
    ],
    "undocumented": [
        own("employee_rating", "number", "fs", documented=False, format="fraction"),
        own("colour", "string", documented=False),
    ],
}
OLDER: dict[str, Any] = {
    "command": "calls-report",
    "method": "get.calls_report",
    "title": "Calls: older",
    "family": "older",
    "max_days": 90,
    "key": ["id"],
    "time": ["start_time"],
    "params": {"include_ongoing_calls": {"type": "boolean"}},
    "fields": [
        own("id", "number", "fd"),
        own("start_time", "iso8601", "sd", format=MOMENT),
        own("direction", "string", "fsd", values=["in", "out"]),
        own("talk_duration", "duration", "fd"),
        own("sale_cost", "number", "fs", format="fraction"),
        own("contact_id", "number"),
    ],
}
TAGS: dict[str, Any] = {
    "command": "tags",
    "method": "get.tags",
    "title": "Tags",
    "family": "list",
    "key": ["id"],
    "dated": False,
    "params": {"state": {"type": "string", "values": ["on", "off"]}},
    "fields": [
        own("id", "number", "fd"),
        own("name", "string", "fsd"),
        own("rating", "number", "fs", format="fraction"),
        own("made", "iso8601", "d", format="YYYY-MM-DD"),
    ],
}
SITE: dict[str, Any] = {
    "command": "site",
    "method": "getobj.site",
    "title": "One site",
    "family": "object",
    "key": [],
    "dated": False,
    "paged": False,
    "takes": [],
    "params": {"site_id": {"type": "number", "required": True}},
    "fields": [
        own("domain_name", "string", "d"),
        own("creation_date", "iso8601", "d", format="YYYY-MM-DD"),
    ],
}
CATALOGUE = ([CALLS, OLDER], [TAGS, SITE])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, entries in zip(FILES, CATALOGUE, strict=True):
        (tmp_path / name).write_text(write_catalog(entries), encoding="utf-8")
    return tmp_path


@pytest.fixture
def methods() -> dict[str, Any]:
    return {each["method"]: each for each in deepcopy(METHODS)}


class Script:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys

    def run(self, methods: dict[str, Any], *options: str) -> tuple[int, list[str]]:
        path = self.folder / "methods.json"
        path.write_text(json.dumps([*methods.values()]), encoding="utf-8")
        code = main([str(path), "--folder", str(self.folder), *options])
        return code, self.capsys.readouterr().out.splitlines()

    def entries(self) -> tuple[list[Any], list[Any]]:
        """Read the two files, which are as they are written and fit the catalogue."""
        texts = [(self.folder / name).read_text(encoding="utf-8") for name in FILES]
        for text in texts:
            assert write_catalog(json.loads(text)) == text
            assert msgspec.json.decode(text, type=list[ReportType])
        reports, lists = map(json.loads, texts)
        return reports, lists


@pytest.fixture
def script(folder: Path, capsys: pytest.CaptureFixture[str]) -> Script:
    return Script(folder, capsys)


NOTHING = (0, ["nothing would change"])


def test_what_differs_on_purpose_is_no_change(script: Script, methods: dict[str, Any]) -> None:
    assert script.run(methods) == NOTHING
    assert script.run(methods, "--write") == NOTHING
    assert script.entries() == CATALOGUE


def find(fields: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(field for field in fields if field["name"] == name)


def test_every_kind_of_change_is_told_and_made(script: Script, methods: dict[str, Any]) -> None:
    calls, older = methods["get.calls"], methods["get.calls_report"]
    tags, site = methods["get.tags"], methods["getobj.site"]
    del methods["getobj.site"]

    fields = calls["fields"]
    find(fields, "call_status")["members"].append(documented("icon"))
    find(fields, "tags")["members"][0].update(type="object", filter=True)
    find(fields, "tags")["members"][0]["members"] = [documented("name")]
    find(fields, "redirection_info")["documented"] = False
    find(fields, "employee_rating").update(documented("employee_rating", "number", "f"))
    find(fields, "employee_rating").pop("documented")
    fields.append(printed("mood", "", members=[printed("smile", "boolean")]))

    fields = older["fields"]
    find(fields, "direction").update(sort=False, values=["in", "internal"])
    find(fields, "talk_duration")["type"] = "duration"
    find(fields, "start_time")["format"] = "YYYY-MM-DD"
    find(fields, "contact_id")["type"] = "string"
    fields.append(documented("wait_duration", "number", "fd"))
    fields.append(documented("total_charge", "number", "s"))
    fields.append(documented("source", "enum", values=["va", "sip"]))
    fields.remove(find(fields, "id"))
    older["params"] += [param("include_lost", "boolean", required=True)]
    older["params"] = [each for each in older["params"] if each["name"] != "include_ongoing_calls"]
    older["for_agents"] = False

    find(tags["fields"], "rating")["in_example"] = True
    find(tags["params"], "state").update(required=True, type="number", allowed="on off gone")
    tags["params"] = [each for each in tags["params"] if each["name"] != "sort"]
    tags["paged"] = False

    methods["get.teams"] = method(
        "get.teams",
        [documented("id", "number", "f"), documented("name"), printed("size", "number")],
        [*ASKED, param("kind", "enum", allowed="a, b")],
    )
    methods["getobj.tags"] = {**site, "method": "getobj.tags"}
    methods["delete.tags"] = {**site, "method": "delete.tags"}

    lines = [
        "get.calls: field call_status.icon is new: string",
        "get.calls: field tags.items: type was array, is object",
        "get.calls: field tags.items: filter was no, is yes",
        "get.calls: field tags.items.name is new: string",
        "get.calls: field tags.items.id is gone",
        "get.calls: field redirection_info is not documented any more",
        "get.calls: field employee_rating is documented now",
        "get.calls: field mood is new: of an unknown type, not documented",
        "get.calls_report: for_agents was yes, is no",
        "get.calls_report: parameter include_lost is new: boolean, required",
        "get.calls_report: parameter include_ongoing_calls is gone",
        f"get.calls_report: field start_time: format was {MOMENT}, is YYYY-MM-DD",
        "get.calls_report: field direction: sort was yes, is no",
        "get.calls_report: field direction: values: new: internal; gone: out",
        "get.calls_report: field contact_id: type was number, is string",
        "get.calls_report: field wait_duration is new: duration, filter, default",
        "get.calls_report: field total_charge is new: number, sort",
        "get.calls_report: field source is new: string, one of va sip",
        "get.calls_report: field id is gone",
        "get.tags: paged was yes, is no",
        "get.tags: takes: gone: sort",
        "get.tags: parameter state: type was string, is number",
        "get.tags: parameter state: required was no, is yes",
        "get.tags: parameter state: values: new: gone",
        "get.tags: field rating: default was no, is yes",
        "getobj.site: the method is gone",
        "get.teams: the method is new: list teams, 3 fields; write its title",
        "getobj.tags: the method is new: object tags-details, 2 fields; write its title",
    ]
    assert script.run(methods) == (1, lines)
    assert script.entries() == CATALOGUE
    assert script.run(methods, "--write") == (0, [*lines, f"written: {len(lines)} changes"])
    assert script.entries() == NEW_CATALOGUE
    assert script.run(methods) == NOTHING


NEW_CALLS = {
    **CALLS,
    "fields": [
        own("call_start_date_time", "iso8601", "fsd", format=MOMENT, group="call"),
        own("call_status", "object", "fd", members=[*STATUS, member("icon", "string")]),
        own(
            "tags",
            "object",
            "f",
            members=[{**member("items", "object", member("name", "string")), "filter": True}],
        ),
        own("employee_rating", "number", "f", format="fraction"),
    ],
    "undocumented": [
        own("colour", "string", documented=False),
        own("redirection_info", "string", "f", also=["call_redirection_info"], documented=False),
        own("mood", "", members=[member("smile", "boolean")], documented=False),
    ],
}
NEW_OLDER = {
    **OLDER,
    "for_agents": False,
    "params": {"include_lost": {"type": "boolean", "required": True}},
    "fields": [
        own("start_time", "iso8601", "sd", format="YYYY-MM-DD"),
        own("direction", "string", "fd", values=["in", "internal"]),
        own("talk_duration", "duration", "fd"),
        own("sale_cost", "number", "fs", format="fraction"),
        own("contact_id", "string"),
        own("wait_duration", "duration", "fd"),
        own("total_charge", "number", "s", format="fraction"),
        own("source", "string", values=["va", "sip"]),
    ],
}
NEW_TAGS = {
    **TAGS,
    "paged": False,
    "takes": ["fields", "filter"],
    "params": {"state": {"type": "number", "required": True, "values": ["on", "off", "gone"]}},
    "fields": [
        *TAGS["fields"][:2],
        own("rating", "number", "fsd", format="fraction"),
        TAGS["fields"][3],
    ],
}
TEAMS = {
    "command": "teams",
    "method": "get.teams",
    "title": "",
    "family": "list",
    "key": ["id"],
    "key_is_unique": True,
    "dated": False,
    "params": {"kind": {"type": "string", "values": ["a", "b"]}},
    "fields": [own("id", "number", "fd"), own("name", "string", "d")],
    "undocumented": [own("size", "number", documented=False)],
}
TAG_DETAILS = {
    **SITE,
    "command": "tags-details",
    "method": "getobj.tags",
    "title": "",
    "key_is_unique": False,
    "fields": [own("domain_name", "", "d"), SITE["fields"][1]],
}
NEW_CATALOGUE = ([NEW_CALLS, NEW_OLDER], [NEW_TAGS, TEAMS, TAG_DETAILS])


def test_an_answer_can_become_one_object(script: Script, methods: dict[str, Any]) -> None:
    methods["get.tags"]["answers"] = "one object"
    assert script.run(methods) == (1, ["get.tags: it answers one object now"])
    methods["getobj.site"]["answers"] = "rows"
    _, lines = script.run(methods, "--write")
    assert lines == [
        "get.tags: it answers one object now",
        "getobj.site: it answers rows now",
        "written: 2 changes",
    ]
    assert script.run(methods) == NOTHING


def test_all_fields_of_an_older_report_are_default_where_none_is(
    script: Script, methods: dict[str, Any]
) -> None:
    for each in methods["get.calls_report"]["fields"]:
        each["default"] = False
    assert script.run(methods) == (
        1,
        [
            "get.calls_report: field sale_cost: default was no, is yes",
            "get.calls_report: field contact_id: default was no, is yes",
        ],
    )


@pytest.mark.parametrize("line", ["get.calls: field cdrs.id: type was number, is string"])
def test_an_accepted_change_is_not_told(script: Script, methods: dict[str, Any], line: str) -> None:
    assert line in {each for lines in ACCEPTED.values() for each in lines}
    fields = [*CALLS["fields"][:3], own("cdrs", "array", "f", members=[member("id", "number")])]
    text = write_catalog([{**CALLS, "fields": fields}, OLDER])
    (script.folder / FILES[0]).write_text(text, encoding="utf-8")
    cdrs = documented("cdrs", "array", "f", members=[documented("id")])
    old = methods["get.calls"]["fields"]
    methods["get.calls"]["fields"] = [*old[:3], cdrs, old[5]]
    assert script.run(methods) == NOTHING
    cdrs["members"][0]["type"] = "boolean"
    assert script.run(methods) == (1, [line.replace("string", "boolean")])


def test_fields_stay_where_the_documentation_has_none(
    script: Script, methods: dict[str, Any]
) -> None:
    (name,) = OWN_FIELDS
    text = write_catalog([CALLS, {**OLDER, "command": "campaign-daily-stat", "method": name}])
    (script.folder / FILES[0]).write_text(text, encoding="utf-8")
    older = methods.pop("get.calls_report")
    methods[name] = {**older, "method": name, "fields": []}
    assert script.run(methods) == NOTHING
    methods[name]["fields"] = older["fields"][1:]
    assert script.run(methods) == (1, [f"{name}: field id is gone"])


def test_accepted_changes_are_of_known_methods() -> None:
    known = {
        entry["method"]
        for name in FILES
        for entry in json.loads((FOLDER / name).read_text(encoding="utf-8"))
    }
    lines = [line for lines in ACCEPTED.values() for line in lines]
    assert {line.partition(":")[0] for line in lines} <= known
    assert len(set(lines)) == len(lines)


LAYOUT = """\
[
 {"command": "a", "params": {"b": {"type": "string"}},
  "fields": []},
 {"command": "c",
  "fields": [
   {"name": "d", "members": [{"name": "имя"}]},
   {"name": "e"}
  ],
  "undocumented": [
   {"name": "f"}
  ]}
]
"""


def test_a_field_has_a_line() -> None:
    entries: list[dict[str, Any]] = [
        {"params": {"b": {"type": "string"}}, "fields": [], "command": "a"},
        {
            "command": "c",
            "undocumented": [{"name": "f"}],
            "fields": [{"name": "d", "members": [{"name": "имя"}]}, {"name": "e"}],
        },
    ]
    assert write_catalog(entries) == LAYOUT


@pytest.mark.parametrize("text", [None, "not JSON"])
def test_a_file_that_cannot_be_read_is_not_a_change(tmp_path, capsys, text) -> None:
    methods = tmp_path / "methods.json"
    if text is not None:
        methods.write_text(text)
    with pytest.raises(SystemExit) as ended:
        main([str(methods)])
    assert ended.value.code == 2
    assert f"{methods} can't be read" in capsys.readouterr().err

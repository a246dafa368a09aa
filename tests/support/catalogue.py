"""Tell what a newer list of the service's methods would change in the catalogue.

    python tests/support/catalogue.py METHODS.json [--write] [--folder FOLDER]

METHODS.json describes the methods as their documentation does. The catalogue has facts that the
documentation lacks, and is right where it is known to be wrong: what is meant to differ is either
a rule below or a line of `ACCEPTED`. Exits with 0 if nothing would change or all is written, with
1 if something would change, and with 2 if METHODS.json can't be read.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

Entry: TypeAlias = dict[str, Any]
"""An entry of the catalogue, a method of METHODS.json, or a field, member or parameter of one."""

FOLDER = Path(__file__).parents[2] / "comagic_cli" / "query"
FILES = ("reports.json", "lists.json")


class Change(NamedTuple):
    """A change of the catalogue, in words, and what makes it."""

    line: str
    make: Callable[[], object]


# What the documentation says otherwise

OWN_FIELDS = {
    "get.campaign_daily_stat": "ours are from the vendor's page",
}
"""Methods whose fields stay where METHODS.json has none, and why."""

ACCEPTED = {
    "the members of its coded values stand beside them in the table": (
        "get.chats: field value is new: string",
        "get.chats: field value_id is new: string",
        "get.notifications: field value is new: string",
        "get.notifications: field value_id is new: string",
    ),
    "the members of the items stand beside them in the table": (
        "get.call_details: field tags.id is new: number",
        "get.call_details: field tags.name is new: string",
    ),
    "the service answers otherwise": (
        "get.calls: field cdrs.id: type was number, is string",
        "get.call_details: field call_records: type was object, is array",
        "get.call_details: field call_records.communication_comment: type was object, is string",
        "get.call_details: field call_records.communication_comment: filter was no, is yes",
        "get.call_details: field communication_comment is not documented any more",
    ),
    "events are the same as those of calls, which have these members": (
        "get.person_details: field person_events.duration is gone",
        "get.person_details: field person_events.is_failed is gone",
        "get.person_details: field person_events.fail_hint is gone",
        "get.person_details: field person_events.data is gone",
    ),
    "the format is misspelt there": (
        "get.chats_report: field sale_date: format was YYYY-MM-DD hh:mm:ss, is hh:mm:ss",
        "get.offline_messages_report: field sale_date: format was YYYY-MM-DD hh:mm:ss, is hh:mm:ss",
    ),
    "one chat can be named by chat_ids, and a period by dates instead": (
        "get.chat_messages_report: parameter chat_id is new: number, required",
        "get.chat_messages_report: parameter chat_ids: required was no, is yes",
    ),
    "it is the title of the parameters that follow": (
        "get.number_user_charges_and_costs_summary: parameter params is new: number, required",
    ),
    "it only narrows the answer": (
        "get.column_transfer_reports_list: parameter id: required was no, is yes",
        "get.tariff_plans: parameter id: required was no, is yes",
        "get.tariff_plans: parameter name: required was no, is yes",
    ),
    "ids of persons are numbers": (
        "get.person_events: parameter person_id: type was number, is string",
        "getobj.person_summary: parameter person_id: type was number, is string",
    ),
}
"""Changes that are not wanted, by why. One that becomes another is printed again."""


# How a documented fact is written in the catalogue

TYPES = {"string", "number", "boolean", "iso8601", "duration", "object", "array"}
RENAMED = {"enum": "string", "text": "string", "id": "number", "date": "iso8601"}
DAY = "YYYY-MM-DD"
DATETIME = f"{DAY} hh:mm:ss"
MONEY = re.compile(r"(^|_)(charge|costs?|price|rating|ratio|revenue)($|_)")
"""Numbers that can have a fraction, where the catalogue does not know better."""
STANDARD = {
    *("access_token", "user_id", "fields", "sort", "order", "limit", "offset"),
    *("filter", "filters", "field", "operator", "value", "date_from", "date_till"),
}
"""Parameters of all methods, or parts of such, which the catalogue does not list."""
TAKES = ["fields", "filter", "sort"]
FLAGS = {"for_agents": True, "paged": True, "dated": True, "takes": TAKES}
"""What the catalogue says of a method, and what is meant where it does not."""
READS = re.compile(r"get(obj)?\.")
"""Methods that change nothing."""


def type_of(documented: Entry) -> str:
    """Return the type of a field or parameter; "" for one that is unknown."""
    name = RENAMED.get(documented["type"], documented["type"])
    return name if name in TYPES else ""


def flags_of(method: Entry, family: str) -> Entry:
    """Return what a method is; all flat reports take fields, filters and sorts."""
    names = {param["name"] for param in method["params"]}
    if "filters" in names:
        names.add("filter")
    takes = [name for name in TAKES if name in names or family == "flat"]
    return {**{name: method[name] for name in FLAGS if name != "takes"}, "takes": takes}


def params_of(method: Entry, family: str) -> dict[str, Entry]:
    """Return the parameters that a method has of its own."""
    standard = STANDARD | ({"report_id"} if family == "flat" else set())
    params: dict[str, Entry] = {}
    for param in method["params"]:
        if param["name"] not in standard:
            params.setdefault(param["name"], _param(param))
    return params


def _param(documented: Entry) -> Entry:
    param: Entry = {"type": type_of(documented)}
    if documented["required"]:
        param["required"] = True
    if documented.get("allowed") and param["type"] != "iso8601":
        param["values"] = re.findall(r"[^\s,\"]+", documented["allowed"])
    return param


def fields_of(method: Entry, entry: Entry) -> dict[str, Entry]:
    """Return the fields of a method, each name once."""
    names_always = {name.partition(".")[0] for name in (*entry["key"], *entry.get("time", ()))}
    nothing_is_default = not any(field.get("default") for field in method["fields"])
    fields: dict[str, Entry] = {}
    for documented in method["fields"]:
        name = documented["name"]
        if name in fields:
            continue
        field = fields[name] = _field(documented)
        family = entry.get("family", "flat")
        if "documented" in field:
            continue
        if family in {"list", "object"}:
            field["default"] = documented.get("in_example", True)
        elif family == "older" and (name in names_always or nothing_is_default):
            field["default"] = True
    return fields


def _field(documented: Entry) -> Entry:
    flags = {name: documented.get(name, False) for name in ("filter", "sort", "default")}
    field: Entry = {"name": documented["name"], "type": type_of(documented), **flags}
    if field["type"] == "number" and "duration" in field["name"]:
        field["type"] = "duration"
    if field["type"] == "number" and MONEY.search(field["name"]):
        field["format"] = "fraction"
    if field["type"] == "iso8601":
        usual = DAY if documented["type"] == "date" else DATETIME
        field["format"] = documented.get("format") or usual
    if field["type"] == "string" and documented.get("values"):
        field["values"] = documented["values"]
    if documented.get("members"):
        field["members"] = _members(documented["members"])
    if not documented.get("documented", True):
        field["documented"] = False
    return field


def _members(documented: Iterable[Entry]) -> list[Entry]:
    """Return members as the catalogue has them; `documented` stays, to be taken off."""
    members: dict[str, Entry] = {}
    for each in documented:
        member = {"name": each["name"], "type": type_of(each)}
        if each.get("members"):
            member["members"] = _members(each["members"])
        if each.get("filter"):
            member["filter"] = True
        if not each.get("documented", True):
            member["documented"] = False
        members.setdefault(each["name"], member)
    return list(members.values())


def entry_of(method: Entry, taken: Iterable[str]) -> Entry:
    """Make an entry of a new method; its title is for a person to write."""
    family = "object" if method["answers"] == "one object" else "list"
    verb, _, name = method["method"].partition(".")
    command = name.replace("_", "-")
    entry: Entry = {
        "command": f"{command}-details" if command in taken else command,
        "method": f"{verb}.{name}",
        "title": "",
        "family": family,
        "key": ["id"] if any(field["name"] == "id" for field in method["fields"]) else [],
    }
    entry["key_is_unique"] = bool(entry["key"])
    for flag, value in flags_of(method, family).items():
        _set(entry, flag, value, FLAGS[flag])
    fields = fields_of(method, entry).values()
    entry["params"] = params_of(method, family)
    entry["fields"] = [_plain(field) for field in fields if "documented" not in field]
    if undocumented := [_plain(field) for field in fields if "documented" in field]:
        entry["undocumented"] = undocumented
    return entry


def _plain(field: Entry) -> Entry:
    """Take off what the catalogue does not say of members."""
    members = [
        {key: value for key, value in _plain(member).items() if key != "documented"}
        for member in field.get("members", ())
    ]
    return {**field, "members": members} if members else field


# Changes


class Catalogue:
    """The two files of the catalogue: read, compared with the methods, and written."""

    def __init__(self, folder: Path) -> None:
        self.paths = [folder / name for name in FILES]
        self.files = [json.loads(path.read_text(encoding="utf-8")) for path in self.paths]

    def changes(self, methods: list[Entry]) -> list[Change]:
        """Return the changes that the methods ask for, without the accepted ones."""
        by_name = {method["method"]: method for method in methods}
        found: list[Change] = []
        for entries in self.files:
            for entry in entries:
                if method := by_name.pop(entry["method"], None):
                    found += changes_of(entry, method)
                else:
                    line = f"{entry['method']}: the method is gone"
                    found.append(Change(line, partial(entries.remove, entry)))
        found += [self._new(method) for method in by_name.values() if READS.match(method["method"])]
        accepted = {line for lines in ACCEPTED.values() for line in lines}
        return [change for change in found if change.line not in accepted]

    def _new(self, method: Entry) -> Change:
        entry = entry_of(method, {entry["command"] for entries in self.files for entry in entries})
        count = len(entry["fields"]) + len(entry.get("undocumented", ()))
        kind = f"{entry['family']} {entry['command']}, {count} fields"
        line = f"{method['method']}: the method is new: {kind}; write its title"
        return Change(line, partial(self._add, entry))

    def _add(self, entry: Entry) -> None:
        """Add an entry to the lists: those of rows, then those of one object, by command."""
        lists = self.files[1]
        lists.append(entry)
        lists.sort(key=lambda each: (each["family"] == "object", each["command"]))

    def write(self) -> None:
        """Write the files."""
        for path, entries in zip(self.paths, self.files, strict=True):
            path.write_text(write_catalog(entries), encoding="utf-8")


def changes_of(entry: Entry, method: Entry) -> Iterator[Change]:
    """Compare an entry with its method."""
    name, family = entry["method"], entry.get("family", "flat")
    if (family == "object") != (method["answers"] == "one object"):
        other = "list" if family == "object" else "object"
        line = f"{name}: it answers {method['answers']} now"
        yield Change(line, partial(entry.__setitem__, "family", other))
    for flag, value in flags_of(method, family).items():
        yield from _changed(name, flag, entry, value, FLAGS[flag])
    yield from _changes_of_params(entry, params_of(method, family))
    if method["fields"] or name not in OWN_FIELDS:
        yield from _changes_of_fields(entry, fields_of(method, entry))


def _changes_of_params(entry: Entry, wanted: dict[str, Entry]) -> Iterator[Change]:
    own = entry["params"]
    for name, param in wanted.items():
        where = f"{entry['method']}: parameter {name}"
        if name not in own:
            yield Change(f"{where} is new: {_facts(param)}", partial(own.__setitem__, name, param))
            continue
        if param["type"]:
            yield from _changed(where, "type", own[name], param["type"])
        yield from _changed(where, "required", own[name], param.get("required", False), usual=False)
        yield from _changed(where, "values", own[name], param.get("values", []), [])
    for name in [name for name in own if name not in wanted]:
        yield Change(f"{entry['method']}: parameter {name} is gone", partial(own.pop, name))


def _changes_of_fields(entry: Entry, wanted: dict[str, Entry]) -> Iterator[Change]:
    own = {field["name"]: field for field in entry["fields"]}
    more = {field["name"]: field for field in entry.get("undocumented", ())}
    aliases = {
        alias for field in (*own.values(), *more.values()) for alias in field.get("also", ())
    }
    for name, field in wanted.items():
        where = f"{entry['method']}: field {name}"
        is_documented = "documented" not in field
        if name in aliases:
            continue
        if name not in own and name not in more:
            yield Change(f"{where} is new: {_facts(field)}", partial(_add, entry, _plain(field)))
        elif is_documented == (name in own):
            yield from _changes_of_field(where, own.get(name) or more[name], field)
        else:
            words = "is documented now" if is_documented else "is not documented any more"
            move = partial(_move, entry, own.get(name) or more[name], _plain(field))
            yield Change(f"{where} {words}", move)
    for name in [name for name in own if name not in wanted]:
        remove = partial(entry["fields"].remove, own[name])
        yield Change(f"{entry['method']}: field {name} is gone", remove)


def _changes_of_field(where: str, own: Entry, field: Entry) -> Iterator[Change]:
    """Compare a field. An unknown type, and a number's format, are known better here."""
    if field["type"]:
        yield from _changed(where, "type", own, field["type"])
    if "documented" not in field:
        for flag in ("filter", "sort", "default"):
            yield from _changed(where, flag, own, field[flag])
        if not own["type"] == field["type"] == "number":
            yield from _changed(where, "format", own, field.get("format", ""), "")
        yield from _changed(where, "values", own, field.get("values", []), [])
    yield from _changes_of_members(where, own, field.get("members", []))


def _changes_of_members(where: str, own: Entry, wanted: list[Entry]) -> Iterator[Change]:
    """Compare members, where the documentation has any: it says nothing of most objects."""
    known = {member["name"]: member for member in own.get("members", ())}
    for member in wanted:
        place = f"{where}.{member['name']}"
        mine, is_documented = known.pop(member["name"], None), "documented" not in member
        if mine is None:
            if is_documented:
                add = partial(_add_member, own, _plain(member))
                yield Change(f"{place} is new: {_facts(member)}", add)
            continue
        if member["type"]:
            yield from _changed(place, "type", mine, member["type"])
        if is_documented:
            yield from _changed(place, "filter", mine, member.get("filter", False), usual=False)
        yield from _changes_of_members(place, mine, member.get("members", []))
    for name, mine in known.items() if wanted else ():
        yield Change(f"{where}.{name} is gone", partial(own["members"].remove, mine))


def _changed(
    where: str, name: str, own: Entry, value: object, usual: object = None
) -> Iterator[Change]:
    """Compare one value; `usual` is what is meant where the catalogue has none."""
    old = own.get(name, usual)
    if isinstance(old, list) and isinstance(value, list):
        new, gone = [each for each in value if each not in old], [x for x in old if x not in value]
        parts = [f"new: {', '.join(new)}"] * bool(new) + [f"gone: {', '.join(gone)}"] * bool(gone)
        words = f"{name}: {'; '.join(parts)}" if parts else ""
    else:
        words = f"{name} was {_say(old)}, is {_say(value)}" if old != value else ""
    if words:
        yield Change(f"{where}: {words}", partial(_set, own, name, value, usual))


def _say(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value or "unknown")


def _facts(wanted: Entry) -> str:
    """Describe what is new."""
    words = [wanted["type"] or "of an unknown type"]
    words += [name for name in ("required", "filter", "sort", "default") if wanted.get(name)]
    words += [f"one of {' '.join(wanted['values'])}"] if "values" in wanted else []
    words += ["not documented"] if "documented" in wanted else []
    return ", ".join(words)


def _set(target: Entry, name: str, value: object, usual: object) -> None:
    """Set a value, or remove it where it is the usual one."""
    if value == usual:
        target.pop(name, None)
    else:
        target[name] = value


def _add(entry: Entry, field: Entry) -> None:
    part = "undocumented" if "documented" in field else "fields"
    entry.setdefault(part, []).append(field)


def _add_member(own: Entry, member: Entry) -> None:
    member.pop("documented", None)
    own.setdefault("members", []).append(member)


def _move(entry: Entry, own: Entry, field: Entry) -> None:
    """Move a field to the documented ones, or to the others, with what is known of it."""
    part = "fields" if own in entry["fields"] else "undocumented"
    entry[part].remove(own)
    if not entry[part] and part == "undocumented":
        del entry[part]
    known = {name: value for name, value in own.items() if name != "documented"}
    _add(entry, {**known, **field, "type": field["type"] or own["type"]})


# The layout of the files

HEAD = [
    *("command", "method", "title", "family", "type", "max_days", "key", "key_is_unique", "time"),
    *("dated", "paged", "takes", "for_agents", "params"),
]


def write_catalog(entries: Iterable[Entry]) -> str:
    """Write the entries of a file: a line of what an entry is, then a line for each field."""
    return "[\n" + ",\n".join(map(_write_entry, entries)) + "\n]\n"


def _write_entry(entry: Entry) -> str:
    head = json.dumps({name: entry[name] for name in HEAD if name in entry}, ensure_ascii=False)
    parts = [_write_fields(part, entry[part]) for part in PARTS if part in entry]
    return f" {head[:-1]},\n" + ",\n".join(parts) + "}"


PARTS = ("fields", "undocumented")


def _write_fields(part: str, fields: list[Entry]) -> str:
    lines = ",\n".join(f"   {json.dumps(field, ensure_ascii=False)}" for field in fields)
    return f'  "{part}": [\n{lines}\n  ]' if fields else f'  "{part}": []'


def main(arguments: list[str]) -> int:
    """Print what would change, or change it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("methods", type=Path, metavar="METHODS.json")
    parser.add_argument("--write", action="store_true", help="change the files")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the two files are")
    options = parser.parse_args(arguments)
    catalogue = Catalogue(options.folder)
    try:
        methods = json.loads(options.methods.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        parser.error(f"{options.methods} can't be read: {error}")
    changes = catalogue.changes(methods)
    lines = [change.line for change in changes] or ["nothing would change"]
    if options.write and changes:
        for change in changes:
            change.make()
        catalogue.write()
        lines.append(f"written: {len(changes)} changes")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if changes and not options.write else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

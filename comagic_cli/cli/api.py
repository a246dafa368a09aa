"""`comagic api`: call a read-only method and print the answer unchanged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO

import click
import msgspec

from comagic_cli.api.lists import Call, Items, ask_items, read_items
from comagic_cli.cli import completion as complete
from comagic_cli.cli.options import (
    DRY_RUN,
    MAX_ROWS,
    QUIET,
    VERBOSE,
    connection_options,
    declare_format,
    declare_output,
    help_option,
    make_context,
    query_option,
)
from comagic_cli.cli.params import ExportCommand
from comagic_cli.errors import Refused, UsageProblem
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.context import STDIN, Context
from comagic_cli.export.options import ServiceOptions, terminal_of, terminal_options
from comagic_cli.export.plan import masked_call
from comagic_cli.files.output import open_output
from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.registry import make_sink
from comagic_cli.query.catalog import Field, page_size_of
from comagic_cli.rows.page import Page

FORMATS = ("json", "jsonl", "csv", "tsv", "table")


@click.command(cls=ExportCommand)
@click.argument("method", shell_complete=complete.complete_methods)
@query_option(
    "--params",
    metavar="JSON",
    default="{}",
    help="The parameters: an object, @FILE of one, or - for stdin.",
)
@declare_format(FORMATS, default="json", show_default=True)
@declare_output()
@MAX_ROWS
@DRY_RUN
@QUIET
@VERBOSE
@connection_options
@help_option
def api(
    method: str,
    params: str,
    format: str,  # noqa: A002 - the option's own name
    output: str | None,
    max_rows: int | None,
    *,
    dry_run: bool,
    **values: Any,
) -> None:
    """Call a read-only API method and print the answer.

    METHOD begins with get. or getobj. The token is added, and --user-id if given. A list is
    paged to its end; with limit or offset in the parameters, only one call is made.

    \b
    Examples:
      comagic api get.account --sandbox
      comagic api get.reports_list --sandbox -f table
      comagic api getobj.columns_tree --sandbox --params '{"report_type":"calls"}'
    """  # noqa: D301 - \b is Click's
    options = ServiceOptions(**values)
    context = make_context(options)
    request = Request.parse(method, params, context)
    if dry_run:
        user = {} if options.user_id is None else {"user_id": options.user_id}
        call = masked_call(request.method, user | dict(request.params))
        context.print(msgspec.json.format(msgspec.json.encode(call), indent=2).decode())
        return
    with connect(options, context) as connection:
        try:
            print_answer(request, connection, format, output, max_rows)
        except Refused as refused:
            refused.hint = _params_hint(refused)
            raise


def _params_hint(refused: Refused) -> str:
    """Return what to do about a refusal: parameters are in --params, not in options."""
    name = re.split(r"\W", refused.field)[0]
    if refused.mnemonic == "method_not_found":
        return "Check the name of the method."
    if name == "report_id":
        return "Put report_id into --params (comagic reports lists the ids)."
    if name == "user_id":
        return refused.hint
    return f"Check {name} in --params." if name else "Check --params."


READS = re.compile(r"(get|getobj)(\.[a-z0-9_]+)+", re.ASCII)
EXAMPLE = """Example: --params '{"report_type": "calls"}'"""
VALUE = "value"  # the column of items that are not objects


@dataclass(frozen=True)
class Request:
    """A read-only method and its parameters, without the token."""

    method: str
    params: Mapping[str, Any]

    @classmethod
    def parse(cls, method: str, params: str, context: Context) -> Request:
        """Check the method, and read its parameters. Raises `UsageProblem`."""
        if not READS.fullmatch(method):
            raise UsageProblem(
                f"{method!r} is not a read-only method, and no other is called",
                hint="Read-only methods begin with get. or getobj.",
            )
        values = read_params(params, context)
        if "access_token" in values:
            raise UsageProblem(
                "--params: the token can't be a parameter: others could see it",
                hint="Put it in COMAGIC_TOKEN, or in a file for --token-file.",
            )
        return cls(method, values)

    def pages(self, call: Call, note: Any) -> Iterator[Items]:
        """Yield the answers; a method of `getobj.` returns one object, without paging."""
        if self.method.startswith("getobj."):
            yield read_items(call(self.method, self.params), self.method)
        else:
            yield from ask_items(call, self.method, self.params, note, page_size_of(self.method))


def read_params(value: str, context: Context) -> dict[str, Any]:
    """Read the parameters; numbers keep their digits. Raises `UsageProblem`."""
    text, place = _read_text(value, context)
    try:
        params = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{place} is not a JSON object: {error}", hint=EXAMPLE) from error
    return {name: _readable(value) for name, value in params.items()}


def print_answer(
    request: Request, connection: Connection, format_: str, output: str | None, max_rows: int | None
) -> None:
    """Send a request and print the answer. Raises `ComagicError`."""
    context = connection.context
    pages = limit_items(request.pages(connection.call, connection.note), max_rows)
    first = next(pages)  # before the file is opened: a refusal must not leave one
    format_options = terminal_options(terminal_of(output, context.terminal))
    with open_output(output, context.stdout, find_store=context.find_store) as stream:
        write_items(stream, format_, chain([first], pages), format_options)


def limit_items(pages: Iterator[Items], max_items: int | None) -> Iterator[Items]:
    """Yield pages, at least one, until there are `max_items` items."""
    remaining = max_items
    for page in pages:
        if remaining is None:
            yield page
            continue
        yield Items(page.items[:remaining], page.marker, is_list=page.is_list)
        remaining -= len(page.items)
        if remaining <= 0:
            return


def write_items(
    stream: BinaryIO, format_: str, pages: Iterator[Items], format_options: FormatOptions
) -> None:
    """Write the items: JSON item by item; other formats after the last page, for the columns."""
    if format_ == "json":
        _write_json(stream, pages)
    elif format_ == "jsonl":
        stream.writelines(
            _formatted(item, page, -1) + b"\n" for page in pages for item in page.items
        )
    else:
        _write_columns(stream, format_, pages, format_options)


def columns_of(pages: list[Items]) -> list[str]:
    """Return the columns of all items, in the order of their first appearance."""
    names: dict[str, None] = {}
    for page in pages:
        for item in page.items:
            names |= dict.fromkeys(_members(item))
    return list(names)


def _write_json(stream: BinaryIO, pages: Iterator[Items]) -> None:
    prefix = b"["
    try:
        for page in pages:
            if not page.is_list:
                stream.write(_formatted(page.items[0], page, 2))
                prefix = b""
                continue
            for item in page.items:
                stream.write(prefix + b"\n  " + _formatted(item, page, 2).replace(b"\n", b"\n  "))
                prefix = b","
    finally:
        stream.write({b"": b"\n", b"[": b"[]\n"}.get(prefix, b"\n]\n"))


def _write_columns(
    stream: BinaryIO, format_: str, pages: Iterator[Items], format_options: FormatOptions
) -> None:
    answers: list[Items] = []
    try:
        answers.extend(pages)
    finally:
        if names := columns_of(answers):
            sink = make_sink(format_, stream, [Field(name) for name in names], format_options)
            sink.begin()
            for page in answers:
                if page.items:
                    sink.write(Page(list(map(_as_object, page.items)), page.marker))
            sink.end()


def _as_object(item: msgspec.Raw) -> bytes:
    return bytes(item) if _is_object(item) else b'{"%s":%s}' % (VALUE.encode(), bytes(item))


def _members(item: msgspec.Raw) -> list[str]:
    if not _is_object(item):
        return [VALUE]
    return list(msgspec.json.decode(item, type=dict[str, msgspec.Raw]))


def _is_object(item: msgspec.Raw) -> bool:
    return bytes(item).startswith(b"{")


def _formatted(item: msgspec.Raw, page: Items, indent: int) -> bytes:
    text = msgspec.json.format(bytes(item), indent=indent)
    return text.replace(page.marker, b"\\u") if page.marker else text


def _read_text(value: str, context: Context) -> tuple[str | bytes, str]:
    """Return the JSON of --params, and its name for messages."""
    if value == STDIN:
        return context.read_text(STDIN, "--params"), "--params: standard input"
    if value.startswith("@"):
        return context.read_text(value[1:], "--params"), f"--params: {value[1:]}"
    return value.encode(errors="surrogateescape"), "--params"


def _readable(value: msgspec.Raw) -> Any:
    """Decode a string, so that messages can show it; leave other values as JSON."""
    text = bytes(value)
    return json.loads(text) if text.startswith(b'"') else value

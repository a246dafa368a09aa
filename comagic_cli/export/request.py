"""An export as it was asked for: the options and the account make the request and the output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from comagic_cli.api.endpoints import ask_state, find_report_id
from comagic_cli.config.services import BRANDS, DEFAULT
from comagic_cli.errors import ComagicError, UsageProblem
from comagic_cli.export.account import find_titles, find_values, with_columns
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.context import STDIN, Context
from comagic_cli.export.customers import (
    Customers,
    CustomersReader,
    PageReader,
    find_customers,
    period_in_utc,
)
from comagic_cli.export.manifest import find_named, name_beside
from comagic_cli.export.options import ExportOptions, OutputSpec
from comagic_cli.files.output import is_file
from comagic_cli.formats.base import ZONED
from comagic_cli.formats.recordings import SAVED, parse_manifest
from comagic_cli.formats.transforms import APPS, NEEDED, web_account
from comagic_cli.formats.typed import kind_of
from comagic_cli.query.catalog import (
    FIRST_COLUMNS,
    Field,
    ReportType,
    name_first_columns,
    reports,
)
from comagic_cli.query.empty import text_conditions, unlisted_values, wrong_quotes
from comagic_cli.query.fields import ExportRequest, build_request
from comagic_cli.query.filter.compiler import Filter
from comagic_cli.query.filter.json import (
    NOTHING_SAVED,
    JsonFilter,
    SavedReport,
    read_json_filter,
    read_saved,
    validate,
)
from comagic_cli.query.filter.tree import to_expression
from comagic_cli.query.ids import Id, is_number, read_ids
from comagic_cli.query.older import naming_older as naming_older_report
from comagic_cli.query.period import NO_PERIOD, Period, resolve
from comagic_cli.query.query import IDS, Query

TYPED_IDS = "0123456789,;# \t"  # what ids are typed with; anything else is the name of a file
TITLE = re.compile(r"(?!\s*[{\[])[^\n]*[^\W\d_][^\n]*\n")  # a header before ids
UNKNOWN_ID = "(asked of the account)"  # a report id that is not known yet
SAVED_INSTEAD = ("fields", "sort")  # options that --as-saved replaces unless they are typed


JSON_LINES = OutputSpec("jsonl")


@dataclass(frozen=True)
class ExportJob:
    """One export: what is asked, as typed and as checked; how rows are written; the context."""

    request: ExportRequest
    options: ExportOptions
    context: Context
    output: OutputSpec = JSON_LINES

    def with_formatting(self, **changes: Any) -> ExportJob:
        """Change some of the format options."""
        format_options = replace(self.output.format_options, **changes)
        return replace(self, output=replace(self.output, format_options=format_options))

    @property
    def is_dated(self) -> bool:
        """Whether a period chooses the rows."""
        return self.request.report.dated and IDS[1] not in self.request.extra

    @property
    def needs_zone(self) -> bool:
        """Whether rows are written with times that need the account's zone."""
        if self.output.format_options.times == "iso":
            return True
        kinds = {kind_of(self.request.report.field(name)) for name in self.request.columns}
        return self.output.format in ZONED and "datetime" in kinds


def read_job(report: ReportType, options: ExportOptions, context: Context) -> ExportJob:
    """Read and check what was typed, and add what was saved in the web account.

    The account is asked only for what is saved, and for its columns where a field may be one of
    them. The options of the job name the report, once it is known. Raises `UsageProblem`.
    """
    if options.as_saved and options.users:
        raise UsageProblem(
            "--as-saved: several customers have no saved report in common",
            hint="Export one customer at a time, or type --fields, --where and --sort.",
        )
    if options.as_saved:
        defaults = {name: () for name in SAVED_INSTEAD if name not in options.typed}
        options = replace(options, **defaults)  # type: ignore[arg-type]  # both are tuples of texts
    filter_ = Filter(options.where, _json_filters(options, context))
    ids = _find_ids(report, options, context)
    extra = _own_params(report, options, ids)

    def build(saved: SavedReport = NOTHING_SAVED) -> ExportRequest:
        def build_with(known: ReportType) -> ExportRequest:
            return build_request(known, options.fields, options.sort, filter_, saved)

        request = with_columns(report, build_with, options, context)
        request = replace(request, extra=extra, ids=ids)
        request = _with_recordings(request) if options.record_urls else request
        return _with_files(request) if options.record_files else request

    job = ExportJob(build(), options, context)
    if not options.as_saved or options.dry_run:
        return job
    with naming_older(job):
        return _add_saved(report, options, context, build)


def _json_filters(options: ExportOptions, context: Context) -> tuple[JsonFilter, ...]:
    name = options.filter_json
    if name is None:
        return ()
    if name == STDIN and STDIN in options.ids:
        raise UsageProblem("--filter-json and --ids: standard input can be read only once")
    text = context.read_text(name, "--filter-json")
    return (read_json_filter(text, f"--filter-json {name}"),)


def _add_saved(
    report: ReportType,
    options: ExportOptions,
    context: Context,
    build: Callable[[SavedReport], ExportRequest],
) -> ExportJob:
    with connect(options, context) as connection:
        number = find_report_id(connection.call, report, options.report_id, connection.note)
        saved = read_saved(ask_state(connection.call, number))
        request = build(saved)
        for line in _origins(request, saved, options):
            connection.note(line)
    return ExportJob(request, replace(options, report_id=str(number)), context)


def _origins(request: ExportRequest, saved: SavedReport, options: ExportOptions) -> Iterator[str]:
    """Say where the columns, the order and the filters come from."""
    parts = (("columns", options.fields, saved.columns), ("sort", options.sort, saved.sort))
    for name, typed, kept in parts:
        values = {"columns": ",".join(request.columns), "sort": ",".join(map(str, request.sort))}
        origin = "typed" if typed else "as saved" if kept else "none is saved"
        yield f"{name} {origin}: {values[name] or 'by time'}"
    for given in saved.filters:
        tree = validate(given, request.report, [])
        text = to_expression(tree) if tree else "none"
        yield f"{given.origin.rpartition(' ')[2]} as saved: {text}"
    for text in options.where:
        yield f"filter typed: {text}"
    yield "the saved dates are not used: see --from, --till and --period"


def _with_recordings(request: ExportRequest) -> ExportRequest:
    """Add the fields that the URLs of recordings need. Raises `UsageProblem`."""
    able = [
        report.command
        for report in reports()
        if {field.name for field in report.fields}.issuperset(NEEDED)
    ]
    if request.report.command not in able:
        raise UsageProblem(
            f"--record-urls: {request.report.command} has no recordings",
            hint=f"These do: {', '.join(able)}.",
        )
    return replace(request, needed=(*request.needed, *NEEDED))


def _with_files(request: ExportRequest) -> ExportRequest:
    """Add the field that tells whose the files are. Raises `UsageProblem`."""
    if request.report.find(NEEDED[0]) is None:
        raise UsageProblem(
            f"--record-files: {request.report.command} has no {NEEDED[0]}",
            hint="These do: calls, communications, calls-report.",
        )
    return replace(request, needed=(*request.needed, NEEDED[0]))


def _find_files(manifest: str, job: ExportJob) -> Callable[[str], list[str]]:
    """Read a manifest of recordings; return the files of a call by its id.

    They are as seen from the folder of the output. Raises `UsageProblem`.
    """
    text = job.context.find_text(manifest, "--record-files")
    if text is None:
        text = job.context.read_text(manifest, "--record-files")  # it says why it can't
    output = job.options.output
    seen_from = output if output is not None and is_file(output) else "stdout"
    found: dict[str, list[str]] = {}
    for row in parse_manifest(text, manifest).rows.values():
        if row.state == SAVED:
            path = name_beside(seen_from, find_named(manifest, row.path))
            found.setdefault(str(row.communication_id), []).append(path)
    return lambda id_: found.get(id_, [])


def _find_ids(report: ReportType, options: ExportOptions, context: Context) -> tuple[Id, ...]:
    """Return the ids of a report that is exported by ids. Raises `UsageProblem`."""
    name = _ids_param(report, options)
    if not name:
        return ()
    is_of_rows = name == IDS[0]
    headings = {path.split(".")[0] for path in report.key} if is_of_rows else {"chat_id", "id"}

    def titles() -> set[str]:
        with connect(find_customers(options, context), context) as connection:
            known = find_titles(report, options.report_id, connection)
        return {title for name, title in known if name in headings}

    has_titles = report.is_flat and not options.dry_run
    return tuple(find_ids(options.ids, context, headings, titles if has_titles else set))


def _own_params(report: ReportType, options: ExportOptions, ids: Sequence[Id]) -> dict[str, Any]:
    """Return the parameters that the report alone takes."""
    params = dict(options.params)
    if "is_realtime" in report.params:
        params.setdefault("is_realtime", False)
    if name := _ids_param(report, options):
        params[name] = _numbers(ids)
    return params


def _ids_param(report: ReportType, options: ExportOptions) -> str:
    """Return the parameter that takes the ids; "" if the rows are not chosen by ids."""
    names = (name for name in IDS if name in report.params)
    return next((name for name in names if options.ids or report.params[name].required), "")


def _numbers(ids: Iterable[Id]) -> list[int]:
    return list(dict.fromkeys(each.number for each in ids))


def find_ids(
    typed: Iterable[str],
    context: Context,
    headings: Iterable[str] = (),
    ask_titles: Callable[[], set[str]] = set,
) -> list[Id]:
    """Return the ids that were typed or are in files, each once. Raises `UsageProblem`.

    `headings` name the column with the ids; so do the account's titles, which are asked for where
    nothing else does.
    """
    words = list(typed)
    if words.count(STDIN) > 1:
        raise UsageProblem("--ids: standard input can be read only once")
    known = frozenset(headings)
    texts = (_read_ids_text(word, context) for word in words)
    ids = (id_ for text, origin in texts for id_ in _ids(text, origin, known, ask_titles))
    return list(dict.fromkeys(ids))


def _ids(
    text: str, origin: str, headings: frozenset[str], ask_titles: Callable[[], set[str]]
) -> list[Id]:
    try:
        return list(read_ids(text, origin, headings))
    except UsageProblem:
        titles = set[str]()
        if TITLE.match(text):
            with suppress(ComagicError):  # the first error is the one to report
                titles = ask_titles()
        if not titles:
            raise
        return list(read_ids(text, origin, headings | titles))


def _read_ids_text(word: str, context: Context) -> tuple[str, str]:
    """Return a text with ids, and its name for messages. Raises `UsageProblem`."""
    if word == STDIN:
        return context.read_text(STDIN, "--ids"), "--ids: stdin"
    if word and not word.strip(TYPED_IDS):
        return word, "--ids"
    path = Path(word.removeprefix("@"))
    if not word or (not word.startswith("@") and not path.exists()):
        raise UsageProblem(
            f"--ids: {word!r} is neither an id nor a file",
            hint="Type ids (1,2,3), a file of them, or - for standard input.",
        )
    return context.read_text(str(path), "--ids"), f"--ids: {path}"


# The query of a request: with dates instead of words, and the report's id.


def make_reader(
    job: ExportJob,
    connection: Connection,
    max_rows: int | None = None,
    period: Period | None = None,
    *,
    with_zones: bool = False,
) -> PageReader:
    """Make the reader of the account, or of its customers one after another.

    `period` is used instead of the options'. `with_zones` lets pages of customers say their zone.
    """
    if not job.options.customers:
        query = make_query(job, connection, max_rows, period)
        return connection.read(query, cut=job.output.takes_cut_rows)

    def make(customer: Connection, max_rows: int | None) -> Query:
        return make_query(job, customer, max_rows, period)

    query = draft_query(job, period or period_in_utc(job.options, job.context), max_rows)
    customers = Customers(connection, job.options.customers)
    return CustomersReader(query, customers, make, with_zones=with_zones)


def columns_of(job: ExportJob, query: Query) -> tuple[Field, ...]:
    """Return the columns of the rows, with those that tell several customers apart."""
    return (*FIRST_COLUMNS, *query.fields) if job.options.customers else query.fields


def make_query(
    job: ExportJob, connection: Connection, max_rows: int | None, period: Period | None = None
) -> Query:
    """Make the query; the account is asked for its time zone and the report id where needed."""
    now = cache(connection.now)
    period = period or resolve_period(job, now)
    if job.is_dated:
        connection.note(f"period {period}")
    query = draft_query(job, period, max_rows, now)
    if query.filter:
        connection.note(f"filter {to_expression(query.filter)}")
    report_id = connection.find_report_id(query.report, job.options.report_id)
    query = replace(query, report_id=report_id)
    if not job.options.customers or not job.request.ids:
        return query
    user = str(connection.account.user_id)  # an id of another customer could be one of this, too
    ids = _numbers(each for each in job.request.ids if each.user in ("", user))
    return query.with_ids(ids)


def resolve_period(job: ExportJob, now: Callable[[], datetime]) -> Period:
    """Return the period that the options mean; `now` is the account's time.

    Rows that are sums of a day have whole days. Raises `UsageProblem` for a period beside ids.
    """
    options = job.options
    if not job.is_dated:
        if options.from_ or options.till or ("period" in options.typed and options.period):
            raise UsageProblem("--chat-ids: chats are asked for whole, without a period")
        return NO_PERIOD
    period = resolve(options.from_, options.till, options.period, now, job.context.clock.now)
    if not job.request.report.is_by_day:
        return period
    end = period.end.replace(hour=23, minute=59, second=59)
    return Period(period.start.replace(hour=0, minute=0, second=0), end)


def draft_query(
    job: ExportJob, period: Period, max_rows: int | None, now: Callable[[], datetime] | None = None
) -> Query:
    """Make the query as far as it is known without asking the account for its report.

    `now` is the account's time, for dates of the filter (default: there is no filter).
    """
    request, typed = job.request, job.options.report_id
    report_id: int | str = f"(asked of the account: {typed})" if typed else UNKNOWN_ID
    if typed is not None and is_number(typed):
        report_id = int(typed)
    return Query(
        request.report,
        report_id if request.report.is_flat else None,
        period,
        request.columns,
        report_type=request.report_type,
        sort=request.sort,
        filter=request.tree(now) if now else None,
        page_size=job.options.page_size,
        max_rows=max_rows,
        extra=request.extra,
        needed=request.needed,
    )


# What only the account knows of how rows are written.


def complete_job(job: ExportJob, connection: Connection) -> ExportJob:
    """Add the titles of columns and the web account's address, where they are needed."""
    formatting, report = job.output.format_options, job.request.report
    titles: tuple[tuple[str, str], ...] = ()
    if formatting.header == "title":
        if not report.is_flat:
            raise UsageProblem(
                f"--header title: the service has no titles for {report.command}",
                hint="Omit --header: the names of the columns are their ids.",
            )
        titles = find_titles(report, job.options.report_id, connection)
        titles += name_first_columns(titles)
    web = _find_web(job, connection) if formatting.record_urls else ""
    manifest = formatting.record_files
    files_of = _find_files(manifest, job) if manifest else None
    return job.with_formatting(web=web, titles=titles, files_of=files_of)


def _find_web(job: ExportJob, connection: Connection) -> str:
    """Return the address of the web account, where recordings are; a sandbox stands for CoMagic's.

    Raises `UsageProblem` where it is not known.
    """
    api = BRANDS[DEFAULT] if job.options.sandbox else connection.account.url
    if found := web_account(api, job.output.format_options.record_host):
        return found
    raise UsageProblem(
        f"--record-urls: where the recordings of {api} are is not known",
        hint=f"Name the web account's host: --record-host {APPS['dataapi.comagic.ru']}",
    )


# What is said where nothing can come, or nothing came.


@contextmanager
def naming_older(job: ExportJob) -> Iterator[None]:
    """Let a refusal of a flat report say how to export the same from the older one."""
    words = [word for word in job.options.command_line if word]
    now = cache(job.context.clock.now)
    with naming_older_report(job.request.report, words, lambda: job.request.tree(now)):
        yield


def warn_of_no_rows(query: Query, job: ExportJob, connection: Connection) -> None:
    """Report that an export has no rows, and why it may be so.

    The account is asked for the values of its lists only where the filter compares with texts; of
    several customers the first is.
    """
    options = job.options
    ids = query.ids
    is_told = ids and not query.filter and not options.count  # by the reader: ids without rows
    if options.quiet or is_told:
        return
    zone = connection.known_zone or "the account's time zone"
    if options.customers:
        zone = "each customer's time zone"
        connection = connection.for_user(options.customers[0].user_id)
    text = f"no rows from {_name_period(query.period)} ({zone})" if query.is_dated else "no rows"
    if ids is not None:
        text += " have these ids" if ids else ": --ids names no id"
    if query.filter:
        text += f"{' and' * bool(ids)} match {'--where' if options.where else 'the filter'}"
        reasons = [*wrong_quotes(options.where), *_unlisted_values(query, connection)]
        text += f": {'; '.join(reasons)}" * bool(reasons)
    connection.context.reporter.warn(text)


def _name_period(period: Period) -> str:
    """Name the first and last day, or second where they are not whole days."""
    start, end = str(period.start), str(period.end)
    if start.endswith(" 00:00:00") and end.endswith(" 23:59:59"):
        start, end = start[:10], end[:10]
    return start if start == end else f"{start} to {end}"


def _unlisted_values(query: Query, connection: Connection) -> list[str]:
    """Say which values of a filter the account does not list; nothing if it can't be asked."""
    tree = query.filter
    if not tree or not text_conditions(tree):
        return []
    if not query.report.is_flat:
        values = {field.name: list(field.values) for field in query.report.fields if field.values}
        return [*unlisted_values(tree, query.report, values)]
    try:
        listed = find_values(connection, query.report.kind)
    except ComagicError as error:
        connection.note(f"the values of lists are not known: {error.message}")
        return []
    return [*unlisted_values(tree, query.report, listed)]

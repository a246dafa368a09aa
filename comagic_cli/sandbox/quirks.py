"""The switches of the sandbox: what the API's notes leave unproven, and faults on a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA_CALLS = "get.communications"


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with certain calls.

    `kind` is one of `reset`, `truncate`, `slow`, `stall`, `empty`, `html`, `redirect`, `wrong_id`,
    `gzip_damaged`, `cut_json`, an HTTP status ("503"), or any mnemonic of the API
    ("internal_error"). It befalls every `every`-th call and those numbered in `at`, both counted
    from 1 over the calls of `method` (all calls where it is None).
    `seconds` is how long `slow` and `stall` take, and the reset of a `limit_exceeded`.
    `retry_after` becomes the header of that name. `detail` says which limit was exceeded.
    """

    kind: str
    every: int = 0
    at: tuple[int, ...] = ()
    method: str | None = None
    seconds: float = 0.0
    retry_after: str | float | None = None
    detail: str = "minute"

    def befalls(self, number: int) -> bool:
        """Tell whether it befalls the call of that number."""
        return number in self.at or (self.every > 0 and number % self.every == 0)


@dataclass(frozen=True)
class Arrival:
    """Rows that appear once `after_call` calls of `method` were answered.

    `at` is `start` or `end`, two and a half seconds inside the period that was asked for last, or
    a stored time ("2026-10-05 12:00:00.5"). `rows` is how many to invent, or the rows themselves.
    """

    after_call: int
    at: str = "end"
    rows: int | tuple[Mapping[str, Any], ...] = 1
    method: str = DATA_CALLS


@dataclass(frozen=True)
class Vanishing:
    """Rows that are gone once `after_call` calls of `method` were answered; `at` as in `Arrival`.

    With a stored time, the first rows from that time on vanish.
    """

    after_call: int
    at: str = "start"
    rows: int = 1
    method: str = DATA_CALLS


@dataclass(frozen=True)
class Quirks:
    """How this Data API behaves where the real one is unproven; friendly by default."""

    # What values look like.
    communication_id: Literal["number", "text"] = "number"
    key_order: Literal["asked", "catalog", "reversed", "shuffled"] = "asked"
    extra_key: bool = False  # communication_id comes back unasked
    empty_object: Literal["members", "empty", "null", "mixed"] = "members"
    null_arrays: bool = False
    missing_keys: bool = False  # a null value's key is left out
    columns: tuple[str, ...] = ()  # custom columns of the account, such as cc_17
    dimensions: tuple[str, ...] = ()  # custom dimensions, such as cd_5: only to filter by
    lone_surrogates: bool = False
    invalid_utf8: bool = False
    big_numbers: bool = False  # more digits than a float or 64 bits hold
    pretty: bool = False  # indented JSON

    # Pages and totals.
    total_items: Literal["exact", "absent", "one_more", "one_more_once", "three_more"] = "exact"
    short_pages: int = 0  # pages of more than one row are cut to 1 … this many rows
    page_cap: int | None = None  # a larger limit is silently clamped to this
    limit_past_cap: Literal["refused", "clamped"] = "refused"
    offset_past_cap: Literal["refused", "clamped"] = "refused"
    unstable_ties: bool = False  # rows that sort alike change places from call to call
    time_sort: Literal["shown", "stored"] = "shown"  # what sorting by time goes by
    arrivals: tuple[Arrival, ...] = ()
    vanishings: tuple[Vanishing, ...] = ()

    # Periods.
    till_inclusive: bool = True
    shown: Literal["truncated", "rounded"] = "truncated"
    days_counted: Literal["seconds", "calendar"] = "seconds"
    max_days: int | None = None  # overrules the cap of every report
    interval_text: str = "{} days"  # how a refusal names that cap
    older_days: int | None = None  # overrules the cap of the older reports
    retention_days: int | None = None  # days back from now that the service keeps
    retention: Literal["refused", "empty"] = "refused"  # what becomes of older days
    bare_dates: Literal["refused", "taken"] = "refused"  # dates without a time

    # Parameters and rights.
    report_type: Literal["accepted", "required", "refused"] = "accepted"
    # Which names are taken of fields that the documentation misspells.
    field_names: Literal["both", "documented", "answered"] = "both"
    sorts_prohibited: tuple[str, ...] = ()
    # Sort older reports by time whose documentation does not let them.
    sort_by_time: bool = False
    filters_prohibited: tuple[str, ...] = ()
    filter_value_ids: bool = True  # a filter's value may be a value_id
    operators: Literal["documented", "listed"] = "documented"  # which of them filters may use
    operators_refused: tuple[str, ...] = ()
    empty_filter: Literal["taken", "refused"] = "taken"  # `"filter": []`
    flat_reports: bool = True  # else the account lacks their component; the older ones work
    max_entity_ids: int = 1000
    max_rows_evaluated: int = 200_000  # for filters and for sorting by other things than time

    # Account.
    timezone: str = "Europe/Moscow"
    account_object: bool = False  # get.account answers an object, not a list of one
    get_account: Literal["answered", "no_user_id", "forbidden", "absent"] = "answered"
    getobj_account: Literal["answered", "forbidden", "absent"] = "answered"
    expire_at: Literal["number", "text", "absent"] = "number"  # "text" names it `expire`
    session_calls: int | None = None  # a session ends after so many calls
    agent: bool = False
    client_timezones: tuple[str, ...] = (
        "Europe/Moscow",
        "Asia/Yekaterinburg",
        "Asia/Vladivostok",
    )
    denied_users: tuple[int, ...] = ()
    reports_per_type: int = 1
    report_state: Mapping[str, Any] | None = None  # members that overrule the saved state

    # Points.
    minute_limit: int | None = None  # enforced where told
    day_limit: int | None = None
    limits: Literal["reported", "empty", "absent"] = "reported"

    # Recordings; what goes wrong with them are faults of the method `recording`.
    recordings: Literal["open", "token", "login"] = "open"  # what their addresses ask for
    recording_ranges: bool = True  # a part of one can be asked for
    recording_seconds: int = 3  # the longest

    # Wire.
    gzip: bool = False
    code_differs: bool = False  # mnemonics come with other codes than documented
    error_data: Literal["full", "null", "missing", "empty", "absent"] = "full"
    faults: tuple[Fault, ...] = ()

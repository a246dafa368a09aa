"""Errors of the Data API: from a mnemonic to an error with an exit code and a hint."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, NamedTuple

from comagic_cli.api.envelope import ApiError
from comagic_cli.api.redact import Redact, one_line
from comagic_cli.errors import ComagicError, NetworkFailure, NotAllowed, OutOfPoints, Refused
from comagic_cli.query.older import GENERAL

CODE = re.compile(r"-?\d{1,9}", re.ASCII)
ADDRESS = re.compile(r"[0-9a-fA-F.:]{3,}")
NAME = re.compile(r"\w+")
# An operator in a text: quoted, or after the word "operator". The longer of two is found first.
OPERATOR = re.compile(
    r"""(?:['"`«]|\boperator\b[\s:='"`«]*)"""
    r"(not_ilike|not_overlap|not_like|not_in|is_not_null|is_null|ilike|overlap|like|regexp|jsquery"
    r"|in|!=|<=|>=|<|>|=)(?![\w=])",
    re.IGNORECASE,
)

# What a code means where there is no mnemonic (from the API's own table).
MNEMONIC_OF_CODE = {
    -32029: "limit_exceeded",
    -32001: "auth_error",
    -32003: "forbidden",
    -32008: "method_component_disabled",
    -32009: "account_inactive",
    -32601: "method_not_found",
    -32603: "internal_error",
    -32700: "parse_error",
    -32600: "invalid_request",
}
IP = "ip_not_whitelisted"  # its code is that of `forbidden`, its message names the address
TOKEN_ENDED = frozenset({"access_token_expired", "access_token_invalid"})

CHECK = "Check {option}."
REPORT = "This is likely a bug of comagic: please report it."
CUSTOMER_MISSED = "this is about one customer of an agent, and none is named"
OF_AGENTS = frozenset({"get.customer_users", "get.customers"})
ONLY_AGENTS = (
    "Only agents have customers. For an account of your own, omit --user-id, also in the profile."
)
NAME_CUSTOMER = "Name one: --user-id N (comagic users lists them); exports also take all."
UNKNOWN = "Check the fields in --fields, --where and --sort (comagic fields), or the parameter."


class ErrorKind(NamedTuple):
    """What a mnemonic means.

    In the hint, {address} is the address that the message names, {option} the option that the
    parameter came from.
    """

    error: type[ComagicError]
    meaning: str
    hint: str


ERRORS = {
    "limit_exceeded": ErrorKind(OutOfPoints, "the account is out of points", "Try again later."),
    "access_token_expired": ErrorKind(
        NotAllowed,
        "the token or session has expired",
        "Create a new token in the web account for comagic login, COMAGIC_TOKEN or --token-file.",
    ),
    "access_token_invalid": ErrorKind(
        NotAllowed,
        "the token is not known",
        "Check the profile, COMAGIC_TOKEN or --token-file, and the service's --base-url.",
    ),
    "access_token_blocked": ErrorKind(
        NotAllowed,
        "the token is blocked",
        "Unblock it in the web account, or create a new one.",
    ),
    "auth_error": ErrorKind(
        NotAllowed,
        "the login or password is wrong",
        "Check them and try again: comagic login.",
    ),
    "ip_not_whitelisted": ErrorKind(
        NotAllowed,
        "the address of this machine is not allowed",
        "Add {address} to the allowed addresses of the API in the web account.",
    ),
    "forbidden": ErrorKind(
        NotAllowed,
        "the user is not allowed to do this",
        "Ask the account's administrator for the right.",
    ),
    "method_component_disabled": ErrorKind(
        NotAllowed,
        "the account's tariff lacks a component for this report",
        GENERAL,
    ),
    "parameter_component_disabled": ErrorKind(
        NotAllowed,
        "the account's tariff lacks a component for this parameter",
        "Remove the field, or ask the service to switch the component on.",
    ),
    "account_inactive": ErrorKind(
        NotAllowed, "the account is switched off", "Ask the service why."
    ),
    "internal_error": ErrorKind(
        NetworkFailure,
        "the service failed",
        "Try again later, or with a smaller --page-size.",
    ),
    "date_interval_limit_reached": ErrorKind(
        Refused, "the period is too long", "Ask for a shorter one."
    ),
    "sort_prohibited": ErrorKind(
        Refused, "this field can't be sorted by", "Remove it from --sort."
    ),
    "filter_prohibited": ErrorKind(
        Refused, "this field can't be filtered by", "Filter by another field (comagic filters)."
    ),
    "method_not_found": ErrorKind(
        Refused,
        "the service has no such method",
        "Check that --base-url is the Data API's.",
    ),
    "required_parameter_missed": ErrorKind(Refused, "a parameter is missing", CHECK),
    "invalid_parameter_value": ErrorKind(Refused, "the value of a parameter is not allowed", CHECK),
    "unexpected_parameters": ErrorKind(
        Refused,
        "the service does not know a parameter, or a field in fields, filter or sort",
        UNKNOWN,
    ),
    "invalid_parameters_combination": ErrorKind(
        Refused, "these parameters can't be combined", CHECK
    ),
    "data_type_error": ErrorKind(Refused, "the value of a parameter is of the wrong type", CHECK),
    "parse_error": ErrorKind(Refused, "the service could not read the request", REPORT),
    "invalid_request": ErrorKind(Refused, "the service did not accept the request as one", REPORT),
    "batch_opreations_not_supported": ErrorKind(
        Refused, "several calls in one request are refused", REPORT
    ),  # sic
    "batch_operations_not_supported": ErrorKind(
        Refused, "several calls in one request are refused", REPORT
    ),
    "notifications_not_supported": ErrorKind(Refused, "a call without an id is refused", REPORT),
    "error": ErrorKind(
        Refused, "the API refused the request", f"{CHECK} The message says what is wrong."
    ),
}
"""Every mnemonic of the API, in the order of the help."""

# The option that a refused parameter came from.
OPTIONS = {
    "report_id": "--report-id",
    "report_type": "--report-id",
    "date_from": "--from",
    "date_till": "--till",
    "fields": "--fields",
    "sort": "--sort",
    "filter": "--where (comagic filters lists operators and values)",
    "limit": "--page-size",
    "offset": "--page-size",
    "site_id": "--site-id (comagic list sites lists them)",
    "user_id": "--user-id (comagic users lists them)",
}
FIELD_PARAMETERS = frozenset({"fields", "filter", "sort"})
OTHER_PARAMETERS = OPTIONS.keys() - {"filter"}
FILTER_REFUSALS = frozenset(
    {
        *("filter_prohibited", "invalid_parameter_value", "invalid_parameters_combination"),
        *("data_type_error", "error"),
    }
)


def mnemonic_of(error: ApiError) -> str:
    """Return the mnemonic, else what the code and the texts stand for, else `error`."""
    mnemonic = _member(error, "mnemonic")
    if mnemonic:
        return mnemonic
    code = code_of(error)
    name = "error" if code is None else MNEMONIC_OF_CODE.get(code, "error")
    if name == "forbidden" and (IP in _texts(error) or _find_address(_texts(error))):
        return IP
    return name


def code_of(error: ApiError) -> int | None:
    """Read the code, also as text; `None` if it is not a whole number."""
    text = str(error.code)
    return int(text) if CODE.fullmatch(text) else None


def is_of_api(error: ApiError) -> bool:
    """Check if the error is the API's own: a gateway's has no mnemonic and no JSON-RPC code."""
    code = code_of(error)
    return bool(_member(error, "mnemonic")) or (code is not None and code < 0)


def is_session_ended(error: ApiError) -> bool:
    """Check if the session in use has ended.

    Without a mnemonic the code -32001 means that too: no password was sent that could be wrong.
    """
    mnemonic = _member(error, "mnemonic")
    return mnemonic in TOKEN_ENDED or (not mnemonic and mnemonic_of(error) == "auth_error")


def error_for(error: ApiError, method: str, redact: Redact = str) -> ComagicError:
    """Return the error to raise for an error of the API, with secrets masked."""
    mnemonic = mnemonic_of(error)
    kind = ERRORS.get(mnemonic, ERRORS["error"])
    text = one_line(redact(_text(error.message))).rstrip(". ")
    field = one_line(redact(_member(error, "field")), 80)
    value = one_line(redact(_member(error, "value")), 80)
    name = mnemonic if mnemonic in ERRORS else one_line(redact(mnemonic), 80)
    if mnemonic == "required_parameter_missed" and field == "user_id":
        message = f"{method}: {CUSTOMER_MISSED} ({name})"
        return Refused(message, hint=NAME_CUSTOMER, mnemonic=name, field=field)
    message = f"{method}: {kind.meaning} ({name})"
    if text:
        message += f": {text}"
    if field:
        message += f" [{field} = {value}]" if value else f" [{field}]"
    hint = _hint(mnemonic, kind.hint, field, text)
    if mnemonic == "forbidden" and method in OF_AGENTS:
        hint = ONLY_AGENTS
    return kind.error(message, hint=hint, mnemonic=name, field=field, value=value)


def may_mean_parameter(error: Refused, parameter: str, fields: Iterable[str]) -> bool:
    """Check if `unexpected_parameters` may be about a parameter, and not about one of `fields`.

    The API uses this mnemonic for an unknown parameter and for an unknown field alike.
    """
    if error.mnemonic != "unexpected_parameters":
        return False
    names = {error.field, error.value, *NAME.findall(_service_text(error))}
    if any(parameter in name for name in names):
        return True
    return not error.field and names.isdisjoint(fields)


def unknown_fields(error: Refused, fields: Iterable[str]) -> set[str]:
    """Return which of a request's fields `unexpected_parameters` may mean.

    Those that it names; all where it names neither a field nor a parameter.
    """
    if error.mnemonic != "unexpected_parameters":
        return set()
    fields = set(fields)
    names = {error.value, *NAME.findall(f"{error.field} {_service_text(error)}")}
    if named := fields & names:
        return named
    root = NAME.match(error.field)
    is_named = bool(error.value) or (root is not None and root[0] not in FIELD_PARAMETERS)
    return set() if is_named else fields


def refused_operators(error: Refused, used: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return which of a filter's (field, operator) pairs a refusal may mean.

    The result is empty where the refusal is about a value, or not about the filter at all. A
    refusal that names neither a field nor an operator may mean any pair.
    """
    pairs = set(used)
    text = _service_text(error)
    words = {error.field, error.value, *NAME.findall(text)}
    operators = {operator.lower() for operator in OPERATOR.findall(text)}
    operators |= {error.field, error.value} & {operator for _, operator in pairs}
    if not _is_about_operators(error, operators, words):
        return set()
    for place, names in ((0, words), (1, operators)):
        named = {pair for pair in pairs if pair[place] in names}
        pairs = named or pairs
    return pairs


def _is_about_operators(error: Refused, operators: set[str], words: set[str]) -> bool:
    """Check if a refusal may be about operators; `operators` are those that it names."""
    member, root = error.field.rpartition(".")[2], NAME.match(error.field)
    names_nothing = not error.field and not error.value and words.isdisjoint(OTHER_PARAMETERS)
    if error.mnemonic == "unexpected_parameters":
        return member == "operator" or bool(operators) or names_nothing
    if error.mnemonic not in FILTER_REFUSALS or member == "value":
        return False
    return (
        error.mnemonic == "filter_prohibited"
        or member == "operator"
        or bool(operators)
        or (root is not None and root[0] == "filter" and not error.value)
        or "operator" in _service_text(error).lower()
        or (names_nothing and error.mnemonic != "error")
    )


def _service_text(error: Refused) -> str:
    """Return what the service said, without our sentence before it, whose words may be names."""
    _, mnemonic, text = error.message.partition(f"({error.mnemonic})")
    return text if mnemonic else error.message


def _hint(mnemonic: str, template: str, field: str, text: str) -> str:
    option = OPTIONS.get(field.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0])
    if option and mnemonic == "unexpected_parameters":
        template = CHECK
    hint = template.replace("{option}", option or "the request")
    return hint.replace("{address}", _find_address(text) or "the address of this machine")


def _find_address(text: str) -> str:
    """Return the first IP address in a text."""
    for word in ADDRESS.findall(text):
        with suppress(ValueError):
            return str(ip_address(word.rstrip(".:")))
    return ""


def _member(error: ApiError, name: str) -> str:
    return _text(error.data.get(name)) if isinstance(error.data, dict) else ""


def _texts(error: ApiError) -> str:
    data = error.data if isinstance(error.data, str) else ""
    return f"{_text(error.message)} {data}"


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()

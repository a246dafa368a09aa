"""What the API's refusals mean: from a mnemonic to an error with its exit code and a next step."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, TypeAlias

from comagic_cli.api.envelope import Failure
from comagic_cli.api.redact import Mask, one_line
from comagic_cli.errors import ComagicError, NetworkFailure, NotAllowed, OutOfPoints, Refused

CODE = re.compile(r"-?\d{1,9}", re.ASCII)
ADDRESS = re.compile(r"[0-9a-fA-F.:]{3,}")

# Where an answer has no mnemonic, its code is the next best (the codes of the API's own table).
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
ENDED = frozenset({"access_token_expired", "access_token_invalid"})

ASK = "Check {option}."
REPORT = "This is likely a bug of comagic: please report it."

Meaning: TypeAlias = tuple[type[ComagicError], str, str]

# Every mnemonic of the API: the error it becomes, its sentence, and what to do about it; in that,
# {address} is the address that the message names, {option} where the parameter came from.
MEANING: dict[str, Meaning] = {
    "limit_exceeded": (OutOfPoints, "the account is out of points", "Try again later."),
    "access_token_expired": (
        NotAllowed,
        "the key or session has ended",
        "Make a new key in the web account for comagic login, COMAGIC_TOKEN or --token-file.",
    ),
    "access_token_invalid": (
        NotAllowed,
        "the key is not known",
        "Check the profile, COMAGIC_TOKEN or --token-file, and the service's --base-url.",
    ),
    "access_token_blocked": (
        NotAllowed,
        "the key is blocked",
        "Unblock it in the web account, or make a new one.",
    ),
    "auth_error": (
        NotAllowed,
        "the login or password is wrong",
        "Check them and try again: comagic login.",
    ),
    "ip_not_whitelisted": (
        NotAllowed,
        "this machine's address is not allowed",
        "Add {address} to the allowed addresses of the API in the web account.",
    ),
    "forbidden": (
        NotAllowed,
        "the user has no right to do this",
        "Ask the account's administrator for the right.",
    ),
    "method_component_disabled": (
        NotAllowed,
        "the account's tariff lacks a component for this report",
        "Ask the service to switch the component on.",
    ),
    "parameter_component_disabled": (
        NotAllowed,
        "the account's tariff lacks a component for this parameter",
        "Leave the field out, or ask the service to switch the component on.",
    ),
    "account_inactive": (NotAllowed, "the account is switched off", "Ask the service why."),
    "internal_error": (
        NetworkFailure,
        "the service failed",
        "Try again later, or with a smaller --page-size.",
    ),
    "date_interval_limit_reached": (Refused, "the period is too long", "Ask for a shorter one."),
    "sort_prohibited": (Refused, "this field can't be sorted by", "Leave it out of --sort."),
    "filter_prohibited": (Refused, "this field can't be filtered by", "Filter by another one."),
    "method_not_found": (
        Refused,
        "the service has no such method",
        "Check that --base-url is the Data API's.",
    ),
    "required_parameter_missed": (Refused, "a parameter is missing", ASK),
    "invalid_parameter_value": (Refused, "the value of a parameter is not allowed", ASK),
    "unexpected_parameters": (Refused, "the method takes no such parameter", ASK),
    "invalid_parameters_combination": (Refused, "parameters don't go together", ASK),
    "data_type_error": (Refused, "the value of a parameter is of the wrong type", ASK),
    "parse_error": (Refused, "the service could not read the request", REPORT),
    "invalid_request": (Refused, "the service took it for no request", REPORT),
    "batch_opreations_not_supported": (Refused, "several calls in one are refused", REPORT),  # sic
    "batch_operations_not_supported": (Refused, "several calls in one are refused", REPORT),
    "notifications_not_supported": (Refused, "a call without an id is refused", REPORT),
    "error": (Refused, "the API refused the request", f"{ASK} The message says what is wrong."),
}

# Which option a refused parameter came from.
OPTION_OF = {
    "report_id": "--report-id",
    "report_type": "--report-id",
    "date_from": "--from",
    "date_till": "--till",
    "fields": "--fields",
    "sort": "--sort",
    "filter": "--where (comagic filters lists operators and values)",
    "limit": "--page-size",
    "offset": "--page-size",
    "user_id": "--user-id (comagic users lists them)",
}


def mnemonic_of(failure: Failure) -> str:
    """Name the failure: its mnemonic, else the one its code stands for, else `error`."""
    named = _member(failure, "mnemonic")
    if named:
        return named
    code = code_of(failure)
    return "error" if code is None else MNEMONIC_OF_CODE.get(code, "error")


def code_of(failure: Failure) -> int | None:
    """Read the code, also as text; `None` for what is no whole number."""
    text = str(failure.code)
    return int(text) if CODE.fullmatch(text) else None


def is_of_api(failure: Failure) -> bool:
    """Tell the API's own error from a gateway's, which has no mnemonic and no code of JSON-RPC."""
    code = code_of(failure)
    return bool(_member(failure, "mnemonic")) or (code is not None and code < 0)


def is_ended(failure: Failure) -> bool:
    """Tell whether the session in use has ended.

    Where there is no mnemonic its code may mean that: no password was sent that could be wrong.
    """
    named = _member(failure, "mnemonic")
    return named in ENDED or (not named and mnemonic_of(failure) == "auth_error")


def refusal(failure: Failure, method: str, mask: Mask = str) -> ComagicError:
    """Make the error that a failed answer stands for, with secrets masked.

    A trailing full stop of the service's message is left out, and lines are joined.
    """
    mnemonic = mnemonic_of(failure)
    kind, meaning, remedy = MEANING.get(mnemonic, MEANING["error"])
    said = one_line(mask(_text(failure.message))).rstrip(". ")
    field = one_line(mask(_member(failure, "field")), 80)
    value = one_line(mask(_member(failure, "value")), 80)
    named = mnemonic if mnemonic in MEANING else one_line(mask(mnemonic), 80)
    message = f"{method}: {meaning} ({named})"
    if said:
        message += f": {said}"
    if field:
        message += f" [{field} = {value}]" if value else f" [{field}]"
    return kind(message, hint=_hint(remedy, field, said), mnemonic=named, field=field)


def _hint(remedy: str, field: str, said: str) -> str:
    option = OPTION_OF.get(field.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0])
    told = remedy.replace("{option}", option or "what was asked for")
    return told.replace("{address}", _address(said) or "this machine's address")


def _address(text: str) -> str:
    """Find the first IP address in a text."""
    for word in ADDRESS.findall(text):
        with suppress(ValueError):
            return str(ip_address(word.rstrip(".:")))
    return ""


def _member(failure: Failure, name: str) -> str:
    return _text(failure.data.get(name)) if isinstance(failure.data, dict) else ""


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()

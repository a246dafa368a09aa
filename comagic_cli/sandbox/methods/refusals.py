"""How the API says no: mnemonics, codes and envelopes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comagic_cli.sandbox.quirks import Quirks

PARAMETER = -32602

CODES = {
    "limit_exceeded": -32029,
    "access_token_expired": -32001,
    "access_token_invalid": -32001,
    "access_token_blocked": -32001,
    "auth_error": -32001,
    "ip_not_whitelisted": -32003,
    "forbidden": -32003,
    "method_component_disabled": -32008,
    "account_inactive": -32009,
    "method_not_found": -32601,
    "parse_error": -32700,
    "invalid_request": -32600,
    "batch_opreations_not_supported": -32099,  # sic
    "notifications_not_supported": -32099,
    "internal_error": -32603,
}

MESSAGES = {
    "access_token_expired": "The access token has expired",
    "access_token_invalid": "The access token is invalid",
    "access_token_blocked": "The access token has been blocked",
    "auth_error": "Login or password is wrong",
    "ip_not_whitelisted": "Your IP 203.0.113.7 is not whitelisted",
    "forbidden": "Permission denied",
    "method_component_disabled": 'Component "Data API" is disabled',
    "parameter_component_disabled": 'Component "Речевая аналитика" is disabled',
    "account_inactive": "The account is inactive",
    "parse_error": "Failed to parse the request",
    "invalid_request": "The request is not a valid JSON-RPC 2.0 request",
    "batch_opreations_not_supported": "Batch operations are not supported",
    "notifications_not_supported": "Notifications are not supported",
    "internal_error": "Internal server error",
    "error": "Something went wrong",
}


class Refusal(Exception):  # an API that says no is no error of the program
    """A request that the API refuses, with what its envelope holds."""

    def __init__(
        self,
        mnemonic: str,
        message: str = "",
        *,
        field: str | None = None,
        value: Any = None,
        params: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(mnemonic)
        self.mnemonic = mnemonic
        self.message = message or MESSAGES.get(mnemonic, mnemonic.replace("_", " ").capitalize())
        self.field = field
        self.value = value
        self.params = params or {}
        self.metadata = metadata

    def envelope(self, quirks: Quirks) -> dict[str, Any]:
        """Return the `error` member of the answer."""
        code = CODES.get(self.mnemonic, PARAMETER)
        error: dict[str, Any] = {
            "code": -32000 - len(self.mnemonic) if quirks.code_differs else code,
            "message": self.message,
        }
        if quirks.error_data != "absent":
            error["data"] = self._data(quirks)
        return error

    def _data(self, quirks: Quirks) -> dict[str, Any]:
        if quirks.error_data == "empty":
            return {}
        data: dict[str, Any] = {"mnemonic": self.mnemonic}
        if quirks.error_data == "missing":
            return data
        full = quirks.error_data == "full"
        data["field"] = self.field if full else None
        data["value"] = _as_text(self.value) if full else None
        data["params"] = self.params if full else None
        data["extended_helper"] = "" if full else None
        if self.metadata is not None:
            data["metadata"] = self.metadata
        return data


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def missed(field: str) -> Refusal:
    """Refuse for a parameter that is required and was not given."""
    return Refusal(
        "required_parameter_missed",
        f'Required parameter "{field}" has been missed',
        field=field,
    )


def wrong_type(field: str, value: Any, wanted: str) -> Refusal:
    """Refuse for a value of another type than `wanted`."""
    message = f'Invalid data type of "{field}": {wanted} is wanted'
    return Refusal("data_type_error", message, field=field, value=value, params={"type": wanted})


def wrong_value(field: str, value: Any, why: str = "") -> Refusal:
    """Refuse for a value that is not allowed."""
    message = f'Invalid value of the parameter "{field}"' + (f": {why}" if why else "")
    return Refusal("invalid_parameter_value", message, field=field, value=value)


def limit_exceeded(period: str, limit: int, reset: int) -> Refusal:
    """Refuse because a period's points are used up: minute, hour or day; `reset` in seconds."""
    limits = {f"{period}_limit": limit, f"{period}_remaining": 0, f"{period}_reset": reset}
    return Refusal(
        "limit_exceeded",
        f"Limit per {period} has been exceeded. Value of current limit per {period} is {limit}",
        params={"limit_type": period, "limit_max_value": limit},
        metadata={"limits": limits},
    )

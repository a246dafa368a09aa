from __future__ import annotations

import pytest
from scripted_service import TOKEN

from comagic_cli.api.envelope import ApiError
from comagic_cli.api.errors import (
    ERRORS,
    MNEMONIC_OF_CODE,
    error_for,
    is_of_api,
    may_mean_parameter,
    mnemonic_of,
    refused_operators,
)
from comagic_cli.api.redact import redactor
from comagic_cli.errors import NetworkFailure, NotAllowed, OutOfPoints, Refused


def failure(mnemonic=None, message=None, code=None, **data):
    return ApiError(code, message, {"mnemonic": mnemonic, **data})


MNEMONICS = [
    "limit_exceeded",
    "access_token_expired",
    "access_token_invalid",
    "access_token_blocked",
    "auth_error",
    "ip_not_whitelisted",
    "forbidden",
    "method_component_disabled",
    "parameter_component_disabled",
    "account_inactive",
    "required_parameter_missed",
    "invalid_parameter_value",
    "unexpected_parameters",
    "invalid_parameters_combination",
    "data_type_error",
    "sort_prohibited",
    "filter_prohibited",
    "date_interval_limit_reached",
    "method_not_found",
    "parse_error",
    "invalid_request",
    "batch_opreations_not_supported",
    "batch_operations_not_supported",
    "notifications_not_supported",
    "internal_error",
    "error",
]
"""Those of the API's documentation; the sic is its own."""

TOKEN_HINT = (
    "Create a new token in the web account for comagic login, COMAGIC_TOKEN or --token-file."
)
KNOWN_HINT = "Check the profile, COMAGIC_TOKEN or --token-file, and the service's --base-url."
UNKNOWN_HINT = (
    "Check the fields in --fields, --where and --sort (comagic fields), or the parameter."
)
ASK = "Check the request."
ANY = f"{ASK} The message says what is wrong."
BUG = "This is likely a bug of comagic: please report it."
ADDRESSES = "to the allowed addresses of the API in the web account."
KINDS = [
    ("limit_exceeded", OutOfPoints, "the account is out of points", "Try again later."),
    ("access_token_expired", NotAllowed, "the token or session has expired", TOKEN_HINT),
    ("access_token_invalid", NotAllowed, "the token is not known", KNOWN_HINT),
    (
        "access_token_blocked",
        NotAllowed,
        "the token is blocked",
        "Unblock it in the web account, or create a new one.",
    ),
    (
        "auth_error",
        NotAllowed,
        "the login or password is wrong",
        "Check them and try again: comagic login.",
    ),
    (
        "ip_not_whitelisted",
        NotAllowed,
        "the address of this machine is not allowed",
        f"Add the address of this machine {ADDRESSES}",
    ),
    (
        "forbidden",
        NotAllowed,
        "the user is not allowed to do this",
        "Ask the account's administrator for the right.",
    ),
    (
        "method_component_disabled",
        NotAllowed,
        "the account's tariff lacks a component for this report",
        "Ask the service to switch it on. Older reports, as calls-report, do not need it.",
    ),
    (
        "parameter_component_disabled",
        NotAllowed,
        "the account's tariff lacks a component for this parameter",
        "Remove the field, or ask the service to switch the component on.",
    ),
    ("account_inactive", NotAllowed, "the account is switched off", "Ask the service why."),
    (
        "internal_error",
        NetworkFailure,
        "the service failed",
        "Try again later, or with a smaller --page-size.",
    ),
    ("date_interval_limit_reached", Refused, "the period is too long", "Ask for a shorter one."),
    ("sort_prohibited", Refused, "this field can't be sorted by", "Remove it from --sort."),
    (
        "filter_prohibited",
        Refused,
        "this field can't be filtered by",
        "Filter by another field (comagic filters).",
    ),
    (
        "method_not_found",
        Refused,
        "the service has no such method",
        "Check that --base-url is the Data API's.",
    ),
    ("required_parameter_missed", Refused, "a parameter is missing", ASK),
    ("invalid_parameter_value", Refused, "the value of a parameter is not allowed", ASK),
    (
        "unexpected_parameters",
        Refused,
        "the service does not know a parameter, or a field in fields, filter or sort",
        UNKNOWN_HINT,
    ),
    ("invalid_parameters_combination", Refused, "these parameters can't be combined", ASK),
    ("data_type_error", Refused, "the value of a parameter is of the wrong type", ASK),
    ("parse_error", Refused, "the service could not read the request", BUG),
    ("invalid_request", Refused, "the service did not accept the request as one", BUG),
    ("batch_opreations_not_supported", Refused, "several calls in one request are refused", BUG),
    ("batch_operations_not_supported", Refused, "several calls in one request are refused", BUG),
    ("notifications_not_supported", Refused, "a call without an id is refused", BUG),
    ("error", Refused, "the API refused the request", ANY),
    (
        *("one_that_is_new", Refused, "the API refused the request"),
        ANY,
    ),
]


@pytest.mark.parametrize(("mnemonic", "kind", "meaning", "hint"), KINDS)
@pytest.mark.parametrize("code", [None, -32602, "-32029", 0])
def test_the_mnemonic_decides_what_is_said(mnemonic, kind, meaning, hint, code):
    error = error_for(failure(mnemonic, code=code), "get.calls")
    assert type(error) is kind
    assert (error.message, error.hint) == (f"get.calls: {meaning} ({mnemonic})", hint)
    assert str(error) == error.message
    assert (error.mnemonic, error.field) == (mnemonic, "")


def test_every_mnemonic_has_its_sentence_and_remedy():
    assert sorted(ERRORS) == sorted(MNEMONICS)
    assert {mnemonic for mnemonic, *_ in KINDS} == {*MNEMONICS, "one_that_is_new"}
    assert all(sentence and remedy.endswith(".") for _, sentence, remedy in ERRORS.values())


def test_help_tells_of_every_mnemonic(comagic):
    ran = comagic("help", "errors")
    assert (ran.code, ran.err) == (0, "")
    told = {block.split()[0]: " ".join(block.split()) for block in ran.out.split("\n\n")[1:]}
    assert sorted(told) == sorted(MNEMONICS)
    for mnemonic, (kind, sentence, remedy) in ERRORS.items():
        told_remedy = remedy.replace("{option}", "the option it names")
        told_remedy = told_remedy.replace("{address}", "the address it names")
        expected = f"{mnemonic} {sentence} (exit code {kind.exit_code}) {told_remedy}"
        assert told[mnemonic] == expected


@pytest.mark.parametrize(
    ("code", "mnemonic"),
    [
        *MNEMONIC_OF_CODE.items(),
        ("-32029", "limit_exceeded"),
        *((code, "error") for code in (-32602, 0, 5.5, True, "", "many", "-" * 9, "9" * 5000)),
        *((code, "error") for code in (None, [], {})),
    ],
)
@pytest.mark.parametrize("data", [None, {}, [], "text", {"mnemonic": None}, {"mnemonic": " "}])
def test_without_a_mnemonic_the_code_names_the_failure(code, mnemonic, data):
    assert mnemonic_of(ApiError(code, "", data)) == mnemonic


@pytest.mark.parametrize(
    ("message", "data"),
    [
        ("Your IP 203.0.113.7 is not whitelisted", None),
        ("203.0.113.7: ip_not_whitelisted", {}),
        ("not from 203.0.113.7", "ip_not_whitelisted"),
    ],
)
def test_without_a_mnemonic_the_text_tells_an_address_from_a_right(message, data):
    error = error_for(ApiError(-32003, message, data), "get.calls")
    assert error.mnemonic == "ip_not_whitelisted"
    assert error.hint == f"Add 203.0.113.7 {ADDRESSES}"


@pytest.mark.parametrize(
    ("said", "own"),
    [
        (failure("forbidden"), True),
        (ApiError(-32602), True),
        (ApiError("-1"), True),
        (ApiError(502, "Bad gateway"), False),
        (ApiError(message="Bad gateway"), False),
        (ApiError(data={"mnemonic": None}), False),
    ],
)
def test_the_api_is_told_from_a_gateway(said, own):
    assert is_of_api(said) == own


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        (
            failure("invalid_parameter_value", "Bad value.", field="limit", value=0),
            "(invalid_parameter_value): Bad value [limit = 0]",
            "Check --page-size.",
        ),
        (
            failure("required_parameter_missed", field="filter.filters[0].field", value=""),
            "(required_parameter_missed) [filter.filters[0].field]",
            "Check --where (comagic filters lists operators and values).",
        ),
        (
            failure("data_type_error", field="fields[3]", value=None),
            "(data_type_error) [fields[3]]",
            "Check --fields.",
        ),
        (failure("data_type_error", field="other"), "(data_type_error) [other]", ASK),
        (
            failure("sort_prohibited", field="tags"),
            "(sort_prohibited) [tags]",
            "Remove it from --sort.",
        ),
        (failure("error", ["a", 1]), "(error): ['a', 1]", ANY),
        (failure("error", "a\r\n\x1b[31mb\n.."), "(error): a [31mb", ANY),
        (failure("error", "x" * 1000), f"(error): {'x' * 399}…", ANY),
        (
            failure("error", field="x" * 99, value="y" * 99),
            f"(error) [{'x' * 79}… = {'y' * 79}…]",
            ANY,
        ),
    ],
)
def test_what_the_service_says_is_told(said, message, hint):
    error = error_for(said, "get.calls")
    assert error.message.endswith(message)
    assert error.hint == hint


@pytest.mark.parametrize(
    ("message", "address"),
    [
        ("Your IP 203.0.113.7 is not whitelisted", "203.0.113.7"),
        ("IP: 203.0.113.7.", "203.0.113.7"),
        ("at 12:30:00 from 2001:db8::7: denied", "2001:db8::7"),
        ("version 1.2.3 at 12:30", "the address of this machine"),
        ("999.1.1.1", "the address of this machine"),
        ("", "the address of this machine"),
        (None, "the address of this machine"),
    ],
)
def test_the_address_to_allow_is_named(message, address):
    error = error_for(failure("ip_not_whitelisted", message), "get.calls")
    assert error.hint == f"Add {address} {ADDRESSES}"


def test_what_a_refusal_echoes_is_masked_before_it_is_cut():
    echo = "x" * 70 + TOKEN
    said = failure(echo, f"no {TOKEN} " + "x" * 380 + TOKEN, field=echo, value={"key": [echo]})
    error = error_for(said, "get.calls", redactor((TOKEN,)))
    shown = repr([error, error.args, error.message, error.mnemonic, error.field, error.hint])
    assert TOKEN[:4] not in shown
    assert error.mnemonic == error.field == "x" * 70 + "***"


# A name that the service does not know


@pytest.mark.parametrize(
    ("error", "may"),
    [
        (Refused("Unexpected method parameter(s)", mnemonic="unexpected_parameters"), True),
        (Refused("no", mnemonic="unexpected_parameters", field="report_type"), True),
        (Refused("no", mnemonic="unexpected_parameters", value="report_type"), True),
        (Refused("no report_type here", mnemonic="unexpected_parameters", field="params"), True),
        (Refused("no", mnemonic="unexpected_parameters", field="fields"), False),
        (Refused("no", mnemonic="unexpected_parameters", value="cc_12"), False),
        (Refused("Unexpected: cc_12", mnemonic="unexpected_parameters"), False),
        (Refused("Unexpected: cc_123", mnemonic="unexpected_parameters"), True),
        (Refused("no report_type", mnemonic="error"), False),
    ],
)
def test_an_unknown_parameter_is_told_from_an_unknown_field(error, may):
    assert may_mean_parameter(error, "report_type", ["communication_id", "cc_12"]) is may


@pytest.mark.parametrize(
    ("field", "hint"),
    [("", UNKNOWN_HINT), ("cc_12", UNKNOWN_HINT), ("fields[2]", "Check --fields.")],
)
def test_unexpected_parameters_is_explained_as_both_things_it_means(field, hint):
    error = error_for(failure("unexpected_parameters", field=field), "get.calls")
    assert "does not know a parameter, or a field in fields, filter or sort" in error.message
    assert error.hint == hint


USED = {("type", "in"), ("status", "="), ("duration", "<="), ("duration", ">="), ("phone", "ilike")}
DURATION = {("duration", "<="), ("duration", ">=")}


@pytest.mark.parametrize(
    ("mnemonic", "message", "field", "value", "meant"),
    [
        ("invalid_parameter_value", "", "operator", "ilike", {("phone", "ilike")}),
        ("invalid_parameter_value", "", "filter.filters[0].operator", "in", {("type", "in")}),
        ("invalid_parameter_value", "Operator '<=' is not allowed", "", "", {("duration", "<=")}),
        ("invalid_parameter_value", "operator: IN", "filter", "", {("type", "in")}),
        ("error", 'duration does not take ">="', "", "", {("duration", ">=")}),
        ("filter_prohibited", "", "duration", "", DURATION),
        ("filter_prohibited", "duration can't be filtered by this operator", "", "", DURATION),
        ("filter_prohibited", "", "filter", "", USED),
        ("data_type_error", "", "filter", "", USED),
        # Not about an operator
        ("invalid_parameter_value", "", "filter.filters[0].value", "x", set()),
        ("invalid_parameter_value", "", "filter", "Звонки", set()),
        ("invalid_parameter_value", "must be in the future", "date_from", "x", set()),
        ("invalid_parameter_value", "", "limit", "0", set()),
        ("unexpected_parameters", "", "filter", "", set()),
        ("date_interval_limit_reached", "operator", "", "", set()),
        ("forbidden", "", "operator", "in", set()),
    ],
)
def test_a_refused_operator_is_recognised(mnemonic, message, field, value, meant):
    error = error_for(failure(mnemonic, message, field=field, value=value), "get.calls")
    assert refused_operators(error, USED) == meant


def test_the_longer_operator_is_meant():
    error = Refused("operator 'not_in'", mnemonic="error")
    used = {("a", "in"), ("a", "not_in"), ("b", "in")}
    assert refused_operators(error, used) == {("a", "not_in")}

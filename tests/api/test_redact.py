from __future__ import annotations

import json
import string
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comagic_cli.api.redact import one_line, preview, redactor

SECRETS = ("pa ss/+=&<\"'\\word", "короткий ключ", "n4j6e2q1l7fpqn9")
CHARACTERS = string.printable[:95] + "абвгдежзийклмнопрстуфхцчшщъыьэюяАБВ"
ECHOES = {
    "plain": str,
    "in capitals": str.upper,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with slashes escaped": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "URL": quote,
    "URL, all of it": lambda text: quote(text, safe=""),
    "URL, a form": quote_plus,
    "URL in lower case": lambda text: quote(text, safe="").lower(),
}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("echo", ECHOES)
def test_a_secret_is_masked_however_it_is_echoed(secret, echo):
    mask = redactor(("other", secret))
    assert mask(f"key: {ECHOES[echo](secret)}.") == "key: ***."


@given(st.text(CHARACTERS, min_size=1), st.sampled_from(sorted(ECHOES)))
def test_any_secret_is_masked_in_every_echo(secret, echo):
    assert "***" in redactor((secret,))(ECHOES[echo](secret))


@pytest.mark.parametrize("secrets", [(), ("",)])
def test_without_secrets_nothing_is_masked(secrets):
    assert redactor(secrets)("text") == "text"


def test_the_longer_of_two_secrets_goes_first():
    assert redactor(("key", "key-2", ""))("key-2, key") == "***, ***"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        (" a\r\n\tb \x1b[31m c\u202e ", "a b [31m c"),
        ("1234567890", "1234567890"),
        ("12345678901", "123456789…"),
    ],
)
def test_a_text_is_put_on_one_line(text, shown):
    assert one_line(text, 10) == shown


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"", ""),
        (b'{"error": "bad"}', '{"error": "bad"}'),
        ("\ufeff{} Ошибка".encode(), "{} Ошибка"),
        (b"<html><head><style>a {}</style><script>if (1 < 2) {}</script>\n<h1>502</h1> <b", "502"),
        (b"<!-- <b> --><p>1 &lt; 2</p>", "1 &lt; 2"),
        (b"\x1f\x8b\x08\x00", ""),
        (b"x" * 100, "x" * 79 + "…"),
        (b"<h1>Unauthorized: KEY</h1>", "Unauthorized: ***"),
        ("я".encode() * 8_193, "я" * 79 + "…"),
        (b" " + "я".encode() * 8_193, "я" * 79 + "…"),
        (b" " * ((1 << 14) - 2) + b"KEY", ""),
    ],
)
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_a_body_is_shown_by_how_it_begins(body, shown, kind):
    assert preview(kind(body), redactor(("KEY",))) == shown

"""Where the account comes from: flags first, then the environment."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from comagic_cli.errors import UsageProblem

DEFAULT_URL = "https://dataapi.comagic.ru/v2.0"
OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, repr=False)
class Login:
    """Who logs in for a session. Both are secrets: they are in no text made of this value."""

    login: str
    password: str


@dataclass(frozen=True)
class Account:
    """Whose data is asked for, by a key or by `login`.

    `token` is a secret: it is in no text made of this value. With a login it is empty.
    """

    url: str
    token: str
    user_id: int | None = None
    zone: str | None = None
    login: Login | None = None

    @property
    def owner(self) -> str:
        """Tell accounts apart; it holds a secret."""
        return f"login {self.login.login}" if self.login else self.token

    def __repr__(self) -> str:
        return f"Account(url={self.url!r}, token=***, user_id={self.user_id}, zone={self.zone!r})"


def find_access(token_file: str | None, environment: Mapping[str, str]) -> str | Login:
    """Find the key, else COMAGIC_LOGIN and COMAGIC_PASSWORD.

    Raises `UsageProblem` where there is neither, or half of the pair.
    """
    keys = (environment.get(name, "").strip() for name in ("COMAGIC_TOKEN", "COMAGIC_TOKEN_FILE"))
    if not token_file and not any(keys) and (login := _find_login(environment)):
        return login
    return find_token(token_file, environment)


def _find_login(environment: Mapping[str, str]) -> Login | None:
    pair = {name: environment.get(name, "") for name in ("COMAGIC_LOGIN", "COMAGIC_PASSWORD")}
    pair["COMAGIC_LOGIN"] = pair["COMAGIC_LOGIN"].strip()
    missing = [name for name, value in pair.items() if not value]
    if len(missing) == len(pair):
        return None
    if missing:
        there = next(name for name in pair if name not in missing)
        raise UsageProblem(
            f"{there} is set, but {missing[0]} is not",
            hint="Set both, or give a key in COMAGIC_TOKEN or --token-file.",
        )
    for name, value in pair.items():
        if any("\ud800" <= char <= "\udfff" for char in value):  # Python's way with other bytes
            raise UsageProblem(f"{name} is no UTF-8 text")
    return Login(*pair.values())


def find_token(token_file: str | None, environment: Mapping[str, str]) -> str:
    """Find the key: --token-file, else COMAGIC_TOKEN, else the file that COMAGIC_TOKEN_FILE names.

    Raises `UsageProblem` where there is none, or its file may be read by others.
    """
    if token_file:
        return read_token(Path(token_file), "--token-file")
    if token := environment.get("COMAGIC_TOKEN", "").strip():
        return _checked(token, "COMAGIC_TOKEN")
    if named := environment.get("COMAGIC_TOKEN_FILE"):
        return read_token(Path(named), "COMAGIC_TOKEN_FILE")
    raise UsageProblem(
        "there is no key to the account",
        hint="Put it in COMAGIC_TOKEN, or in a file for --token-file; or try --sandbox.",
    )


def read_token(path: Path, origin: str) -> str:
    """Read a key from a file of its own; a regular file must not be open to others."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode) and mode & OTHERS_MAY:
            raise UsageProblem(
                f"{origin}: {path} can be read by others",
                hint=f"Type: chmod 600 {quote(str(path))}",
            )
        text = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageProblem(f"{origin}: {path} can't be read: {reason}") from error
    return _checked(text, origin)


def _checked(token: str, origin: str) -> str:
    if not token:
        raise UsageProblem(f"{origin}: the key is empty")
    if len(token.split()) != 1:
        raise UsageProblem(f"{origin}: the key has blanks or line breaks in it")
    return token

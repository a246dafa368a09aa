"""The certificates that the environment names, against which those of servers are verified."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from comagic_cli.errors import UsageProblem

BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
OWN_CERTIFICATE = "If the network has its own certificate, name its file in REQUESTS_CA_BUNDLE."
"""What to do where a certificate can't be verified."""


def find_bundle(environment: Mapping[str, str]) -> str | bool:
    """Return the certificates that the environment names; `True` for those of requests."""
    variable = next((name for name in BUNDLE_VARIABLES if environment.get(name)), None)
    if variable is None:
        return True
    path = Path(environment[variable])
    try:
        if not path.is_dir():
            ssl.create_default_context(cafile=str(path))
    except OSError as error:
        reason = "it contains none" if isinstance(error, ssl.SSLError) else error.strerror
        raise UsageProblem(f"{variable}: can't read certificates from {path}: {reason}") from error
    return str(path)

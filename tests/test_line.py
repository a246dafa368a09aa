"""What a line takes from its surroundings: certificates and proxies, but no passwords."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest
from playback import CLOSE, Playback, http

from comagic_cli.api.http import Broken, Line
from comagic_cli.errors import NetworkFailure, UsageProblem

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
ELSEWHERE = "https://dataapi.example/v2.0"
REFUSAL = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a certificate for 127.0.0.1 that nobody has signed but itself."""
    folder = tmp_path_factory.mktemp("tls")
    made = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
        -keyout {folder}/key.pem -out {folder}/certificate.pem"
    subprocess.run(made.split(), check=True, capture_output=True)
    return folder / "certificate.pem"


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in (*BUNDLES, "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return monkeypatch


def send(url, times=1):
    line = Line(url, 5)
    try:
        return [line.send(b"{}").body for _ in range(times)]
    finally:
        line.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(tls):
    with Playback([http(b"{}")], tls) as server:
        with pytest.raises(NetworkFailure) as caught:
            send(server.url)
        assert server.requests == []
    assert caught.value.message == (
        f"the certificate of {server.url} can't be verified: self-signed certificate"
    )
    assert caught.value.hint == (
        "If the network has a certificate of its own, name it in REQUESTS_CA_BUNDLE."
    )


@pytest.mark.parametrize("name", BUNDLES)
def test_a_certificate_named_in_the_environment_is_trusted(environment, certificate, tls, name):
    environment.setenv(name, str(certificate))
    with Playback([http(b"{}")] * 2, tls) as server:
        assert send(server.url, times=2) == [b"{}", b"{}"]
        assert server.connections == 1


def test_a_certificate_of_another_host_is_refused(environment, certificate, tls):
    environment.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Playback([http(b"{}")], tls) as server, pytest.raises(NetworkFailure) as caught:
        send(server.url.replace("127.0.0.1", "localhost"))
    assert "Hostname mismatch" in caught.value.message
    assert server.requests == []


def test_a_folder_of_certificates_may_be_named(environment, tls, tmp_path):
    environment.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    with Playback([http(b"{}")], tls) as server, pytest.raises(NetworkFailure):
        send(server.url)


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file or directory"), ("no certificate", "there are none")]
)
def test_a_bundle_that_is_none_is_said_before_anything_is_sent(
    environment, tmp_path, name, content, why
):
    bundle = tmp_path / "bundle.pem"
    if content:
        bundle.write_text(content)
    environment.setenv(name, str(bundle))
    with pytest.raises(UsageProblem) as caught:
        Line("https://127.0.0.1:1/v2.0", 5)
    assert caught.value.message == f"{name}: no certificates can be read from {bundle}: {why}"
    Line("http://127.0.0.1:1/v2.0", 5).close()


def test_https_to_a_server_without_it_is_a_broken_exchange():
    answer = [http(b""), CLOSE]
    with Playback([answer]) as server, pytest.raises(Broken, match=r"^no answer came: .*SSL"):
        send(server.url.replace("http:", "https:"))


def test_the_proxy_of_the_environment_is_used(environment):
    with Playback([[REFUSAL, CLOSE]]) as proxy:
        environment.setenv("https_proxy", f"http://user:word@127.0.0.1:{proxy.port}")
        with pytest.raises(Broken, match=r"^no answer came: Tunnel connection failed: 503 No$"):
            send(ELSEWHERE)
    assert proxy.requests[0].startswith(b"CONNECT dataapi.example:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n" in proxy.requests[0]


def test_the_environment_may_except_hosts_from_its_proxy(environment):
    with Playback([[REFUSAL, CLOSE]]) as proxy:
        environment.setenv("https_proxy", proxy.url)
        environment.setenv("no_proxy", "127.0.0.1,.example")
        with pytest.raises(Broken):
            send(ELSEWHERE)
    assert proxy.requests == []


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_no_proxy_is_used_for_loopback(environment, name):
    environment.setenv(name, "http://127.0.0.1:1")
    with Playback([http(b"{}")]) as server:
        assert send(server.url) == [b"{}"]


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://"])
def test_a_proxy_that_cannot_be_used_is_said(environment, proxy):
    environment.setenv("https_proxy", proxy)
    with pytest.raises(UsageProblem) as caught:
        send(ELSEWHERE)
    assert caught.value.message.startswith(f"{ELSEWHERE} can't be called: ")


def test_netrc_is_never_sent(environment, tmp_path):
    (tmp_path / ".netrc").write_text("default login user password word\n")
    environment.setenv("NETRC", str(tmp_path / ".netrc"))
    environment.setattr("comagic_cli.api.http.is_loopback", lambda _: False)
    environment.setenv("no_proxy", "*")
    with Playback([http(b"{}")]) as server:
        send(server.url)
    assert b"authorization" not in server.requests[0].lower()
    assert Path("~/.netrc").expanduser().exists()

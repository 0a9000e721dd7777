import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest

from posthouse_sandbox import Authority, ServerCertificate


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def shake_hands(server_context, client_context, host="localhost"):
    """Return what the client and the server thought of it: an exception or None, each."""
    client_end, server_end = socket.socketpair()
    outcome: list[Exception | None] = []

    def serve():
        with server_end:
            server_end.settimeout(5)
            try:
                with server_context.wrap_socket(server_end, server_side=True) as connection:
                    connection.sendall(b"hello")
                outcome.append(None)
            except (ssl.SSLError, OSError) as error:
                outcome.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    seen = None
    with client_end:
        client_end.settimeout(5)
        try:
            with client_context.wrap_socket(client_end, server_hostname=host) as connection:
                assert connection.recv(5) == b"hello"
        except (ssl.SSLError, OSError) as error:
            seen = error
    thread.join()
    return seen, outcome[0]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_valid_certificate_is_trusted_for_every_name_of_the_loopback_interface(authority: Authority, host: str) -> None:
    assert shake_hands(authority.server_context(), authority.client_context(), host) == (None, None)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("wrong-host", "not valid for 'localhost'"),
        ("expired", "certificate has expired"),
        ("self-signed", "self-signed certificate"),
    ],
)
def test_each_bad_certificate_is_refused_for_its_own_reason(authority: Authority, kind: str, reason: str) -> None:
    seen, _ = shake_hands(authority.server_context(kind), authority.client_context())
    assert isinstance(seen, ssl.SSLCertVerificationError)
    assert reason in str(seen)


def test_self_signed_certificate_is_right_in_all_but_its_issuer(authority: Authority) -> None:
    trusting = ssl.create_default_context(cafile=str(authority.server("self-signed").certificate_file))
    assert shake_hands(authority.server_context("self-signed"), trusting) == (None, None)


def test_a_door_with_client_certificates_lets_in_only_clients_with_one(authority: Authority) -> None:
    server = authority.server_context(client_certificates=True)
    _, outcome = shake_hands(server, authority.client_context())
    assert "peer did not return a certificate" in str(outcome)

    certificate = authority.client("anna@sandbox.example")
    with_certificate = authority.client_context()
    with_certificate.load_cert_chain(certificate.certificate_file, certificate.key_file)
    assert shake_hands(server, with_certificate) == (None, None)


def test_files_are_for_their_owner_only_and_the_authoritys_key_is_not_among_them(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "new")
    for kind in ServerCertificate:
        authority.server(kind)
    authority.client("a/../../b@sandbox.example")
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert len(files) == 1 + 2 * 5
    assert all(file.startswith("new/") for file in files)
    assert {stat.S_IMODE((tmp_path / file).stat().st_mode) for file in files} == {0o600}
    assert b"PRIVATE KEY" not in authority.ca_file.read_bytes()


def test_certificate_is_issued_once(authority: Authority) -> None:
    assert authority.server() is authority.server("valid")
    assert authority.client("a@b.example") is authority.client("a@b.example")


def test_unknown_kind_is_refused(authority: Authority) -> None:
    with pytest.raises(ValueError, match="revoked"):
        authority.server("revoked")

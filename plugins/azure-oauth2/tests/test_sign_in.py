"""Renewal: ahead of time, once for everybody, in threads and processes; and what happens when nothing can be stored."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import evolve
from azure_oauth2_setup import ANNA, Entra, new_process, request

from posthouse import sealing
from posthouse.errors import AuthenticationError, ConfigurationError
from posthouse.providers import Credential
from posthouse.secrets import Secret
from posthouse_azure_oauth2 import Flow, authenticate
from posthouse_azure_oauth2 import sign_in as sign_ins

OTHER_PROCESS = """
import asyncio, json, sys
from pathlib import Path
from posthouse.accounts import Account, Selection
from posthouse.providers import AuthenticationRequest
from posthouse.secrets import Secret
from posthouse_azure_oauth2 import AzureOAuth2Settings, Flow, authenticate

given = json.loads(sys.stdin.readline())
refused = Secret.literal(given.pop("refused")) if "refused" in given else None
renew = given.pop("renew", False)
secret = given.pop("client_secret", None)
settings = AzureOAuth2Settings(
    flow=Flow(given.pop("flow")),
    ca_file=Path(given.pop("ca_file")),
    client_secret=Secret.literal(secret) if secret else None,
    **given,
)
account = Account(name="office", transport=Selection(kind="starttls"))
request = AuthenticationRequest(account=account, resource="smtp", renew=renew, refused=refused)
print("ready", flush=True)
sys.stdin.readline()
print(asyncio.run(authenticate(settings, request)).secret.reveal())
"""


def secret_of(credential: Credential) -> str:
    assert credential.secret is not None
    return credential.secret.reveal()


async def in_other_processes(count: int, **given: object) -> list[str]:
    """Let processes ask for a token at the same moment; return what each got."""
    command = [sys.executable, "-W", "error", "-c", OTHER_PROCESS]

    def talk() -> list[str]:
        processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
        ]
        for process in processes:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(given) + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        return [process.communicate()[0].strip() for process in processes]

    return await asyncio.to_thread(talk)


async def test_many_tasks_ask_once(entra: Entra) -> None:
    settings = entra.settings()
    credentials = await asyncio.gather(*(authenticate(settings, request()) for _ in range(50)))
    assert len({secret_of(credential) for credential in credentials}) == 1
    assert len(entra.grants) == 1


async def test_many_threads_renew_once(entra: Entra) -> None:
    settings = entra.settings()
    first = await authenticate(settings, request())
    together = threading.Barrier(12)

    def renew() -> str:
        together.wait()
        return secret_of(asyncio.run(authenticate(settings, request(renew=True, refused=first.secret))))

    with ThreadPoolExecutor(12) as threads:
        renewed = await asyncio.to_thread(lambda: list(threads.map(lambda _: renew(), range(12))))
    assert len(set(renewed)) == 1
    assert secret_of(first) not in renewed
    assert len(entra.grants) == 2


async def test_who_does_not_know_what_was_refused_renews_once_too(entra: Entra) -> None:
    settings = entra.settings()
    first = await authenticate(settings, request())
    renewed = await asyncio.gather(*(authenticate(settings, request(renew=True)) for _ in range(10)))
    assert len({secret_of(credential) for credential in renewed} - {secret_of(first)}) == 1
    assert len(entra.grants) == 2
    again = await authenticate(settings, request(renew=True))
    assert again.secret not in {credential.secret for credential in renewed}


async def test_processes_share_one_token_and_one_renewal(entra: Entra) -> None:
    settings = entra.settings(Flow.AUTHORIZATION_CODE)
    assert await entra.sign_in(settings) == ANNA
    given = {
        "flow": "authorization-code",
        "authority": entra.door.authority,
        "client_id": entra.app.client_id,
        "ca_file": str(entra.sandbox.ca_file),
    }
    same = await in_other_processes(2, **given)
    mine = secret_of(await authenticate(settings, request()))
    assert same == [mine, mine]
    assert entra.grants == ["authorization_code"]
    renewed = await in_other_processes(2, **given, renew=True, refused=mine)
    assert len(set(renewed)) == 1
    assert mine not in renewed
    assert entra.grants == ["authorization_code", "refresh_token"]
    fourth = await authenticate(settings, request(renew=True, refused=Secret.literal(mine)))
    assert secret_of(fourth) == renewed[0]


async def test_a_new_process_finds_what_was_stored(entra: Entra) -> None:
    settings = entra.settings()
    first = await authenticate(settings, request())
    new_process()
    assert (await authenticate(settings, request())).secret == first.secret
    assert len(entra.grants) == 1


async def test_another_secret_is_tried_rather_than_a_stored_token(entra: Entra) -> None:
    settings = entra.settings()
    await authenticate(settings, request())
    with pytest.raises(AuthenticationError) as refused:
        await authenticate(evolve(settings, client_secret=Secret.literal("another")), request())
    assert refused.value.code == "authentication.secret-wrong"
    assert (await authenticate(settings, request())).secret is not None


@pytest.mark.parametrize(("lifetime", "renewals"), [(310.0, 1), (290.0, 3)])
async def test_a_token_is_renewed_five_minutes_ahead(entra: Entra, lifetime: float, renewals: int) -> None:
    entra.door.set_lifetime(lifetime)
    settings = entra.settings(Flow.AUTHORIZATION_CODE)
    await entra.sign_in(settings)
    for _ in range(2):
        credential = await authenticate(settings, request())
        assert credential.expires_at is not None
        assert credential.expires_at > time.time() + 280
    assert len(entra.grants) == renewals


async def test_renewing_forces_a_new_token(entra: Entra) -> None:
    settings = entra.settings()
    seen = {secret_of(await authenticate(settings, request()))}
    for _ in range(3):
        seen.add(secret_of(await authenticate(settings, request(renew=True))))
    assert len(seen) == 4


async def test_a_cancelled_caller_leaves_a_working_sign_in(entra: Entra) -> None:
    settings = entra.settings()
    task = asyncio.create_task(authenticate(settings, request()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert entra.token_of(await authenticate(settings, request())).app_only
    assert len(entra.grants) <= 2


@pytest.mark.parametrize(
    ("spoil", "code"),
    [("age", "AADSTS700082"), ("revoke", "AADSTS50173")],
)
async def test_a_sign_in_that_ended_asks_for_a_new_one(entra: Entra, spoil: str, code: str) -> None:
    settings = entra.settings(Flow.AUTHORIZATION_CODE)
    await entra.sign_in(settings)
    getattr(entra.door.sessions, spoil)()
    with pytest.raises(AuthenticationError) as refused:
        await authenticate(settings, request(renew=True))
    assert refused.value.code == "authentication.login-needed"
    assert refused.value.reply is not None
    assert refused.value.reply.enhanced == code
    assert "posthouse login" in refused.value.hint
    await entra.sign_in(settings)
    assert (await authenticate(settings, request(renew=True))).user == ANNA


async def test_what_was_mended_counts_at_once(entra: Entra) -> None:
    settings = entra.settings()
    secret = entra.secret
    expires_at = entra.app.secrets[secret]
    entra.app.secrets[secret] = time.time() - 1
    with pytest.raises(AuthenticationError) as refused:
        await authenticate(settings, request())
    assert refused.value.code == "authentication.secret-expired"
    entra.app.secrets[secret] = expires_at
    assert entra.token_of(await authenticate(settings, request())).app_only


# --- without a key, or with another one -------------------------------------------------------------------------------


@pytest.fixture
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTHOUSE_KEY")
    monkeypatch.setattr("posthouse.keyrings.read", lambda service, user: None)
    monkeypatch.setattr("posthouse_azure_oauth2.store._platform_vault", lambda path: None)


@pytest.mark.usefixtures("no_key")
async def test_without_a_key_an_application_keeps_its_tokens_in_memory(entra: Entra, token_folder: Path) -> None:
    settings = entra.settings()
    first = await authenticate(settings, request())
    assert (await authenticate(settings, request())).secret == first.secret
    assert (await authenticate(settings, request(renew=True, refused=first.secret))).secret != first.secret
    assert list(token_folder.glob("*.token")) == []  # noqa: ASYNC240 - nobody waits


@pytest.mark.usefixtures("no_key")
async def test_without_a_key_nobody_signs_in_for_nothing(entra: Entra) -> None:
    with pytest.raises(ConfigurationError) as refused:
        await entra.sign_in(entra.settings(Flow.AUTHORIZATION_CODE))
    assert refused.value.code == "secret.key"
    assert entra.grants == []


async def test_with_another_key_a_person_signs_in_again_and_an_application_goes_on(
    entra: Entra, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, application = entra.settings(Flow.AUTHORIZATION_CODE), entra.settings()
    await entra.sign_in(person)
    await authenticate(application, request())
    new_process()
    monkeypatch.setenv("POSTHOUSE_KEY", sealing.generate_key())
    with pytest.raises(AuthenticationError) as refused:
        await authenticate(person, request())
    assert refused.value.code == "authentication.token-cache"
    assert "posthouse login office" in refused.value.hint
    assert entra.token_of(await authenticate(application, request())).app_only


async def test_a_folder_that_cannot_be_written_stops_persons_only(
    entra: Entra, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("POSTHOUSE_TOKENS", str(tmp_path / "file" / "tokens"))
    assert entra.token_of(await authenticate(entra.settings(), request())).app_only
    with pytest.raises(ConfigurationError) as refused:
        await entra.sign_in(entra.settings(Flow.AUTHORIZATION_CODE))
    assert refused.value.code == "token-cache"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # that forking with threads is risky is the point
def test_a_forked_child_makes_sign_ins_of_its_own(entra: Entra) -> None:
    settings = entra.settings()
    parent = sign_ins.sign_in_of(settings, request().account)
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()

    def child() -> None:
        other = sign_ins.sign_in_of(settings, request().account)
        answers.put(other is not parent)

    process = context.Process(target=child)
    process.start()
    process.join()
    assert answers.get() is True

"""Scripted faults."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse_sandbox.faults import Fault, Faults, parse


@pytest.mark.parametrize(
    ("script", "faults"),
    [
        ("429 with Retry-After 2, then 202", (Fault(status=429, headers={"Retry-After": "2"}), Fault())),
        (
            "429 with Retry-After 2 and X-Reason busy",
            (Fault(status=429, headers={"Retry-After": "2", "X-Reason": "busy"}),),
        ),
        ("503 then pass", (Fault(status=503), Fault())),
        ("2 times 503, then drop", (Fault(status=503), Fault(status=503), Fault(drop=True))),
        ("lose", (Fault(lose=True),)),
        ("only 200", (Fault(status=200),)),
        ("wait for GO", (Fault(wait_for="GO"),)),
        ("wait for GO and 503 with Retry-After 1", (Fault(wait_for="GO", status=503, headers={"Retry-After": "1"}),)),
        ("2 times wait for GO and drop", (Fault(wait_for="GO", drop=True),) * 2),
        (
            "403 ErrorAccessDenied: Access is denied, sorry",
            (Fault(status=403, code="ErrorAccessDenied", text="Access is denied, sorry"),),
        ),
        (
            "429 ApplicationThrottled with Retry-After 2: Slow down",
            (Fault(status=429, code="ApplicationThrottled", headers={"Retry-After": "2"}, text="Slow down"),),
        ),
        (
            "535 5.7.139 Authentication unsuccessful, with policy, then 235",
            (Fault(status=535, code="5.7.139", text="Authentication unsuccessful, with policy"), Fault()),
        ),
    ],
)
def test_a_script_says_what_each_request_meets(script: str, faults: tuple[Fault, ...]) -> None:
    assert parse(script) == faults


@pytest.mark.parametrize(
    "script",
    ["", "maybe", "99", "only 503", "0 times 503", "9999 times 503", "503, then", "600", "wait for", "503 a\r\nb: c"],
)
def test_a_script_that_cannot_be_understood_is_refused(script: str) -> None:
    with pytest.raises(ValueError, match=r"step"):
        parse(script)


@pytest.mark.parametrize(
    "values",
    [{"status": "503"}, {"status": True}, {"status": 99}, {"stauts": 503}, {"headers": {"a\r\nb": "c"}},
     {"headers": {"a": "c\r\nd: e"}}, {"text": "a\r\n250 ok"}, {"drop": 1}],
)  # fmt: skip
def test_what_is_no_fault_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Fault.from_dict(values)


_TEXTS = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
_FAULTS = st.builds(
    Fault,
    status=st.none() | st.integers(200, 599),
    code=_TEXTS,
    text=_TEXTS,
    headers=st.dictionaries(st.from_regex(r"[A-Za-z0-9-]{1,9}", fullmatch=True), st.just("1"), max_size=2),
    body=st.none() | _TEXTS,
    wait_for=_TEXTS,
    drop=st.booleans(),
    lose=st.booleans(),
)


@given(_FAULTS)
def test_plain_data_stands_for_the_same_fault(fault: Fault) -> None:
    assert Fault.from_dict(fault.as_dict()) == fault


def test_requests_take_the_faults_in_their_order() -> None:
    faults = Faults()
    faults.script("graph", "429, then 503", "sendMail")
    faults.script("graph", Fault(drop=True))
    faults.script("ews", "500")
    statuses = [faults.next("graph", "SENDMAIL"), faults.next("graph", "createUploadSession")]
    assert statuses == [Fault(status=429), Fault(drop=True)]
    assert faults.pending() == (("graph", "sendmail", Fault(status=503)), ("ews", "*", Fault(status=500)))
    faults.clear("ews")
    assert faults.next("ews", "CreateItem") is None
    assert faults.next("graph", "sendMail") == Fault(status=503)
    assert faults.next("graph", "sendMail") is None


def test_a_reply_of_smtp_has_an_enhanced_code_and_a_text() -> None:
    assert Fault(status=535, code="5.7.3", text="Authentication unsuccessful").reply() == (
        "535 5.7.3 Authentication unsuccessful"
    )
    assert Fault(status=451).reply() == "451 4.0.0 Refused, as the script asks for"
    with pytest.raises(ValueError, match="no reply"):
        Fault(drop=True).reply()


async def test_a_request_waits_for_its_event() -> None:
    faults = Faults()
    faults.script("graph", "wait for GO and 503, then wait for GO")
    request = asyncio.create_task(faults.meet("graph", "sendMail"))
    await asyncio.sleep(0)
    assert not request.done()
    releasing = threading.Thread(target=faults.release, args=("GO",))
    releasing.start()
    fault = await request
    releasing.join()
    assert fault is not None
    assert fault.status == 503
    assert await faults.meet("graph", "sendMail") is None, "an event stays released"
    faults.clear()
    faults.script("graph", "wait for GO and drop")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(faults.meet("graph", "sendMail"), 0.05)


async def test_a_lost_answer_is_told_to_the_door() -> None:
    faults = Faults()
    faults.script("graph", "lose, then pass")
    assert await faults.meet("graph", "sendMail") == Fault(lose=True)
    assert await faults.meet("graph", "sendMail") is None

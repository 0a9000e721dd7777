"""What is found on a machine, and the method that follows."""

from __future__ import annotations

import itertools

import pytest
from attrs import evolve

from posthouse.errors import PluginError
from posthouse_mapi import machine as machines
from posthouse_mapi.detection import Detection, detect
from posthouse_mapi.machine import Elsewhere, Machine, this_machine
from posthouse_mapi.settings import Way

from .machines import CLASS_ID, PROGRAM, FakeMachine, with_new_outlook, with_nothing, with_other_client, with_outlook

SWITCHED = (r"HKCU\Software\Microsoft\Office\16.0\Outlook\Preferences", "UseNewOutlook", 1)


def refusal(machine: Machine, wanted: Way = Way.AUTODETECT) -> PluginError:
    with pytest.raises(PluginError) as caught:
        detect(machine).choose(wanted)
    assert caught.value.code == "plugin.unavailable"
    assert caught.value.hint
    return caught.value


def test_classic_outlook() -> None:
    found = detect(with_outlook())
    assert (found.outlook, found.outlook_there, found.outlook_bits) == (PROGRAM, True, 64)
    assert (found.client, found.client_simple, found.client_extended) == ("Microsoft Outlook", True, True)
    choice = found.choose(Way.AUTODETECT)
    assert choice.way is Way.OUTLOOK
    assert "registered" in choice.why
    assert PROGRAM in found.facts()


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("registered", [32, 64])
def test_outlook_may_have_another_bitness(bits: int, registered: int) -> None:
    machine = FakeMachine(bits=bits, files={PROGRAM})
    machine.put(r"HKCR\Outlook.Application\CLSID", "", CLASS_ID, registered)
    machine.put(rf"HKCR\CLSID\{CLASS_ID}\LocalServer32", "", PROGRAM, registered)
    machine.put(r"HKLM\SOFTWARE\Microsoft\Office\16.0\Outlook", "Bitness", "x86" if registered == 32 else "x64", 64)
    assert detect(machine).choose(Way.AUTODETECT).way is Way.OUTLOOK
    extended = detect(machine).obstacle(Way.EXTENDED)
    assert (extended is None) == (bits == registered)


@pytest.mark.parametrize(
    "command",
    [PROGRAM, f'"{PROGRAM}"', f'"{PROGRAM}" /automation', f"{PROGRAM} /automation"],
)
def test_the_program_of_a_command(command: str) -> None:
    machine = with_outlook().put(rf"HKCR\CLSID\{CLASS_ID}\LocalServer32", "", command)
    assert detect(machine).outlook == PROGRAM


def test_outlook_that_is_registered_and_gone() -> None:
    machine = with_outlook()
    machine.files.clear()
    error = refusal(machine, Way.OUTLOOK)
    assert error.details["reason"] == "no-mail-program"
    assert PROGRAM in error.message
    assert "epair" in error.hint


def test_a_class_without_program() -> None:
    machine = with_outlook().without(rf"HKCR\CLSID\{CLASS_ID}\LocalServer32")
    assert refusal(machine, Way.OUTLOOK).details["reason"] == "no-mail-program"


def test_only_the_new_outlook() -> None:
    error = refusal(with_new_outlook())
    assert error.details["reason"] == "new-outlook"
    assert "graph" in error.hint
    assert "new Outlook: installed" in detect(with_new_outlook()).facts()


@pytest.mark.parametrize("way", [Way.OUTLOOK, Way.EXTENDED, Way.SIMPLE])
def test_the_new_outlook_does_for_no_method(way: Way) -> None:
    assert refusal(with_new_outlook(), way).details["reason"] == "new-outlook"


def test_who_switched_to_the_new_outlook_still_has_the_old_one() -> None:
    found = detect(with_outlook().put(*SWITCHED))
    assert found.prefers_new_outlook
    assert found.choose(Way.AUTODETECT).way is Way.OUTLOOK


def test_another_mail_program() -> None:
    found = detect(with_other_client())
    assert (found.client_simple, found.client_extended) == (True, False)
    choice = found.choose(Way.AUTODETECT)
    assert choice.way is Way.SIMPLE
    assert "no classic Outlook" in choice.why
    assert refusal(with_other_client(), Way.EXTENDED).details["reason"] == "no-mail-program"


def test_another_mail_program_of_another_bitness() -> None:
    error = refusal(with_other_client(bits=32))
    assert error.details["reason"] == "no-mail-program"
    assert "Thunderbird" in error.message
    assert "32-bit" in error.message


def test_the_persons_default_comes_before_the_machines() -> None:
    machine = with_outlook().put(r"HKCU\Software\Clients\Mail", "", "Mozilla Thunderbird")
    found = detect(machine)
    assert (found.client, found.client_simple) == ("Mozilla Thunderbird", False)


def test_nothing_at_all() -> None:
    error = refusal(with_nothing())
    assert error.details["reason"] == "no-mail-program"
    assert all(word in error.hint for word in ("graph", "starttls"))
    assert "none" in detect(with_nothing()).facts()


@pytest.mark.parametrize("way", list(Way))
def test_no_default_mail_program(way: Way) -> None:
    assert refusal(with_nothing(), way).details["reason"] == "no-mail-program"


def test_extended_mapi_of_another_bitness() -> None:
    error = refusal(with_outlook(outlook_bits="x86"), Way.EXTENDED)
    assert error.details["reason"] == "bitness"
    assert "32-bit" in error.message
    assert "64-bit" in error.message
    assert 'method = "outlook"' in error.hint


def test_a_service_has_no_desktop() -> None:
    found = detect(with_outlook(session=0))
    assert found.service
    assert found.choose(Way.AUTODETECT).way is Way.EXTENDED
    assert "session 0" in found.facts()
    error = refusal(with_outlook(session=0, outlook_bits="x86"))
    assert error.details["reason"] == "service"
    assert refusal(with_other_client(session=0)).details["reason"] == "service"


def test_who_names_a_method_in_a_service_gets_it() -> None:
    assert detect(with_outlook(session=0)).choose(Way.OUTLOOK).way is Way.OUTLOOK


@pytest.mark.parametrize("way", list(Way))
def test_another_system(way: Way) -> None:
    error = refusal(FakeMachine(system="Linux"), way)
    assert error.details["reason"] == "platform"
    assert error.message == "Mail through Outlook or MAPI needs Windows, and this is Linux."
    assert all(word in error.hint for word in ("graph", "ews", "starttls", "smtps"))


def test_a_method_that_is_named_is_the_one() -> None:
    choice = detect(with_outlook()).choose(Way.SIMPLE)
    assert (choice.way, choice.why) == (Way.SIMPLE, 'method = "simple" says so')


def test_every_machine_gets_a_method_or_a_reason() -> None:
    answers = itertools.product([False, True], repeat=7)
    for outlook, there, same, new, client, simple, service in answers:
        found = Detection(
            system="Windows",
            bits=64,
            service=service,
            outlook=PROGRAM if outlook else "",
            outlook_there=outlook and there,
            outlook_bits=64 if same else 32,
            new_outlook=new,
            client="Some" if client else "",
            client_simple=client and simple,
        )
        for way in Way:
            chosen, reason = _outcome(found, way)
            assert bool(chosen) != bool(reason)
            if chosen is not None:
                assert chosen is way or way is Way.AUTODETECT
                assert found.obstacle(chosen) is None
            assert _outcome(evolve(found, system="Linux"), way) == (None, "platform")


def _outcome(found: Detection, way: Way) -> tuple[Way | None, str]:
    try:
        return found.choose(way).way, ""
    except PluginError as error:
        return None, error.details["reason"] if error.hint else "no hint"


def test_the_door_to_this_machine() -> None:
    machine = this_machine()
    assert machine.bits in {32, 64}
    assert machine.has_file(machines.__file__)
    assert not machine.has_file(machines.__file__ + ".gone")
    assert machine.value(r"HKLM\SOFTWARE\Posthouse\no such key", "x") is None
    if machine.system == "Windows":
        assert machine.session is not None
        assert machine.value(r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion", "CurrentVersion")
    else:
        assert (machine.system, machine.session) == (Elsewhere().system, None)

r"""What mail programs this machine has, and which method fits them.

Registry keys: "Registering MAPI DLLs" and "Mapi32.dll Stub Registry Settings" in Microsoft's MAPI documentation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from posthouse.errors import PluginError, Stage
from posthouse_mapi.settings import Way

if TYPE_CHECKING:
    from posthouse_mapi.machine import Machine

__all__ = ["Choice", "Detection", "detect", "not_windows"]

OFFICE_VERSIONS = ("16.0", "15.0", "14.0")
_BITNESS = {"x86": 32, "x64": 64}
_PROGRAM = re.compile(r'"([^"]+)"|(.*?\.exe)\b', re.IGNORECASE)
_ELSEWHERE = "Use graph for Microsoft 365, ews for Exchange on premises, or starttls or smtps for any mail server."
_NEW_OUTLOOK = "The new Outlook takes no mail from programs: use an account of kind graph, or install classic Outlook."


@frozen
class Choice:
    """A method, and why it is the one."""

    way: Way
    why: str


@frozen(kw_only=True)
class Detection:
    """What was found.

    Attributes:
        system: ``"Windows"``, or what else it is.
        bits: of this process.
        service: True in session 0, where services run and no person sees a dialog.
        outlook: path of the program behind ``Outlook.Application``; empty if the class is not registered.
        outlook_there: whether that program exists.
        outlook_bits: 32 or 64; None if nothing says so.
        new_outlook: whether the new Outlook is installed.
        prefers_new_outlook: whether the person switched to the new Outlook.
        client: the default mail program by its registered name; empty if there is none.
        client_simple: whether it offers Simple MAPI to a program of this bitness.
        client_extended: whether it offers Extended MAPI to a program of this bitness.
    """

    system: str
    bits: int
    service: bool = False
    outlook: str = ""
    outlook_there: bool = False
    outlook_bits: int | None = None
    new_outlook: bool = False
    prefers_new_outlook: bool = False
    client: str = ""
    client_simple: bool = False
    client_extended: bool = False

    @property
    def windows(self) -> bool:
        """Whether there can be anything at all."""
        return self.system == "Windows"

    @property
    def usable_outlook(self) -> bool:
        """Whether classic Outlook is registered and there."""
        return bool(self.outlook) and self.outlook_there

    @property
    def same_bits(self) -> bool:
        """Whether this process can load Outlook's libraries, as far as it is known."""
        return self.outlook_bits in (None, self.bits)

    def facts(self) -> str:
        """Return what was found, in words."""
        offers = [name for name, there in (("Simple", self.client_simple), ("Extended", self.client_extended)) if there]
        found = [
            self._outlook_in_words(),
            f"new Outlook: {'in use' if self.prefers_new_outlook else 'installed' if self.new_outlook else 'no'}",
            f"default mail program: {self.client or 'none'}" + (f" ({' and '.join(offers)} MAPI)" if offers else ""),
            f"this process: {self.bits}-bit{', a service (session 0)' if self.service else ''}",
        ]
        return "; ".join(found)

    def choose(self, wanted: Way) -> Choice:
        """Return the method to use.

        Args:
            wanted: what the settings say.

        Raises:
            PluginError: nothing that is installed here allows it (``plugin.unavailable``); ``details["reason"]`` is
                ``platform``, ``no-mail-program``, ``new-outlook``, ``bitness`` or ``service``.
        """
        if not self.windows:
            raise not_windows(self.system)
        if wanted is not Way.AUTODETECT:
            if (problem := self.obstacle(wanted)) is not None:
                raise problem
            return Choice(wanted, f'method = "{wanted.value}" says so')
        obstacles = {}
        for way, why in _ORDER.items():
            problem = self._service_obstacle(way) or self.obstacle(way)
            if problem is None:
                return Choice(way, why)
            obstacles[way] = problem
        raise obstacles[Way.SIMPLE if self.client and not self.service else Way.OUTLOOK]

    def obstacle(self, way: Way) -> PluginError | None:
        """Return why a method cannot work here; None if it may."""
        if way is Way.SIMPLE:
            return None if self.client_simple else self._no_client()
        if not self.usable_outlook:
            return self._no_outlook()
        if way is Way.EXTENDED and not self.same_bits:
            return _error(
                "bitness",
                f"Extended MAPI needs a Python of Outlook's bitness: Outlook is {self.outlook_bits}-bit, this Python "
                f"{self.bits}-bit.",
                f'Use a {self.outlook_bits}-bit Python, or method = "outlook", which does not mind.',
            )
        return None

    def _service_obstacle(self, way: Way) -> PluginError | None:
        if not self.service or way is Way.EXTENDED:
            return None
        return _error(
            "service",
            "This process is a service (session 0): mail programs need a person's desktop, and their dialogs would "
            "wait for ever.",
            f"Run it as the signed-in user, or do not go through a mail program. {_ELSEWHERE}",
        )

    def _no_outlook(self) -> PluginError:
        if self.outlook:
            return _error(
                "no-mail-program",
                f"Outlook is registered as {self.outlook}, and there is no such file.",
                "Repair or reinstall Office.",
            )
        if self.new_outlook or self.prefers_new_outlook:
            return _error("new-outlook", "Only the new Outlook is installed.", _NEW_OUTLOOK)
        return _error(
            "no-mail-program",
            "Classic Outlook is not installed: Outlook.Application is not registered.",
            f"Install it, or go without. {_ELSEWHERE}",
        )

    def _no_client(self) -> PluginError:
        if self.client:
            return _error(
                "no-mail-program",
                f"The default mail program, {self.client}, offers no Simple MAPI to a {self.bits}-bit program.",
                "Make another one the default (Settings, Apps, Default apps).",
            )
        if self.new_outlook and not self.outlook:
            return _error("new-outlook", "Only the new Outlook is installed.", _NEW_OUTLOOK)
        return _error(
            "no-mail-program",
            "Windows has no default mail program that offers MAPI.",
            f"Install one and make it the default (Settings, Apps, Default apps), or go without. {_ELSEWHERE}",
        )

    def _outlook_in_words(self) -> str:
        if not self.outlook:
            return "classic Outlook: no"
        bits = f", {self.outlook_bits}-bit" if self.outlook_bits else ""
        return f"classic Outlook: {self.outlook}{bits}" + ("" if self.outlook_there else ", which is not there")


_ORDER = {
    Way.OUTLOOK: "classic Outlook is registered and there, and its object model carries most",
    Way.EXTENDED: "Outlook's object model needs a desktop, and Extended MAPI does not",
    Way.SIMPLE: "there is no classic Outlook, and the default mail program offers Simple MAPI",
}


def detect(machine: Machine) -> Detection:
    """Look at a machine. Reads the registry; starts nothing."""
    if machine.system != "Windows":
        return Detection(system=machine.system, bits=machine.bits)
    program = _outlook_program(machine)
    client = _text(machine.value(r"HKCU\Software\Clients\Mail", bits=machine.bits)) or _text(
        machine.value(r"HKLM\SOFTWARE\Clients\Mail", bits=machine.bits)
    )
    preferences = r"HKCU\Software\Microsoft\Office\16.0\Outlook\Preferences"
    switched = machine.value(preferences, "UseNewOutlook") == 1
    paths = r"HKCU\Software\Microsoft\Windows\CurrentVersion\App Paths\olk.exe"
    return Detection(
        system=machine.system,
        bits=machine.bits,
        service=machine.session == 0,
        outlook=program,
        outlook_there=bool(program) and machine.has_file(program),
        outlook_bits=_outlook_bits(machine),
        new_outlook=switched or machine.value(paths) is not None,
        prefers_new_outlook=switched,
        client=client,
        client_simple=_client_offers(machine, client, "DLLPath", "DLLPathEx", "MSIComponentID"),
        client_extended=_client_offers(machine, client, "DLLPathEx", "MSIComponentID"),
    )


def not_windows(system: str) -> PluginError:
    """Return the error of a machine that has no MAPI."""
    return _error("platform", f"Mail through Outlook or MAPI needs Windows, and this is {system}.", _ELSEWHERE)


def _outlook_program(machine: Machine) -> str:
    """Return the path behind ``Outlook.Application``, of either bitness: COM starts both."""
    for bits in (machine.bits, 96 - machine.bits):
        if not (identifier := _text(machine.value(r"HKCR\Outlook.Application\CLSID", bits=bits))):
            continue
        command = _text(machine.value(rf"HKCR\CLSID\{identifier}\LocalServer32", bits=bits)).strip()
        if command:
            match = _PROGRAM.match(command)
            return (match[1] or match[2]) if match else command
    return ""


def _outlook_bits(machine: Machine) -> int | None:
    for version in OFFICE_VERSIONS:
        for bits in (64, 32):
            key = rf"HKLM\SOFTWARE\Microsoft\Office\{version}\Outlook"
            if found := _BITNESS.get(_text(machine.value(key, "Bitness", bits=bits)).lower()):
                return found
    return None


def _client_offers(machine: Machine, client: str, *names: str) -> bool:
    key = rf"HKLM\SOFTWARE\Clients\Mail\{client}"
    return bool(client) and any(machine.value(key, name, bits=machine.bits) for name in names)


def _text(value: str | int | None) -> str:
    return value if isinstance(value, str) else ""


def _error(reason: str, message: str, hint: str) -> PluginError:
    return PluginError(message, code="plugin.unavailable", stage=Stage.DISCOVERY, hint=hint, details={"reason": reason})

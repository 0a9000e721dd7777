"""Machines to detect mail programs on, as registries and files."""

from __future__ import annotations

from attrs import define, field

__all__ = ["FakeMachine", "with_new_outlook", "with_nothing", "with_other_client", "with_outlook"]

PROGRAM = r"C:\Program Files\Microsoft Office\Root\Office16\OUTLOOK.EXE"
CLASS_ID = "{0006F03A-0000-0000-C000-000000000046}"
SECURITY = r"Software\Policies\Microsoft\Office\16.0\Outlook\Security"


@define
class FakeMachine:
    """Satisfies `posthouse_mapi.machine.Machine`. Values are by key, name and bitness; None stands for both."""

    system: str = "Windows"
    bits: int = 64
    session: int | None = 1
    files: set[str] = field(factory=set)
    registry: dict[tuple[str, str, int | None], str | int] = field(factory=dict)

    def value(self, key: str, name: str = "", *, bits: int = 64) -> str | int | None:
        return self.registry.get((key, name, bits), self.registry.get((key, name, None)))

    def has_file(self, path: str) -> bool:
        return path in self.files

    def put(self, key: str, name: str, value: str | int, bits: int | None = None) -> FakeMachine:
        """Set a value, and return the machine."""
        self.registry[key, name, bits] = value
        return self

    def without(self, key: str, name: str = "") -> FakeMachine:
        """Take a value away, and return the machine."""
        self.registry = {place: value for place, value in self.registry.items() if place[:2] != (key, name)}
        return self


def with_nothing(**options: object) -> FakeMachine:
    """A new Windows without any mail program."""
    return FakeMachine(**options)  # type: ignore[arg-type]


def with_outlook(*, outlook_bits: str = "x64", **options: object) -> FakeMachine:
    """Classic Outlook, the default mail program."""
    machine = with_nothing(files={PROGRAM}, **options)
    machine.put(r"HKCR\Outlook.Application\CLSID", "", CLASS_ID)
    machine.put(rf"HKCR\CLSID\{CLASS_ID}\LocalServer32", "", f'"{PROGRAM}" /automation')
    machine.put(r"HKLM\SOFTWARE\Microsoft\Office\16.0\Outlook", "Bitness", outlook_bits)
    machine.put(r"HKLM\SOFTWARE\Clients\Mail", "", "Microsoft Outlook")
    machine.put(r"HKLM\SOFTWARE\Clients\Mail\Microsoft Outlook", "DLLPathEx", r"C:\…\OLMAPI32.DLL")
    return machine


def with_new_outlook(**options: object) -> FakeMachine:
    """The new Outlook only."""
    key = r"HKCU\Software\Microsoft\Windows\CurrentVersion\App Paths\olk.exe"
    return with_nothing(**options).put(key, "", r"%LOCALAPPDATA%\Microsoft\WindowsApps\olk.exe")


def with_other_client(**options: object) -> FakeMachine:
    """Another mail program that offers Simple MAPI to 64-bit programs."""
    machine = with_nothing(**options).put(r"HKLM\SOFTWARE\Clients\Mail", "", "Mozilla Thunderbird")
    key = r"HKLM\SOFTWARE\Clients\Mail\Mozilla Thunderbird"
    return machine.put(key, "DLLPath", r"C:\Program Files\Mozilla Thunderbird\mozMapi32.dll", 64)

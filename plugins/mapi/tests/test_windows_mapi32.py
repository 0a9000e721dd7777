"""Windows' own ``mapi32.dll`` and pywin32's ``win32com.mapi``: that they are what the stand-ins say they are."""

from __future__ import annotations

from importlib import import_module

import pytest

from posthouse.errors import ConnectError, DeliveryError
from posthouse.messages import Message
from posthouse_mapi.attempts import Attempt
from posthouse_mapi.extended import ExtendedMethod
from posthouse_mapi.extended.library import load_library as load_extended
from posthouse_mapi.settings import MapiSettings
from posthouse_mapi.simple import SimpleMethod
from posthouse_mapi.simple.library import PROTOTYPES, load_library

from .conftest import submission
from .extended.mapi import FakeMapi
from .standin.office import ONLY_WINDOWS
from .standin.registry import in_wine

pytestmark = ONLY_WINDOWS

ONLY_WINE = pytest.mark.skipif(not in_wine(), reason="Windows would show a dialog; Wine says yes and sends nothing")
MESSAGE = Message(
    sender="anna@example.org", to="bob@example.org", subject="Grüße", text="Hi", attachments=[("ä.txt", b"x")]
)


def test_windows_has_every_function() -> None:
    library = load_library()
    assert set(library.functions) == set(PROTOTYPES)
    assert "ä".encode(library.code_page)


@ONLY_WINE
def test_the_real_functions_take_what_they_are_handed() -> None:
    method = SimpleMethod(MapiSettings())
    with method.apartment():
        method.open(Attempt(10))
        delivery = method.send(submission(MESSAGE), Attempt(10))
        method.close()
    assert delivery.error is None
    assert [outcome.status.value for outcome in delivery.recipients] == ["accepted"]


def test_pywin32_has_the_numbers_of_the_stand_in() -> None:
    mapi = load_extended().mapi
    numbers = {name: value for name, value in vars(FakeMapi).items() if name.isupper() and isinstance(value, int)}
    assert len(numbers) > 15
    assert {name: getattr(mapi, name) for name in numbers} == numbers


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((0, None, None), TypeError),
        ((0, "x", None, 0x80000020), OverflowError),
    ],
)
def test_pywin32_is_as_strict_as_the_stand_in(arguments: tuple[object, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        load_extended().mapi.MAPILogonEx(*arguments)


@ONLY_WINE
def test_a_windows_without_extended_mapi_says_so() -> None:
    method = ExtendedMethod(MapiSettings())
    with pytest.raises(DeliveryError, match="starting MAPI"), method.apartment():
        pass


def test_com_errors_have_the_shape_of_the_stand_in() -> None:
    library = load_extended()
    with pytest.raises(library.error) as caught:
        import_module("win32com.client.dynamic").Dispatch("Posthouse.NoSuchClass")
    error: object = caught.value
    assert isinstance(getattr(error, "hresult", None), int)
    assert not isinstance(error, ConnectError)

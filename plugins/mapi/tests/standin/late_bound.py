"""What late binding and COM's apartments make of the object model, for systems without COM."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .errors import BAD_TYPE, NO_MEMBER, NO_NAME, NOT_INITIALIZED, WRONG_THREAD, ModelError
from .members import ComClass
from .model import Application
from .world import World

__all__ = ["ComError", "FakeCom", "LateBound"]

_DISP_E_EXCEPTION = -2147352567
_NOT_REGISTERED = -2147221005, "Invalid class string"


class ComError(Exception):
    """In the shape of ``pythoncom.com_error``."""

    def __init__(self, hresult: int, strerror: str, excepinfo: Any, argerror: Any) -> None:
        super().__init__(hresult, strerror, excepinfo, argerror)
        self.hresult, self.strerror, self.excepinfo, self.argerror = hresult, strerror, excepinfo, argerror

    @classmethod
    def of(cls, error: ModelError) -> ComError:
        """Return what arrives of an error."""
        if error.of_com:
            return cls(error.number, error.text, None, None)
        inside = (4096, "Microsoft Outlook", error.text, None, 0, error.number)
        return cls(_DISP_E_EXCEPTION, "Exception occurred.", inside, None)


class LateBound:
    """An object as a client has it: bound by name, at home in one thread."""

    def __init__(self, target: ComClass, com: FakeCom) -> None:
        self._target, self._com, self._thread = target, com, threading.get_ident()

    def get(self, name: str) -> Any:
        return self._reach(name, self._target._public_attrs_, lambda: getattr(self._target, name))

    def put(self, name: str, value: Any, *, by_reference: bool) -> None:
        members = self._target._reference_attrs_ if by_reference else self._plain_attrs
        self._reach(name, members, lambda: setattr(self._target, name, self._unwrapped(value)))

    def call(self, name: str, *arguments: Any) -> Any:
        members = self._target._public_methods_
        return self._reach(name, members, lambda: getattr(self._target, name)(*map(self._unwrapped, arguments)))

    @property
    def _plain_attrs(self) -> list[str]:
        return [name for name in self._target._public_attrs_ if name not in self._target._reference_attrs_]

    def _reach(self, name: str, members: list[str], use: Callable[[], Any]) -> Any:
        try:
            self._com.check_thread(self._thread)
            self._check_name(name, members)
            result = use()
        except ModelError as error:
            raise ComError.of(error) from error
        return LateBound(result, self._com) if isinstance(result, ComClass) else result

    def _check_name(self, name: str, members: list[str]) -> None:
        if name not in members:
            known = (*self._target._public_attrs_, *self._target._public_methods_)
            raise ModelError(NO_MEMBER if name in known else NO_NAME)

    def _unwrapped(self, value: Any) -> Any:
        if isinstance(value, LateBound):
            return value._target
        if value is not None and type(value) not in (str, int, bool, float, bytes):
            raise ComError.of(ModelError(BAD_TYPE))
        return value


class FakeCom:
    """Satisfies `posthouse_mapi.com.Com`.

    Attributes:
        entered: threads with an apartment, each with how often it was entered.
        registered: whether ``Outlook.Application`` is known.
    """

    error: type[Exception] = ComError

    def __init__(self, world: World) -> None:
        self.world = world
        self.entered: dict[int, int] = {}
        self.registered = True

    def initialize(self) -> None:
        self.entered[threading.get_ident()] = self.entered.get(threading.get_ident(), 0) + 1

    def uninitialize(self) -> None:
        self.entered[threading.get_ident()] -= 1
        if not self.entered[threading.get_ident()]:
            del self.entered[threading.get_ident()]

    def pump(self) -> None:
        self.check_thread(threading.get_ident())

    def dispatch(self, prog_id: str) -> Any:
        try:
            self.check_thread(threading.get_ident())
            if prog_id != "Outlook.Application" or not self.registered:
                raise ComError(*_NOT_REGISTERED, None, None)
            self.world.alive = True  # COM starts it where it is not running
            self.world.before(self.world.fault("Dispatch"))
        except ModelError as error:
            raise ComError.of(error) from error
        return LateBound(Application(self.world), self)

    def get(self, target: Any, name: str) -> Any:
        return target.get(name)

    def put(self, target: Any, name: str, value: Any) -> None:
        target.put(name, value, by_reference=False)

    def put_reference(self, target: Any, name: str, value: Any) -> None:
        target.put(name, value, by_reference=True)

    def call(self, target: Any, name: str, *arguments: Any) -> Any:
        return target.call(name, *arguments)

    def check_thread(self, home: int) -> None:
        """Refuse a thread without an apartment, and an object of another one."""
        if threading.get_ident() not in self.entered:
            raise ModelError(NOT_INITIALIZED)
        if threading.get_ident() != home:
            raise ModelError(WRONG_THREAD)

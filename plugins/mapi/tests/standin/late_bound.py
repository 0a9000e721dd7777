"""What ``win32com.client.Dispatch`` and COM's apartments make of the object model, for systems without COM."""

from __future__ import annotations

import threading
from typing import Any

from .errors import BAD_TYPE, NO_MEMBER, NOT_INITIALIZED, WRONG_THREAD, ModelError
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
    """An object as a client sees it: bound by name, at home in one thread."""

    def __init__(self, target: ComClass, com: FakeCom) -> None:
        vars(self).update(_target=target, _com=com, _thread=threading.get_ident())

    def __getattr__(self, name: str) -> Any:
        target = self._target
        if name in target._public_methods_:
            return lambda *arguments: self._reach(lambda: getattr(target, name)(*map(self._unwrapped, arguments)))
        if name in target._public_attrs_:
            return self._reach(lambda: getattr(target, name))
        raise AttributeError(f"<unknown>.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        target = self._target
        if name not in target._public_attrs_:
            raise AttributeError(f"Property '<unknown>.{name}' can not be set.")
        if name in target._reference_attrs_:
            raise ComError.of(ModelError(NO_MEMBER))
        self._reach(lambda: setattr(target, name, self._unwrapped(value)))

    def _put_reference(self, name: str, value: Any) -> None:
        if name not in self._target._reference_attrs_ or not isinstance(value, LateBound):
            raise ComError.of(ModelError(NO_MEMBER))
        self._reach(lambda: setattr(self._target, name, self._unwrapped(value)))

    def _reach(self, use: Any) -> Any:
        try:
            self._com.check_thread(self._thread)
            result = use()
        except ModelError as error:
            raise ComError.of(error) from error
        return LateBound(result, self._com) if isinstance(result, ComClass) else result

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

    error = ComError

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

    def put_reference(self, target: Any, name: str, value: Any) -> None:
        target._put_reference(name, value)

    def check_thread(self, home: int) -> None:
        """Refuse a thread without an apartment, and an object of another one."""
        if threading.get_ident() not in self.entered:
            raise ModelError(NOT_INITIALIZED)
        if threading.get_ident() != home:
            raise ModelError(WRONG_THREAD)

"""How a class of the object model declares its members, so that nothing undocumented works and types are checked."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ClassVar, get_type_hints

from .errors import BAD_ARGUMENT, BAD_COUNT, BAD_TYPE, ModelError
from .world import World

__all__ = ["ComClass", "Property", "documented", "reference"]


class ComClass:
    """A class of the object model.

    Attributes:
        world: what stands behind it.
    """

    _public_methods_: ClassVar[list[str]] = []
    _public_attrs_: ClassVar[list[str]] = []
    _readonly_attrs_: ClassVar[list[str]] = []
    _reference_attrs_: ClassVar[list[str]] = []
    """Properties that take an object, by DISPATCH_PROPERTYPUTREF and no other way."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.values: dict[str, Any] = {}

    def __init_subclass__(cls) -> None:
        members = {name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()}
        properties = {name: value for name, value in members.items() if isinstance(value, Property)}
        cls._public_methods_ = [name for name, value in members.items() if getattr(value, "_documented", False)]
        cls._public_attrs_ = list(properties)
        cls._readonly_attrs_ = [name for name, value in properties.items() if not value.writable]
        cls._reference_attrs_ = [name for name, value in properties.items() if value.by_reference]

    def check_alive(self) -> None:
        """Raise what any use of an object that is no longer there meets."""


class Property:
    """A documented property.

    Args:
        kind: its type.
        default: its value to begin with.
        get: computes it, instead of keeping a value.
        writable: whether it can be set.
        among: the values that are allowed, if only these are.
        by_reference: takes an object.
        on_set: told of a new value.
    """

    def __init__(
        self,
        kind: type,
        default: Any = None,
        *,
        get: Callable[[Any], Any] | None = None,
        writable: bool = True,
        among: tuple[Any, ...] = (),
        by_reference: bool = False,
        on_set: Callable[[Any, Any], None] | None = None,
    ) -> None:
        self.kind, self.default, self.get, self.among, self.on_set = kind, default, get, among, on_set
        self.writable = writable and get is None
        self.by_reference = by_reference

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, obj: ComClass | None, owner: type) -> Any:
        if obj is None:
            return self
        fault = obj.world.fault(f"{type(obj).__name__}.{self.name}")
        obj.world.before(fault)
        obj.check_alive()
        value = self.get(obj) if self.get is not None else obj.values.get(self.name, self.default)
        obj.world.after(fault)
        return value

    def __set__(self, obj: ComClass, value: Any) -> None:
        fault = obj.world.fault(f"{type(obj).__name__}.{self.name}")
        obj.world.before(fault)
        obj.check_alive()
        check_type(value, self.kind)
        if not self.writable or (self.among and value not in self.among):
            raise ModelError(BAD_ARGUMENT)
        obj.values[self.name] = value
        if self.on_set is not None:
            self.on_set(obj, value)
        obj.world.after(fault)


def reference(kind: type) -> Property:
    """Declare a property that takes an object."""
    return Property(kind, by_reference=True)


def documented(function: Callable[..., Any]) -> Any:
    """Declare a documented method: counts and types of its arguments are checked, and faults met."""

    @functools.wraps(function)
    def checked(self: ComClass, *arguments: Any) -> Any:
        fault = self.world.fault(f"{type(self).__name__}.{function.__name__}")
        self.world.before(fault)
        self.check_alive()
        hints = get_type_hints(function)
        signature = inspect.signature(function)
        try:
            bound = signature.bind(self, *arguments)
        except TypeError as error:
            raise ModelError(BAD_COUNT) from error
        for name, value in list(bound.arguments.items())[1:]:
            default = signature.parameters[name].default
            if value is not default:
                check_type(value, hints[name])
        result = function(*bound.args)
        self.world.after(fault)
        return result

    checked._documented = True  # type: ignore[attr-defined]
    return checked


def check_type(value: Any, kind: Any) -> None:
    """Refuse a value that VARIANTs would not carry there; a bool is no number here."""
    if kind is Any:
        return
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ModelError(BAD_TYPE)

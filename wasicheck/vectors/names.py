"""What the names in a vector mean in the WIT: interfaces, functions, types, features."""

from __future__ import annotations

from collections.abc import Iterator

from wasicheck.wit import parse_type
from wasicheck.wit.types import Function, FunctionKind, Interface, Type, Wit


class UnknownFunctionError(Exception):
    """No function has that name; `candidates` are names to choose from."""

    def __init__(self, message: str, candidates: tuple[str, ...]) -> None:
        super().__init__(message, candidates)
        self.message = message
        self.candidates = candidates


class Names:
    """Looks names up in a set of WIT packages; answers are kept, since vectors ask for the same ones again and again.

    Functions, nearest meaning first: `now`, `tcp-socket.create` of the vector's own interface; `monotonic-clock.now`
    of an interface of its package; `clocks/monotonic-clock.now` of another package;
    `wasi:clocks/monotonic-clock@0.3.0#now` in full.
    """

    def __init__(self, wit: Wit) -> None:
        self._wit = wit
        self.interfaces = {i.id: i for p in wit.packages.values() for i in p.interfaces.values()}
        self._functions: dict[str, Function] = {}
        self._types: dict[tuple[str, str], Type] = {}
        self._methods: dict[str, dict[str, Function]] = {}
        for interface in self.interfaces.values():
            package = interface.id.partition("/")[0]
            short = package.partition(":")[2]
            for local, function in interface.functions.items():
                for name in (f"{package}|{interface.name}.{local}", f"{short}/{interface.name}.{local}", function.item):
                    self._functions.setdefault(name, function)

    def function(self, name: str, interface: Interface) -> Function:
        """Return the function that a call in a vector of the interface means; raise `UnknownFunctionError`."""
        found = interface.functions.get(name)
        if found is None:
            package = interface.id.partition("/")[0]
            found = self._functions.get(f"{package}|{name}") or self._functions.get(name)
        if found is None:
            known = (key.partition("|")[2] or key for key in self._functions if "@" not in key)
            raise UnknownFunctionError(
                f"there is no function `{name}` in {interface.id}", (*interface.functions, *dict.fromkeys(known))
            )
        return found

    def methods(self, resource: str) -> dict[str, Function]:
        """The methods of a resource, given as `interface#resource`, by their own names."""
        if resource not in self._methods:
            interface, _, name = resource.partition("#")
            self._methods[resource] = {
                f.name: f
                for f in self.interfaces[interface].functions.values()
                if f.resource == name and f.kind is FunctionKind.METHOD
            }
        return self._methods[resource]

    def type(self, text: str, interface: Interface) -> Type:
        """Return the type that a WIT expression means in the interface; raise `WitError`."""
        key = (text, interface.id)
        if key not in self._types:
            self._types[key] = parse_type(text, interface, self._wit)
        return self._types[key]

    def feature(self, function: Function) -> str | None:
        """The unstable feature that a function belongs to, if it is not stable."""
        interface = self.interfaces.get(function.interface)
        return function.stability.unstable or (interface.stability.unstable if interface is not None else None)

    def features(self) -> Iterator[str]:
        """The unstable features of all packages."""
        found = (self.feature(f) for i in self.interfaces.values() for f in i.functions.values())
        return iter(dict.fromkeys(f for f in found if f is not None))

"""Which WASI function a call in a vector means."""

from __future__ import annotations

from collections.abc import Iterator

from wasicheck.wit.types import Function, Interface, Wit


class UnknownFunctionError(Exception):
    """No function, or more than one, has that name; `candidates` are names to choose from."""

    def __init__(self, name: str, message: str, candidates: tuple[str, ...]) -> None:
        super().__init__(name, message, candidates)
        self.message = message
        self.candidates = candidates


class Functions:
    """Looks functions up by the names a vector may use, nearest meaning first.

    `now`, `tcp-socket.create`: of the vector's own interface; `monotonic-clock.now`: of an interface of its package;
    `clocks/monotonic-clock.now`: of another package of WASI; `wasi:clocks/monotonic-clock@0.3.0#now`: in full.
    """

    def __init__(self, wit: Wit) -> None:
        self._wit = wit
        self._by_name: dict[str, list[Function]] = {}
        for interface in _interfaces(wit):
            package = interface.id.partition("/")[0]
            short = package.partition(":")[2]
            for local, function in interface.functions.items():
                for name in (
                    f"{package}|{interface.name}.{local}",
                    f"{short}/{interface.name}.{local}",
                    function.item,
                ):
                    self._by_name.setdefault(name, []).append(function)

    def find(self, name: str, interface: Interface) -> Function:
        """Return the function; raise `UnknownFunctionError`."""
        found = interface.functions.get(name)
        if found is not None:
            return found
        package = interface.id.partition("/")[0]
        functions = self._by_name.get(f"{package}|{name}") or self._by_name.get(name)
        if functions is None:
            candidates = tuple(interface.functions) + tuple(
                key.partition("|")[2] or key for key in self._by_name if "@" not in key
            )
            raise UnknownFunctionError(name, f"there is no function `{name}` in {interface.id}", candidates)
        return functions[0]

    def methods(self, resource_id: str) -> dict[str, Function]:
        """The methods of a resource, given as `interface#resource`, by their own names."""
        interface, _, resource = resource_id.partition("#")
        return {
            f.name: f
            for f in self._wit.interface(interface).functions.values()
            if f.resource == resource and f.kind.value == "method"
        }


def _interfaces(wit: Wit) -> Iterator[Interface]:
    for package in wit.packages.values():
        yield from package.interfaces.values()

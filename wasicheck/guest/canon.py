"""The canonical definitions of a guest (`canon lower`, `canon stream.read` …), each made when first asked for.

Every definition becomes a core function of the component and an import of the guest's core module under the same
identifier; core signatures are those of CanonicalABI.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from wasicheck.abi import lower_signature, task_return_signature
from wasicheck.guest.imports import Imports, quoted
from wasicheck.vectors.model import Lowering
from wasicheck.wit.types import Function, FutureType, ResourceType, StreamType, Type

I32 = "i32"
MEMORY = "(memory $memory)"
REALLOC = "(realloc $realloc)"


class Canon:
    """Collects canonical definitions and the core imports that go with them."""

    def __init__(self, imports: Imports) -> None:
        self._imports = imports
        self._definitions: dict[str, str] = {}
        self._core: dict[str, str] = {}
        self._types: dict[StreamType | FutureType, str] = {}
        self._linked: dict[str, str] = {}
        self._results: dict[Type, str] = {}

    # --- calls -----------------------------------------------------------------------------------

    def lower(self, function: Function, lowering: Lowering) -> str:
        """`canon lower` of an imported function; return the core function's identifier."""
        is_async = lowering is Lowering.ASYNC
        signature = lower_signature(function, is_async=is_async)
        options = f"{' async' if is_async else ''} {MEMORY} {REALLOC}"
        return self._define(
            f"{function.item}{'.async' if is_async else ''}",
            f"lower (func {self._imports.function(function)}){options}",
            signature.params,
            signature.results,
        )

    def lower_linked(self, function: Function) -> str:
        """`canon lower` of a function as another component instance exports it, which calls the imported one.

        Only for functions whose types are flat and anonymous: the other component has no memory.
        """
        signature = lower_signature(function, is_async=False)
        name = f"{function.item}.linked"
        parameters = "".join(f" (param {quoted(p.name)} {self._imports.outer(p.type)})" for p in function.params)
        result = "" if function.result is None else f" (result {self._imports.outer(function.result)})"
        core = "".join(f" (param {p})" for p in signature.params) + "".join(f" (result {r})" for r in signature.results)
        arguments = "".join(f" (local.get {i})" for i in range(len(signature.params)))
        self._linked[name] = f"""\
(component $linked.{name}
  (import "callee" (func $callee{parameters}{result}))
  (canon lower (func $callee) (core func $lowered))
  (core module $Forward
    (import "" "callee" (func $callee{core}))
    (func (export "caller"){core} (call $callee{arguments})))
  (core instance $forward (instantiate $Forward (with "" (instance (export "callee" (func $lowered))))))
  (func (export "caller"){parameters}{result} (canon lift (core func $forward "caller"))))
(instance $linked.instance.{name} (instantiate $linked.{name}
  (with "callee" (func {self._imports.function(function)}))))"""
        return self._define(name, f'lower (func $linked.instance.{name} "caller")', signature.params, signature.results)

    def resource_drop(self, resource: ResourceType) -> str:
        """`canon resource.drop`."""
        outer = self._imports.resource(resource)
        return self._define(f"resource.drop.{resource.id}", f"resource.drop {outer}", (I32,), ())

    # --- streams and futures -----------------------------------------------------------------------

    def new(self, type: StreamType | FutureType) -> str:
        """`canon stream.new` or `canon future.new`: the readable end is the low word of the result."""
        return self._of_type(type, "new", (), ("i64",))

    def copy(self, type: StreamType | FutureType, operation: str, lowering: Lowering) -> str:
        """`canon {stream,future}.{read,write}`: (end, address[, count]) to a packed copy result or BLOCKED."""
        parameters = (I32,) * (3 if isinstance(type, StreamType) else 2)
        kind = " async" if lowering is Lowering.ASYNC else ""
        return self._of_type(type, operation, parameters, (I32,), f"{kind} {MEMORY} {REALLOC}")

    def cancel(self, type: StreamType | FutureType, operation: str) -> str:
        """`canon {stream,future}.cancel-{read,write}`, synchronous: the end to a packed copy result."""
        return self._of_type(type, f"cancel-{operation}", (I32,), (I32,))

    def drop_end(self, type: StreamType | FutureType, *, writable: bool) -> str:
        """`canon {stream,future}.drop-{readable,writable}`."""
        return self._of_type(type, f"drop-{'writable' if writable else 'readable'}", (I32,), ())

    def _of_type(
        self,
        type: StreamType | FutureType,
        operation: str,
        parameters: tuple[str, ...],
        results: tuple[str, ...],
        options: str = "",
    ) -> str:
        if type not in self._types:
            self._types[type] = f"${'stream' if isinstance(type, StreamType) else 'future'}{len(self._types)}"
            self._imports.outer(type)
        type_id = self._types[type]
        kind = "stream" if isinstance(type, StreamType) else "future"
        suffix = ".sync" if operation in ("read", "write") and "async" not in options else ""
        return self._define(
            f"{type_id[1:]}.{operation}{suffix}", f"{kind}.{operation} {type_id}{options}", parameters, results
        )

    # --- waiting -------------------------------------------------------------------------------------

    def builtin(self, name: str) -> str:
        """A built-in whose type is fixed: `waitable-set.wait`, `subtask.cancel`, `task.return` (of `run`) …"""
        parameters, results, options = _BUILTINS[name]
        return self._define(name, f"{name}{options}", parameters, results)

    def task_return(self, type: Type) -> str:
        """`task.return` of an export with that result, which is small enough to be passed flat."""
        signature = task_return_signature(type)
        assert not signature.params_spilled
        self._results.setdefault(type, "$task.result")
        return self._define("task.return", f"task.return (result $task.result) {MEMORY}", signature.params, ())

    # --- rendering -----------------------------------------------------------------------------------

    def _define(self, name: str, text: str, parameters: Iterable[str], results: Iterable[str]) -> str:
        id = f"${name}"
        if name not in self._definitions:
            self._definitions[name] = f"(canon {text} (core func {id}))"
            signature = "".join(f" (param {p})" for p in parameters) + "".join(f" (result {r})" for r in results)
            self._core[name] = f"(func {id}{signature})"
        return id

    def definitions(self) -> list[str]:
        """The component's type, linked component and `canon` definitions."""
        named: list[tuple[Type, str]] = [*self._types.items(), *self._results.items()]
        types = [f"(type {id} {self._imports.outer(type)})" for type, id in named]
        return [*types, *self._linked.values(), *self._definitions.values()]

    def core_imports(self) -> list[str]:
        """The imports of the guest's core module."""
        return [f'(import "" {quoted(name)} {signature})' for name, signature in self._core.items()]

    def core_exports(self) -> list[str]:
        """The members of the instance that satisfies those imports."""
        return [f"(export {quoted(name)} (func ${name}))" for name in self._definitions]


_BUILTINS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "waitable-set.new": ((), (I32,), ""),
    "waitable-set.wait": ((I32, I32), (I32,), f" {MEMORY}"),
    "waitable-set.poll": ((I32, I32), (I32,), f" {MEMORY}"),
    "waitable.join": ((I32, I32), (), ""),
    "subtask.cancel": ((I32,), (I32,), ""),
    "subtask.drop": ((I32,), (), ""),
    "thread.yield": ((), (I32,), ""),
    "backpressure.inc": ((), (), ""),
    "backpressure.dec": ((), (), ""),
    "task.return": ((I32,), (), " (result (result))"),
}

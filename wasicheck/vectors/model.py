"""The typed vector: what a YAML vector says once every name, arity and type has been resolved.

A vector is a list of steps. Most steps run in the guest (a call, a read, a drop …); `Harness` steps are done by
the harness when the guest gets there. Each step that yields something has a `yields` type, against which its
patterns were checked; the synthetic types (copy results, subtask states) are ordinary variants built by
`wasicheck.vectors.outcomes`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

from wasicheck.values import Argument, Pattern, Reference
from wasicheck.vectors.operands import End, Operation, ReadableEnd, WritableEnd
from wasicheck.vectors.staging import Harness
from wasicheck.vectors.surroundings import Absent, Anything, AnythingBeneath, Environment, Present
from wasicheck.wit.types import Function, FutureType, StreamType, Type


class Level(StrEnum):
    """How strongly the specification speaks, strongest first."""

    MUST = "must"
    SHOULD = "should"
    TYPICAL = "typical"
    MAY = "may"


class Lift(StrEnum):
    """How the guest's export is lifted (CanonicalABI.md, `canon lift`)."""

    SYNC = "sync"
    CALLBACK = "callback"
    STACKFUL = "stackful"


class Lowering(StrEnum):
    """How an import or a stream operation is lowered: blocking in place, or `async`."""

    SYNC = "sync"
    ASYNC = "async"


class World(StrEnum):
    """The world whose export a guest has, and so who calls it."""

    COMMAND = "wasi:cli/command"
    """The host runs it once: `wasi:cli/run`."""
    SERVICE = "wasi:http/service"
    """The host serves, and calls it with each request: `wasi:http/handler`."""
    MIDDLEWARE = "wasi:http/middleware"
    """The same, and it imports the handler that is next: a second component of the vector."""


class Channel(StrEnum):
    """What carries observation frames: a standard stream."""

    STDERR = "stderr"
    STDOUT = "stdout"
    NONE = "none"
    """Nothing: the guest reports nothing, and only its effects outside are seen."""


@dataclass(frozen=True)
class Place:
    """Where something stands in a vector file: 1-based line and column."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


# --- what a step is expected to do ---------------------------------------------------------------


class Ending(StrEnum):
    """Outcomes of a step that are not values."""

    TRAP = "trap"
    """The guest traps in this step and no later one runs."""
    EXIT = "exit"
    """The call does not return: the guest ends here."""
    PENDING = "pending"
    """The step is still waiting when its limit (`within`) has passed; it stays outstanding."""


@dataclass(frozen=True)
class Expectation:
    """One pattern (or ending) and how strongly the specification asks for it."""

    level: Level
    outcome: Pattern | Ending | None
    """None: the step has to complete, and yields nothing to compare."""
    text: str
    """As written, for messages."""


# --- steps ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """Call an imported function.

    `lowering`: None leaves it to the run (`async` functions are lowered `async` unless that says otherwise).
    `repeat`: the call is made that many times and the step yields the list of its results.
    `through_component`: it is made by a second component instance that the guest is linked with.
    `length_only`: of the list or string that is its result the step yields the length (`u32`, bytes of a string).
    """

    function: Function
    arguments: tuple[Argument, ...]
    lowering: Lowering | None = None
    repeat: int | None = None
    through_component: bool = False
    length_only: bool = False


@dataclass(frozen=True)
class New:
    """Make a stream or future (`as: [readable, writable]`)."""

    readable: str
    writable: str
    type: StreamType | FutureType


@dataclass(frozen=True)
class Read:
    """Read once: up to `count` elements of a stream, or the value of a future."""

    end: ReadableEnd
    count: int
    lowering: Lowering = Lowering.ASYNC


@dataclass(frozen=True)
class ReadAll:
    """Read a stream to its end, `chunk` elements at a time, or until `limit` elements were read.

    `digest`: the step yields a `record { length: u64, crc32: u32 }` in place of the bytes.
    """

    end: ReadableEnd
    chunk: int
    limit: int
    digest: bool


@dataclass(frozen=True)
class Write:
    """Write once: the elements of `data` to a stream, or the value `data` to a future."""

    end: WritableEnd
    data: Argument
    lowering: Lowering = Lowering.ASYNC


@dataclass(frozen=True)
class WriteAll:
    """Write all elements of `data`, `chunk` at a time, until all are taken or the other end is dropped."""

    end: WritableEnd
    data: Argument
    chunk: int


@dataclass(frozen=True)
class Start:
    """Start a call, or a copy from or to a stream or future, without waiting; its outcome is awaited later by name.

    What is read or written as a whole goes on beside the steps that follow.
    `apart`: its waitable is in no waitable set, so that its event stays undelivered, until it is awaited.
    """

    name: str
    action: Call | Read | Write | ReadAll | WriteAll
    apart: bool = False


@dataclass(frozen=True)
class Await:
    """Wait for a started operation; `polling`: by `waitable-set.poll` and `thread.yield` instead of waiting."""

    operation: Operation
    polling: bool = False


@dataclass(frozen=True)
class AwaitAll:
    """Wait for several started operations; yields their indices in the order of completion."""

    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class AwaitAny:
    """Wait until one of several started operations is complete; yields the index of the first."""

    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Cancel:
    """Cancel a started operation (`subtask.cancel`, `stream.cancel-read` …) and wait for what becomes of it."""

    operation: Operation


@dataclass(frozen=True)
class Drop:
    """Drop a resource handle, or an end of a stream or future."""

    target: End | Reference


@dataclass(frozen=True)
class Yield:
    """Let the host run other tasks, `times` over (`thread.yield`)."""

    times: int


@dataclass(frozen=True)
class Backpressure:
    """Raise or lower the instance's counter (`backpressure.inc`, `.dec`): while it is above 0 no call of it starts."""

    raised: bool


@dataclass(frozen=True)
class Trap:
    """Execute `unreachable`."""


@dataclass(frozen=True)
class Handle:
    """The beginning of a handler: yields the request that the host calls it with."""


@dataclass(frozen=True)
class Respond:
    """Give the result of a handler, `result<response, error-code>`; the steps after it still run."""

    result: Argument


@dataclass(frozen=True)
class Return:
    """Give the result of the export; under the callback and stackful lifts the steps after it still run."""

    ok: bool


Action = (
    Call
    | New
    | Read
    | ReadAll
    | Write
    | WriteAll
    | Start
    | Await
    | AwaitAll
    | AwaitAny
    | Cancel
    | Drop
    | Yield
    | Backpressure
    | Trap
    | Return
    | Handle
    | Respond
    | Harness
)


@dataclass(frozen=True)
class Step:
    """One step: what is done, what it yields, what is expected of it, and how long it may take."""

    action: Action
    yields: Type | None
    expectations: tuple[Expectation, ...]
    across: tuple[Expectation, ...]
    """Expectations on the list of this step's values over all runs (`runs: 2`)."""
    within: int | None
    """Limit of a wait in nanoseconds; None for the default."""
    place: Place
    text: str
    """The step as a reader would call it: `$sock.connect($peer.address)`."""
    quiet: bool = False
    """Reported together with the next step: no output comes between the two, which would take time."""
    note: str = ""
    """What the author says about it to readers."""
    unchecked: str = ""
    """Why its expectations leave open what they leave open; see `check vectors --vacuity`."""


# --- what must be true outside ---------------------------------------------------------------------


class ExitKind(StrEnum):
    """How the host process is expected to report the guest's end."""

    SUCCESS = "success"
    """Status 0."""
    FAILURE = "failure"
    """A non-zero status, and no signal."""
    CODE = "code"
    """Exactly the given status."""


@dataclass(frozen=True)
class ExitExpectation:
    """What `after: exit:` asks for."""

    kind: ExitKind
    code: int | None
    level: Level


@dataclass(frozen=True)
class TreeExpectation:
    """What must be at a path of the tree afterwards; whatever no expectation names is as it was."""

    path: PurePosixPath
    entry: Absent | Anything | AnythingBeneath | Present
    level: Level
    place: Place
    text: str
    """As written, for messages."""


@dataclass(frozen=True)
class After:
    """What must be true outside when the guest has ended."""

    exit: ExitExpectation | None
    stdout: tuple[Expectation, ...]
    stderr: tuple[Expectation, ...]
    tree: tuple[TreeExpectation, ...]
    place: Place


@dataclass(frozen=True)
class GuestOptions:
    """How the guest is to be built, where the vector cares."""

    channel: Channel = Channel.STDERR
    lifts: tuple[Lift, ...] = ()
    """The only lifts under which the vector makes sense; empty: any."""
    limits_inside: bool = True
    """Whether waits are limited by a clock inside the guest; else only the outer deadline limits them."""


@dataclass(frozen=True)
class Vector:
    """One behaviour: a stable id, the requirements it bears on, its steps, surroundings and aftermath."""

    id: str
    title: str
    interface: str
    world: World
    requirements: tuple[str, ...]
    level: Level
    platforms: tuple[str, ...]
    unstable: str | None
    environment: Environment
    guest: GuestOptions
    imports: tuple[str, ...]
    """Interfaces that are imported whole, called or not."""
    runs: int
    steps: tuple[Step, ...]
    after: After
    place: Place
    deadline: int
    """Outer deadline of one run in nanoseconds."""
    downstream: tuple[Step, ...] = ()
    """What the handler does that a middleware imports, or that a service has for a client."""
    tags: tuple[str, ...] = field(default=())
    unchecked: str = ""
    """Why its steps leave open what they leave open; see `check vectors --vacuity`."""

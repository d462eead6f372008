"""Components against WASI 0.3.0: what is found in them, and that wasmtime agrees on whether they link."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from altered import altered, function, guest
from wasmtime import wat2wasm

from wasicheck.check.component import ComponentReport, check_component, check_component_file
from wasicheck.check.decoding import ComponentError, decode
from wasicheck.check.findings import Severity
from wasicheck.guest.compiler import Build, compile_steps
from wasicheck.host.errors import HostError
from wasicheck.session import HostSession, find_host
from wasicheck.surface import Probe
from wasicheck.vectors.model import Lift, World
from wasicheck.wit import wasi
from wasicheck.wit.types import EnumType

ERROR, WARNING = Severity.ERROR, Severity.WARNING
EXIT = "wasi:cli/exit@0.3.0#exit-with-code"
CWD = "wasi:cli/environment@0.3.0#get-initial-cwd"
STDOUT = "wasi:cli/stdout@0.3.0#write-via-stream"
ERROR_CODE = "wasi:cli/types@0.3.0#error-code"
WAIT = "wasi:clocks/monotonic-clock@0.3.0#wait-for"
CREATE = "wasi:sockets/types@0.3.0#tcp-socket.create"
TERMINAL = "wasi:cli/terminal-stdin@0.3.0#get-terminal-stdin"
NOW = "wasi:clocks/system-clock@0.3.0#now"
INSTANT = "wasi:clocks/system-clock@0.3.0#instant"

# Package, what is altered in it, the function that the guest imports, and what is found.
DRIFTED = [
    ("cli", "status-code: u8", "status-code: u16", EXIT, (ERROR, EXIT, "parameter status-code", "expected u8, found u16")),
    ("cli", "status-code: u8", "", EXIT, (ERROR, EXIT, "parameter status-code", "expected u8, found no such parameter")),
    ("cli", "status-code: u8", "status-code: u8, b: u8", EXIT, (ERROR, EXIT, "parameter b", "expected no such parameter, found u8")),
    ("cli", "status-code: u8", "code: u8", EXIT, (WARNING, EXIT, "", "expected the parameters status-code, found code")),
    ("cli", "option<string>", "string", CWD, (ERROR, CWD, "result", "expected option<string>, found string")),
    ("cli", "option<string>", "option<u8>", CWD, (ERROR, CWD, "result → some", "expected string, found u8")),
    ("cli", " -> option<string>", "", CWD, (ERROR, CWD, "result", "expected option<string>, found nothing")),
    ("cli", "pipe,", "", STDOUT, (ERROR, ERROR_CODE, "case pipe", "expected a case, found no such case")),
    ("cli", "pipe,", "pipe, torn,", STDOUT, (ERROR, ERROR_CODE, "case torn", "expected no such case, found a case")),
    (
        "cli",
        "interface stdout {\n    use types.{error-code};",
        "interface stdout {\n    resource r; use types.{error-code};\n  make: func() -> r;",
        "wasi:cli/stdout@0.3.0#make",
        (ERROR, "wasi:cli/stdout@0.3.0#r", "", "WASI 0.3.0 has no such resource"),
    ),
    ("cli", "exit-with-code: func", "exit-with-cod: func", EXIT[:-1], (ERROR, EXIT[:-1], "", "WASI 0.3.0 has no such function")),
    ("cli", "interface exit ", "interface exits ", EXIT.replace("exit@", "exits@"), (ERROR, "wasi:cli/exits@0.3.0", "", "WASI 0.3.0 has no such interface")),
    ("clocks", "wait-for: async func", "wait-for: func", WAIT, (ERROR, WAIT, "", "expected async func, found func")),
    ("clocks", "seconds: s64", "seconds: u64", NOW, (ERROR, INSTANT, "field seconds", "expected s64, found u64")),
    ("clocks", "record instant", "record moment", NOW, None),
    ("sockets", "create: static func", "create: func", CREATE, (ERROR, CREATE, "", "expected the name [static]tcp-socket.create, found [method]tcp-socket.create")),
    (
        "cli",
        "use terminal-input.{terminal-input};",
        "resource terminal-input;",
        TERMINAL,
        (
            ERROR,
            TERMINAL,
            "result → some",
            "expected the resource wasi:cli/terminal-input@0.3.0#terminal-input,"
            " found the resource wasi:cli/terminal-stdin@0.3.0#terminal-input",
        ),
    ),
]

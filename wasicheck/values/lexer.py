"""Expression text to tokens: the lexer shared by WAVE values, arguments and patterns.

Tokens are those of WAVE (labels, numbers, chars, strings, multiline strings, brackets, `//` comments) and, for
arguments and patterns, `$name.path[0]`, `_`, `..`, `...` and operators. A reference with its whole path is one token:
otherwise `$a.0.1` would read as `$a`, `.` and the number `0.1`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

MAX_SHOWN = 40
"""Characters of the offending text that a message repeats."""


class ExpressionError(Exception):
    """A text that is no value, argument or pattern of its type.

    `column` is the 0-based offset in the text; `hint` a suggested fix or None. `str()` is one line with message and
    hint; file, line and column are the caller's to put in front.
    """

    def __init__(self, message: str, column: int, hint: str | None = None) -> None:
        super().__init__(message, column, hint)
        self.message = message
        self.column = column
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}; {self.hint}"


def quote(text: str) -> str:
    """Return the text between backticks, on one line and shortened, for use in a message."""
    shown = text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
    return "`" + "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in shown) + "`"


def suggestion(name: str, candidates: Iterable[str], heading: str, sigil: str = "") -> str | None:
    """Return a hint with the nearest candidate and, if there are few, all of them under the heading; or None."""
    known = list(candidates)
    close = difflib.get_close_matches(name[:100], known, 1)
    parts = [f"did you mean `{sigil}{close[0]}`?"] if close else []
    if 0 < len(known) <= 8:
        parts.append(f"{heading}: {', '.join(sigil + k for k in known)}")
    return " ".join(parts) or None


Token = tuple[str, str, int]
"""Kind, text and 0-based column; the kind of an operator is its text, that of the end of the text is `end`."""

_LABEL = r"[A-Za-z][A-Za-z0-9]*+(?:-[A-Za-z0-9]++)*+"

_SKIP = r"(?:[ \t\r\n]++|//[^\n]*+)*+"
_BEGIN = re.compile(_SKIP)
_TOKEN = re.compile(
    rf"""
    (?:
      (?P<label>  %?{_LABEL} )
    | (?P<op>     \.\.\.? | [=!<>]= | [()\[\]{{}}:,|&!@<>+] | -(?![0-9i]) )
    | (?P<number> -?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?:[KMG]iB|[num]?s)?(?![A-Za-z0-9_])
                | -inf(?![A-Za-z0-9_-]) )
    | (?P<name>   \${_LABEL}(?:\.(?:%?{_LABEL}|[0-9]+)|\[[0-9]+\])*+ )
    | (?P<string> \"\"\"(?s:.*?)\"\"\" | "(?!"")[^"\\\n]*+(?:\\.[^"\\\n]*+)*+" )
    | (?P<char>   '(?:[^'\\\n]|\\u\{{[0-9a-fA-F]+\}}|\\[^\n])' )
    | (?P<hole>   _(?![A-Za-z0-9_-]) )
    | (?P<end>    \Z )
    | (?P<bad>    (?s:.) )
    )
    (?:[ \t\r\n]++|//[^\n]*+)*+
    """,
    re.VERBOSE,
)

CALLEE = re.compile(
    rf"\s*((?:(?:{_LABEL}:)?{_LABEL}/{_LABEL}(?:@[0-9][0-9A-Za-z.+-]*#|\.))?"
    rf"\$?%?{_LABEL}(?:\.(?:%?{_LABEL}|[0-9]+)|\[[0-9]+\])*+)"
)
"""What stands before the parenthesis of a call.

`now`, `tcp-socket.create`, `$sock.connect`, `clocks/monotonic-clock.now`, `wasi:clocks/monotonic-clock@0.3.0#now`.
"""


def tokenize(text: str, start: int = 0) -> list[Token]:
    """Return the tokens of the text from `start`, the last of kind `end`; raise ExpressionError."""
    tokens: list[Token] = []
    append = tokens.append
    begin = _BEGIN.match(text, start)
    for found in _TOKEN.finditer(text, begin.end() if begin else start):
        kind = found.lastgroup
        if kind == "op":
            kind = found["op"]
            append((kind, kind, found.start()))
        elif kind == "bad":
            raise _malformed(text, found.start())
        else:
            assert kind is not None
            append((kind, found[kind], found.start()))
    return tokens


_MALFORMED = (
    (re.compile(r'"""'), "unterminated multiline string", 'close it with `"""` on a line of its own'),
    (re.compile(r'"'), "unterminated string", 'close it with `"`, or write a line break in it as `\\n`'),
    (re.compile(r"'"), "malformed char", 'a char is one character or escape between single quotes; strings take `"`'),
    (re.compile(r"-?[0-9]\w*"), "malformed number", "write decimal digits, without leading zeros"),
    (re.compile(r"\$"), "`$` without a name", "write `$name`"),
    (re.compile(r"="), "unexpected `=`", "write `==` to compare"),
    (re.compile(r"%"), "`%` without a label", None),
)


def _malformed(text: str, column: int) -> ExpressionError:
    """Say what is wrong with text that begins no token."""
    for pattern, message, hint in _MALFORMED:
        if found := pattern.match(text, column):
            shown = f" {quote(found[0])}" if message == "malformed number" else ""
            return ExpressionError(message + shown, column, hint)
    return ExpressionError(f"unexpected character {quote(text[column])}", column)


_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|(.?))", re.DOTALL)
_ESCAPED = {"'": "'", '"': '"', "\\": "\\", "t": "\t", "n": "\n", "r": "\r"}


def unescape(text: str, column: int) -> str:
    """Replace WAVE's escapes; `column` is where the text begins. Raise ExpressionError for any other."""

    def replace(found: re.Match[str]) -> str:
        digits, letter = found.groups()
        at = column + found.start()
        if digits is None:
            if letter not in _ESCAPED:
                raise ExpressionError(
                    f"unknown escape {quote(found[0])}", at, r"escapes are \' \" \\ \t \n \r and \u{…}"
                )
            return _ESCAPED[letter]
        scalar = int(digits[-7:], 16) if not digits[:-7].strip("0") else 0x110000
        if scalar > 0x10FFFF or 0xD800 <= scalar <= 0xDFFF:
            raise ExpressionError(f"{quote(found[0])} is not a Unicode scalar value", at)
        return chr(scalar)

    value = _ESCAPE.sub(replace, text) if "\\" in text else text
    if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
        raise ExpressionError("a surrogate is not a Unicode scalar value", column)
    return value


def string_value(token: str, column: int) -> str:
    """Return what a string token stands for, with multiline strings dedented; raise ExpressionError."""
    if not token.startswith('"""'):
        return unescape(token[1:-1], column + 1)
    lines = token[3:-3].split("\n")
    indent = lines[-1]
    if lines[0] not in ("", "\r") or len(lines) < 2 or indent.strip(" "):
        raise ExpressionError('a multiline string begins with `"""` and a line break and ends with both', column)
    at = column + 4 + len(lines[0])
    values = []
    for line in lines[1:-1]:
        if not line.startswith(indent):
            raise ExpressionError(f'a line is indented less than the closing `"""` ({len(indent)} spaces)', at)
        values.append(unescape(line.removesuffix("\r")[len(indent) :], at + len(indent)))
        at += len(line) + 1
    return "\n".join(values)

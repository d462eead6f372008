"""WIT text to tokens (WIT.md, "Lexical structure").

A token is only its text: punctuation and keywords are themselves, an explicit identifier keeps its `%`, a string
its quotes, and the end of the text is the empty string. So the text alone tells the kind of a token.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from wasicheck.wit.errors import WitError, quote
from wasicheck.wit.types import Position

# fmt: off
KEYWORDS = frozenset((
    "as", "async", "bool", "borrow", "char", "constructor", "enum", "export", "f32", "f64", "flags", "from",
    "func", "future", "import", "include", "interface", "list", "map", "option", "own", "package", "record",
    "resource", "result", "s16", "s32", "s64", "s8", "static", "stream", "string", "tuple", "type", "u16", "u32",
    "u64", "u8", "use", "variant", "with", "world", "_",
))
# fmt: on

_TOKEN = re.compile(
    r"""(?:[ \t\r\n]++|//[^\n]*+)*+
    (?:
        ( %?[A-Za-z_](?:[A-Za-z0-9_]|-(?!>))*+
        | [0-9]++\.[0-9]++\.[0-9]++(?:-[0-9A-Za-z-]++(?:\.[0-9A-Za-z-]++)*+)?(?:\+[0-9A-Za-z-]++(?:\.[0-9A-Za-z-]++)*+)?
        | [0-9]++
        | ->
        | /(?!\*)
        | [=,:;(){}<>*.@]
        | "(?:[^"\\\n]|\\.)*+"
        )
      | (/\*)
      | (\Z)
      | (.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_WORD, _COMMENT, _END = 1, 2, 3

_COMMENT_DELIMITER = re.compile(r"/\*|\*/")

# Control codes but for tab, newline and carriage return; bidirectional overrides; and the code points that Unicode
# deprecates or strongly discourages.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
    "\u0149\u0673\u0f77\u0f79\u17a3\u17a4\u17b4\u17b5\u206a-\u206f\u2329\u232a\U000e0001]"
)


@dataclass(frozen=True)
class Tokens:
    """The tokens of a text with their offsets; the last one is the empty text at its end."""

    file: str
    texts: tuple[str, ...]
    offsets: tuple[int, ...]
    line_starts: tuple[int, ...]

    def position(self, index: int) -> Position:
        """Return the place of the token with that index."""
        return _position(self.file, self.line_starts, self.offsets[index])


def tokenize(file: str, source: str) -> Tokens:
    """Return the tokens of `source`; `file` is its name in positions and errors. Raises WitError."""
    line_starts = (0, *(m.end() for m in re.finditer("\n", source)))

    def error(offset: int, message: str, hint: str | None = None) -> WitError:
        return WitError.at(_position(file, line_starts, offset), message, hint)

    if (forbidden := _FORBIDDEN.search(source)) is not None:
        code = f"U+{ord(forbidden[0]):04X}"
        raise error(forbidden.start(), f"expected WIT text, found the forbidden character {code}", "remove it")

    texts: list[str] = []
    offsets: list[int] = []
    add_text, add_offset, match = texts.append, offsets.append, _TOKEN.match
    at = 0
    while (token := match(source, at)) is not None:  # pragma: no branch (the pattern matches anything)
        at = token.end()
        group = token.lastindex
        if group == _WORD:
            add_text(token[_WORD])
            add_offset(token.start(_WORD))
        elif group == _COMMENT:
            at = _comment_end(source, at)
            if at == 0:
                raise error(token.start(_COMMENT), "expected `*/`, found the end of the text", "close this comment")
        elif group == _END:
            break
        else:
            bad = token[group or 0]
            hint = "close the string on the same line" if bad == '"' else "remove it"
            raise error(at - 1, f"expected a WIT token, found {quote(bad)}", hint)
    return Tokens(file, (*texts, ""), (*offsets, len(source)), line_starts)


def _comment_end(source: str, start: int) -> int:
    """Return the offset behind the comment whose inside begins at `start`, or 0 if it has no end."""
    depth = 1
    for delimiter in _COMMENT_DELIMITER.finditer(source, start):
        depth += 1 if delimiter[0] == "/*" else -1
        if depth == 0:
            return delimiter.end()
    return 0


def _position(file: str, line_starts: tuple[int, ...], offset: int) -> Position:
    line = bisect_right(line_starts, offset)
    return Position(file, line, offset - line_starts[line - 1] + 1)

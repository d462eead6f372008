"""Expression text to an untyped syntax tree: what WAVE values, arguments and patterns have in common.

    expression   := conjunction ('|' conjunction)*
    conjunction  := unary ('&' unary)*
    unary        := '!' unary | comparison operand | '..' operand | operand '..' operand? | name '@' unary | operand
    operand      := primary, or a reference followed by `+ 5ms`, `- 1`
    primary      := number | string | char | label | label '(' … ')' | label '[' … ']'
                  | '(' … ')' | '[' … ']' | '{' … '}' | '_' | reference

Which of these a value, an argument or a pattern may contain, and what they mean, is for the typed passes to say.
"""

from __future__ import annotations

from functools import lru_cache

from wasicheck.values import syntax
from wasicheck.values.lexer import CALLEE, ExpressionError, Token, quote, string_value, tokenize, unescape

COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_PREFIXES = COMPARISONS | {"!", ".."}
_OPERAND_STARTS = frozenset(("number", "char", "string", "name", "label", "(", "[", "{"))
_HANDLES = frozenset(("own", "borrow", "stream", "future", "error-context"))

MAX_DEPTH = 64
"""Nesting beyond which an expression is refused; keeps every pass clear of the interpreter's recursion limit."""


@lru_cache(maxsize=1 << 16)
def parse(text: str) -> syntax.Node:
    """Return the tree of the text; raise ExpressionError."""
    parser = _Parser(text, 0)
    node = parser.expression()
    parser.finish()
    return node


@lru_cache(maxsize=1 << 16)
def parse_call(text: str) -> syntax.CallExpression:
    """Return callee and arguments of a call, whose parentheses may be left out if they are empty.

    The callee is not looked up; each argument is a tree for `check_argument`. Raise ExpressionError.
    """
    callee = CALLEE.match(text)
    if callee is None:
        raise ExpressionError("expected a call", 0, "write `function(…)` or `$resource.method(…)`")
    parser = _Parser(text, callee.end())
    arguments: tuple[syntax.Node, ...] = ()
    if parser.token[0] == "(":
        parser.advance()
        arguments, _ = parser.sequence(")")
    parser.finish()
    return syntax.CallExpression(callee[1], callee.start(1), arguments)


class _Parser:
    """A position in the tokens of one text."""

    __slots__ = ("_depth", "_index", "_tokens", "token")

    def __init__(self, text: str, start: int) -> None:
        self._tokens = tokenize(text, start)
        self._index = 0
        self._depth = 0
        self.token = self._tokens[0]

    def advance(self) -> Token:
        """Return the current token and go to the next."""
        token = self.token
        self._index += 1
        self.token = self._tokens[self._index]
        return token

    def finish(self) -> None:
        """Refuse anything before the end of the text."""
        if self.token[0] != "end":
            raise ExpressionError(f"unexpected {quote(self.token[1])} after the expression", self.token[2])

    def expression(self) -> syntax.Node:
        first = self._conjunction()
        if self.token[0] != "|":
            return first
        items = [first]
        while self.token[0] == "|":
            self.advance()
            items.append(self._conjunction())
        return syntax.Alternatives(first.column, tuple(items))

    def sequence(self, close: str) -> tuple[tuple[syntax.Node, ...], bool]:
        """Read what stands between an opening bracket and `close`; return it and whether it ends with a comma."""
        self._deeper()
        elements: list[syntax.Node] = []
        comma = False
        while self.token[0] != close:
            if elements and not comma:
                raise self._unexpected(f"`,` or `{close}`")
            elements.append(syntax.Rest(self.advance()[2]) if self.token[0] == "..." else self.expression())
            comma = self.token[0] == ","
            if comma:
                self.advance()
        self.advance()
        self._depth -= 1
        return tuple(elements), comma

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"nested more than {MAX_DEPTH} deep", self.token[2])

    def _unexpected(self, expected: str) -> ExpressionError:
        kind, text, column = self.token
        return ExpressionError(
            f"expected {expected}, found {'the end' if kind == 'end' else quote(text)}",
            column,
            "`...` is for the rest of a list or record" if kind == "..." else None,
        )

    def _conjunction(self) -> syntax.Node:
        first = self._unary()
        if self.token[0] != "&":
            return first
        items = [first]
        while self.token[0] == "&":
            self.advance()
            items.append(self._unary())
        return syntax.Conjunction(first.column, tuple(items))

    def _unary(self) -> syntax.Node:
        if self.token[0] in _PREFIXES:
            return self._prefixed()
        node = self._primary()
        following = self.token[0]
        if following == "..":
            self.advance()
            return syntax.Range(node.column, node, self._primary() if self.token[0] in _OPERAND_STARTS else None)
        if following == "@":
            column = self.advance()[2]
            if not isinstance(node, syntax.Name) or node.path or node.terms:
                raise ExpressionError("`@` must follow the name of a capture", column, "write `$name @ pattern`")
            self._deeper()
            pattern = self._unary()
            self._depth -= 1
            return syntax.Capture(node.column, node.name, pattern)
        return node

    def _prefixed(self) -> syntax.Node:
        operator, _, column = self.advance()
        if operator == "!":
            self._deeper()
            item = self._unary()
            self._depth -= 1
            return syntax.Negation(column, item)
        if operator == "..":
            return syntax.Range(column, None, self._primary())
        if operator == "<" and self.token[1] in _HANDLES:
            raise ExpressionError("a handle cannot be written as text", column, "capture it and refer to it by name")
        return syntax.Comparison(column, operator, self._primary())

    def _primary(self) -> syntax.Node:
        kind, text, column = self.token
        if kind not in _OPERAND_STARTS and kind != "hole":
            raise self._unexpected("an expression")
        self.advance()
        match kind:
            case "label":
                return self._label(text, column)
            case "number":
                digits = text.rstrip("KMGiBnums")
                return syntax.Number(column, digits, text[len(digits) :])
            case "string":
                return syntax.Text(column, string_value(text, column))
            case "name":
                return self._name(text, column)
            case "hole":
                return syntax.Hole(column)
            case "(":
                elements, comma = self.sequence(")")
                return syntax.Parenthesised(column, elements, comma)
            case "[":
                elements, _ = self.sequence("]")
                return syntax.Listing(column, elements)
            case "{":
                return self._braces(column)
            case _:
                return syntax.Character(column, unescape(text[1:-1], column + 1))

    def _label(self, text: str, column: int) -> syntax.Node:
        escaped = text[0] == "%"
        name = text[1:] if escaped else text
        following = self.token[0]
        if following == "(":
            self.advance()
            arguments, _ = self.sequence(")")
            return syntax.Call(column, name, escaped, arguments)
        if following == "[":
            self.advance()
            elements, _ = self.sequence("]")
            return syntax.Bracketed(column, name, elements)
        return syntax.Label(column, name, escaped)

    def _name(self, text: str, column: int) -> syntax.Name:
        ends = [i for i in (text.find("."), text.find("[")) if i > 0]
        end = min(ends, default=len(text))
        terms: list[tuple[int, syntax.Number]] = []
        while (kind := self.token[0]) in ("+", "-") or (kind == "number" and self.token[1][0] == "-"):
            sign = -1 if kind == "-" else 1
            if kind != "number":
                self.advance()
            if self.token[0] != "number":
                raise self._unexpected("a number to add")
            term = self._primary()
            assert isinstance(term, syntax.Number)
            terms.append((sign, term))
        return syntax.Name(column, text[1:end], text[end:], tuple(terms))

    def _braces(self, column: int) -> syntax.Node:
        self._deeper()
        entries: list[syntax.Entry] = []
        labels: list[syntax.Label] = []
        rest = empty = False
        if self.token[0] == ":":
            self.advance()
            empty = True
        while self.token[0] != "}":
            if empty or rest:
                raise self._unexpected("`}`")
            if self.token[0] == "...":
                self.advance()
                rest = True
            else:
                self._member(entries, labels)
            if self.token[0] == ",":
                self.advance()
            elif self.token[0] != "}":
                raise self._unexpected("`,` or `}`")
        self.advance()
        self._depth -= 1
        if labels and rest:
            raise ExpressionError("`...` cannot follow flags", column, "a pattern of flags is the exact set")
        return (
            syntax.Entries(column, tuple(entries), rest)
            if entries or rest or empty
            else syntax.Labels(column, tuple(labels))
        )

    def _member(self, entries: list[syntax.Entry], labels: list[syntax.Label]) -> None:
        """Read a field or a flag."""
        kind, text, column = self.token
        if kind != "label":
            raise self._unexpected("a label")
        self.advance()
        name = text.removeprefix("%")
        if self.token[0] == ":":
            if labels:
                raise self._unexpected("`,` or `}`")
            self.advance()
            entries.append(syntax.Entry(column, name, self.expression()))
        else:
            if entries:
                raise self._unexpected("`:`")
            labels.append(syntax.Label(column, name, text[0] == "%"))

"""The layers of docs/architecture.md: data flows one way, so a package imports only from itself and those above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import wasicheck

ROOT = Path(wasicheck.__file__).parent
LAYERS = ("wit", "values", "abi", "vectors", "guest", "judge", "properties", "host", "check", "report")
"""As the table of docs/architecture.md has them, from above to below; modules outside of packages put them together."""
EVERYWHERE = ("errors",)
"""What any layer may import."""


def imported(file: Path) -> Iterator[str]:
    """What a module imports of this package: the first part behind `wasicheck.`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [
                node.module,
                *(f"{node.module}.{alias.name}" for alias in node.names if node.module == "wasicheck"),
            ]
        yield from (name.split(".")[1] for name in names if name.startswith("wasicheck."))


def test_the_layers_are_those_of_the_documentation() -> None:
    text = (ROOT.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert tuple(line.split("`")[1].rstrip("/") for line in text.splitlines() if line.startswith("| `")) == LAYERS


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_those_above_it(layer: str) -> None:
    allowed = {*LAYERS[: LAYERS.index(layer) + 1], *EVERYWHERE}
    found = {
        (str(file.relative_to(ROOT)), name)
        for file in (ROOT / layer).rglob("*.py")
        for name in imported(file)
        if name not in allowed
    }
    assert not found

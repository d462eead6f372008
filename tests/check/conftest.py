"""The project's own vectors, which take seconds to load."""

from __future__ import annotations

import pytest

from wasicheck.session import load_vectors
from wasicheck.vectors.loader import Suite


@pytest.fixture(scope="session")
def project_suite() -> Suite:
    """All vectors of the project, which have to be right."""
    suite = load_vectors()
    assert suite.problems == ()
    return suite

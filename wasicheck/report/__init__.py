"""One result model to JUnit, JSON lines and a terminal summary."""

"""YAML to typed vectors: every name, arity and type checked against the WIT; pure."""

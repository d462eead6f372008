"""What can be wrong with a vector that only its compilation shows."""


class CompileError(Exception):
    """A vector that cannot be made into a guest: a defect of the compiler or of the vector, never of a host."""

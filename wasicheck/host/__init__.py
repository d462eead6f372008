"""Processes, files, pipes and clocks: runners, sandbox, frames; the only layer that touches the system."""

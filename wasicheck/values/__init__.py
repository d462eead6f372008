"""Component values, their WAVE text, and patterns over them; pure."""

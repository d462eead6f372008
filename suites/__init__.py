"""Which vectors are run and how they are grouped: one module for each folder of `vectors/`."""

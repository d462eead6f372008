"""Makes `pytest --host=…` work from a checkout, whether or not the package is installed."""

pytest_plugins = ["wasicheck.plugin"]

"""Makes the modules beside it (`strategies`) importable by all tests: pytest puts this directory on the path."""

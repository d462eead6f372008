"""Common to all tests of the tool; that it is here also makes the modules beside it (`strategies`) importable."""

from hypothesis import HealthCheck, settings

# Neither the first use of Hypothesis' character tables nor a busy machine is a fault of the code under test.
settings.register_profile("wasicheck", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wasicheck")

"""All that is looked at, in order."""

from collections.abc import Iterator

from modular_cls.doctor.finding import Finding
from modular_cls.doctor.machine import find_cache, find_cores, find_gpu
from modular_cls.doctor.material import find_data, find_weights
from modular_cls.doctor.software import find_extras, find_requirements, find_versions


def examine() -> Iterator[Finding]:
    """Look at the software, the machine, weights and data sets; nothing is changed."""
    yield find_versions()
    yield find_requirements()
    yield find_extras()
    yield find_cores()
    yield find_gpu()
    yield find_cache()
    yield find_weights()
    yield find_data()

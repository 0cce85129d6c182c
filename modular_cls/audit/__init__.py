"""What is wrong with a data set, before any training: `audit` looks, `print_audit` tells."""

from modular_cls.audit.findings import Audit, Finding
from modular_cls.audit.text import print_audit
from modular_cls.audit.whole import audit

__all__ = ["Audit", "Finding", "audit", "print_audit"]

"""Finished runs -> tables for the terminal, and a page that compares them honestly."""

from modular_cls.report.page import write_report
from modular_cls.report.terminal import print_metrics

__all__ = ["print_metrics", "write_report"]

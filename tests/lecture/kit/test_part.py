"""Parts share no table and name what they state."""

import pytest

from modular_cls.lecture.kit.claim import CLAIMS
from modular_cls.lecture.kit.part import load_claim


@pytest.mark.parametrize("name", CLAIMS)
def test_parts_share_no_table_and_name_what_they_state(name):
    parts = load_claim(name).parts
    tables = [table for part in parts for table in part.tables]
    assert len(set(tables)) == len(tables)
    for part in parts:
        assert part.about.splitlines()[0].endswith(".")
        for said in part.statements:
            assert said.table in part.tables
            assert said.column in part.module.MEASURES
    says = [s.says for part in parts for s in part.statements]
    assert len(set(says)) == len(says)

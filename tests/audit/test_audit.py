"""The audit as a whole."""

from collections import Counter


def test_a_clean_set_has_no_finding(faces):
    status, text, found = faces.audit()
    assert (status, found) == (0, {})
    assert f"{len(faces.rows)} pictures looked at" in text
    assert "0 errors, 0 warnings, 0 notes" in text
    splits = Counter(row["split"] for row in faces.rows)
    assert faces.report["labels"]["splits"] == {**splits, "none": 0}

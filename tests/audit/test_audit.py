"""The audit as a whole."""


def test_a_clean_set_has_no_finding(faces):
    status, text, found = faces.audit()
    assert (status, found) == (0, {})
    assert "136 pictures looked at" in text
    assert "0 errors, 0 warnings, 0 notes" in text
    assert faces.report["labels"]["splits"] == {
        "train": 96,
        "validation": 16,
        "test": 24,
        "none": 0,
    }

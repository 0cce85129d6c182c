"""Finished runs -> a page that compares them honestly.

Its files, in the order to read them:

    results          run folders -> finished runs
    sorting          what each is for: to compare, to choose by, with another class empty
    rows             `results.csv`
    answers          what a run answered on each test image
    comparison       runs of several methods through one composite
    statistics       means, differences and images to match, with intervals
    contrasts        the reference against the strongest others
    misses           which rare test images are missed
    first            what to look at first
    sections         the sections on one composite
    identical_terms  whether the terms were the same
    trials           how rates and knobs were chosen
    turns            every joint class in turn the empty one
    intervals        `intervals.csv`, `match.csv`
    style            how each method looks in figures
    figures          the figures
    wording          numbers and tables as text
    page             `report.md`, all of it
    sheets           missed pictures, and what runs say of them
    html             `report.html`, its frame is report.html here
    command          `modular-cls report`
"""

"""Evaluation: committed suites of messages and questions, run through triage and the whole path.

A suite (``tests/suites``) says what a right outcome is and was written before its first run;
`suites` reads it, `triage` and `answers` run it, `scores` turns outcomes into rates with Wilson
intervals, and `released` compares them, item by item, with those of the last release.

    caretier bench triage tests/suites/triage/first.txt
    caretier bench answers tests/suites/answers
"""

"""Rules of the project that a script can keep. Each module has `violations(root)` and `SEEDS`.

A seed is a change of one file that the rule must notice, a new text or one text in place of another: `Scripts/check-rules --self-test` makes each
of them in a copy and expects a violation that was not there before.
"""

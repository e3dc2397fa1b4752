"""A/B tests on segments: how large a lift the base can show, who gets what, and what came of it.

`description` is what the marketer writes, `design` what can be learnt from it, `plan` what is frozen before anything is
sent, `analysis` what follows from the plan and the outcomes, and from nothing else.
"""

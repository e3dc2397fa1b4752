"""Settings for trainings of which nothing but the model is looked at: no page, no other algorithms, few refits."""

QUICK = ("report=null", "comparison.algorithms=[]", "refits.times=2", "refits.rows=1000")
"""For `configuration.load`."""

QUICK_OPTIONS = tuple(part for setting in QUICK for part in ("--set", setting))
"""For the command line."""

"""What marketing does with segments: the warehouse, lists, scenarios, experiments.

It reads the table that `python -m training assign --with-features` writes, and the card of the model that wrote it.
"""

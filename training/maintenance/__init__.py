"""How fast a model ages: history replayed, models of other days compared on the same customers, and what follows.

The doors are `training.maintenance.simulation.simulate` and `training.maintenance.results`, the file that it fills.
"""

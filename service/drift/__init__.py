"""Counted drift: every predicted customer is counted into the bins of the model's reference, and compared with it."""

"""What a model's later customers are compared with, its calibration, and whether a model is needed anew."""

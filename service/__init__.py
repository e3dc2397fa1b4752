"""The prediction service: Flask, the live model, and nothing of scikit-learn, pandas or Ibis."""

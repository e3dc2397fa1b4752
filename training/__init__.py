"""The training job: one module per step, each a function from one frozen thing to the next."""

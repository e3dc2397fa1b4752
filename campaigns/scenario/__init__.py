"""What a promotion would bring: who would move between segments, what it would earn and cost, and how sure that is.

A scenario is a file of assumptions; nothing here is learnt from customers. What is simulated is what follows from the
assumptions, and how far the answer hangs on each of them.
"""

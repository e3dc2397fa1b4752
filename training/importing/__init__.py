"""Pipelines fitted elsewhere: opened in a process of their own, told as plain numbers, folded, and rebuilt from these.

A pickle is a program. Here it is read by an unpickler that builds only what a Pipeline consists of, in a process that
has nothing of the job's; what comes back are names and numbers, and of these alone the model is made.
"""

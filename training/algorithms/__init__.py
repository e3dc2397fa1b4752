"""Every clusterer of the field behind one interface: what is declared of it, whether it can run, what it finds."""

from training.algorithms.catalogue import ALGORITHMS, K_MEANS, NAMES, find
from training.algorithms.declared import Algorithm, Form, Parameter, Value
from training.algorithms.planning import Budget, Plan, plan

__all__ = [
    "ALGORITHMS",
    "K_MEANS",
    "NAMES",
    "Algorithm",
    "Budget",
    "Form",
    "Parameter",
    "Plan",
    "Value",
    "find",
    "plan",
]

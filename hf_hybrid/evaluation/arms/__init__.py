"""Arms over seeds: means with intervals, comparisons with the hybrid arm, the paper's claims, and the curve over its
alpha.
"""

from hf_hybrid.evaluation.arms.aggregate import ARMS_VERSION, LOW_RESOURCE, ArmsOptions, build_arms

__all__ = ["ARMS_VERSION", "LOW_RESOURCE", "ArmsOptions", "build_arms"]

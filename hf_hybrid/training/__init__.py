"""The trainer, the folder of a run, and what keeps a run from ending in a hang, half a checkpoint or weights that are
NaN.
"""

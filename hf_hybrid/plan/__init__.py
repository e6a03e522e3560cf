"""The global batch plan, a pure function of seed, epoch and step; it knows neither torch nor where renditions come
from.
"""

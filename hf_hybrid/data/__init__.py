"""Renditions and all that becomes of them on the way to an encoder: read, indexed, tokenised, cut into chunks,
collated.
"""

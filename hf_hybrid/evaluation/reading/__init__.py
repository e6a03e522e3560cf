"""Retrieve, then read: exact match and F1 of answers behind a retriever, and what retrieval costs.

A retriever has no exact match of its own. So one reader is fixed, and given the gold passage (the ceiling), the best k
passages of the pool of the question's language, and the best k of one pool of all languages.
"""

"""What the `evaluate` metric takes, as functions of plain columns: ranks, top-k runs or embeddings in, a dictionary
out.

The metric's module only declares the columns and calls `output.compute_metric`; it may come from a Hub, this is what
it adapts. `install` is imported with the package, so nothing heavy is imported here.
"""

"""What the `evaluate` metric takes, as functions of plain columns: ranks, top-k runs or embeddings in, a dictionary out.

The metric's module only declares the columns and calls `compute_metric`; it may come from a Hub, this is what it adapts.
"""

from .columns import COLUMNS, check_columns
from .embedding_rows import evaluate_embedding_rows
from .metric_output import compute_metric
from .rank_rows import evaluate_rank_rows
from .top_k_rows import evaluate_top_k_rows

__all__ = [
    "COLUMNS",
    "check_columns",
    "compute_metric",
    "evaluate_embedding_rows",
    "evaluate_rank_rows",
    "evaluate_top_k_rows",
]

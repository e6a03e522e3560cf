"""Pictures of results files, comparisons and curves."""

"""Analyses of studies, a module each: `check(design)` before anything runs, `analyse(results)` of results files."""

"""From ranks to results files, and from results files to tables, comparisons and arms."""

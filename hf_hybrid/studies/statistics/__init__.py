"""Statistics of studies that are pure functions of arrays: power, quadratics with partial pooling, mixed models."""

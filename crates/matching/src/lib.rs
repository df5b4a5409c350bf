//! Probabilistic record linkage on columns: blocks, comparisons, weights, clusters, completeness.

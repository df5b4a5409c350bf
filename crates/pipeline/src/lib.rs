//! The pipeline file, and the steps of a recovery in their order.

//! Worlds with a known truth, damage, scoring.

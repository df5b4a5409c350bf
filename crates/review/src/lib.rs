//! Packs for each customer out, decisions back in.

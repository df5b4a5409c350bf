//! The `restitch` command.
fn main() {}

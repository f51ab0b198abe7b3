//! crywolf.
fn main() {}

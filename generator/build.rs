//! Builds the crate anew when a built-in scenario or stack is added, removed or changed: the macro that embeds them
//! tells cargo only of files that were there before.

fn main() {
    println!("cargo::rerun-if-changed=../scenarios");
    println!("cargo::rerun-if-changed=../stacks");
}

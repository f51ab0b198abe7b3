//! Thresholds of guessing.

use crate::config::Span;

section! {
    /// When refused logins are guessing.
    Limits "guessing" {
        refusals: u32,
        guessers: u32,
        per_success: u32,
        longest_refusal: u16,
        sprayed: usize,
        hidden: u32,
        hidden_lengths: u32,
        hidden_within: Span,
    }
}

//! The simulator by what its sensors record, one module a subject.

#![expect(
    clippy::unwrap_used,
    reason = "a failed unwrap is a failed test, in helpers as well"
)]

mod apps;
mod behaviour;
mod kit;
mod micro;
mod scenarios;
mod tools;

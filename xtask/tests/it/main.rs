//! The tasks that replay, as their users run them. No frame leaves the namespaces that they make.
//!
//! - [`lab`]: detectors on a lab's lines, graded.
//! - [`replay`]: captures onto a tap, with and without a name for its namespace.
//! - [`walls`]: what is reached from inside a lab, which is nothing.
//! - [`leavings`]: what is left behind after a death of any kind, which is nothing as well.
//! - [`programs`]: the programs that the tests run.

mod lab;
mod leavings;
mod programs;
mod replay;
mod walls;

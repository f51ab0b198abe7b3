//! Adapters: what a detector wrote, as alerts. One file a format.
//!
//! An adapter reads one record at a time and never judges: it fills in what its format says and leaves the rest
//! empty. Times become UTC, addresses canonical, frame numbers count from 1.

pub mod crywolf;

//! How far something reaches: in time, over addresses, over ports; each in bounded memory, however far it is.

mod activity;
mod addresses;
mod crowd;
mod frequent;
mod ports;

pub(crate) use activity::Activity;
pub(crate) use addresses::Addresses;
pub(crate) use crowd::{Crowd, NAMED_SOURCES};
pub(crate) use frequent::Frequent;
pub(crate) use ports::Ports;

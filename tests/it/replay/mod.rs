//! Replays in namespaces of their own, counted at the far side by tcpdump.

mod bench;
mod ending;
mod guard;
mod outputs;
mod sending;
mod taps;
mod uplink;
mod watch;
mod ways;

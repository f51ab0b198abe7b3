//! What lies between hosts: sites, the paths that join them, and the sensors that watch.

pub mod block;
pub mod filter;
pub mod nat;
pub mod path;
pub mod pending;
pub mod pool;
pub mod ports;
pub mod segment;
pub mod sensor;
pub mod topology;

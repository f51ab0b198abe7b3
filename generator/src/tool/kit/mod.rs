//! The kit that every tool is made of: what it sends, to whom, how fast, how often again, under whose name, and what it does
//! with answers. What distinguishes one tool, or one generation of a tool, from another is data.

pub mod answer;
pub mod calls;
mod course;
pub mod craft;
pub mod formula;
pub mod ip_options;
pub mod jobs;
pub mod nest;
pub mod pace;
pub mod run;
mod send;
pub mod sources;
pub mod stage;
pub mod tcp_options;
pub mod values;
pub mod visits;
mod waiting;

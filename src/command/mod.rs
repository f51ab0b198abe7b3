//! The subcommands, a module each.

pub mod compare;
pub mod detect;
pub mod facts;
pub mod generate;
pub mod grade;
pub mod inject;
pub mod list;
pub mod merge;
pub mod pages;
pub mod replay;
pub mod score;
pub mod show;
pub mod transcribe;

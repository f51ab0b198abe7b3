//! The least that a replay onto a tap can be: frames that stand in memory, one write each.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use super::captures;

/// Arguments of the loop.
#[derive(Args)]
pub struct WriteLoopArgs {
    /// A tap that is there
    tap: String,
    /// The capture whose frames are written
    capture: PathBuf,
}

/// Writes the frames.
pub fn run(args: &WriteLoopArgs) -> Result<()> {
    let frames = captures::frames(&args.capture)?;
    let tap = open(&args.tap)?;
    for frame in &frames {
        tap.send(frame)?;
    }
    Ok(())
}

/// The program's end of a tap that is there.
pub fn open(name: &str) -> Result<SyncDevice> {
    DeviceBuilder::new()
        .name(name)
        .layer(Layer::L2)
        .inherit_enable_state()
        .build_sync()
        .with_context(|| format!("open the tap {name}"))
}

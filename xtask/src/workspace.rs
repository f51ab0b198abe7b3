//! Where things are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// The root of the workspace.
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Cargo, the one that runs this task, in the root of the workspace.
pub fn cargo(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// Builds the release binary and says where it is.
pub fn build_crywolf() -> Result<PathBuf> {
    process::run(&mut cargo(&["build", "--quiet", "--release"]))?;
    Ok(target()?.join("release").join("crywolf"))
}

/// Where cargo puts what it builds.
pub fn target() -> Result<PathBuf> {
    let metadata = process::output(&mut cargo(&[
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("in cargo's metadata")?;
    let target = metadata["target_directory"]
        .as_str()
        .context("cargo names no target directory")?;
    Ok(PathBuf::from(target))
}

/// Whether this runs in CI, where nothing is renewed.
pub fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}

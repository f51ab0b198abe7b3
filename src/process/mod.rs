//! What the program does with itself: end when told to, and give up privileges.
//!
//! - [`mod@unfinished`]: what must not be left behind then.
//! - [`temporary`]: files and folders.
//! - [`program`] and [`memory`]: programs that it starts, and what they hold.
//! - [`jobs`]: its threads.

pub mod jobs;
mod memory;
pub mod program;
pub mod temporary;
mod unfinished;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result};
use replay::ReplayError;
use replay::privileges;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::output;
use unfinished::unfinished;

/// Signals by which a program is told to end.
const ENDING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

const DEAF: &str = "cannot listen for Ctrl-C";

/// What shells say of a program that a signal has ended: this and its number.
const ENDED_BY_SIGNAL: i32 = 128;

/// From now on a file that grows beyond what the system allows is an error of writing like any other.
///
/// # Errors
/// What the system says.
pub fn fail_at_large_files() -> Result<()> {
    signal_hook::flag::register(SIGXFSZ, Arc::default()).context("cannot listen for signals")?;
    Ok(())
}

/// From now on Ctrl-C and requests to terminate clear away what is unfinished and end the program, with 130, 143 and 129,
/// whatever it is about: nothing has to look for them.
///
/// # Errors
/// What the system says.
pub fn leave_nothing_behind() -> Result<()> {
    let mut signals = Signals::new(ENDING).context(DEAF)?;
    let listen = move || {
        if let Some(signal) = signals.forever().next() {
            // Held to the end.
            let unfinished = unfinished();
            program::end_all(&unfinished.programs);
            unfinished.remove();
            process::exit(ENDED_BY_SIGNAL + signal);
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(listen)
        .map(drop)
        .context(DEAF)
}

/// Whether such a signal still ends the program at once.
static AT_ONCE: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// The signal that raised a flag of [`stop_flag`] last.
static SIGNAL: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// The same for who has nothing unfinished until it asks for a [`stop_flag`]. It takes no thread: one would keep the
/// privileges that the others give up.
///
/// # Errors
/// What the system says.
pub fn end_at_once() -> Result<()> {
    for signal in ENDING {
        let condition = Arc::clone(&AT_ONCE);
        signal_hook::flag::register_conditional_shutdown(
            signal,
            ENDED_BY_SIGNAL + signal,
            condition,
        )
        .context(DEAF)?;
    }
    Ok(())
}

/// The exit code of a run that a signal has ended: 130 of Ctrl-C, 143 of a request to terminate, 129 of a terminal that has
/// gone.
pub fn exit_code_of_signal() -> u8 {
    let signal = SIGNAL.load(Ordering::Relaxed);
    let usual = SIGINT.unsigned_abs();
    let signal = u32::try_from(signal).ok().filter(|signal| *signal != 0);
    u8::try_from(ENDED_BY_SIGNAL.unsigned_abs() + signal.unwrap_or(usual)).unwrap_or(u8::MAX)
}

/// A flag that Ctrl-C and a request to terminate raise. Raised twice it is no more than raised: who runs under
/// `timeout` or `sudo` gets each Ctrl-C twice.
///
/// # Errors
/// What the system says.
pub fn stop_flag() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in ENDING {
        // Before the flag, so that who sees that raised knows why.
        let number = usize::try_from(signal).unwrap_or_default();
        signal_hook::flag::register_usize(signal, Arc::clone(&SIGNAL), number).context(DEAF)?;
        signal_hook::flag::register(signal, Arc::clone(&stop)).context(DEAF)?;
    }
    AT_ONCE.store(false, Ordering::Relaxed);
    Ok(stop)
}

/// Gives up all privileges. Root becomes the owner of the folder that something is yet to be written to; else who has
/// called sudo; else nobody.
///
/// # Errors
/// What the system says.
pub fn drop_privileges<'a>(outputs: impl IntoIterator<Item = &'a Path>) -> Result<(), ReplayError> {
    let written = outputs.into_iter().find(|path| !output::is_stdout(path));
    privileges::drop_all(match written {
        Some(path) => owner_of_folder(path),
        None => caller_of_sudo().unwrap_or(privileges::NOBODY),
    })
}

fn owner_of_folder(path: &Path) -> (u32, u32) {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::metadata(folder).map_or(privileges::NOBODY, |owner| (owner.uid(), owner.gid()))
}

fn caller_of_sudo() -> Option<(u32, u32)> {
    let id = |name: &str| std::env::var_os(name)?.to_str()?.parse().ok();
    id("SUDO_UID").zip(id("SUDO_GID"))
}

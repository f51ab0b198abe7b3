//! A detector's command: started in a shell, watched, ended whole, and what is left of it.
//!
//! It runs as the leader of a process group, and its environment bears a mark that its descendants inherit. When it has
//! ended, or is ended because its time is up or the user has had enough, everything of the group and everything with the
//! mark is ended too, daemons included. (A process that changes group and clears its environment escapes.) Who is told to
//! end has a second for it, whatever it does with the signal.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{
    Pid, RawPid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use wait4::Wait4;

use super::memory;
use crate::process::unfinished::unfinished;

/// The variable that marks a detector's processes.
const MARK: &str = "CRYWOLF_RUN";

/// The longest that it is left alone between two looks at it.
const LOOK: Duration = Duration::from_millis(20);

/// How long it has to end by itself when it is told to.
const GRACE: Duration = Duration::from_millis(1000);

/// The most that it may write, in bytes, to either stream or to its findings.
const MOST_BYTES: u64 = 1 << 30;

/// How long what is left of it is looked for: each look also finds what was started since the one before.
const SWEEPING: Duration = Duration::from_millis(500);

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with that status.
    Itself(ExitStatus),
    /// Its time was up.
    OutOfTime,
    /// It wrote too much.
    TooMuch,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub ending: Ending,
    /// Processor time of it and of those of its children that it waited for.
    pub cpu: Duration,
    /// The most memory that one of them held, in bytes.
    pub peak_bytes: u64,
    /// How long it ran.
    pub elapsed: Duration,
}

/// Where a command writes.
#[derive(Clone, Debug)]
pub struct Streams {
    /// Its standard output.
    pub stdout: PathBuf,
    /// Its standard error.
    pub stderr: PathBuf,
    /// Its findings, where it writes them elsewhere.
    pub findings: Option<PathBuf>,
}

/// Runs a command of the shell to its end.
///
/// # Errors
/// Fails when there is no shell.
#[expect(
    clippy::disallowed_methods,
    reason = "how long a detector takes is told by the clock of the machine"
)]
pub fn run(text: &str, streams: &Streams, timeout: Duration) -> Result<Ended> {
    let file = |path: &Path| {
        File::create(path).with_context(|| format!("cannot write {}", path.display()))
    };
    let mark = mark();
    let started = Instant::now();
    let (mut child, pid) = {
        let mut unfinished = unfinished();
        let child = Command::new("sh")
            .args(["-c", text])
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .stdout(file(&streams.stdout)?)
            .stderr(file(&streams.stderr)?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start a shell for the detector: {text}"))?;
        let pid = Pid::from_child(&child);
        unfinished.programs.insert(pid.as_raw_pid());
        (child, pid)
    };
    let mut peak = 0;
    let watched = watch(pid, streams, started, timeout, &mut peak);
    if !matches!(watched, Watched::Ended) {
        tell_to_end(&[pid]);
    }
    end(&[pid], &mark);
    let used = {
        // Once it is waited for its number may be somebody else's.
        unfinished().programs.remove(&pid.as_raw_pid());
        child.wait4().context("cannot wait for the detector")?
    };
    let elapsed = started.elapsed();
    let ending = match watched {
        Watched::Ended => Ending::Itself(used.status),
        Watched::OutOfTime => Ending::OutOfTime,
        Watched::TooMuch => Ending::TooMuch,
    };
    Ok(Ended {
        ending,
        cpu: used.rusage.utime + used.rusage.stime,
        // Exact where it is more than what it may have been charged for our own sake.
        peak_bytes: match used.rusage.maxrss {
            exact if exact > memory::own_peak() => exact,
            _ => peak,
        },
        elapsed,
    })
}

enum Watched {
    Ended,
    OutOfTime,
    TooMuch,
}

/// Looks on until it has ended, its time is up, or it has written too much.
fn watch(
    program: Pid,
    streams: &Streams,
    started: Instant,
    timeout: Duration,
    peak: &mut u64,
) -> Watched {
    let mut look = Duration::from_millis(1);
    loop {
        if has_ended(program) {
            return Watched::Ended;
        }
        if started.elapsed() >= timeout {
            return Watched::OutOfTime;
        }
        let written = [
            Some(&streams.stdout),
            Some(&streams.stderr),
            streams.findings.as_ref(),
        ];
        if written
            .into_iter()
            .flatten()
            .any(|path| size(path) > MOST_BYTES)
        {
            return Watched::TooMuch;
        }
        *peak = memory::peak_of_tree(program.as_raw_pid().unsigned_abs()).max(*peak);
        sleep(look);
        look = (look * 2).min(LOOK);
    }
}

/// Whether it has ended; it is not waited for.
fn has_ended(program: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // Who cannot be asked after has gone.
    waitid(WaitId::Pid(program), options).map_or(true, |status| status.is_some())
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// A mark that no other run has.
fn mark() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{}{number}>", mark_of_all())
}

/// What all marks of this program begin with. Within a detector that runs crywolf itself, the outer mark stays part of the
/// inner one.
fn mark_of_all() -> String {
    let outer = std::env::var_os(MARK).unwrap_or_default();
    format!("{}<{}.", outer.to_string_lossy(), std::process::id())
}

/// Ends all detectors that run, given the leaders of their groups, with all that they have started.
pub fn end_all(leaders: &BTreeSet<RawPid>) {
    let leaders: Vec<Pid> = leaders
        .iter()
        .filter_map(|pid| Pid::from_raw(*pid))
        .collect();
    if !leaders.is_empty() {
        tell_to_end(&leaders);
        end(&leaders, &mark_of_all());
    }
}

/// Tells groups to end, and gives their leaders time for it.
#[expect(
    clippy::disallowed_methods,
    reason = "how long they take is told by the clock of the machine"
)]
fn tell_to_end(leaders: &[Pid]) {
    for leader in leaders {
        let _ = kill_process_group(*leader, Signal::TERM);
    }
    let told = Instant::now();
    while told.elapsed() < GRACE && !leaders.iter().all(|leader| has_ended(*leader)) {
        sleep(LOOK);
    }
}

/// Ends groups, and what was started from them. Their leaders have not been waited for: their numbers are still theirs,
/// and nobody else's.
fn end(leaders: &[Pid], mark: &str) {
    for leader in leaders {
        let _ = kill_process_group(*leader, Signal::KILL);
    }
    end_marked(mark);
}

/// Ends all processes whose environment has a mark that begins so (Linux; elsewhere the group must do).
#[expect(
    clippy::disallowed_methods,
    reason = "how long to look is told by the clock of the machine"
)]
fn end_marked(mark: &str) {
    let wanted = format!("{MARK}={mark}");
    let own = std::process::id().cast_signed();
    let born = stat(own).map_or(0, |(_, started)| started);
    let mut told = BTreeSet::new();
    let began = Instant::now();
    while began.elapsed() < SWEEPING {
        let Ok(processes) = fs::read_dir("/proc") else {
            return;
        };
        let pids = processes
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        // Who is older was started by somebody else. To look into another's memory may take long.
        let younger = |pid: &i32| stat(*pid).is_some_and(|(_, started)| started >= born);
        let mut left = false;
        for pid in pids.filter(|pid| *pid != own && younger(pid)) {
            // Ended processes have an empty environment.
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let mut variables = environment.split(|byte| *byte == 0);
            if variables.any(|variable| variable.starts_with(wanted.as_bytes())) {
                left = true;
                told.insert(pid);
                let _ = Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::KILL));
            }
        }
        if !left && !told.iter().any(|pid| is_running(*pid)) {
            return;
        }
        sleep(Duration::from_millis(2));
    }
}

/// Whether a process is there and has not ended; who is being ended loses its environment before it has.
fn is_running(pid: i32) -> bool {
    stat(pid).is_some_and(|(state, _)| !["Z", "X"].contains(&state.as_str()))
}

/// The state of a process and when it was started, in ticks since the machine was; fields 3 and 22 of proc_pid_stat(5).
fn stat(pid: i32) -> Option<(String, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.to_owned();
    let started = fields.nth(18)?.parse().ok()?;
    Some((state, started))
}

/// A path as one word of a shell.
pub fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

/// How a command ended that did not end well, in a sentence; `None` where it did.
pub fn trouble(ending: Ending, timeout: Duration) -> Option<String> {
    match ending {
        Ending::Itself(status) if status.success() => None,
        Ending::Itself(status) => Some(match (status.code(), status.signal()) {
            (Some(127), _) => {
                "it ended with status 127: the shell does not find the command".into()
            }
            (Some(126), _) => "it ended with status 126: the shell may not run the command".into(),
            (Some(code), _) => format!("it ended with status {code}"),
            (None, Some(signal)) => {
                format!("it was ended by signal {signal}{}", signal_name(signal))
            }
            (None, None) => "it did not end as a program does".into(),
        }),
        Ending::OutOfTime => Some(format!(
            "it did not end within {}, and was ended (--timeout)",
            crate::duration::spoken(timeout)
        )),
        Ending::TooMuch => Some("it wrote more than 1 GiB, and was ended".into()),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (illegal instruction)",
        6 => " (abort)",
        8 => " (arithmetic)",
        9 => " (killed, perhaps for want of memory)",
        11 => " (segmentation fault)",
        13 => " (broken pipe)",
        15 => " (terminated)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(text: &str, timeout: Duration) -> (Ended, String, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let streams = Streams {
            stdout: folder.path().join("out"),
            stderr: folder.path().join("err"),
            findings: None,
        };
        let ended = run(text, &streams, timeout).unwrap();
        let out = fs::read_to_string(&streams.stdout).unwrap();
        (ended, out, folder)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_command_ends_with_its_status_and_what_it_took() {
        let (ended, out, _folder) = ran("echo here; sleep 0.1; exit 3", LONG);
        assert_eq!(out, "here\n");
        assert!(trouble(ended.ending, LONG).unwrap().contains("status 3"));
        assert!(ended.peak_bytes > 100_000, "{ended:?}");
        let (ended, _, _folder) = ran("kill -SEGV $$", LONG);
        assert!(
            trouble(ended.ending, LONG)
                .unwrap()
                .contains("segmentation")
        );
        assert_eq!(trouble(ran("true", LONG).0.ending, LONG), None);
    }

    #[test]
    fn when_its_time_is_up_the_whole_tree_is_ended() {
        // A child, a child of a group of its own, and a daemon that has lost its parents.
        let text = "sleep 1000 & echo $!; setsid sleep 1000 & echo $!; (setsid sh -c 'sleep 1000 & echo $!; wait' &); sleep 1000";
        let (ended, out, _folder) = ran(text, Duration::from_millis(500));
        assert_eq!(ended.ending, Ending::OutOfTime);
        assert_eq!(out.lines().count(), 3, "{out}");
        for pid in out.lines() {
            assert!(!is_running(pid.parse().unwrap()), "{pid}");
        }
    }

    #[test]
    fn what_it_leaves_running_is_ended_with_it() {
        let (ended, out, _folder) = ran("setsid sleep 1000 & echo $!", LONG);
        assert_eq!(trouble(ended.ending, LONG), None);
        assert!(!is_running(out.trim().parse().unwrap()), "{out}");
    }

    #[test]
    fn a_path_is_one_word_whatever_it_holds() {
        assert_eq!(quoted(Path::new("a b/it's")), "'a b/it'\\''s'");
    }
}

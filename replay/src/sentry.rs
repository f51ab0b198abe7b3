//! The sentry: a process of its own that looks at the network while frames go, and says when the guard would no longer let
//! them.
//!
//! Rules of netfilter and programs show themselves only to who has CAP_NET_ADMIN, and who sends has given up all
//! capabilities. So who looks keeps this one, and neither reads a capture nor sends. It ends when its input does, which is
//! when who sends ends, however that is.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::thread::CapabilitySet;

use crate::error::ReplayError;
use crate::guard::{Admission, Entry, Refusal, Rule, hears_more};
use crate::link::{Links, News, timespec};
use crate::privileges;

/// What it says when it has looked once and found nothing.
const WATCHING: &str = "watching";
/// How often it looks at everything without having heard of a change.
const INSPECTION: Duration = Duration::from_secs(1);
/// How often at what the kernel changes without a word: half of the 100 ms in which a run ends.
const LOOK: Duration = Duration::from_millis(50);
/// Between two looks at everything, however much changes: a fifth of these.
const REST: Duration = Duration::from_millis(20);

/// What a sentry watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post {
    /// The number of the interface.
    pub interface: u32,
    /// How frames get onto it.
    pub entry: Entry,
    /// Whether frames are for this machine itself, so that it would answer.
    pub answered: bool,
}

impl Post {
    /// As words of a command line, and back with [`Post::from_words`].
    pub fn to_words(self) -> [String; 3] {
        let entry = match self.entry {
            Entry::Written => "written",
            Entry::Sent => "sent",
        };
        let answered = if self.answered { "answered" } else { "unheard" };
        [
            self.interface.to_string(),
            entry.to_owned(),
            answered.to_owned(),
        ]
    }

    /// The post of such words.
    pub fn from_words(words: &[String]) -> Option<Post> {
        let [interface, entry, answered] = words else {
            return None;
        };
        Some(Post {
            interface: interface.parse().ok()?,
            entry: match entry.as_str() {
                "written" => Entry::Written,
                "sent" => Entry::Sent,
                _ => return None,
            },
            answered: match answered.as_str() {
                "answered" => true,
                "unheard" => false,
                _ => return None,
            },
        })
    }
}

/// Watches until the input ends or something is to be said, which ends it as well: a line on the output.
///
/// # Errors
/// What the system says.
pub fn watch(post: Post, input: BorrowedFd<'_>, mut output: impl Write) -> Result<(), ReplayError> {
    let failed = |error| ReplayError::System {
        what: "tell of the network".to_owned(),
        error,
    };
    // Before anything is looked at, so that no change is missed.
    let news = News::open().map_err(ReplayError::Netlink)?;
    let mut links = Links::open()?;
    let mut network = links.network()?;
    let begun = network.clone();
    let mut unannounced = links.unannounced(&network.interfaces)?;
    // Not to come late where others compute. Without the capability it takes its turn like them.
    let _ = rustix::process::setpriority_process(None, -20);
    privileges::keep(CapabilitySet::NET_ADMIN, privileges::NOBODY)?;
    let Some(admission) = Admission::at_post(post.interface, post.entry, &network) else {
        // Who sends notices by itself.
        return Ok(());
    };
    let (mut inspected, mut looked) = (Instant::now(), Instant::now());
    let mut said = false;
    loop {
        let answered = post.answered || hears_more(&begun, &network);
        if let Some(refusal) = admission.withdrawn(&network, answered) {
            return writeln!(output, "{} {}", refusal.rule, refusal.what).map_err(failed);
        }
        if !said {
            said = true;
            writeln!(output, "{WATCHING}")
                .and_then(|()| output.flush())
                .map_err(failed)?;
        }
        let mut changed = false;
        while inspected.elapsed() < if changed { REST } else { INSPECTION } {
            let waited = news.wait(&input, if changed { REST } else { LOOK });
            if waited.called {
                return Ok(());
            }
            changed |= waited.changed;
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                let now = links.unannounced(&network.interfaces)?;
                changed |= now != unannounced;
                unannounced = now;
            }
        }
        inspected = Instant::now();
        network = links.network()?;
    }
}

/// A sentry at its post, as who sends sees it.
pub struct Sentry {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Sentry {
    /// Starts the command, which calls [`watch`], in the namespace of this thread; it has looked once when this returns.
    ///
    /// # Errors
    /// What the system says; what the guard has against the network as it is now.
    pub fn post(command: &mut Command) -> Result<Sentry, ReplayError> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C is for who sends.
            .process_group(0)
            .spawn()
            .map_err(|error| ReplayError::System {
                what: "watch the network".to_owned(),
                error,
            })?;
        let output = process.stdout.take().expect("it was asked for");
        let mut sentry = Sentry {
            process,
            output: BufReader::new(output),
        };
        match sentry.line() {
            line if line == WATCHING => Ok(sentry),
            line => Err(read(&line, 0)),
        }
    }

    /// Waits until it has something to say or the bell rings, at most that long; what ends the run, if so.
    pub(crate) fn wait(
        &mut self,
        bell: &impl AsFd,
        at_most: Duration,
        accepted: impl Fn() -> u64,
    ) -> Option<ReplayError> {
        let output = self.output.get_ref();
        let mut wanted = [
            PollFd::new(output, PollFlags::IN),
            PollFd::new(bell, PollFlags::IN),
        ];
        // An interruption is as good as the time having passed.
        let _ = poll(&mut wanted, Some(&timespec(at_most)));
        let [output, _] = wanted;
        if output.revents().is_empty() {
            return None;
        }
        let accepted = accepted();
        Some(read(&self.line(), accepted))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        // One that has ended says nothing.
        let _ = self.output.read_line(&mut line);
        line.trim_end().to_owned()
    }
}

impl Drop for Sentry {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It ends at once; one that has ended already is no fault.
        let _ = self.process.wait();
    }
}

/// What a sentry has said.
fn read(line: &str, accepted: u64) -> ReplayError {
    let rules = [Rule::NoWayOut, Rule::LabInterface];
    let told = rules.into_iter().find_map(|rule| {
        let what = line.strip_prefix(&rule.to_string())?.strip_prefix(' ')?;
        Some((rule, what.to_owned()))
    });
    match told {
        Some((rule, what)) => ReplayError::Changed {
            refusal: Refusal {
                rule,
                what,
                lift: String::new(),
            },
            accepted,
        },
        None => ReplayError::Unwatched,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_the_same_in_words() {
        for (entry, answered) in [(Entry::Sent, true), (Entry::Written, false)] {
            let post = Post {
                interface: 7,
                entry,
                answered,
            };
            assert_eq!(Post::from_words(&post.to_words()), Some(post));
        }
        assert_eq!(Post::from_words(&["7".to_owned()]), None);
    }

    #[test]
    fn what_it_says_ends_the_run_and_so_does_its_silence() {
        let error = read("no-way-out the default route leads through near", 9);
        let text = error.to_string();
        assert!(
            text.contains("after 9 frames: the default route leads"),
            "{text}"
        );
        assert!(text.contains("no-way-out"), "{text}");
        for line in ["", "killed", "no-way-outside"] {
            assert!(matches!(read(line, 9), ReplayError::Unwatched), "{line}");
        }
    }

    #[test]
    fn one_that_cannot_watch_is_noticed() {
        let posted = Sentry::post(&mut Command::new("false"));
        assert!(matches!(posted, Err(ReplayError::Unwatched)));
    }
}

//! Network namespaces that exist already, by name or path.
//!
//! Sources: ip-netns(8), which keeps names as files in `/run/netns`; setns(2).

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Where `ip netns add` puts names.
const NAMES: &str = "/run/netns";

/// Why a namespace cannot be entered.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// There is none.
    #[error("there is no network namespace {name}, no file {path}: `ip netns` lists those that have a name",
        path = path.display())]
    Missing {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{path} is no network namespace", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The system does not let this user in.
    #[error(
        "no permission to enter network namespace {name}: run as root, or with the capability CAP_SYS_ADMIN"
    )]
    NotPermitted {
        /// What was asked for.
        name: String,
    },
    /// The system failed otherwise.
    #[error("cannot enter network namespace {name}: {source}")]
    System {
        /// What was asked for.
        name: String,
        /// What the system says.
        source: io::Error,
    },
}

/// Moves the calling thread into a network namespace: one that `ip netns` knows by this name, or, of a text with a slash,
/// the one of this file, such as `/proc/PID/ns/net`. Threads that it starts from then on are there as well.
///
/// # Errors
/// Fails when there is no such namespace, when it is something else, and when the user may not enter it.
pub fn enter(name: &str) -> Result<(), NamespaceError> {
    let path = path_of(name);
    let owned = || name.to_owned();
    let file = File::open(&path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => NamespaceError::Missing {
            name: owned(),
            path: path.clone(),
        },
        ErrorKind::PermissionDenied => NamespaceError::NotPermitted { name: owned() },
        _ => NamespaceError::System {
            name: owned(),
            source,
        },
    })?;
    let moved = move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network));
    moved.map_err(|error| match error {
        Errno::INVAL => NamespaceError::Foreign { path },
        Errno::PERM => NamespaceError::NotPermitted { name: owned() },
        _ => NamespaceError::System {
            name: owned(),
            source: error.into(),
        },
    })
}

fn path_of(name: &str) -> PathBuf {
    if name.contains('/') {
        PathBuf::from(name)
    } else {
        Path::new(NAMES).join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_file_of_ip_netns_and_a_path_is_itself() {
        assert_eq!(path_of("lab"), Path::new("/run/netns/lab"));
        assert_eq!(path_of("/proc/1/ns/net"), Path::new("/proc/1/ns/net"));
        assert_eq!(path_of("./lab"), Path::new("./lab"));
    }

    #[test]
    fn what_is_not_there_or_something_else_is_named() {
        let missing = enter("no-such-namespace").unwrap_err().to_string();
        assert!(missing.contains("no-such-namespace"), "{missing}");
        let foreign = enter("/proc/self/status").unwrap_err().to_string();
        assert!(foreign.contains("/proc/self/status"), "{foreign}");
    }
}

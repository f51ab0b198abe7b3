//! Virtual servers (ipvsadm(8)): they forward what arrives for them to real ones, whatever the switches of forwarding say.

use std::fs::File;
use std::io::{self, Read, Seek};

use super::{Detour, Side, Target};

/// Where the kernel lists them.
const LIST: &str = "/proc/thread-self/net/ip_vs";

/// The list of the namespace in which it was opened; a kernel without virtual servers has none.
pub(super) struct VirtualServers(Option<File>);

impl VirtualServers {
    pub(super) fn open() -> io::Result<VirtualServers> {
        match File::open(LIST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(VirtualServers(None)),
            opened => opened.map(|file| VirtualServers(Some(file))),
        }
    }

    pub(super) fn detours(&self) -> io::Result<Vec<Detour>> {
        let Some(mut file) = self.0.as_ref() else {
            return Ok(Vec::new());
        };
        let mut list = String::new();
        file.rewind()?;
        file.read_to_string(&mut list)?;
        Ok(read_servers(&list))
    }
}

/// The detour of a list, where a server is in it.
pub(super) fn read_servers(list: &str) -> Vec<Detour> {
    // Three lines say what the columns are; real servers follow their virtual one, behind an arrow.
    let real = list
        .lines()
        .skip(3)
        .any(|line| line.trim_start().starts_with("->"));
    let detour = Detour {
        at: None,
        side: Side::In,
        by: "a virtual server",
        target: Target::Unreadable("a virtual server (IPVS)".to_owned()),
    };
    real.then_some(detour).into_iter().collect()
}

//! A tap: the interface gets each frame that is written to its file, as if it had come from a wire.
//!
//! Each frame is a write of its own; several queues let several threads write. A tap made here is
//! silent. It has no address and no ARP; IPv6 is off, nothing is forwarded, and packets are only taken from sources
//! that a route through the tap leads to, of which there is none: the kernel drops them instead of answering.
//! Source: Documentation/networking/{tuntap,ip-sysctl}.rst of Linux.

use std::io;

use tun_rs::{DeviceBuilder, Layer, SyncDevice};
use wire::MacAddress;

use crate::batch::Frames;
use crate::error::ReplayError;
use crate::guard::{Admission, Entry};
use crate::link::{Interface, Kind, Links};
use crate::sink::Sink;

/// The largest MTU of a tap: `MAX_MTU - dev->hard_header_len` in drivers/net/tun.c of Linux.
const LARGEST_MTU: u16 = 65_521;

/// The tap wanted.
#[derive(Clone, Debug)]
pub struct TapOptions {
    /// Its name.
    pub name: String,
    /// Its address; the kernel draws one where there is none.
    pub mac: Option<MacAddress>,
    /// The largest IP packet, in bytes.
    pub mtu: u16,
    /// How many threads write to it.
    pub queues: usize,
}

/// The program's end of a tap.
pub struct Tap {
    device: SyncDevice,
    name: String,
}

impl Tap {
    /// Makes the tap or, where it exists and nobody holds it, takes its free end. One that is made here is silent
    /// and up when this returns. One that was there stays as it is.
    ///
    /// # Errors
    /// The name is another interface's; another process holds the tap; no permission; no taps on this system.
    pub fn open(options: &TapOptions, links: &mut Links) -> Result<Vec<Tap>, ReplayError> {
        let existing = find(&options.name, links)?;
        if let Some(found) = existing.as_ref().filter(|found| found.kind != Kind::Tap) {
            return Err(ReplayError::NotATap {
                name: options.name.clone(),
                kind: found.kind.description(),
            });
        }
        let device = if existing.is_some() {
            take(options)?
        } else {
            let device = make(options)?;
            silence(&options.name)?;
            let made = find(&options.name, links)?.ok_or_else(|| ReplayError::Gone {
                name: options.name.clone(),
            })?;
            links.set_up_without_arp(made.index)?;
            device
        };
        let mut taps = vec![Tap {
            device,
            name: options.name.clone(),
        }];
        for _ in 1..options.queues {
            let device = taps.first().map(|tap| tap.device.try_clone());
            let device = device.unwrap_or_else(|| Err(io::Error::other("no first queue")));
            taps.push(Tap {
                device: device.map_err(|error| system(&options.name, error))?,
                name: options.name.clone(),
            });
        }
        Ok(taps)
    }

    /// Lets the tap outlive this program.
    ///
    /// # Errors
    /// What the system says.
    pub fn persist(&self) -> Result<(), ReplayError> {
        self.device
            .persist()
            .map_err(|error| system(&self.name, error))
    }

    /// The sink, for an interface that the guard has admitted.
    ///
    /// # Panics
    /// When the admission is for another entry: our own mistake.
    pub fn into_sink(self, admission: &Admission) -> Box<dyn Sink> {
        assert_eq!(
            (admission.entry(), &admission.interface().name),
            (Entry::Written, &self.name),
            "the guard has admitted this tap"
        );
        Box::new(self)
    }
}

impl Sink for Tap {
    fn send(&mut self, frames: Frames<'_>) -> Result<usize, ReplayError> {
        for (taken, frame) in frames.iter().enumerate() {
            match self.device.send(frame) {
                Ok(_) => {}
                Err(_) if taken > 0 => return Ok(taken),
                Err(error) => return self.fails(&error),
            }
        }
        Ok(frames.len())
    }

    /// A byte is no frame: the kernel refuses what has no Ethernet header (`tun_get_user` in drivers/net/tun.c).
    fn rehearse(&mut self) {
        let _ = self.device.send(&[0]);
    }
}

impl Tap {
    #[cold]
    fn fails(&self, error: &io::Error) -> Result<usize, ReplayError> {
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EINTR | libc::ENOBUFS | libc::ENOMEM) => Ok(0),
            // The interface is down (EIO), or was deleted (EBADFD).
            Some(libc::EIO | libc::EBADFD | libc::ENETDOWN | libc::ENODEV) => {
                Err(ReplayError::Gone {
                    name: self.name.clone(),
                })
            }
            _ => Err(ReplayError::System {
                what: format!("write to the tap {}", self.name),
                error: io::Error::from_raw_os_error(error.raw_os_error().unwrap_or_default()),
            }),
        }
    }
}

fn find(name: &str, links: &mut Links) -> Result<Option<Interface>, ReplayError> {
    let found = links.all()?.into_iter().find(|link| link.name == name);
    Ok(found)
}

fn make(options: &TapOptions) -> Result<SyncDevice, ReplayError> {
    if options.mtu > LARGEST_MTU {
        return Err(ReplayError::TapMtu {
            mtu: options.mtu,
            limit: LARGEST_MTU,
        });
    }
    let mut builder = builder(options, options.queues > 1)
        .enable(false)
        .mtu(options.mtu);
    if let Some(MacAddress(mac)) = options.mac {
        builder = builder.mac_addr(mac);
    }
    builder
        .build_sync()
        .map_err(|error| system(&options.name, error))
}

/// Takes the free end of a tap that is there, as it is.
fn take(options: &TapOptions) -> Result<SyncDevice, ReplayError> {
    let take = |several| {
        let builder = builder(options, several).inherit_enable_state();
        builder.build_sync()
    };
    match take(options.queues > 1) {
        // It was made for another number of queues.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) && options.queues > 1 => {
            return Err(ReplayError::OneQueue {
                name: options.name.clone(),
            });
        }
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => take(true),
        taken => taken,
    }
    .map_err(|error| system(&options.name, error))
}

fn builder(options: &TapOptions, several_queues: bool) -> DeviceBuilder {
    DeviceBuilder::new()
        .name(&options.name)
        .layer(Layer::L2)
        .multi_queue(several_queues)
}

fn system(name: &str, error: io::Error) -> ReplayError {
    match error.raw_os_error() {
        Some(libc::EBUSY) => ReplayError::TapBusy {
            name: name.to_owned(),
        },
        Some(libc::EACCES) => ReplayError::TunForbidden,
        Some(libc::ENOENT | libc::ENXIO | libc::ENODEV) => ReplayError::NoTun,
        _ => ReplayError::system(format!("make the tap {name}"), "CAP_NET_ADMIN", error),
    }
}

/// Settings of a silent interface, below /proc/sys/net. IPv6 goes first: it would speak as soon as the interface is up.
const SILENCE: [(&str, &str, &str); 4] = [
    ("ipv6", "disable_ipv6", "1"),
    ("ipv4", "forwarding", "0"),
    // Strict reverse path filter, RFC 3704 section 2.2.
    ("ipv4", "rp_filter", "1"),
    // Answers no ARP request at all.
    ("ipv4", "arp_ignore", "8"),
];

fn silence(name: &str) -> Result<(), ReplayError> {
    for (family, setting, value) in SILENCE {
        let path = format!("/proc/sys/net/{family}/conf/{name}/{setting}");
        match std::fs::write(&path, value) {
            // A kernel without IPv6 has none to turn off.
            Err(error) if error.kind() == io::ErrorKind::NotFound && family == "ipv6" => {}
            written => written.map_err(|error| {
                ReplayError::system(format!("silence {name}: {path}"), "CAP_NET_ADMIN", error)
            })?,
        }
    }
    Ok(())
}

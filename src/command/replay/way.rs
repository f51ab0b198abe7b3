//! How frames of a replay get out: onto a tap, through an interface, or nowhere.

use anyhow::Result;
use replay::guard::{Admission, Entry, Guard, Hearing};
use replay::link::{Kind, Links};
use replay::sink::{Null, PacketSocket, Sink, Tap, TapOptions, XdpSocket};
use replay::{Audience, Monitor};

use super::args::ReplayArgs;
use super::sentry;

/// The MTU of a new tap.
const TAP_MTU: u16 = 1500;

/// Where frames go in, a sink for each thread, and who watches the interface.
type Opened = (Vec<Box<dyn Sink>>, Option<Monitor>);

/// How frames get out.
pub enum Way {
    /// Nowhere.
    Null,
    /// A tap that a dry run would have to make.
    Planned(String),
    /// The guard has admitted it.
    Admitted {
        admission: Box<Admission>,
        links: Box<Links>,
        taps: Vec<Tap>,
        /// Whether the tap was made for the run.
        made: bool,
        /// What this machine hears of it.
        hearing: Box<Hearing>,
        /// What the guard could not look at.
        unseen: Vec<&'static str>,
    },
}

impl Way {
    /// Opens what the user has named, if the guard admits it.
    ///
    /// # Errors
    /// An interface that cannot be made or looked at, and what the guard says.
    pub fn open(args: &ReplayArgs, guard: &Guard) -> Result<Way> {
        let target = &args.target;
        let (name, entry) = match (&target.tap, &target.interface) {
            (Some(name), _) => (name, Entry::Written),
            (_, Some(name)) => (name, Entry::Sent),
            _ => return Ok(Way::Null),
        };
        let mut links = Links::open()?;
        let mut taps = Vec::new();
        let mut made = false;
        if entry == Entry::Written {
            let known = links.all()?.iter().any(|link| link.name == *name);
            match (args.guard.dry_run, known) {
                (true, false) => return Ok(Way::Planned(name.clone())),
                (true, true) => {}
                (false, _) => {
                    let options = TapOptions {
                        name: name.clone(),
                        mac: target.tap_mac,
                        mtu: args.rewriting.mtu.unwrap_or(TAP_MTU),
                        queues: usize::from(target.queues),
                    };
                    taps = Tap::open(&options, &mut links)?;
                    made = !known;
                }
            }
        }
        let network = links.network()?;
        let admission = guard.admit(name, entry, &network)?;
        Ok(Way::Admitted {
            hearing: Box::new(admission.hearing(&network)),
            admission: Box::new(admission),
            links: Box::new(links),
            taps,
            made,
            unseen: network.unseen,
        })
    }

    /// What the guard could not look at.
    pub fn unseen(&self) -> Vec<&'static str> {
        match self {
            Way::Null | Way::Planned(_) => Vec::new(),
            Way::Admitted { unseen, .. } => unseen.clone(),
        }
    }

    /// Who is to be waited for, if so.
    ///
    /// # Errors
    /// Sockets that cannot be looked at.
    pub fn audience(&self, waits: bool) -> Result<Option<Audience>> {
        match self {
            Way::Admitted { admission, .. } if waits => Ok(Some(Audience::of(admission)?)),
            _ => Ok(None),
        }
    }

    /// Whether no kernel and no network hears what is sent: a tap that was made for the run is silent, a dummy swallows.
    pub fn is_silent(&self) -> bool {
        match self {
            Way::Null | Way::Planned(_) => true,
            Way::Admitted {
                admission, made, ..
            } => *made || admission.interface().kind == Kind::Dummy,
        }
    }

    /// The largest packet that it takes, in bytes, where it is known.
    pub fn mtu(&self) -> Option<usize> {
        match self {
            Way::Null | Way::Planned(_) => None,
            Way::Admitted { admission, .. } => Some(admission.interface().mtu),
        }
    }

    /// Whether what is sent could leave this machine.
    pub fn leads_out(&self) -> bool {
        matches!(self, Way::Admitted { admission, .. } if admission.leads_out())
    }

    /// What it is, for messages.
    pub fn description(&self) -> String {
        match self {
            Way::Null => "nowhere".to_owned(),
            Way::Planned(name) => format!("{name}, a new tap"),
            Way::Admitted { admission, .. } => {
                let interface = admission.interface();
                format!("{}, {}", interface.name, interface.kind.description())
            }
        }
    }

    /// Opens a sink for each queue, and who watches the interface.
    ///
    /// # Errors
    /// Sinks and a monitor that cannot be opened.
    pub fn into_sinks(self, args: &ReplayArgs, answered: bool) -> Result<Opened> {
        let queues = u32::from(args.target.queues);
        let (admission, links, taps) = match self {
            Way::Null | Way::Planned(_) => {
                let sinks = (0..queues).map(|_| Box::new(Null) as Box<dyn Sink>);
                return Ok((sinks.collect(), None));
            }
            Way::Admitted {
                admission,
                links,
                taps,
                ..
            } => (admission, *links, taps),
        };
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        for tap in taps {
            if args.target.persist {
                tap.persist()?;
            }
            sinks.push(tap.into_sink(&admission));
        }
        if admission.entry() == Entry::Sent {
            for queue in 0..queues {
                sinks.push(if args.target.xdp {
                    Box::new(XdpSocket::open(&admission, queue)?)
                } else {
                    Box::new(PacketSocket::open(&admission)?)
                });
            }
        }
        let sentry = match admission.leads_out() {
            // The user has allowed what is worse than anything that it could find.
            true => None,
            false => Some(sentry::post(&admission, answered)?),
        };
        let monitor = Monitor::new(links, &admission, sentry)?;
        Ok((sinks, Some(monitor)))
    }
}

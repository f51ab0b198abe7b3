//! Which interfaces frames may enter.

use crate::error::ReplayError;
use crate::guard::hearing::Hearing;
use crate::guard::way::{Entry, answers_leave, way_out};
use crate::guard::{Guard, Refusal, Rule};
use crate::link::{Interface, Kind, Network};

/// The guard's permission to send to one interface.
#[derive(Clone, Debug)]
pub struct Admission {
    interface: Interface,
    entry: Entry,
    leads_out: bool,
}

impl Admission {
    /// The interface.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// How frames get onto it.
    pub fn entry(&self) -> Entry {
        self.entry
    }

    /// Whether frames may leave the machine from there, which the user has allowed.
    pub fn leads_out(&self) -> bool {
        self.leads_out
    }
}

impl Guard {
    /// Admits frames to the interface of that name in its network, or refuses.
    ///
    /// # Errors
    /// A refusal; that there is no such interface; that it is down or not Ethernet.
    pub fn admit(
        &self,
        name: &str,
        entry: Entry,
        network: &Network,
    ) -> Result<Admission, ReplayError> {
        let interfaces = &network.interfaces;
        let Some(interface) = interfaces.iter().find(|interface| interface.name == name) else {
            return Err(ReplayError::NoInterface {
                name: name.to_owned(),
                known: names(interfaces),
            });
        };
        let leads_out = match way_out(interface, entry, network) {
            None => false,
            Some((rule, what)) => {
                self.lifted_for(name, refusal(rule, what, name))?;
                true
            }
        };
        if let Some(named) = self
            .permissions
            .physical
            .as_deref()
            .filter(|other| *other != name)
        {
            return Err(Refusal {
                rule: Rule::LabInterface,
                what: format!("--allow-physical names {named}, but frames would go to {name}"),
                lift: "name the same interface twice, or leave the flag out".to_owned(),
            }
            .into());
        }
        if !interface.ethernet {
            return Err(ReplayError::NotEthernet {
                name: name.to_owned(),
                kind: interface.kind.description(),
            });
        }
        if !interface.up {
            return Err(ReplayError::Down {
                name: name.to_owned(),
            });
        }
        Ok(Admission {
            interface: interface.clone(),
            entry,
            leads_out,
        })
    }

    /// Lets a refusal pass for the interface that the user has named a second time.
    fn lifted_for(&self, name: &str, refusal: Refusal) -> Result<(), Refusal> {
        match self.permissions.physical.as_deref() {
            Some(allowed) if allowed == name => Ok(()),
            _ => Err(refusal),
        }
    }
}

impl Admission {
    /// One that was given to somebody else, to be looked after; where the interface is still there.
    pub(crate) fn at_post(index: u32, entry: Entry, network: &Network) -> Option<Admission> {
        Some(Admission {
            interface: network.interface(index)?.clone(),
            entry,
            leads_out: false,
        })
    }

    /// Why it would not be given now that the network looks like this, if it would not. An interface that has gone is
    /// another's worry. Of frames that are answered the answers count, too.
    pub(crate) fn withdrawn(&self, network: &Network, answered: bool) -> Option<Refusal> {
        // The user has allowed what is worse.
        if self.leads_out {
            return None;
        }
        let interface = network.interface(self.interface.index)?;
        if self.interface.peer.is_some() && interface.peer.is_none() {
            let what = format!(
                "the other end of {} has been moved to another namespace, and nobody sees where it leads",
                interface.name
            );
            return Some(refusal(Rule::NoWayOut, what, &interface.name));
        }
        let leads = way_out(interface, self.entry, network);
        let (rule, what) = leads.or_else(|| {
            let answers = answers_leave(interface, self.entry, network).filter(|_| answered);
            answers.map(|what| (Rule::NoWayOut, what))
        })?;
        Some(refusal(rule, what, &interface.name))
    }

    /// Who hears what is sent there and answers it.
    pub fn hearing(&self, network: &Network) -> Hearing {
        let way_out = match self.leads_out {
            // The user has allowed that.
            true => None,
            false => answers_leave(&self.interface, self.entry, network),
        };
        Hearing {
            interface: self.interface.name.clone(),
            hardware: network
                .interfaces
                .iter()
                // That of loopback is zero, and heard there alone.
                .filter(|one| one.kind != Kind::Loopback || one.index == self.interface.index)
                .filter_map(|one| one.mac)
                .collect(),
            own: network.own.clone(),
            takes_all: network.takes_all(),
            way_out,
        }
    }
}

fn refusal(rule: Rule, what: String, name: &str) -> Refusal {
    Refusal {
        rule,
        what,
        lift: format!("if that is a lab's network: --allow-physical {name}"),
    }
}

fn names(all: &[Interface]) -> Vec<String> {
    all.iter().map(|interface| interface.name.clone()).collect()
}

#[cfg(test)]
mod tests;

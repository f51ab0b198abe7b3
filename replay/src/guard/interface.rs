//! Which interfaces frames may enter, and whether a way leads out from there.

use crate::error::ReplayError;
use crate::guard::{Guard, Refusal, Rule};
use crate::link::{Interface, Kind};

/// How frames get onto an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Written into a tap: they arrive on the interface, as if its other end had sent them.
    Written,
    /// Sent through a packet socket: they leave through the interface.
    Sent,
}

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
    /// Admits frames to the interface of that name among all of its namespace, or refuses.
    ///
    /// # Errors
    /// A refusal; that there is no such interface; that it is down or not Ethernet.
    pub fn admit(
        &self,
        name: &str,
        entry: Entry,
        all: &[Interface],
    ) -> Result<Admission, ReplayError> {
        let Some(interface) = all.iter().find(|interface| interface.name == name) else {
            return Err(ReplayError::NoInterface {
                name: name.to_owned(),
                known: names(all),
            });
        };
        let leads_out = match self.way_out(interface, entry, all) {
            None => false,
            Some(refusal) => {
                self.lifted_for(name, refusal)?;
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

    /// Why frames could leave the machine from that interface, if they could.
    fn way_out(&self, interface: &Interface, entry: Entry, all: &[Interface]) -> Option<Refusal> {
        let name = &interface.name;
        let refuse = |rule, what| {
            Some(Refusal {
                rule,
                what,
                lift: format!("if that is a lab's network: --allow-physical {name}"),
            })
        };
        if !is_of_a_lab(&interface.kind) {
            let what = format!(
                "{name} is {}, frames go only to a tap, veth, dummy or loopback",
                interface.kind.description()
            );
            return refuse(Rule::LabInterface, what);
        }
        if interface.carries_default_route {
            let what =
                format!("the default route leads through {name}: it is this machine's way out");
            return refuse(Rule::NoWayOut, what);
        }
        let arrival = arrival(interface, entry, all)?;
        if let Some(port) = port_outside(arrival, all) {
            let what = format!(
                "frames for {name} arrive at {}, which is bridged with {}, {}",
                arrival.name,
                port.name,
                port.kind.description()
            );
            return refuse(Rule::NoWayOut, what);
        }
        let forwarder = forwarder(arrival, all)?;
        let out = all.iter().find(|other| {
            let outside = other.carries_default_route || !is_of_a_lab(&other.kind);
            other.up && outside && other.index != forwarder.index
        })?;
        refuse(
            Rule::NoWayOut,
            format!(
                "packets for {name} arrive at {}, which forwards them, and {} leads out; \
                 `sysctl -w net.ipv4.conf.{}.forwarding=0 net.ipv6.conf.{}.forwarding=0` ends that",
                forwarder.name, out.name, forwarder.name, forwarder.name
            ),
        )
    }
}

fn is_of_a_lab(kind: &Kind) -> bool {
    matches!(kind, Kind::Tap | Kind::Veth | Kind::Dummy | Kind::Loopback)
}

/// The interface of this namespace on which frames come in that are put onto `interface`, where there is one: a dummy
/// swallows them, the other end of a veth may be elsewhere, and a tap hands what is sent through it to a program.
fn arrival<'a>(
    interface: &'a Interface,
    entry: Entry,
    all: &'a [Interface],
) -> Option<&'a Interface> {
    match (&interface.kind, entry) {
        (_, Entry::Written) | (Kind::Loopback, Entry::Sent) => Some(interface),
        (_, Entry::Sent) => by_index(interface.peer?, all),
    }
}

fn by_index(index: u32, all: &[Interface]) -> Option<&Interface> {
    all.iter().find(|interface| interface.index == index)
}

/// An interface not of a lab that is a port of the same bridge.
fn port_outside<'a>(arrival: &Interface, all: &'a [Interface]) -> Option<&'a Interface> {
    let bridge = arrival.controller?;
    all.iter()
        .find(|other| other.controller == Some(bridge) && !is_of_a_lab(&other.kind))
}

/// Who forwards packets that arrive there: the interface itself, or the bridge that it is a port of.
fn forwarder<'a>(arrival: &'a Interface, all: &'a [Interface]) -> Option<&'a Interface> {
    let at = match arrival.controller {
        Some(bridge) => by_index(bridge, all)?,
        None => arrival,
    };
    at.forwards.then_some(at)
}

fn names(all: &[Interface]) -> Vec<String> {
    all.iter().map(|interface| interface.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::Permissions;
    use crate::link::Counters;

    fn interface(index: u32, name: &str, kind: Kind) -> Interface {
        Interface {
            index,
            name: name.to_owned(),
            kind,
            ethernet: true,
            up: true,
            mac: None,
            mtu: 1500,
            controller: None,
            peer: None,
            forwards: false,
            carries_default_route: false,
            counters: Counters::default(),
        }
    }

    /// A machine with a network card, a pair, a tap, a dummy, and some others.
    fn machine() -> Vec<Interface> {
        let bridge = || Kind::Virtual("bridge".to_owned());
        let mut all = vec![
            interface(1, "lo", Kind::Loopback),
            interface(2, "eth0", Kind::Physical),
            interface(3, "near", Kind::Veth),
            interface(4, "far", Kind::Veth),
            interface(5, "tap0", Kind::Tap),
            interface(6, "dummy0", Kind::Dummy),
            interface(7, "br0", bridge()),
            interface(8, "tun0", Kind::Virtual("tun".to_owned())),
            interface(9, "eth1", Kind::Physical),
        ];
        all[1].carries_default_route = true;
        (all[2].peer, all[3].peer) = (Some(4), Some(3));
        all
    }

    fn guard(physical: Option<&str>) -> Guard {
        Guard::new(Permissions {
            physical: physical.map(str::to_owned),
            ..Permissions::default()
        })
    }

    fn broken(name: &str, entry: Entry, all: &[Interface]) -> Option<Rule> {
        match guard(None).admit(name, entry, all) {
            Ok(admission) => {
                assert!(!admission.leads_out());
                None
            }
            Err(ReplayError::Refused(refusal)) => {
                assert!(
                    refusal.to_string().contains("--allow-physical"),
                    "{refusal}"
                );
                Some(refusal.rule)
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn interfaces_of_a_lab_are_admitted_and_no_others() {
        let all = machine();
        for name in ["lo", "near", "far", "tap0", "dummy0"] {
            assert_eq!(broken(name, Entry::Sent, &all), None, "{name}");
        }
        for name in ["eth0", "eth1", "br0", "tun0"] {
            assert_eq!(
                broken(name, Entry::Sent, &all),
                Some(Rule::LabInterface),
                "{name}"
            );
        }
        assert_eq!(broken("tap0", Entry::Written, &all), None);
    }

    #[test]
    fn a_name_makes_no_tap() {
        let mut all = machine();
        "tap9".clone_into(&mut all[1].name);
        assert_eq!(broken("tap9", Entry::Sent, &all), Some(Rule::LabInterface));
    }

    #[test]
    fn what_carries_the_default_route_is_a_way_out() {
        let mut all = machine();
        all[2].carries_default_route = true;
        assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
    }

    #[test]
    fn a_bridge_with_a_network_card_is_a_way_out() {
        let mut all = machine();
        (all[3].controller, all[4].controller, all[8].controller) = (Some(7), Some(7), Some(7));
        // To `near`, and out of its other end into the bridge; not so the other way round.
        assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
        assert_eq!(broken("far", Entry::Sent, &all), None);
        // What is written into a tap arrives on it; what is sent through it reaches its program.
        assert_eq!(broken("tap0", Entry::Written, &all), Some(Rule::NoWayOut));
        assert_eq!(broken("tap0", Entry::Sent, &all), None);
        all[8].controller = None;
        assert_eq!(
            broken("near", Entry::Sent, &all),
            None,
            "a bridge of a lab alone"
        );
    }

    #[test]
    fn forwarding_is_a_way_out_where_there_is_one() {
        let mut all = machine();
        all[3].forwards = true;
        assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
        assert_eq!(broken("far", Entry::Sent, &all), None);
        // In a namespace of its own nothing leads out.
        all.retain(|interface| matches!(interface.kind, Kind::Loopback | Kind::Veth));
        assert_eq!(broken("near", Entry::Sent, &all), None);
    }

    #[test]
    fn a_forwarding_bridge_is_a_way_out() {
        let mut all = machine();
        (all[3].controller, all[6].forwards) = (Some(7), true);
        assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
    }

    #[test]
    fn a_physical_interface_is_named_twice() {
        let all = machine();
        let admission = guard(Some("eth1"))
            .admit("eth1", Entry::Sent, &all)
            .unwrap();
        assert!(admission.leads_out());
        assert!(guard(None).limits(admission.leads_out()).pps < 10_000.0);
        for (allowed, name) in [("eth1", "eth0"), ("eth0", "near")] {
            let error = guard(Some(allowed)).admit(name, Entry::Sent, &all);
            assert!(
                matches!(error, Err(ReplayError::Refused(_))),
                "{allowed} {name}"
            );
        }
    }

    #[test]
    fn what_cannot_take_frames_is_named() {
        let mut all = machine();
        all[5].up = false;
        all[4].ethernet = false;
        let admit = |name: &str| {
            guard(None)
                .admit(name, Entry::Sent, &all)
                .unwrap_err()
                .to_string()
        };
        assert!(admit("dummy0").contains("ip link set dummy0 up"));
        assert!(admit("tap0").contains("Ethernet"));
        assert!(admit("veth7").contains("near, far"), "{}", admit("veth7"));
    }
}

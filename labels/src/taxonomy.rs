//! The taxonomy: every class, its family, and what an analyst should conclude.
//!
//! A *verdict* is the conclusion; a *family* belongs to one verdict; a *class* belongs to one family. The one
//! table below holds them all: a new class is a new row.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an analyst should conclude.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Harm is being done.
    Attack,
    /// Somebody is looking for a way in.
    Reconnaissance,
    /// A third party answers packets that were forged with our addresses.
    Backscatter,
    /// Looks hostile, is not.
    Legitimate,
    /// Ordinary traffic.
    Normal,
}

impl Verdict {
    /// All verdicts, from the worst to none.
    pub const ALL: [Verdict; 5] = [
        Verdict::Attack,
        Verdict::Reconnaissance,
        Verdict::Backscatter,
        Verdict::Legitimate,
        Verdict::Normal,
    ];

    /// Whether a finding of this verdict is an alert.
    pub fn is_alerting(self) -> bool {
        matches!(self, Verdict::Attack | Verdict::Reconnaissance)
    }

    /// Whether a finding of this verdict explains something that only looks hostile.
    pub fn is_explanation(self) -> bool {
        matches!(self, Verdict::Backscatter | Verdict::Legitimate)
    }

    /// The verdict of that name.
    pub fn from_name(name: &str) -> Option<Verdict> {
        (Verdict::ALL.into_iter()).find(|verdict| verdict.name() == name)
    }

    /// What a detector should do with an event of this verdict, unless its scenario says otherwise.
    pub fn expects(self) -> Expect {
        if self.is_alerting() {
            Expect::Alert
        } else {
            Expect::Silence
        }
    }

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Attack => "attack",
            Verdict::Reconnaissance => "reconnaissance",
            Verdict::Backscatter => "backscatter",
            Verdict::Legitimate => "legitimate",
            Verdict::Normal => "normal",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a detector should do with an event.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// Raise an alert.
    Alert,
    /// Raise none.
    Silence,
    /// Either is right; the event says why.
    May,
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Expect::Alert => "alert",
            Expect::Silence => "silence",
            Expect::May => "may",
        })
    }
}

macro_rules! taxonomy {
    ($(
        $verdict:ident {
            $( $family:ident $family_name:literal {
                $( $class:ident $class_name:literal $technique:tt $definition:literal; )*
            } )*
        }
    )*) => {
        /// A group of classes that share a verdict.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Family {
            $( $( #[doc = concat!("`", $family_name, "`")] $family, )* )*
        }

        /// What an event or a finding is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Class {
            $( $( $( #[doc = $definition] $class, )* )* )*
        }

        impl Family {
            /// Every family, in the order of the table.
            pub const ALL: &'static [Family] = &[ $( $( Family::$family, )* )* ];

            /// The verdict that all its classes share.
            pub fn verdict(self) -> Verdict {
                match self { $( $( Family::$family => Verdict::$verdict, )* )* }
            }

            /// The name in files and on the command line.
            pub fn name(self) -> &'static str {
                match self { $( $( Family::$family => $family_name, )* )* }
            }
        }

        impl Class {
            /// Every class, in the order of the table.
            pub const ALL: &'static [Class] = &[ $( $( $( Class::$class, )* )* )* ];

            /// The family it belongs to.
            pub fn family(self) -> Family {
                match self { $( $( $( Class::$class => Family::$family, )* )* )* }
            }

            /// The name in files and on the command line.
            pub fn name(self) -> &'static str {
                match self { $( $( $( Class::$class => $class_name, )* )* )* }
            }

            /// What it is, in one line.
            pub fn definition(self) -> &'static str {
                match self { $( $( $( Class::$class => $definition, )* )* )* }
            }

            /// The MITRE ATT&CK technique, where one fits.
            pub fn technique(self) -> Option<&'static str> {
                match self { $( $( $( Class::$class => technique!($technique), )* )* )* }
            }
        }
    };
}

macro_rules! technique {
    (-) => {
        None
    };
    ($id:literal) => {
        Some($id)
    };
}

// verdict { family "name" { Class "name" "technique or -" "definition"; } }
taxonomy! {
    Reconnaissance {
        PortScan "port-scan" {
            ConnectScan "connect-scan" "T1046" "Completed handshakes with many services, to see which accept.";
            SynScan "syn-scan" "T1046" "Half-open connections, torn down with RST or left, to see which ports answer SYN-ACK.";
            FinScan "fin-scan" "T1046" "FIN without a connection: a closed port answers RST, an open one is silent.";
            NullScan "null-scan" "T1046" "Segments without any flag, for the same purpose as a FIN scan.";
            XmasScan "xmas-scan" "T1046" "FIN, PSH and URG together, for the same purpose as a FIN scan.";
            SynfinScan "synfin-scan" "T1046" "SYN and FIN together, to pass filters that look for SYN alone.";
            AckScan "ack-scan" "T1046" "ACK without a connection: shows which hosts exist and what a filter passes.";
            MaimonScan "maimon-scan" "T1046" "FIN and ACK together: some stacks drop them on open ports only.";
            UdpScan "udp-scan" "T1046" "Datagrams to many ports, to see which stay without port-unreachable.";
        }
        Sweep "sweep" {
            PingSweep "ping-sweep" "T1018" "Echo requests to many addresses, to see which exist.";
            ArpSweep "arp-sweep" "T1018" "Address requests for many addresses of a segment, to see which exist.";
            PortSweep "port-sweep" "T1046" "One port, or a few, on many hosts.";
            NetbiosSweep "netbios-sweep" "T1018" "NetBIOS name queries to many addresses.";
            WebProxySweep "web-proxy-sweep" "T1595.001" "Web and proxy ports on many hosts.";
        }
        Fingerprint "fingerprint" {
            OsFingerprint "os-fingerprint" "T1592" "Odd packets whose answers tell one stack from another.";
            VersionScan "version-scan" "T1046" "Service greetings and probes, to learn program and version.";
            PortZeroProbe "port-zero-probe" "T1592" "Packets to port 0, whose answers tell stacks apart.";
        }
        ServiceProbe "service-probe" {
            RpcProbe "rpc-probe" "T1046" "A search for the portmapper or for RPC services.";
            TrojanProbe "trojan-probe" "T1046" "A search for an installed back door.";
            FingerProbe "finger-probe" "T1046" "A search for users through finger.";
            SnmpProbe "snmp-probe" "T1046" "A search for SNMP agents with guessable communities.";
            ProxyProbe "proxy-probe" "T1046" "A search for a proxy open to all.";
            RelayTest "relay-test" "T1046" "A search for a mail relay open to all.";
            ZoneTransferProbe "zone-transfer-probe" "T1590" "An attempt to read a whole DNS zone.";
        }
        VulnerabilityScan "vulnerability-scan" {
            Sscan "sscan" "T1595.002" "A scripted scan in phases: host, services, stack, known holes.";
        }
        Decoy "decoy" {
            DecoyScan "decoy-scan" "T1046" "A scan hidden among copies with forged sources.";
        }
        Mapping "mapping" {
            InverseMapping "inverse-mapping" "T1018" "Answers to nothing, to learn absent addresses from the errors they draw.";
            Firewalk "firewalk" "T1590" "Low TTLs beyond a filter, to learn what it passes.";
            SourceRouteProbe "source-route-probe" "T1590" "Source-routed packets, to learn paths or pass filters.";
        }
    }
    Attack {
        Flood "flood" {
            SynFlood "syn-flood" "T1499.001" "SYNs that never complete, to fill a backlog.";
            SpoofedSynFlood "spoofed-syn-flood" "T1499.001" "A SYN flood whose sources are forged.";
            TcpFlagFlood "tcp-flag-flood" "T1498.001" "TCP segments that open nothing and belong to nothing, at a rate that fills the line or the host.";
            UdpFlood "udp-flood" "T1498.001" "Datagrams at a rate that fills the line or the host.";
            IcmpFlood "icmp-flood" "T1498.001" "ICMP messages at a rate that fills the line or the host.";
            Amplification "amplification" "T1498.002" "Requests forged in the victim's name to many who answer.";
        }
        Loop "loop" {
            EchoChargenLoop "echo-chargen-loop" "T1499.002" "Two services set to answer each other without end.";
        }
        BruteForce "brute-force" {
            PasswordGuessing "password-guessing" "T1110" "Logins tried one after another.";
        }
        IcmpAbuse "icmp-abuse" {
            SourceQuenchAbuse "source-quench-abuse" "T1499" "Forged source quench messages that slow a host down.";
        }
    }
    Backscatter {
        Backscatter "backscatter" {
            SynFloodBackscatter "syn-flood-backscatter" - "A flood victim's answers to SYNs that were forged with our addresses.";
            DecoyScanBackscatter "decoy-scan-backscatter" - "A scan target's answers to probes that were forged with our addresses.";
        }
    }
    Legitimate {
        LatencyProbe "latency-probe" {
            LbSynProbe "lb-syn-probe" - "A load balancer times a name server with SYNs that carry data.";
            LbSynackProbe "lb-synack-probe" - "A load balancer times a name server with SYN-ACKs, for the RST they draw.";
            F5GtmProbe "f5-gtm-probe" - "A traffic manager measures the path to a visitor's name server.";
            ResonateProbe "resonate-probe" - "A dispatcher times a host through TCP port 7.";
            LbPortScan "lb-port-scan" - "A load balancer tries many ports of a name server until one answers.";
        }
        AssetDiscovery "asset-discovery" {
            RogueSystemSensor "rogue-system-sensor" - "A management sensor identifies the hosts of its own network.";
            InventoryAgent "inventory-agent" - "An inventory agent walks its own network.";
            PeerDiscovery "peer-discovery" - "A program looks for its peers on its own network.";
        }
        Callback "callback" {
            IdentCallback "ident-callback" - "A server asks the client's ident service who is calling.";
            ProxyCheck "proxy-check" - "A server checks that its client is no open proxy.";
        }
        Naming "naming" {
            NetbiosNameResolution "netbios-name-resolution" - "A Windows host resolves a name or an address.";
            NatLowPortDns "nat-low-port-dns" - "DNS queries whose source port a translator made low.";
            StaleDns "stale-dns" - "DNS answers that come late, or to the wrong address.";
        }
        RouteTrace "route-trace" {
            Traceroute "traceroute" - "Rising TTLs, to learn the route to a host.";
        }
        StaleTraffic "stale-traffic" {
            PreviousTenant "previous-tenant" - "Peers of the host that had this address before.";
        }
        Housekeeping "housekeeping" {
            DhcpBroadcast "dhcp-broadcast" - "Hosts ask for an address.";
            PathMtuDiscovery "path-mtu-discovery" - "Routers tell senders what fits.";
            RoutingLoop "routing-loop" - "Packets die between routers that point at each other.";
            RetryToDeadHost "retry-to-dead-host" - "Retries to a host that is gone.";
            MonitoringPoll "monitoring-poll" - "A monitor asks whether a host is alive.";
        }
    }
    Normal {
        Session "session" {
            Ftp "ftp" - "File transfer sessions.";
            Web "web" - "Web sessions.";
            Mail "mail" - "Mail sessions.";
            Dns "dns" - "Name lookups and zone transfers among those who may.";
            News "news" - "News reading and feeding.";
            Ssh "ssh" - "Secure shell sessions.";
            Telnet "telnet" - "Terminal sessions.";
            Chat "chat" - "Chat sessions.";
            Snmp "snmp" - "Management of one's own devices.";
        }
    }
}

impl Class {
    /// The verdict of its family.
    pub fn verdict(self) -> Verdict {
        self.family().verdict()
    }

    /// The class of that name.
    pub fn from_name(name: &str) -> Option<Class> {
        Class::ALL
            .iter()
            .copied()
            .find(|class| class.name() == name)
    }
}

impl Family {
    /// The family of that name.
    pub fn from_name(name: &str) -> Option<Family> {
        Family::ALL
            .iter()
            .copied()
            .find(|family| family.name() == name)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Class {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Class::from_name(&name).ok_or_else(|| {
            serde::de::Error::custom(format!("'{name}' is no class of the taxonomy"))
        })
    }
}

impl Serialize for Family {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Family {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Family::from_name(&name).ok_or_else(|| {
            serde::de::Error::custom(format!("'{name}' is no family of the taxonomy"))
        })
    }
}

impl JsonSchema for Family {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Family".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = Family::ALL.iter().map(|family| family.name()).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

impl JsonSchema for Class {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Class".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = Class::ALL.iter().map(|class| class.name()).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lead_back() {
        for class in Class::ALL {
            assert_eq!(Class::from_name(class.name()), Some(*class));
        }
        for family in Family::ALL {
            assert_eq!(Family::from_name(family.name()), Some(*family));
        }
    }

    #[test]
    fn only_attack_and_reconnaissance_expect_an_alert() {
        for class in Class::ALL {
            let alert = matches!(class.verdict(), Verdict::Attack | Verdict::Reconnaissance);
            assert_eq!(class.verdict().expects() == Expect::Alert, alert, "{class}");
        }
    }

    #[test]
    fn what_does_not_harm_has_no_technique() {
        for class in Class::ALL {
            assert_eq!(
                class.technique().is_some(),
                class.verdict().is_alerting(),
                "{class}"
            );
        }
    }
}

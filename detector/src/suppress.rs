//! What the user knows: scanners and monitors of his own, of which he wants to hear nothing.

use ipnet::IpNet;
use labels::{Class, Finding};
use serde::Deserialize;
use serde::de::{self, Deserializer};

section! {
    /// Whose findings are left out.
    Suppress "suppress" {
        known: Vec<Known>,
    }
}

/// A source whose findings are left out, all of them or those of one class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    network: IpNet,
    class: Option<Class>,
}

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || {
            de::Error::custom(format!(
                "'{text}' is no known source: write an address or block, and a class before it where only that is known, \
                 such as \"port-sweep 192.0.2.0/28\""
            ))
        };
        let (class, network) = match text.split_once(' ') {
            Some((class, network)) => (Some(Class::from_name(class).ok_or_else(wrong)?), network),
            None => (None, text.as_str()),
        };
        let network = network
            .parse()
            .or_else(|_| network.parse::<std::net::IpAddr>().map(IpNet::from))
            .map_err(|_| wrong())?;
        Ok(Known { network, class })
    }
}

impl Suppress {
    /// The findings that speak of others.
    pub(crate) fn filter(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        if !self.known.is_empty() {
            findings.retain(|finding| !self.is_known(finding));
        }
        findings
    }

    fn is_known(&self, finding: &Finding) -> bool {
        let by = |network: &IpNet| {
            self.known.iter().any(|known| {
                known.class.is_none_or(|class| class == finding.class)
                    && known.network.contains(network)
            })
        };
        !finding.sources.is_empty() && finding.sources.iter().all(|block| by(&block.network()))
    }
}

#[cfg(test)]
mod tests {
    use crate::trace::{findings, findings_with};

    #[test]
    fn what_is_known_is_left_out_and_nothing_else() {
        let sweep = "0 repeat 12 every 0.1
                       0 198.51.100.7.{20000+n} > 192.0.2.{n}.445: S 0 $syn
                     end";
        assert_eq!(findings(sweep).len(), 1);
        for known in ["198.51.100.0/24", "port-sweep 198.51.100.7"] {
            let config = format!("[suppress]\nknown = [\"{known}\"]");
            assert!(findings_with(sweep, &config).is_empty(), "{known}");
        }
        for other in ["198.51.100.8", "syn-scan 198.51.100.7"] {
            let config = format!("[suppress]\nknown = [\"{other}\"]");
            assert_eq!(findings_with(sweep, &config).len(), 1, "{other}");
        }
    }
}

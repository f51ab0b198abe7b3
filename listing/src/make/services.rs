//! Ports of the services that listings name.
//!
//! Names are those of IANA's registry and, where tcpdump ran on systems with other tables, those of BSD, Linux and
//! Solaris in the late 1990s. No name has different ports under TCP and UDP.

/// The port of a service.
pub(super) fn port(name: &str) -> Option<u16> {
    let known = SERVICES.iter().find(|(_, names)| names.contains(&name));
    known.map(|(port, _)| *port)
}

const SERVICES: [(u16, &[&str]); 96] = [
    (1, &["tcpmux"]),
    (7, &["echo"]),
    (9, &["discard"]),
    (11, &["systat"]),
    (13, &["daytime"]),
    (15, &["netstat"]),
    (17, &["qotd"]),
    (19, &["chargen"]),
    (20, &["ftp-data"]),
    (21, &["ftp"]),
    (22, &["ssh"]),
    (23, &["telnet"]),
    (25, &["smtp", "mail"]),
    (37, &["time"]),
    (42, &["nameserver", "name"]),
    (43, &["whois", "nicname"]),
    (49, &["tacacs"]),
    (53, &["domain"]),
    (67, &["bootps"]),
    (68, &["bootpc"]),
    (69, &["tftp"]),
    (70, &["gopher"]),
    (77, &["rje"]),
    (79, &["finger"]),
    (80, &["http", "www", "www-http"]),
    (87, &["link"]),
    (88, &["kerberos", "kerberos-sec"]),
    (95, &["supdup"]),
    (101, &["hostnames", "hostname"]),
    (102, &["iso-tsap"]),
    (109, &["pop2", "pop-2"]),
    (110, &["pop3", "pop-3"]),
    (111, &["sunrpc", "portmap", "rpcbind"]),
    (113, &["auth", "ident", "authentication"]),
    (115, &["sftp"]),
    (117, &["uucp-path"]),
    (119, &["nntp", "readnews"]),
    (123, &["ntp"]),
    (135, &["loc-srv", "epmap"]),
    (137, &["netbios-ns"]),
    (138, &["netbios-dgm"]),
    (139, &["netbios-ssn"]),
    (143, &["imap", "imap2", "imap4"]),
    (144, &["NeWS", "news"]),
    (161, &["snmp"]),
    (162, &["snmp-trap", "snmptrap", "trap"]),
    (177, &["xdmcp"]),
    (179, &["bgp"]),
    (194, &["irc"]),
    (220, &["imap3"]),
    (264, &["bgmp"]),
    (389, &["ldap"]),
    (427, &["svrloc"]),
    (443, &["https"]),
    (445, &["microsoft-ds"]),
    (465, &["submissions", "smtps"]),
    (500, &["isakmp"]),
    (510, &["fcp", "firstclass"]),
    (512, &["exec", "biff", "comsat"]),
    (513, &["login", "who", "whod"]),
    (514, &["shell", "cmd", "syslog"]),
    (515, &["printer"]),
    (517, &["talk"]),
    (518, &["ntalk"]),
    (520, &["route", "router", "rip"]),
    (540, &["uucp"]),
    (543, &["klogin"]),
    (544, &["kshell"]),
    (546, &["dhcpv6-client"]),
    (547, &["dhcpv6-server"]),
    (554, &["rtsp"]),
    (587, &["submission"]),
    (631, &["ipp"]),
    (636, &["ldaps"]),
    (853, &["domain-s"]),
    (873, &["rsync"]),
    (993, &["imaps"]),
    (995, &["pop3s"]),
    (1080, &["socks"]),
    (1194, &["openvpn"]),
    (1433, &["ms-sql-s"]),
    (1434, &["ms-sql-m"]),
    (1524, &["ingreslock"]),
    (1723, &["pptp"]),
    (1812, &["radius"]),
    (1813, &["radius-acct"]),
    (2049, &["nfs", "nfsd", "shilp"]),
    (3128, &["squid"]),
    (3306, &["mysql"]),
    (3389, &["ms-wbt-server"]),
    (5060, &["sip"]),
    (5353, &["mdns"]),
    (5432, &["postgresql"]),
    (6000, &["x11"]),
    (6667, &["ircd"]),
    (8080, &["http-alt", "webcache", "http-proxy"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_stands_for_one_port() {
        let mut names: Vec<&str> = SERVICES
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert_eq!(
            (port("www"), port("netbios-ns"), port("nobody")),
            (Some(80), Some(137), None)
        );
    }
}

"""Reconnaissance by the tools that people use for it."""
import time

import services
from kit import play, probe

S1, S2 = {"www": 1}, {}

probe("nmap-connect-top100", "nmap", "nmap -sT -n -Pn --top-ports 100 192.0.2.10", "connect-scan", attacker=7, targets=["192.0.2.10"],
      seen={"ip.src==198.51.100.7 && tcp.flags==2": 88}, note="Two ports accept, three are filtered, the rest refuse. Beside it a web client of www and lookups by a PC.")
probe("nmap-syn-1000", "nmap", "nmap -sS 192.0.2.11", "syn-scan", attacker=19, targets=["192.0.2.11"], bg=("web-in", "mail-in", "dns-out"),
      seen={"ip.src==198.51.100.19 && tcp.flags==2": 985}, note="Default host discovery, then 1000 ports. A mail client and a web client talk with the same site.")
probe("nmap-fin-F", "nmap", "nmap -sF -F -n 192.0.2.10", "fin-scan", attacker=33, targets=["192.0.2.10"], seen={"ip.src==198.51.100.33 && tcp.flags==1": 88},
      note="Open ports are silent and get a second FIN. The web sessions beside it end with FIN too, of connections that exist.")
probe("nmap-null-F", "nmap", "nmap -sN -F -n -Pn 192.0.2.11", "null-scan", attacker=34, targets=["192.0.2.11"], seen={"ip.src==198.51.100.34 && tcp.flags==0": 88}, bg=("mail-in", "web-in"))
probe("nmap-xmas-F", "nmap", "nmap -sX -F -n -Pn 192.0.2.11", "xmas-scan", attacker=35, targets=["192.0.2.11"], seen={"ip.src==198.51.100.35 && tcp.flags==0x29": 88}, bg=("mail-in", "pop-in"))
probe("nmap-ack-top60", "nmap", "nmap -sA -n -Pn --top-ports 60 192.0.2.10", "ack-scan", attacker=36, targets=["192.0.2.10"],
      seen={"ip.src==198.51.100.36 && tcp.flags==0x10 && tcp.len==0": 50}, bg=("web-in", "ssh-in", "dns-out"), note="The filter drops or rejects some, the stack answers RST to the rest. Web and SSH clients send pure ACKs too, in connections that exist.")
probe("nmap-udp-top30", "nmap", "nmap -sU -n -Pn --top-ports 30 192.0.2.11", "udp-scan", attacker=37, targets=["192.0.2.11"],
      seen={"ip.src==198.51.100.37 && udp": 30, "icmp.type==3 && icmp.code==3": 5}, bg=("dns-out", "mail-in"), note="Linux sends one port-unreachable a second, so the scan is slow and repeats itself.")
probe("nmap-ping-sweep-routed", "nmap", "nmap -sn -n 192.0.2.0/26", "ping-sweep", attacker=41, vantage="router, outside", targets=["192.0.2.0/26"], seen={"icmp.type==8 && ip.src==198.51.100.41": 60},
      note="From outside nmap asks each address with echo, SYN 443, ACK 80 and timestamp. Most addresses are dead; the router answers host-unreachable.", bg=("web-in", "dns-out"))
probe("nmap-arp-sweep", "nmap", "nmap -sn -n 192.0.2.0/25", "arp-sweep", side="in", attacker=66, targets=["192.0.2.0/25"], vantage="segment, inside",
      seen={"arp.opcode==1 && arp.src.proto_ipv4==192.0.2.66": 120}, note="On the own segment -sn means ARP. Seen at a mirror port of the inside switch.", bg=("web-out", "dns-out"))
probe("nmap-version-os", "nmap", "nmap -sV -O -n -Pn -p 21,22,23,25,53,80,110,143,443 192.0.2.10", "os-fingerprint", attacker=44, targets=["192.0.2.10"],
      seen={"ip.src==198.51.100.44 && tcp.flags==0x2b": 1, "ip.src==198.51.100.44 && tcp.len>0": 3}, note="A SYN scan of nine ports, version probes to the open ones, then the stack tests T1 to T7, ECN, IE and U1.", pause=5, bg=("web-in", "ssh-in"))
probe("nmap-version", "nmap", "nmap -sV -n -Pn -p 13,21,79,80 192.0.2.13", "version-scan", attacker=45, targets=["192.0.2.13"], bg=("ftp-in", "web-in"), need=("www", "ftp", "clients"),
      seen={"ip.src==198.51.100.45 && tcp.len>0": 6}, pause=9, note="Few ports, but each open one is called several times with probes that no client of that service sends.")
probe("nmap-decoys-at-victim", "nmap", "nmap -sS -F -n -Pn -D 198.51.100.101,198.51.100.102,ME,198.51.100.80,198.51.100.103 192.0.2.10", "decoy-scan", attacker=48, targets=["192.0.2.10"],
      seen={"ip.src==198.51.100.48 && tcp.flags==2": 90, "ip.src==198.51.100.80 && tcp.flags==2": 90}, forged=["198.51.100.101", "198.51.100.102", "198.51.100.80", "198.51.100.103"],
      note="The decoys are real hosts, two of them clients of the site at that very time; they answer the SYN-ACKs they draw with RST, as nmap's own host does.", bg=("web-in", "ssh-in", "web-out"))
probe("nmap-horizontal-22", "nmap", "nmap -sS -n -Pn -p 22 192.0.2.0/24", "port-sweep", attacker=51, vantage="router, outside", targets=["192.0.2.0/24"], seen={"ip.src==198.51.100.51 && tcp.dstport==22 && tcp.flags==2": 250},
      note="Dead addresses draw host-unreachable from the router after its ARP gave up.", bg=("ssh-in", "web-in"), timeout=200)
probe("masscan-8-ports", "masscan", "masscan 192.0.2.8/29 -p21,22,23,25,80,110,443,8080 --rate 200 --wait 3 --router-ip 198.51.100.1 -e eth0", "syn-scan", attacker=54,
      vantage="router, outside", targets=["192.0.2.8/29"], seen={"ip.src==198.51.100.54 && tcp.flags==2": 60}, note="Eight ports on eight addresses in random order; masscan's own stack answers nothing, so the kernel resets the SYN-ACKs.", bg=("web-in", "mail-in", "dns-out"))
probe("zmap-80", "zmap", "zmap -p 80 -r 100 -c 3 -i eth0 -G $(ip neigh show 198.51.100.1 | grep -o '[0-9a-f:]\\{17\\}') -o zmap.csv -b /dev/null 192.0.2.0/25", "port-sweep", attacker=57,
      vantage="router, outside", targets=["192.0.2.0/25"], seen={"ip.src==198.51.100.57 && tcp.flags==2": 120}, prepare=lambda lab: lab.run(lab.hosts["eve"], "ping -c1 198.51.100.1"), bg=("web-in", "dns-out"),
      note="One SYN to port 80 of 128 addresses; two of them serve the web.")
probe("fping-sweep", "fping", "fping -q -g 192.0.2.0/26", "ping-sweep", attacker=60, vantage="router, outside", targets=["192.0.2.0/26"], bg=("ping-in", "web-in"), seen={"icmp.type==8 && ip.src==198.51.100.60": 60},
      note="Four tries for each dead address. A customer pings www meanwhile: one address, every second.")
probe("hydra-ssh", "hydra", "hydra -l root -P words.txt -t 4 -W 1 ssh://192.0.2.10", "password-guessing", attacker=63, targets=["192.0.2.10"], bg=("ssh-in", "web-in"),
      prepare=lambda lab: lab.file("words.txt", "\n".join(f"secret{i}" for i in range(14)) + "\n"), seen={"ip.src==198.51.100.63 && tcp.dstport==22 && tcp.flags==2": 4},
      note="14 passwords for root over a few connections at a time. An administrator's own sessions run beside it and succeed.", timeout=120)


# -- further kinds --------------------------------------------------------------------------------
def words(*names):
    def prepare(lab):
        for name, lines in names:
            lab.file(name, "\n".join(lines) + "\n")
    return prepare


def slow_icmp_off(lab):
    """Hosts that answer every datagram to a closed port, as many appliances do."""
    for h in ("www", "mail", "ns", "ftp"):
        if h in lab.hosts:
            lab.sysctl(lab.hosts[h], {"net.ipv4.icmp_ratelimit": 0, "net.ipv4.icmp_msgs_per_sec": 10000})


def communities(lab):
    services.snmp(lab.hosts["www"])
    services.snmp(lab.hosts["pc1"], "public")


probe("nmap-window-F", "nmap", "nmap -sW -F -n -Pn 192.0.2.11", "ack-scan", attacker=71, targets=["192.0.2.11"], bg=("mail-in", "web-in"), seen={"ip.src==198.51.100.71 && tcp.flags==0x10 && tcp.len==0": 85},
      note="A window scan is on the wire an ACK scan.")
probe("nmap-maimon-top50", "nmap", "nmap -sM --top-ports 50 -n -Pn 192.0.2.10", "maimon-scan", attacker=72, targets=["192.0.2.10"], bg=("web-in", "dns-out"), seen={"ip.src==198.51.100.72 && tcp.flags==0x11": 38},
      note="FIN and ACK without a connection. Web sessions end with FIN and ACK too.")
probe("nmap-fragments", "nmap", "nmap -sS -f -n -Pn -p 20-60 192.0.2.10", "syn-scan", attacker=74, targets=["192.0.2.10"], vantage="router, outside", bg=("web-in", "dns-out"),
      seen={"ip.src==198.51.100.74 && (ip.flags.mf==1 || ip.frag_offset>0)": 80}, note="A SYN scan in fragments of eight octets: the TCP header is split over three packets. fragmented-scan is the variant, syn-scan the class.", border=False)
probe("nmap-source-port-53", "nmap", "nmap -sS -g 53 -n -Pn -F 192.0.2.11", "syn-scan", attacker=75, targets=["192.0.2.11"], bg=("mail-in", "dns-out"), seen={"ip.src==198.51.100.75 && tcp.srcport==53 && tcp.flags==2": 85},
      note="All SYNs come from port 53, as answers of a name server would. The PC's own lookups run beside it.")
probe("nmap-polite-T2", "nmap", "nmap -sS -T2 -n -Pn -p 21-70 192.0.2.10", "syn-scan", attacker=76, targets=["192.0.2.10"], bg=("web-in", "dns-out"), pause=3, seen={"ip.src==198.51.100.76 && tcp.flags==2": 50},
      note="One probe every 0.4 s.")
probe("nmap-scan-delay-3s", "nmap", "nmap -sS --scan-delay 3s -n -Pn -p 21,22,23,25,53,79,80,110,111,113,119,135,139,143,389,443,445,512,513,514 192.0.2.11", "syn-scan", attacker=78, targets=["192.0.2.11"],
      bg=("mail-in", "web-in"), pause=10, timeout=120, seen={"ip.src==198.51.100.78 && tcp.flags==2": 16}, note="One probe every three seconds.")
probe("nmap-ipv6-syn", "nmap", "nmap -6 -sS -F -n -Pn 2001:db8:2::10", "syn-scan", attacker=79, guilty6=True, targets=["2001:db8:2::10"], bg=("web-in", "dns-out"),
      seen={"ipv6.src==2001:db8:1::79 && tcp.flags==2": 85}, note="The SYN scan over IPv6.")
probe("nmap-inside-out-connect", "nmap", "nmap -6 -sT --top-ports 60 -n -Pn 2001:db8:1::80", "connect-scan", attacker=88, side="in", guilty6=True, targets=["2001:db8:1::80"], bg=("web-out", "dns-out"), need=("pcs", "site", "resolver"), vantage="router, outside",
      seen={"ipv6.src==2001:db8:2::88 && tcp.flags==2": 55}, note="A host inside scans one outside, over IPv6.")
probe("nmap-protocol-scan", "nmap", "nmap -sO -n -Pn -p 0-60 192.0.2.10", "ip-protocol-scan", attacker=83, targets=["192.0.2.10"], bg=("web-in",), pause=6, timeout=100, expect="may", seen={"ip.src==198.51.100.83": 50}, border=False,
      note="Empty packets of 61 IP protocols. The taxonomy has no class for it; a finding of reconnaissance is right, silence is a gap.")
probe("nmap-top20-on-8-hosts", "nmap", "nmap -sS --top-ports 20 -n -Pn 192.0.2.8/29", "syn-scan", attacker=84, targets=["192.0.2.8/29"], vantage="router, outside", bg=("web-in", "mail-in"), seen={"ip.src==198.51.100.84 && tcp.flags==2": 140},
      note="Twenty ports on eight addresses, four of them alive.")
probe("nmap-os-only", "nmap", "nmap -O -n -Pn -p 22,80,81 192.0.2.10", "os-fingerprint", attacker=85, targets=["192.0.2.10"], bg=("web-in", "dns-out"), seen={"ip.src==198.51.100.85 && tcp.flags==0x2b": 1},
      note="Three ports, then the stack tests; too few ports for a port scan.")
probe("nmap-aggressive-inside", "nmap", "nmap -A -n -p 1-100 192.0.2.11", "syn-scan", attacker=86, side="in", targets=["192.0.2.11"], vantage="segment, inside", bg=("web-out", "dns-out"), need=("www", "mail", "pcs", "site", "resolver"),
      seen={"ip.src==192.0.2.86 && tcp.flags==2": 98}, timeout=120, note="An insider on the same segment: ARP, SYN scan, versions, scripts, stack tests and a traceroute of one hop. syn-scan, version-scan and os-fingerprint are all true.")
probe("nmap-connect-inside", "nmap", "nmap -sT -F 192.0.2.10", "connect-scan", attacker=87, side="in", targets=["192.0.2.10"], vantage="scanner", bg=("web-in", "dns-out"), seen={"ip.src==192.0.2.87 && tcp.flags==2": 98},
      note="Recorded on the scanner's own interface, with its reverse lookups.")
probe("nmap-decoys-random-inside", "nmap", "nmap -sS -n -Pn --top-ports 40 -D 192.0.2.21,192.0.2.22,192.0.2.140,ME 198.51.100.80", "decoy-scan", attacker=89, side="in", targets=["198.51.100.80"], need=("pcs", "site", "resolver"), vantage="router, outside",
      bg=("web-out", "dns-out"), seen={"ip.src==192.0.2.89 && tcp.flags==2": 38, "ip.src==192.0.2.22 && tcp.flags==2": 38}, forged=["192.0.2.21", "192.0.2.22", "192.0.2.140"],
      note="An insider scans a host outside behind three neighbours, one of which does not exist.")
probe("masscan-one-port", "masscan", "masscan 192.0.2.0/25 -p3306 --rate 100 --wait 2 --router-ip 198.51.100.1 -e eth0", "port-sweep", attacker=90, targets=["192.0.2.0/25"], vantage="router, outside", bg=("web-in", "dns-out"),
      seen={"ip.src==198.51.100.90 && tcp.dstport==3306 && tcp.flags==2": 120}, note="The border rejects the port for all.")
probe("zmap-icmp", "zmap", "zmap -M icmp_echoscan -r 60 -c 3 -i eth0 -G $(ip neigh show 198.51.100.1 | grep -o '[0-9a-f:]\\{17\\}') -o zmap.csv -b /dev/null 192.0.2.0/26", "ping-sweep", attacker=91, targets=["192.0.2.0/26"],
      vantage="router, outside", seen={"icmp.type==8 && ip.src==198.51.100.91": 60}, prepare=lambda lab: lab.run(lab.hosts["eve"], "ping -c1 198.51.100.1"), bg=("ping-in", "web-in"))
probe("hping3-scan", "hping3", "hping3 --scan 1-120 -S 192.0.2.11", "syn-scan", attacker=92, targets=["192.0.2.11"], bg=("mail-in", "web-in"), timeout=60, seen={"ip.src==198.51.100.92 && tcp.flags==2": 115},
      note="120 ports as fast as it goes, without TCP options.")
probe("hping3-synfin", "hping3", "hping3 -q -S -F -p ++20 -i u30000 -c 90 192.0.2.10", "synfin-scan", attacker=93, targets=["192.0.2.10"], bg=("web-in", "dns-out"), seen={"ip.src==198.51.100.93 && tcp.flags==3": 85},
      note="SYN and FIN together, port after port. The taxonomy names the class synfin-scan.")
probe("hping3-port-zero", "hping3", ["hping3 -q -S -p 0 -i u200000 -c 6 192.0.2.10", "hping3 -q --udp -p 0 -i u200000 -c 4 192.0.2.10"], "port-zero-probe", attacker=94, targets=["192.0.2.10"], bg=("web-in",), seen={"tcp.dstport==0": 6},
      note="TCP and UDP to port 0.")
probe("fping-sweep-ipv6", "fping", "fping -6 -q -r 1 " + " ".join(f"2001:db8:2::{i}" for i in range(8, 48)), "ping-sweep", attacker=95, guilty6=True, targets=["2001:db8:2::/64"], vantage="router, outside", bg=("ping-in", "web-in"),
      seen={"icmpv6.type==128 && ipv6.src==2001:db8:1::95": 60}, note="An ICMPv6 sweep of forty addresses.")
probe("nbtscan-inside", "nbtscan", "nbtscan -r 192.0.2.0/26", "netbios-sweep", attacker=96, side="in", targets=["192.0.2.0/26"], vantage="segment, inside", need=("pcs", "site", "resolver"), bg=("web-out", "dns-out"),
      prepare=lambda lab: services.netbios(lab.hosts["pc2"]), seen={"nbns && ip.src==192.0.2.96": 4}, note="On the segment a dead address costs an ARP request first, so most of the sweep is ARP; few node status queries leave.")
probe("nbtscan-routed", "nbtscan", "nbtscan 192.0.2.0/26", "netbios-sweep", attacker=97, targets=["192.0.2.0/26"], vantage="router, outside", need=("pcs", "www", "clients"), bg=("web-in",),
      prepare=lambda lab: services.netbios(lab.hosts["pc2"]), seen={"nbns && ip.src==198.51.100.97": 50}, note="Node status queries to 64 addresses from outside; one host answers.")
probe("onesixtyone-sweep", "onesixtyone", "onesixtyone -c communities.txt -i targets.txt -w 20", "snmp-probe", attacker=98, targets=["192.0.2.0/27"], vantage="router, outside", bg=("web-in", "dns-out"),
      prepare=lambda lab: (words(("communities.txt", ["public", "private", "cisco"]), ("targets.txt", [f"192.0.2.{i}" for i in range(8, 30)]))(lab), communities(lab)), seen={"snmp && ip.src==198.51.100.98": 60},
      note="Three communities on 22 addresses; two agents, one of which answers to public.")
probe("onesixtyone-communities", "onesixtyone", "onesixtyone -c communities.txt -w 60 192.0.2.10", "snmp-probe", attacker=99, targets=["192.0.2.10"], bg=("web-in", "dns-out"),
      prepare=lambda lab: (words(("communities.txt", [f"{a}{b}" for a in ("public", "private", "snmp", "admin", "cisco", "router", "switch", "secret") for b in ("", "1", "2024", "rw", "ro")]))(lab), communities(lab)), seen={"snmp && ip.src==198.51.100.99": 40},
      note="Forty communities tried on one agent, none right: no answer at all.")
probe("arp-scan-segment", "arp-scan", "arp-scan -I eth0 --retry=1 192.0.2.0/24", "arp-sweep", attacker=67, side="in", targets=["192.0.2.0/24"], vantage="segment, inside", need=("www", "pcs", "site", "resolver"), bg=("web-out", "dns-out"),
      seen={"arp.opcode==1 && arp.src.proto_ipv4==192.0.2.67": 250}, note="256 addresses in some seconds.")
probe("arping-sweep", "arping", "for i in $(seq 2 60); do arping -q -c 1 -w 1 -I eth0 192.0.2.$i & sleep 0.1; done; wait", "arp-sweep", attacker=68, side="in", targets=["192.0.2.0/26"], vantage="segment, inside", need=("www", "pcs", "site", "resolver"), bg=("web-out", "dns-out"), timeout=90,
      seen={"arp.opcode==1 && arp.src.proto_ipv4==192.0.2.68": 55}, note="One address after the other, by a shell loop.")
probe("udp-one-port-sweep", "nmap", "nmap -sU -n -Pn -p 161 --max-retries 1 192.0.2.0/25", "port-sweep", attacker=103, need=("www", "mail", "pcs", "site", "resolver"), targets=["192.0.2.0/25"], vantage="router, outside", bg=("dns-out", "web-out"), prepare=communities,
      seen={"ip.src==198.51.100.103 && udp.dstport==161": 125}, note="One UDP port on 128 addresses, with an SNMP request in it: snmp-probe and udp-scan are near; the extent makes it a sweep.")
probe("udp-sweep-1434", "nping", "nping --udp -p 1434 -c 1 --rate 40 --data-length 1 192.0.2.0/26", "port-sweep", attacker=104, targets=["192.0.2.0/26"], vantage="router, outside", need=("www", "mail", "pcs", "site", "resolver"), bg=("dns-out", "web-out"),
      seen={"udp.dstport==1434": 60}, note="One datagram of one octet to port 1434 of 64 addresses.")
probe("axfr-attempts", "dig", [f"dig @192.0.2.12 {z} AXFR +time=3 +tries=1" for z in ("example.net", "corp.example.net", "internal", "example.net")], "zone-transfer-probe", attacker=105, targets=["192.0.2.12"], need=("ns", "clients", "www"), bg=("dns-in", "web-in"),
      seen={"dns.qry.type==252": 4}, note="Four transfers asked for, all refused. Ordinary lookups of another client beside it.")
probe("hydra-ftp", "hydra", "hydra -l root -P words.txt -t 3 -I ftp://192.0.2.13", "password-guessing", attacker=106, targets=["192.0.2.13"], need=("ftp", "clients", "www"), bg=("ftp-in", "web-in"),
      prepare=words(("words.txt", [f"winter{i}" for i in range(12)])), seen={"ftp.request.command==\"PASS\"": 10}, note="The server ends each connection after one failure. Anonymous sessions of another client succeed.", timeout=120)
probe("hydra-telnet", "hydra", "hydra -l root -P words.txt -t 4 -I telnet://192.0.2.13", "password-guessing", attacker=107, targets=["192.0.2.13"], need=("ftp", "clients", "www"), bg=("web-in",),
      prepare=words(("words.txt", [f"pass{i}" for i in range(12)])), seen={"ip.src==198.51.100.107 && tcp.dstport==23 && tcp.flags==2": 4}, timeout=120)
probe("hydra-smtp", "hydra", "hydra -l anna -P words.txt -t 3 -I smtp://192.0.2.11", "password-guessing", attacker=108, targets=["192.0.2.11"], bg=("mail-in", "pop-in"),
      prepare=words(("words.txt", [f"sommer{i}" for i in range(20)])), seen={"ip.src==198.51.100.108 && tcp.len>0": 30}, timeout=120)
probe("hydra-pop3", "hydra", "hydra -l anna -P words.txt -t 2 -I pop3://192.0.2.11", "password-guessing", attacker=109, targets=["192.0.2.11"], bg=("mail-in", "pop-in"), pause=5,
      prepare=words(("words.txt", [f"herbst{i}" for i in range(14)])), seen={"ip.src==198.51.100.109 && tcp.dstport==110 && tcp.len>0": 20}, timeout=120, note="The owner of the mailbox reads it meanwhile.")
probe("hydra-imap", "hydra", "hydra -L users.txt -p Welcome1 -t 4 -I imap://192.0.2.11", "password-guessing", attacker=110, targets=["192.0.2.11"], bg=("mail-in", "pop-in"),
      prepare=words(("users.txt", ["anna", "bert", "clara", "dora", "emil", "fritz", "gina", "hugo", "ida", "jan", "karl", "lena"])), seen={"ip.src==198.51.100.110 && tcp.dstport==143 && tcp.len>0": 12}, timeout=120,
      note="One password for twelve names.")
probe("hydra-http-basic", "hydra", "hydra -l anna -P words.txt -t 4 -I 192.0.2.10 http-get /private", "password-guessing", attacker=111, targets=["192.0.2.10"], bg=("web-in", "dns-out"),
      prepare=words(("words.txt", [f"linz{i}" for i in range(30)])), seen={"http.response.code==401": 28}, timeout=120, note="Thirty answers 401.")
probe("curl-http-basic-one-each", "curl", "for p in $(seq 1 25); do curl -s -o /dev/null -u anna:geheim$p http://192.0.2.10/private; sleep 0.4; done", "password-guessing", attacker=112, targets=["192.0.2.10"], bg=("web-in", "dns-out"),
      seen={"http.response.code==401": 25}, note="One try a connection, one after the other.")
probe("rpcinfo-probes", "rpcinfo", ["for i in 10 11 20 21 22; do timeout 3 rpcinfo -p 192.0.2.$i; done", "timeout 3 rpcinfo -T udp 192.0.2.20 100003", "timeout 3 rpcinfo -T udp 192.0.2.20 100005", "timeout 3 rpcinfo -T udp 192.0.2.20 100021"], "rpc-probe", attacker=113, targets=["192.0.2.10", "192.0.2.11", "192.0.2.20", "192.0.2.21", "192.0.2.22"],
      border=False, prepare=lambda lab: services.rpc(lab.hosts["pc0"]), bg=("web-in",), seen={"tcp.dstport==111 && tcp.flags==2": 5}, note="The list of programs from five hosts, one of which has a portmapper; then three programs that it does not have.")
probe("curl-proxy-search", "curl", "for h in 10 11 12 13 20 21; do for p in 80 3128 8080 1080; do curl -s -m 2 -o /dev/null -x http://192.0.2.$h:$p http://198.51.100.80/page.html; done; done", "web-proxy-sweep", attacker=114, targets=["192.0.2.10", "192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.20", "192.0.2.21"],
      need=("www", "mail", "ns", "ftp", "pcs", "clients", "site"), bg=("web-in", "mail-in"), seen={"ip.src==198.51.100.114 && tcp.flags==2": 20}, timeout=100, note="Four proxy ports on six hosts; where something accepts, a GET with a full URL.")
probe("nmap-open-proxy", "nmap", "nmap -n -Pn -p 80,1080,3128,8000,8080,8081,8118,8888 --script http-open-proxy,socks-open-proxy 192.0.2.15", "proxy-probe", attacker=115, targets=["192.0.2.15"], bg=("web-in", "dns-out"),
      prepare=lambda lab: services.web(lab.host("px", "in", 15), ports=(8080, 3128)), seen={"ip.src==198.51.100.115 && tcp.flags==2": 8, "ip.src==198.51.100.115 && http.request": 2}, note="Proxy ports of one host, then requests for pages elsewhere through the two that are open.")
RELAY = """
for from in otto@example.org "" postmaster@example.net root@[192.0.2.11]; do
 for to in spam@example.com spam%example.com@example.net @example.net:spam@example.com '"spam@example.com"'; do
  swaks --server 192.0.2.11 --helo probe.example.org --from "$from" --to "$to" --quit-after RCPT --hide-all --timeout 5
 done
done"""
probe("relay-test-sixteen", "swaks", RELAY.strip(), "relay-test", attacker=116, targets=["192.0.2.11"], bg=("mail-in", "pop-in"), seen={"smtp.req.command==\"RCPT\"": 14}, note="Sixteen recipients that are not of the house, each refused. A real mail for anna comes in meanwhile.")
probe("nmap-open-relay", "nmap", "nmap -n -Pn -p 25 --script smtp-open-relay 192.0.2.11", "relay-test", attacker=117, targets=["192.0.2.11"], bg=("mail-in",), seen={"smtp.req.command==\"RCPT\"": 4}, note="One connection, many envelopes.")
probe("finger-probes", "finger", "for u in root admin guest bin daemon test oracle 0 .; do finger $u@192.0.2.13; sleep 0.3; done; finger @192.0.2.13; finger @192.0.2.10", "finger-probe", attacker=118, targets=["192.0.2.13", "192.0.2.10"], need=("www", "ftp", "clients"), bg=("web-in", "ftp-in"),
      seen={"tcp.dstport==79 && tcp.flags==2": 10}, note="Nine names and the list of who is there.")
probe("nmap-trojan-ports", "nmap", "nmap -sS -n -Pn -p 1243,2773,5000,6711,6776,12345,12346,20034,27374,31337,31785,54320,65000 192.0.2.10-11 192.0.2.20-22", "trojan-probe", attacker=119, targets=["192.0.2.10", "192.0.2.11", "192.0.2.20", "192.0.2.21", "192.0.2.22"], bg=("web-in", "dns-out"),
      seen={"ip.src==198.51.100.119 && tcp.flags==2": 60}, note="Thirteen ports of known back doors on five hosts: a syn-scan in form, a search for back doors by its choice of ports.")
probe("router-arp-behind-sweep", "nmap", "nmap -sS -n -Pn -p 443 192.0.2.64/26", "port-sweep", attacker=120, targets=["192.0.2.64/26"], bg=("web-in", "dns-out"), expect="may", sources=[], seen={"arp.opcode==1 && arp.src.proto_ipv4==192.0.2.1": 60},
      note="Seen inside, a sweep of dead addresses from outside is nothing but ARP requests of the router. The router must not be blamed for an ARP sweep; naming the real sweep is not possible from what is here.")

# -- rarer kinds ----------------------------------------------------------------------------------
probe("nmap-firewalk", "nmap", "nmap -n -Pn --script firewalk --traceroute --script-args firewalk.max-retries=1,firewalk.probe-timeout=400ms -p 21,22,25,80,111,139,443,445,2049,3306,3389 192.0.2.10", "firewalk", attacker=164, targets=["192.0.2.10"], vantage="router, outside",
      bg=("web-in", "dns-out"), seen={"icmp.type==11": 1, "ip.src==198.51.100.164 && tcp.flags==2": 10}, timeout=90, expect="alert", note="A SYN scan, a traceroute, then probes of the filtered ports whose TTL ends one hop behind the filter. syn-scan is true too.")
probe("nmap-source-route", "nmap", "nmap -sS -n -Pn -p 22,25,80,111,443,8080 --ip-options 'L 203.0.113.6' 192.0.2.10", "source-route-probe", attacker=165, targets=["192.0.2.10"], vantage="segment, outside", bg=("web-in",), need=("www", "clients", "site"),
      seen={"ip.src==198.51.100.165 && ip.opt.type": 6}, note="SYNs with a loose source route. The first router drops them; recorded before it.")
probe("hping3-inverse-mapping", "hping3", "for i in $(seq 2 90); do hping3 -q -R -A -p 80 -s $((1024 + i)) -c 1 192.0.2.$i >/dev/null 2>&1 & sleep 0.06; done; wait", "inverse-mapping", attacker=166, targets=["192.0.2.0/25"], vantage="router, outside", bg=("web-in", "dns-out"), timeout=60,
      seen={"ip.src==198.51.100.166 && tcp.flags==0x14": 85, "icmp.type==3 && icmp.code==1": 6}, note="Resets of no connection, one to each address; the router's host-unreachables betray which are absent. Looks like backscatter of a flood, but comes to each address once, in order.")
probe("hping3-source-quench", "hping3", "hping3 -q --icmp --icmptype 4 --icmpcode 0 --icmp-ipdst 198.51.100.101 --icmp-ipsrc 192.0.2.10 --icmp-srcport 80 --icmp-dstport 40000 --force-icmp -i u30000 -c 120 192.0.2.10", "source-quench-abuse", attacker=167, targets=["192.0.2.10"], bg=("web-in", "dns-out"),
      seen={"icmp.type==4": 100}, note="Source quench messages, 120 in four seconds, that quote a connection which does not exist.")
probe("nmap-idle-like-zombie-probe", "nmap", "nmap -sS -n -Pn -p 80 --script ipidseq 192.0.2.10 192.0.2.11 192.0.2.20", "os-fingerprint", attacker=168, targets=["192.0.2.10", "192.0.2.11", "192.0.2.20"], bg=("web-in",), expect="may", sources=["198.51.100.168"], seen={"ip.src==198.51.100.168 && tcp": 10},
      note="A search for hosts whose IP identifiers count up: a handful of probes to one port each. A finding of any reconnaissance is right; so little may also pass.")
probe("ncrack-ssh", "ncrack", "ncrack --user root,admin -P words.txt -g CL=3,at=1 ssh://192.0.2.10", "password-guessing", attacker=169, targets=["192.0.2.10"], bg=("ssh-in", "web-in"), prepare=words(("words.txt", [f"tor{i}" for i in range(5)])), timeout=60,
      seen={"ip.src==198.51.100.169 && tcp.dstport==22 && tcp.flags==2": 5}, note="One try a connection.")
probe("nmap-smtp-enum", "nmap", "nmap -n -Pn -p 25 --script smtp-enum-users,smtp-commands 192.0.2.11", "version-scan", attacker=170, targets=["192.0.2.11"], bg=("mail-in",), expect="may", sources=["198.51.100.170"], seen={"ip.src==198.51.100.170 && tcp.len>0": 2}, note="A search for mail users in few connections. Any finding of reconnaissance is right; so little may pass.")
probe("pnscan-banners", "pnscan", "pnscan -r QUIT -t 2000 -w 'HEAD / HTTP/1.0\\r\\n\\r\\n' 192.0.2.8/29 20:26", "connect-scan", attacker=171, targets=["192.0.2.8/29"], vantage="router, outside", bg=("web-in", "mail-in"), seen={"ip.src==198.51.100.171 && tcp.flags==2": 35}, timeout=60, note="A parallel scanner that completes handshakes and reads greetings.")
probe("connect-scan-slow-nc", "netcat", "for p in 80 22 443 21 25 8080 23 110 143 3306 53 8443; do nc -z -w 2 192.0.2.10 $p; sleep 2; done", "connect-scan", attacker=172, targets=["192.0.2.10"], bg=("web-in", "dns-out"), pause=5, seen={"ip.src==198.51.100.172 && tcp.flags==2": 10}, timeout=80, note="Twelve ports, one in two to four seconds, by hand.")


def shared(name, command, klass, count, first, *, vantage, targets, seen, note, parts, need=("www", "mail", "clients", "pcs", "resolver"), bg=("web-in", "dns-out"), pause=1.5):
    """One scan shared among many sources."""
    @play(name, "nmap", "alert", klass, need=need, bg=bg, vantage=vantage, pause=pause, sources=[f"198.51.100.{first + i}" for i in range(count)], targets=targets, seen=seen, note=note)
    def _(lab):
        import random
        hosts = [lab.host(f"z{i}", "out", first + i) for i in range(count)]
        whole = list(parts)
        random.Random(len(name)).shuffle(whole)
        each = len(whole) // count
        yield
        running = []
        for i, h in enumerate(hosts):
            mine = whole[each * i:each * (i + 1)]
            running.append(lab.tool(h, command.replace("@", (" " if "." in str(mine[0]) else ",").join(map(str, mine))), bg=True, note=i == 0))
            time.sleep(0.2)
        for p in running:
            p.wait(60)
        time.sleep(1)
        yield


shared("distributed-port-scan", "nmap -sS -n -Pn --max-retries 0 --scan-delay 400ms -p @ 192.0.2.10", "syn-scan", 12, 176, vantage="router, inside", targets=["192.0.2.10"], parts=range(1, 97), seen={"tcp.flags==2 && ip.dst==192.0.2.10": 90},
       note="Twelve sources share ninety-six ports of one host, eight each, in random order. Each alone is hardly a scan.")
shared("distributed-sweep", "nmap -sS -n -Pn --max-retries 0 --scan-delay 300ms -p 23 @", "port-sweep", 16, 176, vantage="router, outside", targets=["192.0.2.0/24"], parts=[f"192.0.2.{i}" for i in range(2, 130)], seen={"tcp.flags==2 && tcp.dstport==23": 120},
       note="Sixteen sources share 128 addresses of one port, eight each.")
shared("distributed-refused-many", "nmap -sT -n -Pn --max-retries 0 -p @ 192.0.2.11", "connect-scan", 40, 110, vantage="router, inside", targets=["192.0.2.11"], parts=range(26, 106), need=("mail", "clients", "www"), bg=("mail-in", "web-in"), seen={"tcp.flags==2 && ip.dst==192.0.2.11": 70},
       note="Forty sources, two refused ports each: visible only per target.")
probe("nmap-ipv6-udp", "nmap", "nmap -6 -sU -n -Pn --max-retries 1 -p 53,67,69,111,123,137,161,500,514,520,1434,1900,4500,5353,49152,5060 2001:db8:2::11", "udp-scan", attacker=173, guilty6=True, targets=["2001:db8:2::11"], bg=("mail-in", "dns-out"), seen={"ipv6.src==2001:db8:1::173 && udp": 14}, timeout=60, note="Sixteen UDP ports over IPv6.")
probe("ndp-sweep-inside", "ping", "for i in $(seq 10 60); do ping -6 -q -c 1 -W 1 2001:db8:2::$i >/dev/null & sleep 0.08; done; wait", "ping-sweep", attacker=174, side="in", guilty6=True, targets=["2001:db8:2::/64"], need=("www", "mail", "pcs", "site", "resolver"), vantage="segment, inside", bg=("web-out", "dns-out"), timeout=60,
      seen={"icmpv6.type==135 && ipv6.src==2001:db8:2::174": 40}, note="On the own segment an IPv6 sweep is neighbour solicitations to many solicited-node groups, as an ARP sweep is by IPv4; echo requests reach the living only.")

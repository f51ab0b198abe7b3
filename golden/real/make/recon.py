"""Reconnaissance by the tools that people use for it."""
import time

import services
from kit import play, probe
from lab import ssh_key

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
      seen={"ip.src==198.51.100.44 && tcp.flags==0x2b": 1, "ip.src==198.51.100.44 && tcp.len>0": 3}, note="A SYN scan of nine ports, version probes to the open ones, then the stack tests T1 to T7, ECN, IE and U1.", bg=("web-in", "ssh-in"))
probe("nmap-version", "nmap", "nmap -sV -n -Pn -p 13,21,79,80 192.0.2.13", "version-scan", attacker=45, targets=["192.0.2.13"], bg=("ftp-in", "web-in"), need=("www", "ftp", "clients"),
      seen={"ip.src==198.51.100.45 && tcp.len>0": 6}, note="Few ports, but each open one is called several times with probes that no client of that service sends.")
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

"""Floods and other harm, in numbers that hurt nobody here."""
import time

from kit import play, probe

probe("hping-syn-flood-random", "hping3", "hping3 -q -S -p 80 --rand-source -i u900 -c 1300 192.0.2.10", "spoofed-syn-flood", attacker=70, sources=[], targets=["192.0.2.10"],
      seen={"tcp.flags==2 && ip.dst==192.0.2.10": 1150}, bg=("web-in", "dns-out"), note="Every SYN has another source; the answers go nowhere. No source is to blame. One real client comes through.")
probe("hping-udp-flood", "hping3", "hping3 -q --udp -p 5060 -d 60 -i u700 -c 1500 192.0.2.11", "udp-flood", attacker=73, targets=["192.0.2.11"], seen={"udp && ip.src==198.51.100.73": 1450},
      bg=("mail-in", "dns-out"), note="One source, one closed port; the port-unreachables are limited to one a second.")

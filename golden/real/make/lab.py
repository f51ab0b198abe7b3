"""A small internet in network namespaces, on which one case is played and recorded.

    hosts outside (198.51.100.0/24, 2001:db8:1::/64)
      | bridge        isp ----[ wan: delay ]---- core ---- rt       bridge |
      +------------- .1                                     .1 -----------+
                                                  hosts inside (192.0.2.0/24, 2001:db8:2::/64)

Every namespace is made here, named after the lab, and joined only to others of the lab: there is no way out.
Nothing of the root namespace is attached. All processes are started here and ended by their id.
"""
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(tempfile.gettempdir(), "crywolf-lab-cache")
OUT4, IN4, OUT6, IN6 = "198.51.100.", "192.0.2.", "2001:db8:1::", "2001:db8:2::"
WWW, MAIL, NS, FTP = (f"{IN4}{number}" for number in (10, 11, 12, 13))


def sh(*words, check=True):
    done = subprocess.run(words, capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def cached(name, make):
    """A file made once: keys, certificates, the relay."""
    os.makedirs(CACHE, exist_ok=True)
    path = os.path.join(CACHE, name)
    with open(os.path.join(CACHE, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            make(path)
    return path


def relay():
    return cached("wan", lambda path: sh("cc", "-O2", "-o", path, os.path.join(HERE, "wan.c")))


def ssh_key(name):
    return cached(name, lambda path: sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", path))


class Host:
    def __init__(self, lab, name, side, ip4, ip6):
        self.lab, self.name, self.side, self.ip, self.ip6 = lab, name, side, ip4, ip6
        self.ns = f"{lab.tag}{name}"


class Lab:
    def __init__(self, name, delay_ms=4, jitter_ms=3, loss_per_mille=0, kbit=0, v6=True):
        self.name = name
        self.tag = f"cw{os.getpid()}-"
        self.work = tempfile.mkdtemp(prefix="crywolf-lab-")
        os.chmod(self.work, 0o755)
        self.hosts, self.procs, self.namespaces, self.commands, self.captures = {}, [], [], [], []
        self.v6 = v6
        self.stopping = False
        self.threads = []
        self.mac = 0
        self.file("resolv.conf", f"nameserver {OUT4}53\noptions timeout:2 attempts:2\n")
        self.names = {"localhost": "127.0.0.1"}
        self.file("hosts", "127.0.0.1 localhost\n")
        try:
            self.build(delay_ms, jitter_ms, loss_per_mille, kbit)
        except BaseException:
            self.close()
            raise

    # -- topology ---------------------------------------------------------------------------------
    def file(self, name, text, mode=0o644):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb" if isinstance(text, bytes) else "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def ns(self, name):
        full = f"{self.tag}{name}"
        sh("ip", "netns", "add", full)
        self.namespaces.append(full)
        sh("ip", "-n", full, "link", "set", "lo", "up")
        knobs = {"net.ipv6.conf.all.accept_dad": 0, "net.ipv6.conf.default.accept_dad": 0,
                 "net.ipv6.conf.default.accept_ra": 0, "net.ipv6.conf.all.accept_ra": 0,
                 "net.ipv4.conf.all.rp_filter": 0, "net.ipv4.ping_group_range": "0 2147483647"}
        if not self.v6:
            knobs |= {"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1}
        self.sysctl(full, knobs)
        return full

    def sysctl(self, ns, knobs):
        ns = ns.ns if isinstance(ns, Host) else ns
        sh("ip", "netns", "exec", ns, "sysctl", "-qw", *[f"{k}={v}" for k, v in knobs.items()])

    def join(self, ns_a, if_a, ns_b, if_b, mtu=1500):
        macs = []
        for _ in "ab":
            self.mac += 1
            oui = ("52:54:00", "00:16:3e", "00:0c:29", "00:1b:21")[self.mac % 4]
            macs.append(f"{oui}:{sum(map(ord, self.name)) % 251:02x}:{self.mac >> 8:02x}:{self.mac & 255:02x}")
        sh("ip", "link", "add", if_a, "address", macs[0], "mtu", str(mtu), "netns", ns_a, "type", "veth",
           "peer", "name", if_b, "address", macs[1], "mtu", str(mtu), "netns", ns_b)
        for ns, name in ((ns_a, if_a), (ns_b, if_b)):
            # Without offloads the frames carry true checksums and true sizes.
            sh("ip", "netns", "exec", ns, "ethtool", "-K", name, "tx", "off", "rx", "off", "gso", "off",
               "gro", "off", "tso", "off", check=False)
            sh("ip", "-n", ns, "link", "set", name, "up")

    def bridge(self, ns):
        sh("ip", "-n", ns, "link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0",
           "mcast_snooping", "0")
        sh("ip", "netns", "exec", ns, "sysctl", "-qw", "net.ipv6.conf.br0.disable_ipv6=1", check=False)
        sh("ip", "-n", ns, "link", "set", "br0", "up")

    def attach(self, switch, ns, name="eth0", mtu=1500):
        self.ports = getattr(self, "ports", 0) + 1
        port = f"p{self.ports}"
        self.join(ns, name, switch, port, mtu)
        sh("ip", "netns", "exec", switch, "sysctl", "-qw", f"net.ipv6.conf.{port}.disable_ipv6=1", check=False)
        sh("ip", "-n", switch, "link", "set", port, "master", "br0")

    def addr(self, ns, dev, *addresses):
        for a in addresses:
            if ":" in a and not self.v6:
                continue
            sh("ip", "-n", ns, "addr", "add", a, "dev", dev, *(["nodad"] if ":" in a else []))

    def route(self, ns, *words):
        ns = ns.ns if isinstance(ns, Host) else ns
        if any(":" in w for w in words) and not self.v6:
            return
        six = ["-6"] if any(":" in w for w in words) else []
        sh("ip", *six, "-n", ns, "route", "replace", *words)

    def build(self, delay, jitter, loss, kbit):
        self.swo, self.swi = self.ns("swo"), self.ns("swi")
        self.isp, self.wan, self.core, self.rt = self.ns("isp"), self.ns("wan"), self.ns("core"), self.ns("rt")
        self.bridge(self.swo)
        self.bridge(self.swi)
        self.attach(self.swo, self.isp, "lan0")
        self.attach(self.swi, self.rt, "lan0")
        self.join(self.isp, "up0", self.wan, "w0")
        self.join(self.wan, "w1", self.core, "west0")
        self.join(self.core, "east0", self.rt, "wan0")
        self.sysctl(self.wan, {"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1})
        for r in (self.isp, self.core, self.rt):
            self.sysctl(r, {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1} if self.v6
                        else {"net.ipv4.ip_forward": 1})
        self.addr(self.isp, "lan0", OUT4 + "1/24", OUT6 + "1/64")
        self.addr(self.isp, "up0", "203.0.113.1/30", "2001:db8:f:1::1/64")
        self.addr(self.core, "west0", "203.0.113.2/30", "2001:db8:f:1::2/64")
        self.addr(self.core, "east0", "203.0.113.5/30", "2001:db8:f:2::1/64")
        self.addr(self.rt, "wan0", "203.0.113.6/30", "2001:db8:f:2::2/64")
        self.addr(self.rt, "lan0", IN4 + "1/24", IN6 + "1/64")
        self.route(self.isp, "192.0.2.0/24", "via", "203.0.113.2")
        self.route(self.isp, "203.0.113.4/30", "via", "203.0.113.2")
        self.route(self.isp, "blackhole", "default")
        self.route(self.core, "default", "via", "203.0.113.1")
        self.route(self.core, "192.0.2.0/24", "via", "203.0.113.6")
        self.route(self.rt, "default", "via", "203.0.113.5")
        self.route(self.isp, IN6 + "/64", "via", "2001:db8:f:1::2")
        self.route(self.isp, "2001:db8:f:2::/64", "via", "2001:db8:f:1::2")
        self.route(self.core, "default", "via", "2001:db8:f:1::1")
        self.route(self.core, IN6 + "/64", "via", "2001:db8:f:2::2")
        self.route(self.rt, "default", "via", "2001:db8:f:2::1")
        self.spawn(self.wan, [relay(), "w0", "w1", str(delay * 1000), str(jitter * 1000), str(loss), str(kbit)])
        self.at_router = Host(self, "rt", "in", IN4 + "1", IN6 + "1")

    def host(self, name, side, number, ttl=None, knobs=None, extra=(), gateway=True):
        """A host on a side, `number` the last part of its addresses; `extra` further numbers or addresses."""
        if name in self.hosts:
            return self.hosts[name]
        net4, net6, switch = (OUT4, OUT6, self.swo) if side == "out" else (IN4, IN6, self.swi)
        h = Host(self, name, side, f"{net4}{number}", f"{net6}{number}")
        self.ns(name)
        if self.v6 and knobs and any("ipv6" in k for k in knobs):
            self.sysctl(h.ns, {k: v for k, v in knobs.items() if "ipv6" in k})
        self.attach(switch, h.ns)
        self.addr(h.ns, "eth0", f"{h.ip}/24", f"{h.ip6}/64")
        for e in extra:
            self.addr(h.ns, "eth0", f"{net4}{e}/24" if isinstance(e, int) else e)
        if gateway:
            self.route(h.ns, "default", "via", net4 + "1")
            self.route(h.ns, "default", "via", net6 + "1")
        if ttl:
            self.sysctl(h.ns, {"net.ipv4.ip_default_ttl": ttl})
        if knobs:
            self.sysctl(h.ns, {k: v for k, v in knobs.items() if "ipv6" not in k})
        self.hosts[name] = h
        return h

    def translator(self, *rules):
        """Four hosts 10.1.1.10 to .13 inside, and a translator 192.0.2.9 with these source NAT rules before them: the four."""
        gw = self.host("gw", "in", 9)
        self.sysctl(gw, {"net.ipv4.ip_forward": 1, "net.ipv4.conf.all.send_redirects": 0, "net.ipv4.conf.eth0.send_redirects": 0})
        chain = "; ".join(f"ip saddr 10.1.1.0/24 {rule}" for rule in rules)
        self.filter(f"table ip nat {{ chain post {{ type nat hook postrouting priority 100; {chain}; }} }}", gw)
        self.addr(gw.ns, "eth0", "10.1.1.1/24")
        hidden = []
        for i in range(4):
            h = self.host(f"n{i}", "in", 40 + i, gateway=False, extra=(f"10.1.1.{10 + i}/24",))
            self.route(h, "default", "via", "10.1.1.1", "src", f"10.1.1.{10 + i}")
            hidden.append(h)
        return hidden

    def hint(self, name, address):
        """An entry of the hosts file that all hosts read."""
        with open(os.path.join(self.work, "hosts"), "a") as f:
            f.write(f"{address} {name}\n")

    def filter(self, text, where=None):
        """nftables rules on the forward path of the router, or wherever."""
        ns = self.rt if where is None else where.ns if isinstance(where, Host) else where
        subprocess.run(["ip", "netns", "exec", ns, "nft", "-f", "-"], input=re.sub(r"\s*\} \}", "\n}\n}", text.strip()) + "\n", text=True, check=True)

    # -- processes --------------------------------------------------------------------------------
    def words(self, where, command, tmprun=True):
        ns = where.ns if isinstance(where, Host) else where
        if isinstance(command, str):
            command = ["sh", "-c", command]
        name = where.name if isinstance(where, Host) else "router"
        setup = (f"hostname {name}; mount --bind \"$LAB/resolv.conf\" /etc/resolv.conf; mount --bind \"$LAB/hosts\" /etc/hosts; "
                 + ("mount -t tmpfs none /run; mkdir /run/sshd /run/samba; " if tmprun else "") + "exec \"$@\"")
        return ["ip", "netns", "exec", ns, "unshare", "-m", "--uts", "--propagation", "private", "sh", "-c", setup, "sh", *command]

    def env(self):
        keep = {k: os.environ[k] for k in ("PATH", "HOME", "LANG", "PYENV_ROOT") if k in os.environ}
        return keep | {"LAB": self.work, "TERM": "dumb", "LC_ALL": "C.UTF-8", "MIBS": "", "PYTHONDONTWRITEBYTECODE": "1"}

    def spawn(self, where, command, log=None, tmprun=True, stdin=None):
        out = open(os.path.join(self.work, log or "log"), "ab")
        p = subprocess.Popen(self.words(where, command, tmprun), cwd=self.work, env=self.env(), stdout=out, stderr=out,
                             stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, start_new_session=True)
        self.procs.append(p)
        return p

    def run(self, where, command, timeout=120, quiet=True):
        """Run to the end; returns what it wrote. Ends it by its group when it takes too long."""
        p = subprocess.Popen(self.words(where, command), cwd=self.work, env=self.env(), stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True, text=True, errors="replace")
        self.procs.append(p)
        try:
            out, _ = p.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGTERM)
            try:
                out, _ = p.communicate(timeout=3)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGKILL)
                out, _ = p.communicate()
        with open(os.path.join(self.work, "log"), "a") as f:
            f.write(f"$ {command}\n{out[-6000:]}\n")
        if not quiet:
            print(out)
        return out

    def tool(self, where, command, timeout=180, bg=False, note=True):
        """A command that belongs in the index, run as it is written there."""
        if note:
            self.commands.append(command)
        if bg:
            return self.spawn(where, command)
        return self.run(where, command, timeout)

    def loop(self, where, command, pause=1.0, count=1000):
        """A conversation of the background, again and again until the case ends."""
        def body():
            import random
            for _ in range(count):
                if self.stopping:
                    return
                try:
                    self.run(where, command, 30)
                except Exception:
                    return
                end = time.time() + pause * random.uniform(0.5, 1.5)
                while time.time() < end and not self.stopping:
                    time.sleep(0.05)
        t = threading.Thread(target=body, daemon=True)
        t.start()
        self.threads.append(t)
        return t

    def quiet(self):
        """Let the background finish what it is at, and begin nothing new."""
        self.stopping = True
        for t in self.threads:
            t.join(15)
        self.threads = []
        self.stopping = False

    # -- recording --------------------------------------------------------------------------------
    def record(self, where=None, dev=None, expression=None):
        """Record at the router's inside unless told otherwise. 'lan' is the mirror port of the inside switch."""
        if where is None:
            ns, dev = self.rt, dev or "lan0"
        elif where == "lan":
            ns, dev = self.swi, "br0"
        elif where == "outlan":
            ns, dev = self.swo, "br0"
        else:
            ns, dev = where.ns if isinstance(where, Host) else where, dev or "eth0"
        path = os.path.join(self.work, f"capture{len(self.captures)}.pcap")
        err = open(path + ".err", "wb")
        p = subprocess.Popen(["ip", "netns", "exec", ns, "tcpdump", "-i", dev, "-s", "0", "-U", "--immediate-mode", "-B", "65536", "-n", "-Z", "root",
                              "-w", path, *([expression] if expression else [])], stderr=err, start_new_session=True)
        self.procs.append(p)
        for _ in range(100):
            time.sleep(0.05)
            if b"listening on" in open(path + ".err", "rb").read():
                break
        self.captures.append((p, path))
        time.sleep(0.1)
        return path

    def stop(self):
        time.sleep(0.3)
        for p, path in self.captures:
            if p.poll() is None:
                p.send_signal(signal.SIGINT)
                p.wait(10)
        return [path for _, path in self.captures]

    def close(self):
        self.stopping = True
        for p in reversed(self.procs):
            if p.poll() is None:
                try:
                    os.killpg(p.pid, signal.SIGTERM)
                except ProcessLookupError:
                    pass
        time.sleep(0.2)
        for ns in self.namespaces:
            # Daemons that left their group: whoever lives in a namespace that this lab made.
            for pid in sh("ip", "netns", "pids", ns, check=False).split():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except (ProcessLookupError, ValueError):
                    pass
        for p in self.procs:
            if p.poll() is None:
                try:
                    os.killpg(p.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        for ns in self.namespaces:
            sh("ip", "netns", "del", ns, check=False)
        if not os.environ.get("LAB_KEEP"):
            shutil.rmtree(self.work, ignore_errors=True)
        else:
            print("kept", self.work)


# -- cases ----------------------------------------------------------------------------------------
CASES = {}


def case(name, tool, expect, klass, sources=(), targets=(), note="", vantage="router, inside", lab=None, seen=None, most=None, forged=()):
    """Register a case. `seen` maps a display filter to the least number of frames that must match, `most` to the greatest."""
    def register(function):
        if name in CASES:
            raise ValueError(f"two cases {name}")
        CASES[name] = dict(name=name, tool=tool, expect=expect, klass=klass, sources=list(sources), targets=list(targets),
                           note=note, vantage=vantage, forged=list(forged), lab=lab or {}, seen=seen or {}, most=most or {}, play=function)
        return function
    return register


VERSIONS = {}


def version(tool):
    """The version as the tool reports it."""
    asks = {"nmap": (["nmap", "--version"], r"version (\S+)"), "masscan": (["masscan", "--version"], r"ersion (\S+)"),
            "zmap": (["zmap", "--version"], r"zmap (\S+)"), "hping3": (["hping3", "--version"], r"version (\S+)"),
            "fping": (["fping", "-v"], r"ersion (\S+)"), "nbtscan": (["nbtscan"], r"NBTscan version (\d\S*\d)"),
            "hydra": (["hydra", "-h"], r"Hydra v(\S+)"), "arp-scan": (["arp-scan", "--version"], r"arp-scan (\S+)"),
            "traceroute": (["traceroute", "--version"], r"version ([^\s,]+)"), "mtr": (["mtr", "--version"], r"mtr (\S+)"),
            "iperf3": (["iperf3", "--version"], r"iperf (\S+)"), "curl": (["curl", "--version"], r"curl (\S+)"),
            "dig": (["dig", "-v"], r"DiG (\S+)"), "wget": (["wget", "--version"], r"Wget (\S+)"),
            "haproxy": (["haproxy", "-v"], r"version (\S+)"), "nping": (["nping", "--version"], r"version (\S+)"),
            "medusa": (["medusa", "-V"], r"Medusa v(\S+)"), "ncrack": (["ncrack", "--version"], r"version (\S+)"),
            "ab": (["ab", "-V"], r"Version (\S+)"), "swaks": (["swaks", "--version"], r"version (\S+)"),
            "ssh": (["ssh", "-V"], r"OpenSSH_([^\s,]+)"), "snmpget": (["snmpget", "-V"], r"version: (\S+)"),
            "python": ([sys.executable, "--version"], r"Python (\S+)"), "siege": (["siege", "--version"], r"SIEGE (\S+)"),
            "wrk": (["wrk", "-v"], r"wrk (\S+)"), "ping": (["ping", "-V"], r"iputils (\S+)"),
            "dhclient": (["dhclient", "--version"], r"dhclient-(\S+)"), "socat": (["socat", "-V"], r"socat version (\S+)"),
            "chronyd": (["chronyd", "--version"], r"version (\S+)"), "aria2c": (["aria2c", "--version"], r"aria2 version (\S+)"),
            "finger": (None, "bsd-finger"), "onesixtyone": (None, "onesixtyone"), "tcptraceroute": (["tcptraceroute", "-v"], r"tcptraceroute (\S+)"),
            "lft": (None, "lft"), "braa": (None, "braa"), "rpcinfo": (None, "rpcbind"), "ftp": (None, "ftp"), "lftp": (["lftp", "--version"], r"Version (\S+)"),
            "httping": (["httping", "-V"], r"HTTPing v(\S+?),?\s"), "pnscan": (None, "pnscan"), "arping": (["arping", "-V"], r"iputils (\S+)"),
            "check_ping": (None, "monitoring-plugins-basic"), "avahi": (["avahi-daemon", "--version"], r"daemon (\S+)"),
            "nbtstat": (None, "samba"), "telnet": (None, "inetutils-telnet"), "ntpdate": (None, "ntpdate"),
            "dnsperf": (None, "dnsperf"), "smtp-python": ([sys.executable, "--version"], r"Python (\S+)")}
    if tool not in VERSIONS:
        words, pattern = asks.get(tool, (None, tool))
        if words is None:
            text = sh("dpkg-query", "-W", "-f", "${Version}", pattern, check=False).strip()
        else:
            done = subprocess.run(words, capture_output=True, text=True)
            found = re.search(pattern, done.stdout + done.stderr)
            text = found.group(1) if found else ""
        VERSIONS[tool] = text
    return f"{tool} {VERSIONS[tool]}".strip()


def quoted(value):
    return json.dumps(value, ensure_ascii=False)


def row(case, command, frames):
    names = " + ".join(version(t) for t in case["tool"].split("+"))
    lines = [f"[{case['name']}]", f"file = {quoted(case['name'] + '.pcap')}", f"tool = {quoted(names)}",
             f"command = {quoted(command)}", f"vantage = {quoted(case['vantage'])}", f"expect = {quoted(case['expect'])}",
             f"class = {quoted(case['klass'])}", f"sources = {quoted(case['sources'])}", f"targets = {quoted(case['targets'])}",
             f"note = {quoted(case['note'])}"]
    if case["forged"]:
        lines.insert(-1, f"forged = {quoted(case['forged'])}")
    return "\n".join(lines) + "\n"


def enter(folder, case, command, frames):
    """Put the row into the index of a folder, in alphabetic order, by a rename."""
    with open(os.path.join(tempfile.gettempdir(), "crywolf-lab-index.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = os.path.join(folder, "index.toml")
        rows = {}
        if os.path.exists(path):
            text = open(path).read()
            for part in re.split(r"(?m)^(?=\[)", text):
                if part.startswith("["):
                    rows[part[1:part.index("]")]] = part.rstrip() + "\n"
        rows[case["name"]] = row(case, command, frames)
        text = "\n".join(rows[k] for k in sorted(rows))
        tomllib.loads(text)
        with open(path + ".new", "w") as f:
            f.write(text)
        os.rename(path + ".new", path)


def count(path, display):
    done = subprocess.run(["tshark", "-n", "-r", path, "-Y", display, "-T", "fields", "-e", "frame.number"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return len(done.stdout.split())


def play(name, folder):
    c = CASES[name]
    lab = Lab(name, **c["lab"])
    began = time.time()
    try:
        c["play"](lab)
        paths = lab.stop()
        if len(paths) != 1:
            raise RuntimeError("a case makes one capture")
        faults = []
        for display, least in c["seen"].items():
            got = count(paths[0], display)
            if got < least:
                faults.append(f"{display}: {got}, wanted at least {least}")
        for display, greatest in c["most"].items():
            got = count(paths[0], display)
            if got > greatest:
                faults.append(f"{display}: {got}, wanted at most {greatest}")
        frames = count(paths[0], "frame")
        size = os.path.getsize(paths[0])
        told = f"{name}: {frames} frames, {size / 1024:.0f} KB, {time.time() - began:.0f} s"
        if faults:
            bad = os.path.join(tempfile.gettempdir(), "crywolf-lab-failed")
            os.makedirs(bad, exist_ok=True)
            shutil.copy(paths[0], os.path.join(bad, name + ".pcap"))
            shutil.copy(os.path.join(lab.work, "log"), os.path.join(bad, name + ".log"))
            print(f"FAULT {told}: " + "; ".join(faults), flush=True)
            return False
        os.makedirs(folder, exist_ok=True)
        shutil.copy(paths[0], os.path.join(folder, "." + name + ".new"))
        os.rename(os.path.join(folder, "." + name + ".new"), os.path.join(folder, name + ".pcap"))
        command = "; ".join(lab.commands).replace(CACHE + "/", "").replace(lab.work + "/", "").replace("$LAB/", "").replace(sys.executable, "python3")
        enter(folder, c, command, frames)
        print("ok " + told, flush=True)
        return True
    except Exception as e:
        print(f"FAULT {name}: {type(e).__name__}: {e}"[:1500], flush=True)
        return False
    finally:
        lab.close()


def main(folder, words):
    """make.py [-j N] [-l] CASE... | all | missing"""
    jobs = 1
    if words[:1] == ["-j"]:
        jobs, words = int(words[1]), words[2:]
    if words[:1] == ["-l"] or not words:
        print("\n".join(sorted(CASES)))
        return 0
    names = []
    for w in words:
        if w == "all":
            names += list(CASES)
        elif w == "missing":
            have = tomllib.loads(open(os.path.join(folder, "index.toml")).read()) if os.path.exists(os.path.join(folder, "index.toml")) else {}
            names += [n for n in CASES if n not in have]
        else:
            found = [n for n in CASES if re.fullmatch(w.replace("*", ".*"), n)]
            if not found:
                print("no case", w)
            names += found
    if jobs == 1 and len(names) == 1:
        return 0 if play(names[0], folder) else 1
    running, bad = [], 0
    queue = list(dict.fromkeys(names))
    while queue or running:
        while queue and len(running) < jobs:
            running.append(subprocess.Popen([sys.executable, sys.argv[0], queue.pop(0)]))
        for p in list(running):
            if p.poll() is not None:
                running.remove(p)
                bad += p.returncode != 0
        time.sleep(0.1)
    print(f"{len(names) - bad} of {len(names)} made")
    return 1 if bad else 0

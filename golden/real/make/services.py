"""Real servers on the hosts of a lab, each with a configuration of its own in the lab's folder; and background talk."""
import os
import subprocess
import time

from lab import cached, sh, ssh_key


def ready(host, port, udp=False, tries=60):
    """Wait until somebody listens on the port."""
    for _ in range(tries):
        if f":{port} " in sh("ip", "netns", "exec", host.ns, "ss", "-Hlnu" if udp else "-Hlnt", check=False).replace("\n", " \n"):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{host.name}: nobody listens on {port}: " + open(os.path.join(host.lab.work, "log"), errors="replace").read()[-1500:])


def web(host, ports=(80,), tls=(), extra="", keep=65, limit=""):
    lab, at = host.lab, f"www-{host.name}"
    for name, size in (("tiny.txt", 30), ("index.html", 700), ("page.html", 1000), ("style.css", 900), ("app.js", 1300), ("logo.png", 1300)):
        lab.file(f"{at}/{name}", f"<html><title>{name}</title>" + "lorem ipsum dolor sit amet " * (size // 27))
    links = "".join(f"<a href=p{i}.html>p{i}</a> <img src=i{i}.png>" for i in range(12))
    lab.file(f"{at}/site/index.html", f"<html>{links}</html>")
    for i in range(12):
        lab.file(f"{at}/site/p{i}.html", f"<html><a href=index.html>up</a> <a href=p{(i * 5 + 1) % 12}.html>next</a> <a href=gone{i}.html>gone</a>" + "text " * 90)
        lab.file(f"{at}/site/i{i}.png", os.urandom(400 + 130 * i))
    lab.file(f"{at}/big.bin", os.urandom(60_000))
    # The password of `anna` is `Herbst-2019`.
    lab.file("htpasswd", "anna:" + sh("openssl", "passwd", "-apr1", "Herbst-2019").strip() + "\n")
    certificate = ""
    if tls:
        def make(path):
            sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=www.example.net", "-keyout", path + ".key", "-out", path)
        pem = cached("tls.pem", make)
        certificate = f"ssl_certificate {pem}; ssl_certificate_key {pem}.key;"
    listen = "".join(f"listen {p}; listen [::]:{p};" for p in ports) + "".join(f"listen {p} ssl; listen [::]:{p} ssl;" for p in tls)
    if not lab.v6:
        listen = listen.replace("listen [::]", "#").replace("#", "listen 127.0.0.9") if False else "".join(f"listen {p};" for p in ports) + "".join(f"listen {p} ssl;" for p in tls)
    conf = lab.file(f"nginx-{host.name}.conf", f"""
user root; worker_processes 1; pid {lab.work}/nginx-{host.name}.pid; error_log {lab.work}/nginx-{host.name}.err;
events {{ worker_connections 2000; }}
http {{ access_log off; server_tokens off; etag off; keepalive_timeout {keep}; types {{ text/html html; text/css css; application/javascript js; image/png png; }}
 client_body_temp_path {lab.work}/nb-{host.name}; proxy_temp_path {lab.work}/np-{host.name}; fastcgi_temp_path {lab.work}/nf-{host.name};
 uwsgi_temp_path {lab.work}/nu-{host.name}; scgi_temp_path {lab.work}/ns-{host.name}; {limit}
 server {{ {listen} {certificate} root {lab.work}/{at};
  location /big.bin {{ limit_rate 3k; }}
  location /private {{ auth_basic "private"; auth_basic_user_file {lab.work}/htpasswd; try_files /page.html =404; }} {extra} }} }}
""")
    p = lab.spawn(host, ["nginx", "-c", conf, "-g", "daemon off;"])
    for port in (*ports, *tls):
        ready(host, port)
    return p


def ssh(host, port=22, passwords=True):
    lab = host.lab
    pub = open(ssh_key("user_ed25519") + ".pub").read()
    keys = lab.file("authorized_keys", pub, 0o600)
    conf = lab.file(f"sshd-{host.name}.conf", f"""
Port {port}
HostKey {ssh_key("host_ed25519")}
AuthorizedKeysFile {keys}
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication {"yes" if passwords else "no"}
UseDNS no
MaxStartups 100
PidFile none
Subsystem sftp internal-sftp
""")
    p = lab.spawn(host, ["/usr/sbin/sshd", "-D", "-e", "-f", conf])
    ready(host, port)
    return p


def ssh_command(address, what, port=22, options=""):
    key = ssh_key("user_ed25519")
    return (f"ssh -F none -q -i {key} -p {port} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes {options} "
            f"root@{address} '{what}'")


def dns(host, transfer="none;", zone="example.net", hosts=(), recursive=False, slow=False):
    """BIND as an authority for a zone; its other answer is REFUSED."""
    lab = host.lab
    records = "".join(f"{n} IN A {a}\n" for n, a in (*hosts, *[(f"h{i}", f"192.0.2.{i}") for i in range(10, 60)]))
    lab.file(f"{zone}-{host.name}.zone", f"""$TTL 300
@ IN SOA ns.{zone}. hostmaster.{zone}. 2024050101 3600 900 604800 300
@ IN NS ns.{zone}.
@ IN MX 10 mail.{zone}.
ns IN A {host.ip}
ns IN AAAA {host.ip6}
www IN A 192.0.2.10
www IN AAAA 2001:db8:2::10
mail IN A 192.0.2.11
ftp IN CNAME www
big IN TXT {" ".join('"' + c * 250 + '"' for c in "abcdefgh")}
{records}""")
    conf = lab.file(f"named-{host.name}.conf", f"""
options {{ directory "{lab.work}"; pid-file none; session-keyfile "{lab.work}/session-{host.name}.key"; listen-on {{ any; }}; listen-on-v6 {{ any; }};
 recursion {"yes" if recursive else "no"}; allow-transfer {{ {transfer} }}; allow-query {{ any; }}; dnssec-validation no; empty-zones-enable no; max-udp-size 4096; edns-udp-size 4096;
 lock-file none; managed-keys-directory "{lab.work}"; }};
controls {{ }};
zone "{zone}" {{ type primary; file "{lab.work}/{zone}-{host.name}.zone"; }};
""")
    p = lab.spawn(host, ["named", "-f", "-4" if not lab.v6 else "-n1", "-u", "root", "-c", conf])
    ready(host, 53, udp=True)
    return p


def resolver(host, *options):
    """dnsmasq with names of its own; it asks nobody."""
    lab = host.lab
    p = lab.spawn(host, ["dnsmasq", "-k", "-C", "/dev/null", "-R", "-h", "--user=root", "--pid-file", "--no-dhcp-interface=*",
                         "--host-record=www.example.org,198.51.100.80,2001:db8:1::80", "--host-record=api.example.org,198.51.100.81",
                         "--host-record=cdn.example.org,198.51.100.82", "--host-record=mail.example.org,198.51.100.25",
                         "--mx-host=example.org,mail.example.org,10", "--mx-host=example.net,mail.example.net,10",
                         "--host-record=www.example.net,192.0.2.10,2001:db8:2::10", "--host-record=mail.example.net,192.0.2.11",
                         "--local=/example.org/", "--local=/example.net/", "--local=/in-addr.arpa/", *options])
    ready(host, 53, udp=True)
    return p


def mail(host, ident=False, auth=True, relay="192.0.2.0/24"):
    """Exim: takes mail for example.net from everybody, for the rest of the world from inside only."""
    lab = host.lab
    spool = os.path.join(lab.work, f"exim-{host.name}")
    os.makedirs(spool + "/spool", exist_ok=True)
    subprocess.run(["chown", "-R", "Debian-exim:Debian-exim", spool], check=True)
    conf = lab.file(f"exim-{host.name}.conf", f"""
primary_hostname = mail.example.net
domainlist local_domains = example.net
hostlist relay_from_hosts = {relay}
spool_directory = {spool}/spool
log_file_path = {spool}/%slog
pid_file_path = {spool}/pid
queue_only = true
host_lookup =
rfc1413_hosts = {"*" if ident else ":"}
rfc1413_query_timeout = {"5s" if ident else "0s"}
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept_all
tls_advertise_hosts =
keep_environment =
smtp_accept_max_per_connection = 50
begin acl
accept_all:
  accept
check_rcpt:
  accept domains = +local_domains
  accept hosts = +relay_from_hosts
  accept authenticated = *
  deny message = relay not permitted
begin routers
here:
  driver = accept
  transport = away
begin transports
away:
  driver = appendfile
  file = /dev/null
begin authenticators
PLAIN:
  driver = plaintext
  server_set_id = $auth2
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{anna}}}}{{eq{{$auth3}}{{Herbst-2019}}}}}}}}
  server_advertise_condition = {"yes" if auth else "no"}
LOGIN:
  driver = plaintext
  server_set_id = $auth1
  server_prompts = <| Username: | Password:
  server_condition = ${{if and{{{{eq{{$auth1}}{{anna}}}}{{eq{{$auth2}}{{Herbst-2019}}}}}}}}
  server_advertise_condition = {"yes" if auth else "no"}
""")
    p = lab.spawn(host, ["exim4", "-C", conf, "-bdf", "-oX", "25"])
    ready(host, 25)
    return p


def mailbox(host, ports=True):
    """Dovecot: POP3 and IMAP without TLS; anna has the password Herbst-2019."""
    lab = host.lab
    base = os.path.join(lab.work, f"dovecot-{host.name}")
    os.makedirs(base + "/mail", exist_ok=True)
    subprocess.run(["chmod", "-R", "a+rwx", base], check=True)
    lab.file(f"dovecot-{host.name}.passwd", "anna:{PLAIN}Herbst-2019\n")
    conf = lab.file(f"dovecot-{host.name}.conf", f"""
base_dir = {base}/run
state_dir = {base}/state
protocols = imap pop3
listen = *
ssl = no
disable_plaintext_auth = no
log_path = {base}/log
mail_location = mbox:{base}/mail/%u:INBOX={base}/mail/%u/inbox
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
auth_mechanisms = plain login
auth_failure_delay = 1 secs
passdb {{
  driver = passwd-file
  args = {lab.work}/dovecot-{host.name}.passwd
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={base}/mail/%u
}}
""")
    p = lab.spawn(host, ["dovecot", "-F", "-c", conf])
    ready(host, 110)
    ready(host, 143)
    return p


def ftp(host, port=21):
    """vsftpd: anonymous may read; local names exist, their passwords are not known."""
    lab = host.lab
    root = os.path.join(lab.work, f"ftp-{host.name}")
    os.makedirs(os.path.join(lab.work, "empty"), exist_ok=True)
    os.makedirs(root, exist_ok=True)
    for i in range(4):
        lab.file(f"ftp-{host.name}/file{i}.txt", f"file {i}\n" * (300 * (i + 1)))
    conf = lab.file(f"vsftpd-{host.name}.conf", f"""listen=YES
listen_ipv6=NO
listen_port={port}
background=NO
anonymous_enable=YES
no_anon_password=NO
anon_root={root}
local_enable=YES
secure_chroot_dir={lab.work}/empty
connect_from_port_20=YES
pasv_min_port=40000
pasv_max_port=60000
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
ftpd_banner=ftp.example.net
max_login_fails=1
delay_failed_login=0
""")
    p = lab.spawn(host, ["vsftpd", conf])
    ready(host, port)
    return p


def inetd(host, names=("telnet", "finger", "echo", "chargen", "daytime", "time", "discard", "ident")):
    """The inetd of old: telnet, finger, and the services that answer anybody."""
    lab = host.lab
    lines = {"telnet": "telnet stream tcp nowait root /usr/sbin/telnetd telnetd", "finger": "finger stream tcp nowait nobody /usr/sbin/efingerd efingerd -n"}
    for s in ("echo", "chargen", "daytime", "time", "discard"):
        lines[s] = f"{s} stream tcp nowait root internal\n{s} dgram udp wait root internal"
    conf = lab.file(f"inetd-{host.name}.conf", "\n".join(lines[n] for n in names if n in lines) + "\n")
    p = lab.spawn(host, ["inetutils-inetd", "-d", conf])
    time.sleep(0.3)
    return p


def snmp(host, community="verwaltung", where="0.0.0.0/0"):
    lab = host.lab
    conf = lab.file(f"snmpd-{host.name}.conf", f"rocommunity {community}\nsysLocation rack\nsysDescr Linux {host.name}\nsysName {host.name}\nagentAddress udp:161\n")
    p = lab.spawn(host, ["snmpd", "-f", "-Lo", "-C", "-c", conf, "-I", "-systemstats", "-p", f"{lab.work}/snmpd-{host.name}.pid"])
    ready(host, 161, udp=True)
    return p


def rpc(host):
    p = host.lab.spawn(host, ["rpcbind", "-f", "-i"])
    ready(host, 111)
    return p


def netbios(host, group="WORKGROUP"):
    lab = host.lab
    base = os.path.join(lab.work, f"samba-{host.name}")
    for d in ("private", "lock", "state", "cache", "pid", "ncalrpc"):
        os.makedirs(f"{base}/{d}", exist_ok=True)
    conf = lab.file(f"smb-{host.name}.conf", f"""[global]
netbios name = {host.name.upper()}
workgroup = {group}
interfaces = eth0
bind interfaces only = no
private dir = {base}/private
lock directory = {base}/lock
state directory = {base}/state
cache directory = {base}/cache
pid directory = {base}/pid
ncalrpc dir = {base}/ncalrpc
log file = {base}/log.%m
local master = no
preferred master = no
""")
    p = lab.spawn(host, ["nmbd", "-F", "--no-process-group", "-s", conf])
    ready(host, 137, udp=True)
    return p


def python(host, name, text, *arguments):
    """A small program of the case's own, under a name that the index can give."""
    import sys
    host.lab.file(name, text)
    return host.lab.spawn(host, [sys.executable, name, *map(str, arguments)])


# -- the office that most cases share -------------------------------------------------------------
def office(lab, *wanted):
    """Hosts with their services. Names: www mail ns ftp pcs | site resolver clients mx."""
    have = {}
    if "www" in wanted:
        h = have["www"] = lab.host("www", "in", 10)
        web(h)
        ssh(h)
    if "mail" in wanted:
        h = have["mail"] = lab.host("mail", "in", 11)
        mail(h)
        mailbox(h)
    if "ns" in wanted:
        h = have["ns"] = lab.host("ns", "in", 12)
        dns(h)
    if "ftp" in wanted:
        h = have["ftp"] = lab.host("ftp", "in", 13)
        ftp(h)
        inetd(h)
    if "pcs" in wanted:
        for i in range(3):
            lab.host(f"pc{i}", "in", 20 + i, ttl=128 if i == 1 else None)
    if "site" in wanted:
        h = have["site"] = lab.host("site", "out", 80, extra=(81, 82))
        web(h)
    if "resolver" in wanted:
        h = have["resolver"] = lab.host("resolver", "out", 53)
        resolver(h)
    if "clients" in wanted:
        for i in range(3):
            lab.host(f"c{i}", "out", 101 + i)
    if "mx" in wanted:
        h = have["mx"] = lab.host("mx", "out", 25)
        mail(h)
    return lab.hosts


def background(lab, *kinds, pause=1.2):
    """Ordinary conversations until the case ends. Kinds: web-in web-out dns-out dns-in ssh-in mail-in pop-in ping-in ftp-in"""
    h = lab.hosts
    for kind in kinds:
        if kind == "web-in":
            lab.loop(h["c0"], "curl -s -m 10 -o /dev/null http://192.0.2.10/index.html -o /dev/null http://192.0.2.10/style.css -o /dev/null http://192.0.2.10/app.js", pause)
        elif kind == "web-out":
            lab.loop(h["pc0"], "curl -s -m 10 -o /dev/null http://198.51.100.80/page.html; curl -s -m 10 -o /dev/null http://198.51.100.81/logo.png", pause)
        elif kind == "dns-out":
            lab.loop(h["pc1"], "dig +time=2 +tries=1 www.example.org A; dig +time=2 +tries=1 www.example.org AAAA; dig +time=2 +tries=1 nowhere.example.org", pause)
        elif kind == "name-web-out":
            lab.loop(h["pc2"], "curl -s -m 10 -o /dev/null http://www.example.org/page.html", pause)
        elif kind == "dns-in":
            lab.loop(h["c1"], "dig +time=2 +tries=1 @192.0.2.12 www.example.net; dig +time=2 +tries=1 @192.0.2.12 example.net MX", pause)
        elif kind == "ssh-in":
            lab.loop(h["c2"], ssh_command("192.0.2.10", "uptime; ls /; sleep 1; df"), pause * 2)
        elif kind == "mail-in":
            lab.loop(h["c1"], "swaks --server 192.0.2.11 --from otto@example.org --to anna@example.net --body 'see you at noon' --hide-all", pause * 2)
        elif kind == "pop-in":
            lab.loop(h["c2"], "curl -s -m 10 pop3://192.0.2.11/ --user anna:Herbst-2019", pause * 2)
        elif kind == "ping-in":
            lab.loop(h["c1"], "ping -c 3 192.0.2.10", pause * 2)
        elif kind == "ftp-in":
            lab.loop(h["c0"], "curl -s -m 10 -o /dev/null ftp://192.0.2.13/file1.txt", pause * 2)
        else:
            raise ValueError(kind)
    time.sleep(0.6)

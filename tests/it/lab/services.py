"""The services of a lab host: those named as arguments, each in a thread. Says "ready" when all of them listen."""

import http.server
import socket
import sys
import threading


def tcp(port, talk):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", port))
    listener.listen(128)

    def accept():
        while True:
            connection, peer = listener.accept()
            spawn(guarded, talk, connection, peer)

    spawn(accept)


def udp(port, answer):
    endpoint = socket.socket(type=socket.SOCK_DGRAM)
    endpoint.bind(("0.0.0.0", port))

    def serve():
        while True:
            data, peer = endpoint.recvfrom(2048)
            endpoint.sendto(answer(data), peer)

    spawn(serve)


def spawn(task, *args):
    threading.Thread(target=task, args=args, daemon=True).start()


def guarded(talk, connection, peer):
    # Scanners leave in the middle of a sentence.
    try:
        with connection:
            talk(connection, peer)
    except OSError:
        pass


class Page(http.server.BaseHTTPRequestHandler):
    """A path that is a number answers with so many bytes."""

    def do_GET(self):
        body = b"x" * int(self.path.strip("/").split("-")[0] or 0)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Web(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *_):
        pass


def web():
    spawn(Web(("0.0.0.0", 80), Page).serve_forever)


def ssh(connection, _):
    connection.sendall(b"SSH-2.0-lab\r\n")
    while connection.recv(2048):
        connection.sendall(bytes(700))


def ident(connection, _):
    query = connection.recv(100).decode().strip()
    connection.sendall(f"{query} : USERID : UNIX : anonymous\r\n".encode())


def ask_ident(connection, peer):
    """Who calls, as RFC 1413 has it; nothing comes of it where nobody answers."""
    try:
        with socket.create_connection((peer[0], 113), timeout=1) as query:
            query.sendall(f"{peer[1]}, 21\r\n".encode())
            query.recv(200)
    except OSError:
        pass
    ftp(connection, peer)


def ftp(connection, peer):
    reader = connection.makefile("r", newline="\n")
    here = connection.getsockname()[0]
    open_data = None

    def say(text):
        connection.sendall(f"{text}\r\n".encode())

    def listen():
        listener = socket.socket()
        listener.bind((here, 0))
        listener.listen(1)
        return listener, listener.getsockname()[1]

    def call(host, port):
        data = socket.socket()
        data.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        data.bind((here, 20))
        data.connect((host, port))
        return data

    say("220 ready")
    for line in reader:
        verb, _, rest = line.strip().partition(" ")
        verb = verb.upper()
        if verb == "USER":
            say("331 password, please")
        elif verb == "PASS":
            say("230 welcome")
        elif verb == "SYST":
            say("215 UNIX Type: L8")
        elif verb in ("TYPE", "MODE", "STRU"):
            say("200 fine")
        elif verb == "EPSV":
            listener, port = listen()
            open_data = lambda: listener.accept()[0]
            say(f"229 passive (|||{port}|)")
        elif verb == "PASV":
            listener, port = listen()
            open_data = lambda: listener.accept()[0]
            say(f"227 passive ({here.replace('.', ',')},{port >> 8},{port & 255})")
        elif verb == "EPRT":
            _, _, host, port, _ = rest.split("|")
            target = (host, int(port))
            open_data = lambda: call(*target)
            say("200 fine")
        elif verb == "PORT":
            numbers = rest.split(",")
            target = (".".join(numbers[:4]), int(numbers[4]) * 256 + int(numbers[5]))
            open_data = lambda: call(*target)
            say("200 fine")
        elif verb in ("LIST", "NLST", "RETR") and open_data:
            say("150 here it comes")
            with open_data() as data:
                data.sendall(b"-rw-r--r-- 1 ftp ftp 20000 Jan 1 00:00 file\r\n" * (400 if verb == "RETR" else 3))
            say("226 done")
        elif verb == "QUIT":
            say("221 goodbye")
            return
        else:
            say("502 no")


def name(query):
    """The answer to a question for an address: the question, and 192.0.2.10."""
    pointer, kind, ttl, length = b"\xc0\x0c", b"\x00\x01\x00\x01", b"\x00\x00\x0e\x10", b"\x00\x04"
    record = pointer + kind + ttl + length + socket.inet_aton("192.0.2.10")
    return query[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + query[12:] + record


SERVICES = {
    "web": web,
    "ssh": lambda: tcp(22, ssh),
    "ftp": lambda: tcp(21, ftp),
    "ftp-asking-ident": lambda: tcp(21, ask_ident),
    "ident": lambda: tcp(113, ident),
    "dns": lambda: udp(53, name),
    "echo": lambda: udp(7, lambda data: data),
}

for service in sys.argv[1:]:
    SERVICES[service]()
print("ready", flush=True)
# The lab ends what it starts; should it fail to, this ends by itself.
threading.Event().wait(120)

"""Brings up loopback and answers DNS queries on it from a zone in a JSON file, until standard input ends.

The zone: {"name": {"A": ["192.0.2.1"], "AAAA": ["::1"], "SRV": [[priority, weight, port, "target"]]}}. Where it is null,
there is no answer; where it is false, the answer is that there is none now.
"""

import fcntl, json, select, socket, struct, sys

SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1
SERVFAIL, NXDOMAIN = 2, 3


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def service(priority, weight, port, target):
    return struct.pack("!HHH", priority, weight, port) + encoded(target)


TYPES = {
    1: ("A", lambda address: socket.inet_pton(socket.AF_INET, address)),
    28: ("AAAA", lambda address: socket.inet_pton(socket.AF_INET6, address)),
    33: ("SRV", lambda fields: service(*fields)),
}


def answer(query, zone):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    (kind,) = struct.unpack_from("!H", query, at + 1)
    question = query[12 : at + 5]
    name, data = TYPES.get(kind, ("", None))
    known = zone and zone.get(".".join(labels))
    code = SERVFAIL if zone is False else NXDOMAIN if known is None else 0
    records = b""
    entries = (known or {}).get(name, [])
    for entry in entries:
        content = data(entry)
        # A pointer to the name in the question, the class IN, one second to live (RFC 1035, 4.1).
        records += struct.pack("!HHHIH", 0xC00C, kind, 1, 1, len(content)) + content
    return query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, len(entries), 0, 0) + question + records


server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(server, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))
server.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    ready, _, _ = select.select([server, sys.stdin], [], [])
    if sys.stdin in ready:
        break
    query, client = server.recvfrom(4096)
    with open(sys.argv[1]) as file:
        zone = json.load(file)
    if zone is not None:
        server.sendto(answer(query, zone), client)

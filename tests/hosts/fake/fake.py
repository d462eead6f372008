"""A host that never runs its guest, and misbehaves as the variable WASICHECK_FAKE says (default: claims-everything).

Usage: fake.py COMPONENT NONCE [ARGUMENT…]. It gets the nonce on its command line, so that it can forge any frame: what
it cannot do is know what the guest's memory would hold.
"""

# pathlib would double the time it takes to start.
# ruff: noqa: PTH109, PTH116, PTH118, PTH123, PTH208

import os
import signal
import struct
import sys
import time
import zlib

HELLO, DONE, PENDING, REACHED, END = range(5)
A_LONG_TIME_S = 60


class Frames:
    """Writes frames to stderr, numbered."""

    def __init__(self, nonce):
        self.nonce = nonce
        self.sequence = 0

    def bytes(self, tag, step=0, payload=b""):
        words = struct.pack("<IIII", self.sequence, step, tag, len(payload))
        self.sequence += 1
        return self.nonce + words + struct.pack("<I", zlib.crc32(payload, zlib.crc32(words))) + payload

    def send(self, tag, step=0, payload=b""):
        write(2, self.bytes(tag, step, payload))


def write(descriptor, data):
    while data:
        data = data[os.write(descriptor, data) :]


def piece(address, data):
    return struct.pack("<II", address, len(data)) + data


def claims_everything(frames, arguments):
    """Says that every step is done, and well."""
    steps = int(arguments[0]) if arguments and arguments[0].isdigit() else 1
    frames.send(HELLO)
    for step in range(steps):
        frames.send(DONE, step)
    frames.send(END, steps)


def answers_wrongly(frames, arguments):
    """Answers with memory that no correct host would give."""
    frames.send(HELLO)
    frames.send(DONE, 0, piece(1024, b"\xff" * 64))
    frames.send(END, 1)


def hangs(frames, arguments):
    frames.send(HELLO)
    time.sleep(A_LONG_TIME_S)


def hangs_stubbornly(frames, arguments):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    hangs(frames, arguments)


def crashes(frames, arguments):
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    frames.send(HELLO)
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(A_LONG_TIME_S)


def aborts_silently(frames, arguments):
    """Ends with the status of a trap, without having started the guest."""
    os._exit(134)


def prints_a_megabyte(frames, arguments):
    """Prints without a line break, and puts its frames into the middle of it."""
    write(1, b"x" * (1 << 20))
    write(2, b"y" * (1 << 19))
    frames.send(HELLO)
    write(2, b"y" * (1 << 19))
    frames.send(END, 1)


def floods(frames, arguments):
    frames.send(HELLO)
    while True:
        write(2, b"flood\n" * 10000)


def closes_its_pipes(frames, arguments):
    frames.send(HELLO)
    for descriptor in range(3):
        os.close(descriptor)
    time.sleep(A_LONG_TIME_S)


def leaves_a_child(frames, arguments):
    """Ends well, while a child in its group keeps the pipes open."""
    frames.send(HELLO)
    if os.fork() == 0:
        time.sleep(A_LONG_TIME_S)
        os._exit(0)
    frames.send(END, 1)


def leaves_a_child_that_fled(frames, arguments):
    """Ends well, while a child in a session of its own keeps the pipes open."""
    frames.send(HELLO)
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        write(writer, b"!")
        time.sleep(A_LONG_TIME_S)
        os._exit(0)
    os.read(reader, 1)
    frames.send(END, 1)


def forges_frames(frames, arguments):
    """Writes good frames of another run."""
    claims_everything(Frames(bytes(16)), arguments)


def cuts_a_frame_short(frames, arguments):
    frames.send(HELLO)
    write(2, frames.bytes(DONE, 0, piece(0, b"z" * 100))[:-50])


def repeats_a_frame(frames, arguments):
    frames.send(HELLO)
    done = frames.bytes(DONE)
    write(2, done + done)
    frames.send(END, 1)


def claims_the_end(frames, arguments):
    """Says that it came to the end of one step, and nothing of the step."""
    frames.send(HELLO)
    frames.send(END, 1)


def does_nothing(frames, arguments):
    """Ends well, and never starts the guest."""


def prints_garbage(frames, arguments):
    """Prints what is no frame: noise, half a nonce, a frame with a damaged header, one whose checksum is wrong."""
    damaged = bytearray(frames.bytes(HELLO))
    damaged[20] ^= 1
    write(2, bytes(range(256)) * 8 + frames.nonce[:8] + frames.nonce + b"\xff" * 40 + damaged)


def panics(frames, arguments):
    frames.send(HELLO)
    write(2, b"thread 'main' panicked at src/main.rs:1:1:\noh no\n")
    os._exit(101)


def lacks_random(frames, arguments):
    """Refuses a guest that imports `wasi:random/random`, and says that every step of any other is done."""
    with open(sys.argv[1], "rb") as component:
        if b"wasi:random/random@0.3.0" in component.read():
            write(2, b"Error: unknown import\n")
            os._exit(1)
    claims_everything(frames, arguments)


def dies_of_random(frames, arguments):
    """Dies of a guest that imports `wasi:random/random`; merely refuses one that imports `insecure` as well."""
    with open(sys.argv[1], "rb") as component:
        content = component.read()
    if b"wasi:random/random@0.3.0" in content:
        if b"wasi:random/insecure@0.3.0" in content:
            os._exit(1)
        os.kill(os.getpid(), signal.SIGKILL)
    claims_everything(frames, arguments)


def reaches_steps(frames, arguments):
    """Comes to the harness steps named, and waits for a byte after each that ends in `!`.

    `N>TEXT` prints TEXT to stdout before it comes to step N; what was read is shown on stdout at the end.
    """
    frames.send(HELLO)
    seen = b""
    for argument in arguments:
        step, _, text = argument.rstrip("!").partition(">")
        write(1, text.encode())
        frames.send(REACHED, int(step))
        if argument.endswith("!"):
            seen += os.read(0, 1) or b"<end>"
    write(1, seen)
    frames.send(END, len(arguments))


def murmurs(frames, arguments):
    """Says on the frames' own stream what step 0 waits for, and waits for the byte."""
    frames.send(HELLO)
    frames.send(REACHED, 0)
    write(2, b"hello")
    os.read(0, 1)
    frames.send(END, 1)


def copies_stdin(frames, arguments):
    """Comes to steps 0 and 1, then reads stdin to its end, and says how much that was and its checksum."""
    frames.send(HELLO)
    frames.send(REACHED, 0)
    frames.send(REACHED, 1)
    count, checksum = 0, 0
    while data := os.read(0, 65536):
        count, checksum = count + len(data), zlib.crc32(data, checksum)
    write(1, b"%d %08x" % (count, checksum))
    frames.send(END, 1)


def probes(frames, arguments):
    """Writes what its descriptors, variables and arguments are to the file named by `report=…`."""
    found = []
    for descriptor in range(3):
        try:
            mode = os.fstat(descriptor).st_mode
            found.append(f"{descriptor} kind {mode & 0o170000:o} tty {os.isatty(descriptor)}")
        except OSError as error:
            found.append(f"{descriptor} stat {error.errno}")
    try:
        found.append(f"0 read {os.read(0, 100)!r}" if "read" in arguments else "0 unread")
    except OSError as error:
        found.append(f"0 read {error.errno}")
    for descriptor in (1, 2):
        try:
            found.append(f"{descriptor} wrote {os.write(descriptor, b'probe')}")
        except OSError as error:
            found.append(f"{descriptor} write {error.errno}")
    import resource

    found.append(f"nofile {resource.getrlimit(resource.RLIMIT_NOFILE)}")
    found.append(f"session {os.getsid(0) == os.getpid()} cwd {os.getcwd()}")
    found.append(f"open {sorted(int(name) for name in os.listdir('/proc/self/fd'))}")
    found += [f"${name}={value}" for name, value in sorted(os.environ.items())]
    found += [f"argument {argument}" for argument in sys.argv[3:]]
    for argument in arguments:
        if "::" in argument:
            root = argument.partition("::")[0]
            for folder, _, files in sorted(os.walk(root)):
                for name in sorted(files):
                    path = os.path.join(folder, name)
                    stat = os.stat(path)
                    found.append(f"file {path[len(root) + 1 :]} {stat.st_size} {stat.st_mtime_ns}")
    named = next(argument for argument in arguments if argument.startswith("report="))
    with open(named.removeprefix("report="), "w") as report:
        report.write("\n".join(found))


def serves(deal):
    """Says where it serves, deals with one client, and goes on until it is killed."""
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        write(2, b"serving on 127.0.0.1:%d\n" % listening.getsockname()[1])
        client, _ = listening.accept()
        with client:
            client.recv(5)
            deal(client)
        time.sleep(A_LONG_TIME_S)


def serves_in_silence(frames, arguments):
    """Never answers its client."""
    serves(lambda client: time.sleep(A_LONG_TIME_S))


def serves_and_hangs_up(frames, arguments):
    """Answers its client with the end of the connection."""
    serves(lambda client: None)


def floods_stdout(frames, arguments):
    """Writes more to stdout than a pipe holds, and ends when that is gone."""
    frames.send(HELLO)
    frames.send(REACHED, 0)
    write(1, b"o" * (1 << 20))
    frames.send(END, 1)


BEHAVIOURS = {
    name.replace("_", "-"): thing
    for name, thing in list(globals().items())
    if callable(thing) and getattr(thing, "__module__", "") == __name__ and name not in ("Frames", "write", "piece")
}


def main():
    if sys.argv[1:] == ["--version"]:
        write(1, b"fake 1.0\n")
        return 0
    behaviour = os.environ.get("WASICHECK_FAKE", "claims-everything")
    BEHAVIOURS[behaviour](Frames(bytes.fromhex(sys.argv[2])), sys.argv[3:])
    return 0


sys.exit(main())

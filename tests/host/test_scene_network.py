"""Scenes: the host's own network, and where its names come from."""

import socket
import subprocess
from pathlib import Path

import pytest
from scene_stage import MARKS, see, staged

from wasicheck.host.sandbox import SceneError
from wasicheck.host.scene import Scene
from wasicheck.vectors.surroundings import Answer, Environment, NameService, Network

pytestmark = MARKS


def test_addresses_and_routes(tmp_path):
    network = Network(
        addresses=("10.1.0.1/32", "fd00::1/128"),
        unreachable=("10.2.0.0/16", "fd01::/32"),
        prohibit=("10.3.0.0/16", "fd02::/32"),
    )
    program = """
for address in sys.argv[1:]:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as one:
        print(errno.errorcode[one.connect_ex((address, 9))])
"""
    addresses = ("127.0.0.1", "10.1.0.1", "fd00::1", "10.2.0.1", "fd01::1", "10.3.0.1", "fd02::1", "10.4.0.1")
    assert see(Environment(net=network), tmp_path, program, *addresses) == [
        *["ECONNREFUSED"] * 3,
        *["EHOSTUNREACH"] * 2,
        *["EACCES"] * 2,
        "ENETUNREACH",
    ]


def test_an_address_that_the_kernel_refuses_is_told(tmp_path):
    network = Network(addresses=("10.1.0.1/32", "10.1.0.1/32"))
    with staged(Environment(net=Network()), tmp_path, ""):
        "It is skipped where there are no namespaces."
    scene = Scene(Environment(net=network), tmp_path)
    process = subprocess.Popen(scene.argv(("true",)), pass_fds=scene.pass_fds)
    with pytest.raises(SceneError, match="the network namespace cannot be arranged: File exists"):
        scene.stage()
    scene.close()
    process.wait(5)


def test_settings_hold_for_the_host_and_not_for_the_harness(tmp_path):
    network = Network(ports=(60000, 60000), privileged_below=500, syn_retries=1, retries=2)
    program = """
os.chdir("/proc/sys/net/ipv4")
for name in ("ip_local_port_range", "ip_unprivileged_port_start", "tcp_syn_retries", "tcp_retries2"):
    print(Path(name).read_text())
with socket.socket() as one:
    one.bind(("127.0.0.1", 0))
    print(one.getsockname()[1])
print(socket.socket().connect_ex(("127.0.0.1", int(sys.argv[1]))))
"""
    with (
        staged(Environment(net=network), tmp_path, program, "80") as (scene, run),
        scene.make(socket.AF_INET, socket.SOCK_STREAM) as one,
        scene.make(socket.AF_INET, socket.SOCK_STREAM) as two,
    ):
        one.bind(("127.0.0.1", 80))
        one.listen()
        two.bind(("127.0.0.1", 0))
        assert two.getsockname()[1] < 60000
        assert not one.get_inheritable()
        ended = run()
    assert ended.out.split() == ["60000", "60000", "500", "1", "2", "60000", "0"]


def test_a_socket_that_cannot_be_made_is_refused_as_usual(tmp_path):
    with (
        staged(Environment(net=Network()), tmp_path, "") as (scene, _),
        pytest.raises(OSError, match="Address family not supported"),
    ):
        scene.make(socket.AF_ASH, socket.SOCK_STREAM)


def test_without_a_network_of_its_own_sockets_are_ordinary(tmp_path):
    with staged(Environment(ordinary_user=True), tmp_path, "") as (scene, run):
        scene.make(socket.AF_INET, socket.SOCK_DGRAM).close()
        assert run().code == 0


def test_all_ports_for_the_host_leave_none(tmp_path):
    with pytest.raises(SceneError, match=r"the range 1\.\.65535 leaves no port for the harness"):
        Scene(Environment(net=Network(ports=(1, 65535))), tmp_path)


def test_names(tmp_path):
    service = NameService(
        hosts=(("one.test", ("127.0.0.9",)),),
        zone=(("two.test", Answer(("127.0.0.2",), ("::2",))), ("one.test", Answer(("127.0.0.3",)))),
    )
    program = """
for name in ("one.test", "two.test", "three.test"):
    try:
        print(*sorted({found[4][0] for found in socket.getaddrinfo(name, None)}))
    except socket.gaierror as error:
        print(error.errno == socket.EAI_NONAME)
"""
    before = Path("/etc/hosts").read_text()
    assert see(Environment(names=service), tmp_path, program) == ["127.0.0.9", "127.0.0.2", "::2", "True"]
    assert Path("/etc/hosts").read_text() == before


def test_names_that_are_broken(tmp_path):
    program = """
try:
    socket.getaddrinfo("one.test", None)
except socket.gaierror as error:
    print(error.errno)
except OSError as error:
    print(errno.errorcode[error.errno])
"""
    assert see(Environment(names=NameService(broken=True)), tmp_path, program) == ["EBUSY"]


@pytest.mark.parametrize(("labels", "seen"), [(None, "1"), (False, "0"), (True, "1")])
def test_flow_labels_of_the_system(tmp_path, labels, seen):
    program = 'print(Path("/proc/sys/net/ipv6/auto_flowlabels").read_text())'
    assert see(Environment(net=Network(flow_labels=labels)), tmp_path, program) == [seen]

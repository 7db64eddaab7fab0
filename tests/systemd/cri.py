#!/usr/bin/env python3
"""Runs a pod with one container over CRI, as the kubelet does on a host whose cgroup driver is systemd.

Usage: cri.py start POD NAMESPACE UID CONTAINER IMAGE SECRET    prints the ids of the sandbox and of the container
       cri.py remove SANDBOX CONTAINER

Numbers of fields are those of kubernetes/cri-api pkg/apis/runtime/v1/api.proto. The messages are small enough to be written
by hand, which spares the guest a compiler for them.
"""

import sys

import grpc

SOCKET = "unix:///run/containerd/containerd.sock"
LIMIT_S = 300
# NamespaceMode
CONTAINER, NODE = 1, 2


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    """Encodes a number, a text, or a message that is bytes already."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(*fields):
    return b"".join(field(number, value) for number, value in fields)


def first_text(answer):
    """Returns the first field, a text of less than 128 bytes: the id."""
    assert answer[0] == 1 << 3 | 2, answer
    return answer[2 : 2 + answer[1]].decode()


def namespaces():
    """Describes a pod on the host's network, as there is no network plugin."""
    return message((1, NODE), (2, CONTAINER), (3, NODE))


def main():
    channel = grpc.insecure_channel(SOCKET)

    def call(method, *fields):
        ask = channel.unary_unary(f"/runtime.v1.RuntimeService/{method}")
        return ask(message(*fields), timeout=LIMIT_S, wait_for_ready=True)

    if sys.argv[1] == "remove":
        sandbox, container = sys.argv[2:]
        # `kubectl delete --now` ends in a grace of 0 s.
        call("StopContainer", (1, container), (2, 0))
        call("RemoveContainer", (1, container))
        call("StopPodSandbox", (1, sandbox))
        call("RemovePodSandbox", (1, sandbox))
        return

    pod_name, pod_namespace, uid, name, image, secret = sys.argv[2:]
    labels = [("pod.name", pod_name), ("pod.namespace", pod_namespace), ("pod.uid", uid)]
    pod = message(
        (1, message((1, pod_name), (2, uid), (3, pod_namespace))),
        (3, "/var/log/pods"),
        *[(6, message((1, f"io.kubernetes.{label}"), (2, value))) for label, value in labels],
        # kubernetes pkg/kubelet/cm/pod_container_manager_linux.go and
        # cgroup_manager_linux.go, ToSystemd
        (8, message((1, f"kubepods-burstable-pod{uid.replace('-', '_')}.slice"), (2, message((1, namespaces()))))),
    )
    sandbox = first_text(call("RunPodSandbox", (1, pod)))
    container = message(
        (1, message((1, name), (2, 0))),
        (2, message((1, f"docker.io/library/{image}"))),
        *[(3, part) for part in ("/bin/sh", "-c", "exec /bin/sleep 1000", secret)],
        (6, message((1, "TOKEN"), (2, secret))),
        (11, f"{name}.log"),
        (15, message((2, message((3, namespaces()))))),
    )
    created = first_text(call("CreateContainer", (1, sandbox), (2, container), (3, pod)))
    call("StartContainer", (1, created))
    print(sandbox, created)


main()

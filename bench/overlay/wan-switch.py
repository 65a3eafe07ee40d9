"""A switch that hands on every frame after a delay: the network between sites, for kernels that cannot delay.

    wan-switch.py DELAY_MS DEVICE NETNS...

Makes a tap DEVICE in each namespace. Frames pass as the kernel gives them, large segments and all
(virtio's header says how they are to be cut), so that one read and one write carry up to 64 KiB.
"""

import collections
import ctypes
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF, TUNSETOFFLOAD, TUNSETVNETHDRSZ = 0x400454CA, 0x400454D0, 0x400454D8
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
CLONE_NEWNET = 0x40000000
# What is taken and given uncut: checksums left open, TCP, UDP, and either within a UDP tunnel. Kernels before 6.17
# know no tunnels, before 6.2 no UDP.
CSUM_AND_TCP, UDP, UDP_TUNNEL = 0x01 | 0x02 | 0x04, 0x20 | 0x40, 0x80 | 0x100
OFFLOADS = [CSUM_AND_TCP | UDP | UDP_TUNNEL, CSUM_AND_TCP | UDP, CSUM_AND_TCP]
# Room for the longest of virtio's headers, which tunnels need.
HEADER = 24
LARGEST = HEADER + 14 + 65536
BURST = 32

libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace):
    with open(f"/run/netns/{namespace}") as file:
        if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")


def open_tap(device):
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
    fcntl.ioctl(tap, TUNSETVNETHDRSZ, struct.pack("i", HEADER))
    for offloads in OFFLOADS:
        try:
            fcntl.ioctl(tap, TUNSETOFFLOAD, offloads)
            return tap, offloads
        except OSError:
            continue
    raise OSError("the kernel has taps without offloads")


def take(tap, queue, due):
    for _ in range(BURST):
        try:
            queue.append((due, tap, os.read(tap, LARGEST)))
        except (BlockingIOError, OSError):
            return


def hand_on(source, frame, taps, learnt):
    learnt[frame[HEADER + 6 : HEADER + 12]] = source
    known = learnt.get(frame[HEADER : HEADER + 6])
    for target in [known] if known is not None else taps:
        if target == source:
            continue
        try:
            os.write(target, frame)
        except OSError:
            pass  # The other end is down: as on a wire, the frame is lost.


def main():
    delay, device, namespaces = float(sys.argv[1]) / 1000, sys.argv[2], sys.argv[3:]
    taps = []
    for namespace in namespaces:
        enter(namespace)
        tap, offloads = open_tap(device)
        taps.append(tap)
    print(f"ready, offloads {offloads:#x}", flush=True)
    learnt, queue = {}, collections.deque()
    while True:
        wait = max(0, queue[0][0] - time.monotonic()) if queue else None
        for tap in select.select(taps, [], [], wait)[0]:
            take(tap, queue, time.monotonic() + delay)
        while queue and queue[0][0] <= time.monotonic():
            _, source, frame = queue.popleft()
            hand_on(source, frame, taps, learnt)


main()

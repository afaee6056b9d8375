#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""peer_opencv.py MODEL INPUT WIDTH HEIGHT THREADS RUNS [OUT]: a network in OpenCV's DNN module, times as JSON."""
import json
import sys
import time

import cv2
import numpy


def main():
    model, source, width, height, threads, runs = sys.argv[1:7]
    cv2.setNumThreads(int(threads))
    net = cv2.dnn.readNetFromONNX(model)
    frame = numpy.fromfile(source, dtype=numpy.float32).reshape(1, 1, int(height), int(width))
    wall, cpu = [], []
    for i in range(int(runs) + 1):
        start, used = time.perf_counter(), time.process_time()
        net.setInput(frame)
        out = net.forward()
        if i > 0:  # the first warms up
            wall.append((time.perf_counter() - start) * 1e3)
            cpu.append((time.process_time() - used) * 1e3)
    if len(sys.argv) > 7:
        out.astype(numpy.float32).tofile(sys.argv[7])
    print(json.dumps({"wall_ms": wall, "cpu_ms": cpu, "version": cv2.__version__}))


main()

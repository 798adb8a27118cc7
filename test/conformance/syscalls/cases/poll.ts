// poll and ppoll.

import { describe, expect, type TestContext, test } from "vitest";
import { EFAULT, EINVAL } from "../../../../assembly/abi/errno.ts";
import { O_CREAT, O_NONBLOCK, O_PATH, O_RDONLY, O_RDWR, O_WRONLY } from "../../../../assembly/abi/fcntl.ts";
import {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
} from "../../../../assembly/abi/poll.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { DescriptorCalls } from "../../../support/sys/descriptor-calls.ts";
import { type Capability, skipWithout, type Target } from "../../../support/sys/target.ts";

const POLLPRI = 2;
const ALL = POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLWRNORM;

export function pollCases(make: () => Target): void {
  function run(body: (sys: DescriptorCalls) => void, needed?: Capability): (context: TestContext) => void {
    return (context) => {
      const target = make();
      if (needed !== undefined) skipWithout(target, needed, context);
      body(new DescriptorCalls(target.process()));
      target.end();
    };
  }

  describe("poll", () => {
    test(
      "finds files and directories always ready",
      run((sys) => {
        const fd = sys.open("file", O_CREAT | O_RDWR);
        const top = sys.open(".");
        expect(sys.poll([{ fd, events: ALL }])).toEqual([1, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM]);
        expect(sys.poll([{ fd, events: POLLIN }], -1)).toEqual([1, POLLIN]);
        expect(sys.poll([{ fd: top, events: POLLIN }])).toEqual([1, POLLIN]);
        expect(sys.poll([{ fd, events: 0 }])).toEqual([0, 0]);
      }),
    );

    test(
      "tells of descriptors that are not open, and passes over negative ones",
      run((sys) => {
        const fd = sys.open("file", O_CREAT | O_RDWR);
        const place = sys.open("file", O_PATH);
        expect(
          sys.poll(
            [
              { fd: 999, events: POLLIN },
              { fd: -1, events: POLLIN },
              { fd, events: POLLOUT },
              { fd: place, events: POLLIN },
              { fd: 998, events: 0 },
            ],
            -1,
          ),
        ).toEqual([4, POLLNVAL, 0, POLLOUT, POLLNVAL, POLLNVAL]);
      }),
    );

    test(
      "follows the ends of a pipe",
      run((sys) => {
        const [reader, writer] = sys.pipe();
        const both = [
          { fd: reader, events: ALL },
          { fd: writer, events: ALL },
        ];
        expect(sys.poll(both)).toEqual([1, 0, POLLOUT | POLLWRNORM]);
        sys.write(writer, "x");
        expect(sys.poll(both)).toEqual([2, POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM]);
        const twin = sys.dup(writer);
        sys.close(writer);
        expect(sys.poll([{ fd: reader, events: 0 }])).toEqual([0, 0]);
        sys.close(twin);
        expect(sys.poll([{ fd: reader, events: ALL }])).toEqual([1, POLLIN | POLLRDNORM | POLLHUP]);
        sys.read(reader, 10);
        expect(sys.poll([{ fd: reader, events: 0 }], -1)).toEqual([1, POLLHUP]);
        const [other, end] = sys.pipe(O_NONBLOCK);
        sys.close(other);
        expect(sys.poll([{ fd: end, events: ALL }])).toEqual([1, POLLOUT | POLLWRNORM | POLLERR]);
        expect(sys.poll([{ fd: end, events: POLLIN }])).toEqual([1, POLLERR]);
      }),
    );

    test(
      "tells of a FIFO's hang-up once somebody has written to it",
      run((sys) => {
        sys.mkfifo("fifo");
        const reader = sys.open("fifo", O_RDONLY | O_NONBLOCK);
        const asked = [{ fd: reader, events: POLLIN }];
        expect(sys.poll(asked)).toEqual([0, 0]);
        const writer = sys.open("fifo", O_WRONLY);
        expect(sys.poll(asked)).toEqual([0, 0]);
        sys.close(writer);
        expect(sys.poll(asked)).toEqual([1, POLLHUP]);
        const again = sys.open("fifo", O_WRONLY);
        expect(sys.poll(asked)).toEqual([0, 0]);
        sys.close(again);
        const later = sys.open("fifo", O_RDONLY | O_NONBLOCK);
        expect(sys.poll([{ fd: later, events: POLLIN }])).toEqual([0, 0]);
      }),
    );

    test(
      "waits no longer than it was told",
      run((sys) => {
        const [reader] = sys.pipe();
        const started = performance.now();
        expect(sys.poll([{ fd: reader, events: POLLIN }], 30)).toEqual([0, 0]);
        expect(performance.now() - started).toBeGreaterThanOrEqual(29);
        expect(sys.process.syscall(nr.SYS_poll, 0, 0, 5)).toBe(0);
        expect(sys.process.syscall(nr.SYS_poll, 8, 1, 0)).toBe(-EFAULT);
        expect(sys.process.syscall(nr.SYS_poll, 0, 0x7fffffff, 0)).toBe(-EINVAL);
      }, "sleep"),
    );
  });

  describe("ppoll", () => {
    test(
      "takes its timeout in nanoseconds, and leaves what is left of it",
      run((sys) => {
        const [reader, writer] = sys.pipe();
        expect(sys.ppoll([{ fd: reader, events: POLLIN }], 0, 5_000_000)).toEqual([0, 0]);
        expect(sys.ppoll([{ fd: writer, events: POLLOUT }], 10, 0)).toEqual([1, POLLOUT]);
        expect(sys.ppoll([{ fd: writer, events: POLLOUT }], 0, 1_000_000_000)[0]).toBe(-EINVAL);
        expect(sys.ppoll([{ fd: writer, events: POLLOUT }], -1, 0)[0]).toBe(-EINVAL);
        expect(sys.ppoll([{ fd: writer, events: POLLOUT }], 0, 0, 4)[0]).toBe(-EINVAL);
        const timeout = Buffer.alloc(16);
        timeout.writeBigInt64LE(1000n, 0);
        const fds = Buffer.from([writer, 0, 0, 0, POLLOUT, 0, 0, 0]);
        expect(sys.process.syscall(nr.SYS_ppoll, fds, 1, timeout, null, 0)).toBe(1);
        expect(timeout.readBigInt64LE(0)).toBe(999n);
        expect(sys.process.syscall(nr.SYS_ppoll, fds, 1, null, null, 0)).toBe(1);
        expect(sys.process.syscall(nr.SYS_ppoll, fds, 1, 8, null, 0)).toBe(-EFAULT);
      }, "sleep"),
    );
  });
}

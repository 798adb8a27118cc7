// A client of the container runtime interface, as the kubelet is one: unary gRPC calls over HTTP/2 on a unix socket. Field numbers
// are those of k8s.io/cri-api's runtime/v1/api.proto.

import http2 from "node:http2";
import net from "node:net";
import { decode, encode, type Message, type Schema } from "./protobuf.ts";

const HEAD_BYTES = 5;

const metadata: Schema = {
  name: [1, "string"],
  uid: [2, "string"],
  namespace: [3, "string"],
  attempt: [4, "int"],
};
const namespaces: Schema = { network: [1, "int"], pid: [2, "int"], ipc: [3, "int"] };
const podConfig: Schema = {
  metadata: [1, metadata],
  hostname: [2, "string"],
  log_directory: [3, "string"],
  labels: [6, ["map", "string"]],
  annotations: [7, ["map", "string"]],
  linux: [8, { cgroup_parent: [1, "string"], security_context: [2, { namespace_options: [1, namespaces] }] }],
};
const containerConfig: Schema = {
  metadata: [1, { name: [1, "string"], attempt: [2, "int"] }],
  image: [2, { image: [1, "string"] }],
  command: [3, ["repeated", "string"]],
  args: [4, ["repeated", "string"]],
  working_dir: [5, "string"],
  envs: [6, ["repeated", { key: [1, "string"], value: [2, "string"] }]],
  mounts: [
    7,
    ["repeated", { container_path: [1, "string"], host_path: [2, "string"], readonly: [3, "bool"] }],
  ],
  log_path: [11, "string"],
  linux: [15, { security_context: [2, { namespace_options: [3, namespaces] }] }],
};
const pod: Schema = { pod_sandbox_id: [1, "string"] };
const container: Schema = { container_id: [1, "string"] };

/** Requests and answers of the methods that are called here. */
const METHODS = {
  Version: [{}, { version: [1, "string"], runtime_name: [2, "string"] }],
  RunPodSandbox: [{ config: [1, podConfig], runtime_handler: [2, "string"] }, pod],
  PodSandboxStatus: [pod, { status: [1, { id: [1, "string"], state: [3, "int"] }] }],
  StopPodSandbox: [pod, {}],
  RemovePodSandbox: [pod, {}],
  CreateContainer: [
    { pod_sandbox_id: [1, "string"], config: [2, containerConfig], sandbox_config: [3, podConfig] },
    container,
  ],
  StartContainer: [container, {}],
  StopContainer: [{ container_id: [1, "string"], timeout: [2, "int"] }, {}],
  RemoveContainer: [container, {}],
  ContainerStatus: [
    container,
    { status: [1, { id: [1, "string"], state: [3, "int"], exit_code: [7, "int"], reason: [10, "string"] }] },
  ],
  ExecSync: [
    { container_id: [1, "string"], cmd: [2, ["repeated", "string"]], timeout: [3, "int"] },
    { stdout: [1, "string"], stderr: [2, "string"], exit_code: [3, "int"] },
  ],
} as const satisfies Readonly<Record<string, readonly [Schema, Schema]>>;

export const CONTAINER_RUNNING = 1;
export const CONTAINER_EXITED = 2;
/** Of namespaces: the pod's own, the container's own, the host's. */
export const MODE_POD = 0;
export const MODE_CONTAINER = 1;
export const MODE_NODE = 2;

/** Zeros are not sent: who looks for one finds nothing. */
export class CriClient {
  readonly #session: http2.ClientHttp2Session;

  constructor(socket: string) {
    this.#session = http2.connect("http://localhost", { createConnection: () => net.connect(socket) });
  }

  /** Errors: gRPC's message. */
  call(method: keyof typeof METHODS, request: Message): Promise<Message> {
    const [input, output] = METHODS[method];
    const stream = this.#session.request({
      ":method": "POST",
      ":path": `/runtime.v1.RuntimeService/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const message = encode(input, request);
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32BE(message.length, 1);
    const parts: Buffer[] = [];
    let problem: string | undefined;
    const takeStatus = (headers: http2.IncomingHttpHeaders): void => {
      const status = headers["grpc-status"];
      if (status !== undefined && status !== "0") {
        problem = decodeURIComponent(String(headers["grpc-message"] ?? `status ${String(status)}`));
      }
    };
    return new Promise((resolve, reject) => {
      stream.on("response", takeStatus).on("trailers", takeStatus).on("error", reject);
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", () => {
        if (problem === undefined) resolve(decode(output, Buffer.concat(parts).subarray(HEAD_BYTES)));
        else reject(new Error(`${method}: ${problem}`));
      });
      stream.end(Buffer.concat([head, message]));
    });
  }

  close(): void {
    this.#session.close();
  }
}

// Where a server listens and a client connects: "unix:PATH" or "tcp:HOST:PORT".

import { WvisorError } from "./errors.ts";

export type P9Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** sockaddr_un.sun_path with its NUL. */
const UNIX_PATH_MAX = 107;
const PORT_END = 65536;

/** Throws a WvisorError (ERR_WVISOR_P9_ADDRESS). An IPv6 address stands in brackets. */
export function parseAddress(text: string): P9Address {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    if (path === "" || path.includes("\0")) throw invalid(text, "no path");
    if (new TextEncoder().encode(path).length > UNIX_PATH_MAX) {
      throw invalid(text, `a socket's path has at most ${UNIX_PATH_MAX} bytes`);
    }
    return { kind: "unix", path };
  }
  const match = /^tcp:(?:\[([0-9A-Fa-f:.]+)\]|([^[\]:]+)):(\d{1,5})$/.exec(text);
  if (match === null) throw invalid(text, "neither unix:PATH nor tcp:HOST:PORT");
  const port = Number(match[3]);
  if (port >= PORT_END) throw invalid(text, "there is no such port");
  return { kind: "tcp", host: (match[1] ?? match[2])!, port };
}

function invalid(text: string, reason: string): WvisorError {
  return new WvisorError("ERR_WVISOR_P9_ADDRESS", `${JSON.stringify(text)}: ${reason}`);
}

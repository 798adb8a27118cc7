// wvisor/p9: 9P2000.L for programs of your own.
//
//   serve       P9Server.listen("unix:/run/files.sock", serveDirectory("/srv/files", { readonly: true }))
//               P9Server.listen("tcp:127.0.0.1:5640", serveObject(makeMemoryTree()))
//               serveStream(stream, serveObject(anything that is a ServedFile))
//   be a client const client = await P9Client.connect("tcp:127.0.0.1:5640"); const root = await client.attach();
//
// The server is the one that wVisor's own gofer runs.

export { ErrnoError, WvisorError } from "../common/errors.ts";
export { type HostDirectoryOptions, serveDirectory } from "../gofer/host-fs/host-directory.ts";
export { type AttachOptions, type ClientOptions, P9Client } from "./client/client.ts";
export type { Name, RemoteChanges, RemoteFile, RemoteLock, Walked } from "./client/remote-file.ts";
export { type MemoryDirectory, type MemoryTreeOptions, makeMemoryTree } from "./memory-tree.ts";
export type { Attributes, DirectoryEntry, Qid } from "./messages.ts";
export { makePair } from "./pair.ts";
export type {
  AttributeChanges,
  Awaitable,
  FileAttributes,
  FileOwner,
  FileSystemStatus,
  OpenFile,
  ServedCall,
  ServedEntry,
  ServedFile,
} from "./served-file.ts";
export { P9Server, type ServeOptions, serveObject, serveStream, type TreeProvider } from "./server/server.ts";

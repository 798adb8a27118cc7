// What a control connection can ask for. All of it is checked: whoever asks is trusted with what the gofer serves, and not with the
// gofer itself.
//
//   goferManager.Add      {"name": ..., "readonly": ..., "donate": ...} and two descriptors, a connected unix stream socket and a
//                         directory or regular file: serves the one on the other
//   goferManager.Remove   {"name": ...}: ends its connection
//   goferManager.List     null: [{"name": ..., "readonly": ..., "donate": ...}, ...]
//   goferManager.Ping     null: {"caged": ...}: whether the gofer is in namespaces, and takes only mounts as roots

import { Dispatcher, type Method } from "../../urpc/dispatcher.ts";
import { record, text, truth } from "../checked-json.ts";
import type { AttachPointOptions, AttachPoints } from "./attach-points.ts";

const NAME_BYTES_MAX = 1024;

export function makeDispatcher(points: AttachPoints): Dispatcher {
  const methods: Record<string, Method> = {
    "goferManager.Add": (arg, files) => {
      points.add(parseOptions(arg), files);
      return { result: {} };
    },
    "goferManager.Remove": (arg) => {
      points.remove(parseName(record(arg, ["name"], "arg").name));
      return { result: {} };
    },
    "goferManager.List": (arg) => {
      refuseArgument(arg);
      return { result: points.list() };
    },
    "goferManager.Ping": (arg) => {
      refuseArgument(arg);
      return { result: { caged: points.isCaged } };
    },
  };
  return new Dispatcher(methods);
}

function parseOptions(arg: unknown): AttachPointOptions {
  const { name, readonly, donate } = record(arg, ["name", "readonly", "donate"], "arg");
  return {
    name: parseName(name),
    readonly: truth(readonly, "arg: readonly"),
    donate: truth(donate, "arg: donate"),
  };
}

/** A name that could be a file's, so that nobody who makes paths of names is led astray. */
function parseName(value: unknown): string {
  const name = text(value, "arg: name");
  const length = Buffer.byteLength(name);
  if (length === 0 || length > NAME_BYTES_MAX) {
    throw new Error(`EINVAL: a name has 1 to ${NAME_BYTES_MAX} bytes, not ${length}`);
  }
  if (name === "." || name === ".." || /[/\0]/.test(name)) {
    throw new Error(`EINVAL: ${JSON.stringify(name)} is no name`);
  }
  return name;
}

function refuseArgument(arg: unknown): void {
  if (arg !== null) throw new Error("arg: expected none");
}

// What a bundle's annotations say about the pod that its container is part of: those of containerd's and of CRI-O's CRI.

const TYPE_KEYS = ["io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"];
const SANDBOX_KEYS = ["io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID"];

export interface PodRole {
  /** The pod's own container, which comes first and goes last, or one that runs beside it. */
  readonly type: "sandbox" | "container";
  /** The id of the pod's own container. */
  readonly sandbox: string;
}

/** Undefined for a container that is part of none. */
export function podRole(annotations: Readonly<Record<string, string>>, id: string): PodRole | undefined {
  const type = firstOf(annotations, TYPE_KEYS);
  if (type === "sandbox") return { type, sandbox: id };
  const sandbox = firstOf(annotations, SANDBOX_KEYS);
  return type === "container" && sandbox !== undefined ? { type, sandbox } : undefined;
}

function firstOf(annotations: Readonly<Record<string, string>>, keys: readonly string[]): string | undefined {
  const key = keys.find((each) => Object.hasOwn(annotations, each));
  return key === undefined ? undefined : annotations[key];
}

// OCI images made for a test, without a builder: one layer, in an archive that podman and containerd load.

import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { runCommand } from "../support/cli.ts";

export interface ImageOptions {
  /** What it is called, with a tag: "localhost/tool:1". */
  readonly name: string;
  /** Files of the host by their paths in the image; of mode 0644, as a compiler leaves a module. */
  readonly files: Readonly<Record<string, string>>;
  readonly directories?: readonly string[];
  /** "linux/amd64" when absent. */
  readonly platform?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly env?: readonly string[];
  /** "UID:GID". */
  readonly user?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Makes `directory` and an archive of it, in OCI's image layout; returns the archive's path. */
export function makeImage(directory: string, options: ImageOptions): string {
  const { platform = `linux/${ARCHITECTURES[process.arch] ?? process.arch}`, annotations } = options;
  const blobs = path.join(directory, "layout/blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const layer = addBlob(blobs, LAYER, readFileSync(makeLayer(directory, options)));
  const [os, architecture] = platform.split("/");
  const config = addBlob(
    blobs,
    CONFIG,
    JSON.stringify({
      os,
      architecture,
      config: { Entrypoint: options.entrypoint, Cmd: options.command, Env: options.env, User: options.user },
      rootfs: { type: "layers", diff_ids: [layer.digest] },
    }),
  );
  const manifest = addBlob(
    blobs,
    MANIFEST,
    JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer], annotations }),
  );
  const named = {
    ...manifest,
    platform: { os, architecture },
    annotations: {
      "org.opencontainers.image.ref.name": options.name,
      "io.containerd.image.name": options.name,
    },
  };
  const layout = path.join(directory, "layout");
  writeFileSync(path.join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
  writeFileSync(path.join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  return archive(layout, path.join(directory, "image.tar"));
}

function makeLayer(directory: string, { files, directories = [] }: ImageOptions): string {
  const root = path.join(directory, "root");
  for (const name of directories) mkdirSync(path.join(root, name), { recursive: true });
  for (const [name, source] of Object.entries(files)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    copyFileSync(source, file);
    runCommand("chmod", [(statSync(source).mode & 0o111) === 0 ? "0644" : "0755", file]);
  }
  return archive(root, path.join(directory, "layer.tar"));
}

function archive(directory: string, file: string): string {
  const { code, stderr } = runCommand("tar", ["--owner=0", "--group=0", "-C", directory, "-cf", file, "."]);
  if (code !== 0) throw new Error(`tar: ${stderr}`);
  return file;
}

function addBlob(blobs: string, mediaType: string, content: string | Uint8Array): Descriptor {
  const hash = createHash("sha256").update(content).digest("hex");
  const file = path.join(blobs, hash);
  writeFileSync(file, content);
  return { mediaType, digest: `sha256:${hash}`, size: statSync(file).size };
}

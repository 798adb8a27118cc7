// The list of a container's mounts as the gofer writes it back: JSON on a descriptor, ended by the end of the stream.

/** A mount of the container, in OCI's words. */
export interface ListedMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** Added to the options of a mount whose files lie on an overlayfs: a descriptor that reads a file shows no later change. */
export const OVERLAYFS_STALE_READ = "overlayfs_stale_read";

/** A list is a few kilobytes; this is more than the configuration, at most 1 MiB, can become by resolved names. */
export const MOUNT_LIST_BYTES_MAX = 16 << 20;

// Capability names of a bundle, as a bit mask.

/** All names of linux/capability.h in the order of their numbers, without "CAP_". */
export const CAPABILITY_NAMES: readonly string[] =
  `CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
  NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT
  SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
  WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`.split(/\s+/);

/** Names that Linux does not have are left out, as in runc, and told to `unknown`. */
export function capabilityMask(names: readonly string[], unknown: (name: string) => void): bigint {
  let mask = 0n;
  for (const name of names) {
    const bit = name.startsWith("CAP_") ? CAPABILITY_NAMES.indexOf(name.slice(4)) : -1;
    if (bit < 0) unknown(name);
    else mask |= 1n << BigInt(bit);
  }
  return mask;
}

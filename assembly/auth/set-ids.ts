// What a change of user ids does to capabilities (Linux: security/commoncap.c cap_task_fix_setuid()).

import { Credentials } from "./credentials.ts";

/** The capabilities about files (Linux: CAP_FS_SET): 0 to 4, LINUX_IMMUTABLE, MKNOD, MAC_OVERRIDE. */
const CAP_FS_SET: u64 = 0x10800021f;

/**
 * After setuid(2), setreuid(2) or setresuid(2) has made `changed` out of `old`: who leaves user 0 altogether loses all, an
 * effective id that leaves 0 takes the effective set with it, and one that becomes 0 gets the permitted set.
 */
export function fixCapabilities(changed: Credentials, old: Credentials): void {
  const hadRoot = old.uid == 0 || old.euid == 0 || old.suid == 0;
  const hasRoot = changed.uid == 0 || changed.euid == 0 || changed.suid == 0;
  if (hadRoot && !hasRoot) {
    changed.permitted = 0;
    changed.effective = 0;
  }
  if (old.euid == 0 && changed.euid != 0) changed.effective = 0;
  if (old.euid != 0 && changed.euid == 0) changed.effective = changed.permitted;
}

/** After setfsuid(2): the capabilities about files go and come with the id 0. */
export function fixFileCapabilities(changed: Credentials, old: Credentials): void {
  if (old.fsuid == 0 && changed.fsuid != 0) changed.effective &= ~CAP_FS_SET;
  if (old.fsuid != 0 && changed.fsuid == 0) changed.effective |= changed.permitted & CAP_FS_SET;
}

/**
 * Who access(2) asks for: the real ids, and of the capabilities all that are permitted to the user 0, none to another (Linux:
 * access_override_creds()). A reference for the caller.
 */
export function realCredentials(cred: Credentials): Credentials {
  const real = cred.copy();
  real.fsuid = cred.uid;
  real.fsgid = cred.gid;
  real.effective = cred.uid == 0 ? cred.permitted : 0;
  return real;
}

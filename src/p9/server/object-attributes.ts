// What a served object says about itself, checked, and as it looks on the wire.

import { P9_GETATTR_BASIC, P9_GETATTR_BTIME } from "../../../assembly/abi/p9.ts";
import { S_IFMT } from "../../../assembly/abi/stat.ts";
import type { FileAttributes } from "../served-file.ts";
import type { Encoder } from "./encoder.ts";
import { qidType } from "./qid.ts";

const BLOCK = 512;
const BLOCK_SIZE = 4096;
const NANOSECONDS = 1_000_000_000n;
const U32_END = 0x1_0000_0000;

/** Attributes whose every field is there and fits. */
export interface Described extends Required<Omit<FileAttributes, "ino" | "btimeNs">> {
  readonly ino: bigint;
  readonly btimeNs: bigint | undefined;
}

/** Throws for what no file can say. */
export function checkAttributes(said: FileAttributes): Described {
  const { ino, mode, uid = 0, gid = 0, nlink = 1, size, blksize = BLOCK_SIZE, ...rest } = said;
  const { atimeNs = 0n, mtimeNs = 0n, ctimeNs = mtimeNs, btimeNs, blocks = Math.ceil(size / BLOCK) } = rest;
  const is32 = [mode, uid, gid, nlink].every((value) => isCount(value) && value < U32_END);
  const areTimes = [atimeNs, mtimeNs, ctimeNs, btimeNs ?? 0n].every((time) => typeof time === "bigint");
  if (!is32 || !areTimes || ![size, blksize, blocks].every(isCount)) {
    throw new Error("a served file has impossible attributes");
  }
  const number = BigInt.asUintN(64, BigInt(ino));
  return { ino: number, mode, uid, gid, nlink, size, blksize, blocks, atimeNs, mtimeNs, ctimeNs, btimeNs };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

export function putQid(reply: Encoder, { mode, ino, mtimeNs, ctimeNs }: Described): void {
  reply.u8(qidType(mode & S_IFMT));
  reply.u32(Number(BigInt.asUintN(32, mtimeNs ^ ctimeNs)));
  put64(reply, ino);
}

export function putAttributes(reply: Encoder, file: Described): void {
  put64(reply, BigInt(P9_GETATTR_BASIC | (file.btimeNs === undefined ? 0 : P9_GETATTR_BTIME)));
  putQid(reply, file);
  reply.u32(file.mode);
  reply.u32(file.uid);
  reply.u32(file.gid);
  put64(reply, BigInt(file.nlink));
  // No device nodes but whiteouts, which are 0:0.
  put64(reply, 0n);
  put64(reply, BigInt(file.size));
  put64(reply, BigInt(file.blksize));
  put64(reply, BigInt(file.blocks));
  for (const time of [file.atimeNs, file.mtimeNs, file.ctimeNs, file.btimeNs ?? 0n]) putTime(reply, time);
  // gen and data_version, which the mask does not promise.
  put64(reply, 0n);
  put64(reply, 0n);
}

export function put64(reply: Encoder, value: bigint): void {
  reply.u64(Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn));
}

function putTime(reply: Encoder, time: bigint): void {
  let seconds = time / NANOSECONDS;
  let nanoseconds = time % NANOSECONDS;
  if (nanoseconds < 0n) {
    seconds--;
    nanoseconds += NANOSECONDS;
  }
  put64(reply, BigInt.asUintN(64, seconds));
  put64(reply, nanoseconds);
}

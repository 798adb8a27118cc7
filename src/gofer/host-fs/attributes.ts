// How what statx(2) tells looks on the wire: qid[13], and Rgetattr's body of P9_ATTR_SIZE bytes.

import { P9_GETATTR_BASIC, P9_GETATTR_BTIME } from "../../../assembly/abi/p9.ts";
import { STATX_BTIME } from "../../../assembly/abi/stat.ts";
import type { Encoder } from "../../p9/server/encoder.ts";
import { qidType } from "../../p9/server/qid.ts";
import type { QidPaths } from "./qid-paths.ts";
import {
  STAT_ATIME,
  STAT_BLOCKS,
  STAT_BTIME,
  STAT_CTIME,
  STAT_MTIME,
  STAT_SIZE,
  type StatBuffer,
} from "./stat-buffer.ts";

export function putQid(reply: Encoder, stat: StatBuffer, qids: QidPaths): void {
  reply.u8(qidType(stat.type));
  reply.u32(stat.version);
  reply.u64(stat.inodeLow, qids.high(stat.deviceMajor, stat.deviceMinor, stat.inodeHigh));
}

export function putAttributes(reply: Encoder, stat: StatBuffer, qids: QidPaths): void {
  const hasBirthTime = (stat.mask & STATX_BTIME) !== 0;
  reply.u64(hasBirthTime ? P9_GETATTR_BASIC | P9_GETATTR_BTIME : P9_GETATTR_BASIC, 0);
  putQid(reply, stat, qids);
  reply.u32(stat.mode);
  reply.u32(stat.uid);
  reply.u32(stat.gid);
  reply.u64(stat.linkCount, 0);
  reply.u64(stat.rdev, 0);
  reply.copy64(stat.base + STAT_SIZE, 1);
  reply.u64(stat.blockSize, 0);
  reply.copy64(stat.base + STAT_BLOCKS, 1);
  putTime(reply, stat, STAT_ATIME);
  putTime(reply, stat, STAT_MTIME);
  putTime(reply, stat, STAT_CTIME);
  if (hasBirthTime) putTime(reply, stat, STAT_BTIME);
  else putZeros(reply, 2);
  // gen and data_version, which the mask does not promise.
  putZeros(reply, 2);
}

function putTime(reply: Encoder, stat: StatBuffer, offset: number): void {
  reply.copy64(stat.base + offset, 1);
  reply.u64(stat.u32(offset + 8), 0);
}

function putZeros(reply: Encoder, count: number): void {
  for (let i = 0; i < count; i++) reply.u64(0, 0);
}

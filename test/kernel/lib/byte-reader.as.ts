import { ByteReader } from "../../../assembly/lib/byte-reader.ts";
import { ByteWriter } from "../../../assembly/lib/byte-writer.ts";
import { free } from "../../../assembly/lib/ref-counted.ts";
import { beginHeap, end } from "../support/leak-check.ts";

const BYTES: usize = memory.data<u8>([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const OUT: usize = memory.data(32);

export function numbersAreReadInOrderLittleEndian(): void {
  beginHeap();
  const r = new ByteReader();
  r.reset(BYTES, 15);
  assert(r.u8() == 1 && r.u16() == 0x0302 && r.u32() == 0x07060504, "small ones");
  assert(r.u64() == 0x0f0e0d0c0b0a0908, "a large one");
  assert(r.isComplete() && r.remaining == 0, "all was read");
  free(r);
  end();
}

export function whatIsLeftOverIsNotComplete(): void {
  beginHeap();
  const r = new ByteReader();
  r.reset(BYTES, 3);
  r.u16();
  assert(!r.isComplete() && !r.overrun && r.remaining == 1, "one byte is left");
  free(r);
  end();
}

export function aReadPastTheEndGivesZeroAndStays(): void {
  beginHeap();
  const r = new ByteReader();
  for (let length: u32 = 0; length < 8; length++) {
    r.reset(BYTES, length);
    assert(r.u64() == 0 && r.overrun, "too short for eight bytes");
    assert(r.u8() == 0, "and nothing more is read after that");
    assert(!r.isComplete(), "never complete");
  }
  r.reset(BYTES, 1);
  assert(!r.overrun && r.u8() == 1, "reset forgets it");
  free(r);
  end();
}

export function aLengthNearTheTopOfMemoryDoesNotWrap(): void {
  beginHeap();
  const r = new ByteReader();
  r.reset(BYTES, 5);
  r.u8();
  assert(r.take(u32.MAX_VALUE) == 0 && r.overrun, "refused");
  r.reset(BYTES, 5);
  assert(r.take(<u32>-3) == 0 && r.overrun, "refused");
  free(r);
  end();
}

export function takeGivesTheBytesWhereTheyAre(): void {
  beginHeap();
  const r = new ByteReader();
  r.reset(BYTES, 16);
  assert(r.take(4) == BYTES && r.take(12) == BYTES + 4, "in place");
  assert(r.take(0) != 0 && r.isComplete(), "nothing, at the end, is there");
  free(r);
  end();
}

export function whatIsWrittenIsReadBack(): void {
  beginHeap();
  const w = new ByteWriter();
  w.reset(OUT, 32);
  w.u8(0xab);
  w.u16(0x1234);
  w.u32(0x89abcdef);
  w.u64(0x0123456789abcdef);
  w.bytes(BYTES, 3);
  assert(!w.overrun && w.position == OUT + 18 && w.room == 14, "eighteen bytes");
  const r = new ByteReader();
  r.reset(OUT, 18);
  assert(r.u8() == 0xab && r.u16() == 0x1234 && r.u32() == 0x89abcdef, "small ones");
  assert(r.u64() == 0x0123456789abcdef, "a large one");
  const at = r.take(3);
  assert(load<u8>(at) == 1 && load<u8>(at, 2) == 3 && r.isComplete(), "bytes");
  free(w);
  free(r);
  end();
}

export function aWritePastTheEndIsDropped(): void {
  beginHeap();
  memory.fill(OUT, 0xee, 32);
  const w = new ByteWriter();
  w.reset(OUT, 5);
  w.u32(1);
  w.u32(2);
  assert(w.overrun, "told");
  assert(load<u8>(OUT + 4) == 0xee && load<u8>(OUT + 5) == 0xee, "nothing was written");
  w.u8(3);
  assert(load<u8>(OUT + 4) == 0xee, "nor is what would fit");
  w.reset(OUT, 5);
  assert(w.take(u32.MAX_VALUE) == 0 && w.overrun, "a length that would wrap");
  free(w);
  end();
}

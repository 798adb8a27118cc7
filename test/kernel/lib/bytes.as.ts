import { copyBytes, duplicate, equal, hashBytes, isAsciiText, isUtf8 } from "../../../assembly/lib/bytes.ts";
import { beginHeap, end } from "../support/leak-check.ts";
import { putText } from "../support/text.ts";

const A: usize = memory.data(300);
const B: usize = memory.data(300);

export function aDuplicateIsACopy(): void {
  beginHeap();
  putText(A, "hello");
  const copy = duplicate(A, 5);
  assert(copy != A && equal(copy, A, 5), "the same bytes elsewhere");
  store<u8>(A, 0);
  assert(load<u8>(copy) == 0x68, "not the same memory");
  heap.free(copy);
  assert(duplicate(A, 0) == 0, "nothing for nothing");
  end();
}

export function aCopyHasEveryByteAndNoMore(): void {
  for (let i: u32 = 0; i < 300; i++) store<u8>(A + i, <u8>i | 1);
  for (let length: u32 = 0; length <= 140; length++) {
    memory.fill(B, 0, 160);
    copyBytes(B + 3, A + 5, length);
    for (let i: u32 = 0; i < length; i++) assert(load<u8>(B + 3 + i) == load<u8>(A + 5 + i), "a byte");
    assert(load<u8>(B + 2) == 0 && load<u8>(B + 3 + length) == 0, "nothing around it");
  }
}

export function equalLooksAtEveryByte(): void {
  for (let length: u32 = 0; length <= 40; length++) {
    memory.fill(A, 7, 48);
    memory.fill(B, 7, 48);
    assert(equal(A, B, length), "the same");
    store<u8>(B + length, 8);
    assert(equal(A, B, length), "what is behind the end does not count");
    for (let i: u32 = 0; i < length; i++) {
      store<u8>(B + length, 7);
      store<u8>(B + i, 8);
      assert(!equal(A, B, length), "one byte differs");
      store<u8>(B + i, 7);
    }
  }
}

export function aHashDependsOnEveryByteLengthAndSeed(): void {
  for (let length: u32 = 1; length <= 32; length++) {
    memory.fill(A, 0x61, 40);
    const hash = hashBytes(A, length, 1);
    assert(hash == hashBytes(A, length, 1), "the same for the same");
    assert(hash != hashBytes(A, length, 2), "the seed");
    assert(hash != hashBytes(A, length + 1, 1), "the length");
    store<u8>(A + length, 0x62);
    assert(hash == hashBytes(A, length, 1), "not what is behind the end");
    store<u8>(A + length, 0x61);
    for (let i: u32 = 0; i < length; i++) {
      store<u8>(A + i, 0x62);
      assert(hash != hashBytes(A, length, 1), "a byte");
      store<u8>(A + i, 0x61);
    }
  }
}

export function asciiTextHasNeitherNulNorHighBytesAnywhere(): void {
  for (let length: u32 = 0; length <= 40; length++) {
    memory.fill(A, 0x7f, 48);
    assert(isAsciiText(A, length), "the highest");
    memory.fill(A, 0x01, 48);
    assert(isAsciiText(A, length), "the lowest");
    for (let i: u32 = 0; i < length; i++) {
      store<u8>(A + i, 0);
      assert(!isAsciiText(A, length), "a NUL");
      store<u8>(A + i, 0x80);
      assert(!isAsciiText(A, length), "a high byte");
      store<u8>(A + i, 0x01);
    }
    store<u8>(A + length, 0);
    assert(isAsciiText(A, length), "what is behind the end does not count");
  }
}

export function hashesOfSimilarNamesSpread(): void {
  // 4,096 names in 4,096 buckets: with a good hash the fullest bucket has about seven.
  const buckets = memory.data(4096);
  memory.fill(buckets, 0, 4096);
  for (let i: u32 = 0; i < 4096; i++) {
    putText(A, "file-");
    store<u8>(A + 5, <u8>(0x30 + i / 1000));
    store<u8>(A + 6, <u8>(0x30 + ((i / 100) % 10)));
    store<u8>(A + 7, <u8>(0x30 + ((i / 10) % 10)));
    store<u8>(A + 8, <u8>(0x30 + (i % 10)));
    const bucket = buckets + (hashBytes(A, 9, 0) & 4095);
    store<u8>(bucket, load<u8>(bucket) + 1);
  }
  for (let i: usize = 0; i < 4096; i++) assert(load<u8>(buckets + i) <= 16, "no bucket is crowded");
}

function utf8(bytes: usize, length: u32): bool {
  return isUtf8(bytes, length);
}

export function validUtf8IsAccepted(): void {
  assert(utf8(A, 0), "nothing");
  assert(utf8(A, putText(A, "plain text")), "ASCII");
  assert(utf8(memory.data<u8>([0xc2, 0x80, 0xdf, 0xbf]), 4), "two bytes, least and greatest");
  assert(utf8(memory.data<u8>([0xe0, 0xa0, 0x80, 0xef, 0xbf, 0xbf]), 6), "three bytes");
  assert(utf8(memory.data<u8>([0xed, 0x9f, 0xbf, 0xee, 0x80, 0x80]), 6), "around the surrogates");
  assert(utf8(memory.data<u8>([0xf0, 0x90, 0x80, 0x80, 0xf4, 0x8f, 0xbf, 0xbf]), 8), "four bytes");
}

export function invalidUtf8IsRefused(): void {
  assert(!utf8(memory.data<u8>([0x80]), 1), "a continuation alone");
  assert(!utf8(memory.data<u8>([0xc0, 0x80]), 2), "an overlong NUL");
  assert(!utf8(memory.data<u8>([0xc1, 0xbf]), 2), "overlong ASCII");
  assert(!utf8(memory.data<u8>([0xe0, 0x9f, 0xbf]), 3), "overlong, three bytes");
  assert(!utf8(memory.data<u8>([0xf0, 0x8f, 0xbf, 0xbf]), 4), "overlong, four bytes");
  assert(!utf8(memory.data<u8>([0xed, 0xa0, 0x80]), 3), "the first surrogate");
  assert(!utf8(memory.data<u8>([0xed, 0xbf, 0xbf]), 3), "the last surrogate");
  assert(!utf8(memory.data<u8>([0xf4, 0x90, 0x80, 0x80]), 4), "above U+10FFFF");
  assert(!utf8(memory.data<u8>([0xf8, 0x88, 0x80, 0x80, 0x80]), 5), "five bytes");
  assert(!utf8(memory.data<u8>([0xff]), 1), "never a first byte");
  assert(!utf8(memory.data<u8>([0xc3, 0x28]), 2), "no continuation");
}

export function textThatEndsInACharacterIsRefused(): void {
  const whole = memory.data<u8>([0xf0, 0x9f, 0x98, 0x80]);
  assert(utf8(whole, 4), "whole");
  for (let length: u32 = 1; length < 4; length++) assert(!utf8(whole, length), "cut off");
}

// Descriptors: preopens, renumbering, flags and rights, positions, vectors, sizes, and pointers that lead
// nowhere.

import {
  FDFLAGS_APPEND,
  FDFLAGS_DSYNC,
  FDFLAGS_NONBLOCK,
  FDFLAGS_SYNC,
  FILETYPE_CHARACTER_DEVICE,
  FILETYPE_DIRECTORY,
  FILETYPE_REGULAR_FILE,
  OFLAGS_CREAT,
  OFLAGS_DIRECTORY,
  RIGHT_FD_READ,
  RIGHT_FD_SEEK,
  RIGHT_FD_TELL,
  RIGHT_FD_WRITE,
  RIGHT_POLL_FD_READWRITE,
  WASI_EBADF,
  WASI_EFAULT,
  WASI_EFBIG,
  WASI_EINVAL,
  WASI_EISDIR,
  WASI_ENAMETOOLONG,
  WASI_ENOENT,
  WASI_ENOTCAPABLE,
  WASI_ENOTSUP,
  WASI_ESPIPE,
  WASI_ESUCCESS,
  WHENCE_CUR,
  WHENCE_END,
  WHENCE_SET,
} from "../../../assembly/abi/wasi.ts";
import {
  close,
  FDSTAT_FILETYPE,
  FDSTAT_FLAGS,
  FDSTAT_RIGHTS_BASE,
  FDSTAT_RIGHTS_INHERITING,
  FILESTAT_SIZE,
  must,
  openAt,
  preadBytes,
  pwriteBytes,
  RIGHTS_DIRECTORY,
  RIGHTS_READ_ONLY,
  RIGHTS_READ_WRITE,
  readBytes,
  result64,
  seek,
  statAt,
  tell,
  textOf,
  writeAll,
  writeBytes,
} from "../lib/wasi.ts";
import * as wasi from "../lib/wasi_snapshot_preview1.ts";
import {
  begin,
  contentFrom,
  contentOf,
  count,
  dir,
  equal,
  errno,
  isTrue,
  makeFile,
  ok,
  preopen,
  refused,
  same,
  test,
} from "./lib/checks.ts";

const fdstat: usize = memory.data(24, 8);
const filestat: usize = memory.data(64, 8);
const buffer: usize = memory.data(4096, 8);
const cell: usize = memory.data(8, 8);
const vectors: usize = memory.data(16384, 8);
const letters: usize = memory.data<u8>([0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68]);

const NO_FD: i32 = 9999;

function openFile(path: string, oflags: i32 = OFLAGS_CREAT, fdflags: i32 = 0): i32 {
  return must(openAt(dir, path, oflags, RIGHTS_READ_WRITE, fdflags), `opening ${path}`);
}

function setVector(index: i32, at: usize, length: u32): void {
  store<u32>(vectors + index * 8, <u32>at);
  store<u32>(vectors + index * 8, length, 4);
}

function position(what: string, fd: i32, expected: u64): void {
  ok(`${what}: fd_tell`, tell(fd));
  equal(`${what}: position`, result64(), expected);
}

function sizeOf(fd: i32): u64 {
  ok("fd_filestat_get", wasi.fd_filestat_get(fd, filestat));
  return load<u64>(filestat, FILESTAT_SIZE);
}

function flagsOf(fd: i32): u64 {
  ok("fd_fdstat_get", wasi.fd_fdstat_get(fd, fdstat));
  return load<u16>(fdstat, FDSTAT_FLAGS);
}

/** The first address that the program has not. */
function memoryEnd(): usize {
  return <usize>memory.size() * 65536;
}

function testPreopens(): void {
  test("fd_prestat_get of what is not preopened is BADF", (): void => {
    const file = openFile("file");
    errno("a file", wasi.fd_prestat_get(file, cell), WASI_EBADF);
    errno("a directory", wasi.fd_prestat_get(dir, cell), WASI_EBADF);
    errno("stdin", wasi.fd_prestat_get(0, cell), WASI_EBADF);
    errno("stdout", wasi.fd_prestat_get(1, cell), WASI_EBADF);
    close(file);
    errno("a closed one", wasi.fd_prestat_get(file, cell), WASI_EBADF);
    errno("no number", wasi.fd_prestat_get(NO_FD, cell), WASI_EBADF);
  });

  test("fd_prestat_dir_name writes the name and nothing more", (): void => {
    ok("fd_prestat_get", wasi.fd_prestat_get(preopen, cell));
    equal("tag", load<u8>(cell), 0);
    const length = load<u32>(cell, 4);
    memory.fill(buffer, 0xaa, 512);
    ok("a larger buffer", wasi.fd_prestat_dir_name(preopen, buffer, length + 20));
    equal("behind the name", load<u8>(buffer + length), 0xaa);
    equal("first byte", load<u8>(buffer), 0x2f);
    const tooShort = wasi.fd_prestat_dir_name(preopen, buffer, length - 1);
    errno("a short buffer", tooShort, WASI_ENAMETOOLONG, WASI_EINVAL);
    const file = openFile("file");
    errno("of a file", wasi.fd_prestat_dir_name(file, buffer, 64), WASI_EBADF);
    close(file);
  });
}

function testRenumber(): void {
  test("fd_renumber moves a descriptor onto another", (): void => {
    makeFile(dir, "a", "of a");
    makeFile(dir, "b", "of b");
    const a = openFile("a");
    const b = openFile("b");
    ok("renumber", wasi.fd_renumber(a, b));
    same("content", contentFrom(b), "of a");
    errno("the old number", wasi.fd_fdstat_get(a, fdstat), WASI_EBADF);
    ok("close", close(b));
    errno("closed", close(b), WASI_EBADF);
  });

  test("fd_renumber keeps the position and the flags", (): void => {
    makeFile(dir, "a", "0123456789");
    const a = openFile("a", 0, FDFLAGS_APPEND);
    const b = openFile("b");
    ok("seek", seek(a, 4, WHENCE_SET));
    ok("renumber", wasi.fd_renumber(a, b));
    position("moved", b, 4);
    equal("flags", flagsOf(b), FDFLAGS_APPEND);
    close(b);
  });

  test("fd_renumber needs two open descriptors", (): void => {
    const a = openFile("a");
    errno("onto a free number", wasi.fd_renumber(a, NO_FD), WASI_EBADF);
    errno("from a free number", wasi.fd_renumber(NO_FD, a), WASI_EBADF);
    ok("the file is still open", wasi.fd_fdstat_get(a, fdstat));
    close(a);
  });

  test("fd_renumber onto itself does nothing", (): void => {
    makeFile(dir, "a", "of a");
    const a = openFile("a");
    ok("renumber", wasi.fd_renumber(a, a));
    same("content", contentFrom(a), "of a");
    close(a);
  });

  test("fd_renumber onto stdin makes it the file", (): void => {
    makeFile(dir, "a", "as stdin");
    ok("renumber", wasi.fd_renumber(openFile("a"), 0));
    same("content", contentFrom(0), "as stdin");
    ok("type", wasi.fd_fdstat_get(0, fdstat));
    equal("type", load<u8>(fdstat, FDSTAT_FILETYPE), FILETYPE_REGULAR_FILE);
  });

  test("fd_renumber onto stderr makes it the file", (): void => {
    const a = openFile("a");
    ok("renumber", wasi.fd_renumber(a, 2));
    count("write", writeBytes(2, letters, 3), 3);
    same("content", contentOf(dir, "a"), "abc");
    errno("the old number", wasi.fd_fdstat_get(a, fdstat), WASI_EBADF);
  });

  test("fd_renumber onto a preopen makes it the file", (): void => {
    makeFile(dir, "a", "as preopen");
    ok("renumber", wasi.fd_renumber(openFile("a"), preopen));
    same("content", contentFrom(preopen), "as preopen");
    errno("no longer preopened", wasi.fd_prestat_get(preopen, cell), WASI_EBADF);
  });
}

function testFlagsAndRights(): void {
  test("fdflags are WASI's and can be switched", (): void => {
    const fd = openFile("file", OFLAGS_CREAT, FDFLAGS_APPEND);
    equal("opened", flagsOf(fd), FDFLAGS_APPEND);
    ok("append and nonblock", wasi.fd_fdstat_set_flags(fd, FDFLAGS_APPEND | FDFLAGS_NONBLOCK));
    equal("both", flagsOf(fd), FDFLAGS_APPEND | FDFLAGS_NONBLOCK);
    ok("none", wasi.fd_fdstat_set_flags(fd, 0));
    equal("none left", flagsOf(fd), 0);
    const synced = openFile("file", 0, FDFLAGS_DSYNC);
    equal("dsync", flagsOf(synced), FDFLAGS_DSYNC);
    close(synced);
    const whole = openFile("file", 0, FDFLAGS_SYNC | FDFLAGS_APPEND);
    equal(
      "sync, which may tell of its parts",
      flagsOf(whole) & (FDFLAGS_SYNC | FDFLAGS_APPEND),
      FDFLAGS_SYNC | FDFLAGS_APPEND,
    );
    close(whole);
    errno("unknown", wasi.fd_fdstat_set_flags(fd, 32), WASI_EINVAL);
    close(fd);
  });

  test("without APPEND again, a write goes where the position is", (): void => {
    makeFile(dir, "file", "0123456789");
    const fd = openFile("file", 0, FDFLAGS_APPEND);
    ok("set_flags", wasi.fd_fdstat_set_flags(fd, 0));
    ok("seek", seek(fd, 2, WHENCE_SET));
    count("write", writeBytes(fd, letters, 2), 2);
    close(fd);
    same("content", contentOf(dir, "file"), "01ab456789");
  });

  test("APPEND writes at the end and leaves the position there", (): void => {
    makeFile(dir, "file", "01234");
    const fd = openFile("file", 0, FDFLAGS_APPEND);
    ok("seek", seek(fd, 1, WHENCE_SET));
    count("write", writeBytes(fd, letters, 3), 3);
    position("after it", fd, 8);
    close(fd);
    same("content", contentOf(dir, "file"), "01234abc");
  });

  test("fd_fdstat_set_rights takes rights away and never gives them", (): void => {
    const fd = openFile("file");
    ok("fd_fdstat_get", wasi.fd_fdstat_get(fd, fdstat));
    const base = load<u64>(fdstat, FDSTAT_RIGHTS_BASE);
    const inheriting = load<u64>(fdstat, FDSTAT_RIGHTS_INHERITING);
    const shrunk = wasi.fd_fdstat_set_rights(fd, base & ~RIGHT_FD_WRITE, inheriting);
    errno("shrink", shrunk, WASI_ESUCCESS, WASI_ENOTSUP);
    if (shrunk == WASI_ESUCCESS) {
      refused("writing", writeBytes(fd, letters, 1), WASI_EBADF, WASI_ENOTCAPABLE);
      errno("grow", wasi.fd_fdstat_set_rights(fd, base, inheriting), WASI_ENOTCAPABLE);
    }
    close(fd);
  });

  test("the standard descriptors can be polled and stdout is no terminal", (): void => {
    for (let fd = 1; fd < 3; fd++) {
      ok("fd_fdstat_get", wasi.fd_fdstat_get(fd, fdstat));
      const rights = load<u64>(fdstat, FDSTAT_RIGHTS_BASE);
      equal("poll", rights & RIGHT_POLL_FD_READWRITE, RIGHT_POLL_FD_READWRITE);
      const isDevice = load<u8>(fdstat, FDSTAT_FILETYPE) == FILETYPE_CHARACTER_DEVICE;
      isTrue("not a terminal", !isDevice || (rights & (RIGHT_FD_SEEK | RIGHT_FD_TELL)) != 0);
    }
  });

  test("a directory's descriptor is no file", (): void => {
    ok("fd_fdstat_get", wasi.fd_fdstat_get(dir, fdstat));
    equal("type", load<u8>(fdstat, FDSTAT_FILETYPE), FILETYPE_DIRECTORY);
    refused("read", readBytes(dir, buffer, 8), WASI_EISDIR, WASI_EBADF);
    refused("pread", preadBytes(dir, buffer, 8, 0), WASI_EISDIR, WASI_EBADF);
    refused("write", writeBytes(dir, letters, 1), WASI_EISDIR, WASI_EBADF);
    refused("pwrite", pwriteBytes(dir, letters, 1, 0), WASI_EISDIR, WASI_EBADF);
    errno("seek", seek(dir, 0, WHENCE_CUR), WASI_EISDIR, WASI_EBADF);
    errno("tell", tell(dir), WASI_EISDIR, WASI_EBADF);
    errno("allocate", wasi.fd_allocate(dir, 0, 1), WASI_EISDIR, WASI_EBADF);
    errno("set_size", wasi.fd_filestat_set_size(dir, 0), WASI_EBADF, WASI_EINVAL);
  });
}

function testPositions(): void {
  test("fd_seek from each end", (): void => {
    makeFile(dir, "file", "0123456789");
    const fd = openFile("file", 0);
    ok("set", seek(fd, 3, WHENCE_SET));
    equal("set", result64(), 3);
    ok("cur", seek(fd, 4, WHENCE_CUR));
    equal("cur", result64(), 7);
    ok("back", seek(fd, -2, WHENCE_CUR));
    equal("back", result64(), 5);
    ok("end", seek(fd, -1, WHENCE_END));
    equal("end", result64(), 9);
    ok("past the end", seek(fd, 5000000000, WHENCE_END));
    equal("past the end", result64(), 5000000010);
    count("read there", readBytes(fd, buffer, 8), 0);
    close(fd);
  });

  test("fd_seek refuses what is negative or unknown, and stays", (): void => {
    makeFile(dir, "file", "0123456789");
    const fd = openFile("file", 0);
    ok("seek", seek(fd, 3, WHENCE_SET));
    errno("set -1", seek(fd, -1, WHENCE_SET), WASI_EINVAL);
    errno("cur -4", seek(fd, -4, WHENCE_CUR), WASI_EINVAL);
    errno("end -11", seek(fd, -11, WHENCE_END), WASI_EINVAL);
    errno("overflow", seek(fd, i64.MAX_VALUE, WHENCE_END), WASI_EINVAL, 61);
    errno("whence 3", seek(fd, 0, 3), WASI_EINVAL);
    position("unchanged", fd, 3);
    close(fd);
  });

  test("fd_seek and pread on a pipe are SPIPE", (): void => {
    // Needs a pipe or a socket as stdout; on a file the same calls are good.
    ok("fd_fdstat_get", wasi.fd_fdstat_get(1, fdstat));
    if (load<u8>(fdstat, FDSTAT_FILETYPE) == FILETYPE_REGULAR_FILE) {
      ok("seek in a file", seek(1, 0, WHENCE_CUR));
      return;
    }
    errno("seek", seek(1, 0, WHENCE_CUR), WASI_ESPIPE);
    errno("tell", tell(1), WASI_ESPIPE);
    refused("pwrite", pwriteBytes(1, letters, 0, 0), WASI_ESPIPE);
  });

  test("pread and pwrite leave the position alone", (): void => {
    makeFile(dir, "file", "0123456789");
    const fd = openFile("file", 0);
    ok("seek", seek(fd, 2, WHENCE_SET));
    count("pread", preadBytes(fd, buffer, 4, 5), 4);
    same("bytes", textOf(buffer, 4), "5678");
    count("pwrite", pwriteBytes(fd, letters, 2, 8), 2);
    position("unchanged", fd, 2);
    close(fd);
    same("content", contentOf(dir, "file"), "01234567ab");
  });

  test("pread and pwrite refuse offsets that no file has", (): void => {
    const fd = openFile("file");
    refused("pread", preadBytes(fd, buffer, 4, 0x8000000000000000), WASI_EINVAL);
    refused("pwrite", pwriteBytes(fd, letters, 4, 0xffffffffffffffff), WASI_EINVAL);
    equal("size", sizeOf(fd), 0);
    close(fd);
  });

  test("a write past the end leaves zeroes between", (): void => {
    const fd = openFile("file");
    count("pwrite", pwriteBytes(fd, letters, 1, 3), 1);
    memory.fill(buffer, 0xaa, 8);
    count("pread", preadBytes(fd, buffer, 8, 0), 4);
    equal("bytes", load<u32>(buffer), 0x61000000);
    close(fd);
  });

  test("two descriptors of one file have positions of their own", (): void => {
    makeFile(dir, "file", "0123456789");
    const a = openFile("file", 0);
    const b = openFile("file", 0);
    count("read a", readBytes(a, buffer, 4), 4);
    count("read b", readBytes(b, buffer, 2), 2);
    same("b begins at the start", textOf(buffer, 2), "01");
    position("a", a, 4);
    count("write b", writeBytes(b, letters, 4), 4);
    count("read a", readBytes(a, buffer, 2), 2);
    same("a sees what b wrote", textOf(buffer, 2), "cd");
    close(a);
    close(b);
  });

  test("reading in pieces gives everything once", (): void => {
    const fd = openFile("file");
    for (let i = 0; i < 100; i++) count("write", writeBytes(fd, letters, 8), 8);
    position("after writing", fd, 800);
    ok("seek to 0", seek(fd, 0, WHENCE_SET));
    let total = 0;
    while (true) {
      const length = readBytes(fd, buffer, 33);
      if (length <= 0) break;
      total += length;
    }
    equal("bytes", total, 800);
    close(fd);
  });
}

function testVectors(): void {
  test("several vectors are filled in order and counted once", (): void => {
    makeFile(dir, "file", "0123456789");
    const fd = openFile("file", 0);
    memory.fill(buffer, 0xaa, 64);
    setVector(0, buffer, 3);
    setVector(1, buffer + 32, 0);
    setVector(2, buffer + 16, 4);
    ok("pread", wasi.fd_pread(fd, vectors, 3, 1, cell));
    equal("pread", load<u32>(cell), 7);
    same("first", textOf(buffer, 3), "123");
    same("third", textOf(buffer + 16, 4), "4567");
    equal("behind", load<u8>(buffer, 3), 0xaa);
    ok("read", wasi.fd_read(fd, vectors, 3, cell));
    equal("read", load<u32>(cell), 7);
    close(fd);
  });

  test("a full single vector is counted once", (): void => {
    makeFile(dir, "file", "0123456789");
    const fd = openFile("file", 0);
    count("pread", preadBytes(fd, buffer, 4, 0), 4);
    count("read", readBytes(fd, buffer, 4), 4);
    count("write", writeBytes(fd, letters, 4), 4);
    count("pwrite", pwriteBytes(fd, letters, 4, 0), 4);
    close(fd);
  });

  test("several vectors are written in order", (): void => {
    const fd = openFile("file");
    setVector(0, letters + 4, 2);
    setVector(1, letters, 0);
    setVector(2, letters, 3);
    ok("write", wasi.fd_write(fd, vectors, 3, cell));
    equal("count", load<u32>(cell), 5);
    close(fd);
    same("content", contentOf(dir, "file"), "efabc");
  });

  test("no vectors and empty vectors are good", (): void => {
    makeFile(dir, "file", "0123");
    const fd = openFile("file", 0);
    ok("read of none", wasi.fd_read(fd, vectors, 0, cell));
    equal("none", load<u32>(cell), 0);
    setVector(0, buffer, 0);
    ok("read of an empty one", wasi.fd_read(fd, vectors, 1, cell));
    equal("empty", load<u32>(cell), 0);
    ok("write of none", wasi.fd_write(fd, vectors, 0, cell));
    ok("write of an empty one", wasi.fd_write(fd, vectors, 1, cell));
    equal("size", sizeOf(fd), 4);
    position("unchanged", fd, 0);
    close(fd);
  });

  test("1025 vectors are written or refused as a whole", (): void => {
    const fd = openFile("file");
    for (let i = 0; i < 1025; i++) setVector(i, letters, 1);
    const result = wasi.fd_write(fd, vectors, 1025, cell);
    errno("write", result, WASI_ESUCCESS, WASI_EINVAL);
    equal("size", sizeOf(fd), result == WASI_ESUCCESS ? <u64>load<u32>(cell) : 0);
    close(fd);
  });
}

function testSizes(): void {
  test("fd_filestat_set_size shortens and lengthens with zeroes", (): void => {
    makeFile(dir, "file", "0123456789");
    const fd = openFile("file", 0);
    ok("shorten", wasi.fd_filestat_set_size(fd, 4));
    equal("shorter", sizeOf(fd), 4);
    ok("lengthen", wasi.fd_filestat_set_size(fd, 8));
    memory.fill(buffer, 0xaa, 16);
    count("pread", preadBytes(fd, buffer, 16, 0), 8);
    equal("bytes", load<u64>(buffer), 0x33323130);
    close(fd);
  });

  test("fd_filestat_set_size beyond every file is refused", (): void => {
    const fd = openFile("file");
    errno("negative", wasi.fd_filestat_set_size(fd, 0x8000000000000000), WASI_EINVAL, WASI_EFBIG);
    equal("size", sizeOf(fd), 0);
    // A file of Linux's tmpfs may be as large as a position can say; of a disk, not.
    const largest = wasi.fd_filestat_set_size(fd, 0x7fffffffffffffff);
    errno("largest", largest, WASI_ESUCCESS, WASI_EINVAL, WASI_EFBIG);
    equal("size", sizeOf(fd), largest == WASI_ESUCCESS ? 0x7fffffffffffffff : 0);
    close(fd);
  });

  test("a file opened only to read is not resized", (): void => {
    makeFile(dir, "file", "0123");
    const fd = must(openAt(dir, "file", 0, RIGHTS_READ_ONLY), "open");
    errno("set_size", wasi.fd_filestat_set_size(fd, 0), WASI_EBADF, WASI_EINVAL, WASI_ENOTCAPABLE);
    errno("allocate", wasi.fd_allocate(fd, 0, 10), WASI_EBADF, WASI_ENOTSUP, WASI_ENOTCAPABLE);
    equal("size", sizeOf(fd), 4);
    close(fd);
  });

  test("fd_allocate lengthens and never shortens", (): void => {
    makeFile(dir, "file", "0123456789");
    const fd = openFile("file", 0);
    const result = wasi.fd_allocate(fd, 4, 20);
    errno("allocate", result, WASI_ESUCCESS, WASI_ENOTSUP);
    equal("longer", sizeOf(fd), result == WASI_ESUCCESS ? 24 : 10);
    errno("a part", wasi.fd_allocate(fd, 0, 4), WASI_ESUCCESS, WASI_ENOTSUP);
    equal("as long", sizeOf(fd), result == WASI_ESUCCESS ? 24 : 10);
    count("pread", preadBytes(fd, buffer, 10, 0), 10);
    same("bytes", textOf(buffer, 10), "0123456789");
    close(fd);
  });

  test("fd_allocate of nothing and of too much is refused", (): void => {
    const fd = openFile("file");
    errno("nothing", wasi.fd_allocate(fd, 0, 0), WASI_EINVAL, WASI_ENOTSUP);
    errno("overflow", wasi.fd_allocate(fd, 0x7fffffffffffffff, 2), WASI_EFBIG, WASI_EINVAL, WASI_ENOTSUP);
    errno("negative", wasi.fd_allocate(fd, 0, 0x8000000000000000), WASI_EFBIG, WASI_EINVAL, WASI_ENOTSUP);
    equal("size", sizeOf(fd), 0);
    close(fd);
  });

  test("sync, datasync and advise succeed", (): void => {
    const fd = openFile("file");
    ok("sync", wasi.fd_sync(fd));
    ok("datasync", wasi.fd_datasync(fd));
    ok("sync of a directory", wasi.fd_sync(dir));
    // The directory was opened without FD_DATASYNC, which some hosts take for a wish to write.
    errno("datasync of a directory", wasi.fd_datasync(dir), WASI_ESUCCESS, WASI_ENOTCAPABLE);
    for (let advice = 0; advice < 6; advice++) ok("advise", wasi.fd_advise(fd, 0, 10, advice));
    errno("unknown advice", wasi.fd_advise(fd, 0, 10, 6), WASI_EINVAL);
    close(fd);
  });
}

function testBadNumbers(): void {
  test("every call on a closed descriptor is BADF", (): void => {
    const fd = openFile("file");
    ok("close", close(fd));
    errno("close", close(fd), WASI_EBADF);
    refused("read", readBytes(fd, buffer, 1), WASI_EBADF);
    refused("write", writeBytes(fd, letters, 1), WASI_EBADF);
    refused("pread", preadBytes(fd, buffer, 1, 0), WASI_EBADF);
    refused("pwrite", pwriteBytes(fd, letters, 1, 0), WASI_EBADF);
    errno("seek", seek(fd, 0, WHENCE_SET), WASI_EBADF);
    errno("tell", tell(fd), WASI_EBADF);
    errno("sync", wasi.fd_sync(fd), WASI_EBADF);
    errno("datasync", wasi.fd_datasync(fd), WASI_EBADF);
    errno("advise", wasi.fd_advise(fd, 0, 0, 0), WASI_EBADF);
    errno("allocate", wasi.fd_allocate(fd, 0, 1), WASI_EBADF, WASI_ENOTSUP);
    errno("fdstat", wasi.fd_fdstat_get(fd, fdstat), WASI_EBADF);
    errno("set_flags", wasi.fd_fdstat_set_flags(fd, 0), WASI_EBADF);
    errno("filestat", wasi.fd_filestat_get(fd, filestat), WASI_EBADF);
    errno("set_size", wasi.fd_filestat_set_size(fd, 0), WASI_EBADF);
    errno("set_times", wasi.fd_filestat_set_times(fd, 0, 0, 0), WASI_EBADF);
    errno("readdir", wasi.fd_readdir(fd, buffer, 64, 0, cell), WASI_EBADF);
    errno("-1", wasi.fd_fdstat_get(-1, fdstat), WASI_EBADF);
    errno("largest", wasi.fd_fdstat_get(i32.MAX_VALUE, fdstat), WASI_EBADF);
  });

  test("pointers beyond memory are FAULT", (): void => {
    makeFile(dir, "file", "0123456789");
    const fd = openFile("file", 0);
    const end = memoryEnd();
    errno("fdstat", wasi.fd_fdstat_get(fd, end), WASI_EFAULT);
    errno("fdstat across the end", wasi.fd_fdstat_get(fd, end - 8), WASI_EFAULT);
    errno("filestat", wasi.fd_filestat_get(fd, end - 63), WASI_EFAULT);
    errno("filestat at the top", wasi.fd_filestat_get(fd, 0xffffffff), WASI_EFAULT);
    errno("tell", wasi.fd_tell(fd, end), WASI_EFAULT);
    errno("vectors", wasi.fd_read(fd, end - 4, 1, cell), WASI_EFAULT);
    refused("read into", readBytes(fd, end - 4, 8), WASI_EFAULT);
    refused("read into a wrapping buffer", readBytes(fd, 0xfffffff8, 16), WASI_EFAULT, WASI_EINVAL);
    refused("write from", writeBytes(fd, end - 4, 8), WASI_EFAULT);
    refused("read of more than memory", readBytes(fd, buffer, 0xffffffff), WASI_EFAULT, WASI_EINVAL);
    errno("clock", wasi.clock_time_get(0, 0, end), WASI_EFAULT);
    errno("random", wasi.random_get(end - 8, 16), WASI_EFAULT);
    errno("arguments", wasi.args_sizes_get(end, cell), WASI_EFAULT);
    errno("path", wasi.path_filestat_get(dir, 0, end - 2, 4, filestat), WASI_EFAULT);
    errno("path at the top", wasi.path_create_directory(dir, 0xfffffffe, 4), WASI_EFAULT);
    errno("readdir", wasi.fd_readdir(dir, end - 8, 64, 0, cell), WASI_EFAULT);
    same("the file is as it was", contentOf(dir, "file"), "0123456789");
    close(fd);
  });

  test("a bad pointer for the result makes no file and takes no descriptor", (): void => {
    const name = memory.data<u8>([0x6e, 0x65, 0x77]);
    const opened = wasi.path_open(dir, 0, name, 3, OFLAGS_CREAT, RIGHT_FD_READ, 0, 0, memoryEnd());
    errno("path_open", opened, WASI_EFAULT);
    const before = openFile("a");
    close(before);
    for (let i = 0; i < 8; i++) wasi.path_open(dir, 0, name, 3, 0, RIGHT_FD_READ, 0, 0, memoryEnd());
    const after = openFile("a");
    equal("the next number", after, before);
    close(after);
  });

  test("memory that was grown is used at once", (): void => {
    makeFile(dir, "file", "0123456789");
    const fd = openFile("file", 0);
    const grown = memoryEnd();
    isTrue("grow", memory.grow(2) >= 0);
    count("pread", preadBytes(fd, grown + 65530, 10, 0), 10);
    same("bytes", textOf(grown + 65530, 10), "0123456789");
    ok("filestat", wasi.fd_filestat_get(fd, grown + 131008));
    equal("size", load<u64>(grown + 131008, FILESTAT_SIZE), 10);
    errno("behind it", wasi.fd_filestat_get(fd, grown + 131072), WASI_EFAULT);
    close(fd);
  });

  test("a file that is open survives the loss of its name", (): void => {
    const file = must(openAt(dir, "file", OFLAGS_CREAT), "open");
    count("written", writeAll(file, "kept"), 0);
    const below = must(openAt(dir, ".", OFLAGS_DIRECTORY, RIGHTS_DIRECTORY), "open");
    const name = memory.data<u8>([0x66, 0x69, 0x6c, 0x65]);
    ok("unlink", wasi.path_unlink_file(below, name, 4));
    errno("stat", statAt(dir, "file", filestat), WASI_ENOENT);
    count("pread", preadBytes(file, buffer, 8, 0), 4);
    same("bytes", textOf(buffer, 4), "kept");
    close(below);
    close(file);
  });
}

export function _start(): void {
  begin();
  testPreopens();
  testFlagsAndRights();
  testPositions();
  testVectors();
  testSizes();
  testBadNumbers();
  // Last: stdin and the preopen are something else afterwards.
  testRenumber();
}

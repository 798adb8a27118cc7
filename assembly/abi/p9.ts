// 9P2000.L: message numbers, masks and limits (linux/include/net/9p/9p.h, diod's protocol.md), and wVisor's extension.
//
// The extension is on when client and server agree on VERSION_WVISOR in Tversion. It adds two things:
//   Twalkattr / Rwalkattr    a walk that also returns the attributes of every component it reached
//     size[4] Twalkattr tag[2] fid[4] newfid[4] nwname[2] nwname*(name[s])
//     size[4] Rwalkattr tag[2] status[4] nwattr[2] nwattr*(attr[153])
//       attr is Rgetattr's body: valid[8] qid[13] mode[4] uid[4] gid[4] nlink[8] rdev[8] size[8] blksize[8] blocks[8]
//       atime_sec[8] atime_nsec[8] mtime_sec[8] mtime_nsec[8] ctime_sec[8] ctime_nsec[8] btime_sec[8] btime_nsec[8]
//       gen[8] data_version[8]
//       status is 0 when every name was walked and newfid was made; else the errno that the next name gave
//       (ENOENT, EACCES, ...; ENOTDIR when the last component reached is not a directory, symlinks included).
//       Unlike Twalk the first name's failure is no Rlerror. With nwname 0 the fid is cloned, and nwattr is 1: its own.
//       newfid NOFID walks without making a fid (revalidation).
//   descriptors              Rlopen and Rlcreate of a regular file may carry the open descriptor by SCM_RIGHTS

export const P9_RLERROR = 7;
export const P9_TSTATFS = 8;
export const P9_RSTATFS = 9;
export const P9_TLOPEN = 12;
export const P9_RLOPEN = 13;
export const P9_TLCREATE = 14;
export const P9_RLCREATE = 15;
export const P9_TSYMLINK = 16;
export const P9_RSYMLINK = 17;
export const P9_TMKNOD = 18;
export const P9_RMKNOD = 19;
export const P9_TRENAME = 20;
export const P9_RRENAME = 21;
export const P9_TREADLINK = 22;
export const P9_RREADLINK = 23;
export const P9_TGETATTR = 24;
export const P9_RGETATTR = 25;
export const P9_TSETATTR = 26;
export const P9_RSETATTR = 27;
export const P9_TXATTRWALK = 30;
export const P9_RXATTRWALK = 31;
export const P9_TXATTRCREATE = 32;
export const P9_RXATTRCREATE = 33;
export const P9_TREADDIR = 40;
export const P9_RREADDIR = 41;
export const P9_TFSYNC = 50;
export const P9_RFSYNC = 51;
export const P9_TLOCK = 52;
export const P9_RLOCK = 53;
export const P9_TGETLOCK = 54;
export const P9_RGETLOCK = 55;
export const P9_TLINK = 70;
export const P9_RLINK = 71;
export const P9_TMKDIR = 72;
export const P9_RMKDIR = 73;
export const P9_TRENAMEAT = 74;
export const P9_RRENAMEAT = 75;
export const P9_TUNLINKAT = 76;
export const P9_RUNLINKAT = 77;
export const P9_TVERSION = 100;
export const P9_RVERSION = 101;
export const P9_TAUTH = 102;
export const P9_RAUTH = 103;
export const P9_TATTACH = 104;
export const P9_RATTACH = 105;
export const P9_TFLUSH = 108;
export const P9_RFLUSH = 109;
export const P9_TWALK = 110;
export const P9_RWALK = 111;
export const P9_TREAD = 116;
export const P9_RREAD = 117;
export const P9_TWRITE = 118;
export const P9_RWRITE = 119;
export const P9_TCLUNK = 120;
export const P9_RCLUNK = 121;
export const P9_TREMOVE = 122;
export const P9_RREMOVE = 123;
export const P9_TWALKATTR = 126;
export const P9_RWALKATTR = 127;

export const P9_NOTAG = 0xffff;
export const P9_NOFID = 0xffffffff;
export const P9_NONUNAME = 0xffffffff;
export const P9_MAXWELEM = 16;

export const P9_QTDIR = 0x80;
export const P9_QTSYMLINK = 0x02;
export const P9_QTFILE = 0x00;

export const P9_GETATTR_BASIC = 0x7ff;
export const P9_GETATTR_BTIME = 0x800;
export const P9_GETATTR_ALL = 0x3fff;

export const P9_SETATTR_MODE = 0x001;
export const P9_SETATTR_UID = 0x002;
export const P9_SETATTR_GID = 0x004;
export const P9_SETATTR_SIZE = 0x008;
export const P9_SETATTR_ATIME = 0x010;
export const P9_SETATTR_MTIME = 0x020;
export const P9_SETATTR_CTIME = 0x040;
export const P9_SETATTR_ATIME_SET = 0x080;
export const P9_SETATTR_MTIME_SET = 0x100;

/** size[4] type[1] tag[2]. */
export const P9_HEADER = 7;
export const P9_QID_SIZE = 13;
/** Rgetattr's body, which is also one attribute of Rwalkattr. */
export const P9_ATTR_SIZE = 153;
/** The message size that client and server offer: the best on sockets is 128 to 512 KiB. */
export const P9_MSIZE = 131072;
/** A Twrite's bytes before its data, and the allowance that the Linux client makes for any message (P9_IOHDRSZ). */
export const P9_IOHDRSZ = 24;

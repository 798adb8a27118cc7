// 9P2000.L: message numbers, masks and limits (linux/include/net/9p/9p.h, diod's protocol.md), and wVisor's extension.
//
// The extension is on when client and server agree on VERSION_WVISOR in Tversion. It adds these messages:
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
//   Twalkfids / Rwalkfids    the same for a client that wants a fid on each component: a whole path in one round trip
//     size[4] Twalkfids tag[2] fid[4] skip[2] nwname[2] nwname*(name[s]) (nwname-skip)*(newfid[4])
//     size[4] Rwalkfids tag[2] status[4] nwattr[2] nwattr*(attr[153])
//       The first `skip` components get no fid. Every other one that is reached does, also when a later one fails.
//   Tcreateattr / Rcreateattr    makes and opens a regular file, exclusively, for reading and writing
//     size[4] Tcreateattr tag[2] dfid[4] openfid[4] newfid[4] name[s] mode[4] uid[4] gid[4]
//     size[4] Rcreateattr tag[2] attr[153]
//       openfid becomes the open file, newfid the file. It is uid's and gid's where the server may give files away.
//   Ttmpfile / Rtmpfile    makes a regular file without a name, as O_TMPFILE does; Tlink gives it one
//     size[4] Ttmpfile tag[2] dfid[4] newfid[4] mode[4] uid[4] gid[4]
//     size[4] Rtmpfile tag[2] attr[153]
//   Trenameat2 / Rrenameat2    Trenameat with renameat2(2)'s flags
//     size[4] Trenameat2 tag[2] olddfid[4] oldname[s] newdfid[4] newname[s] flags[4]
//     size[4] Rrenameat2 tag[2]
//   Tallocate / Rallocate    fallocate(2) on an open fid
//     size[4] Tallocate tag[2] fid[4] mode[4] offset[8] length[8]
//     size[4] Rallocate tag[2]
//   Tseek / Rseek    lseek(2) with SEEK_DATA or SEEK_HOLE on an open fid
//     size[4] Tseek tag[2] fid[4] whence[4] offset[8]
//     size[4] Rseek tag[2] offset[8]
//   Tcopyrange / Rcopyrange    copy_file_range(2) between two open fids
//     size[4] Tcopyrange tag[2] fid[4] offset[8] tofid[4] tooffset[8] length[8]
//     size[4] Rcopyrange tag[2] count[8]
//   Txattrremove / Rxattrremove    removexattr(2); a Txattrcreate of size 0 then sets an empty value
//     size[4] Txattrremove tag[2] fid[4] name[s]
//     size[4] Rxattrremove tag[2]
//   Tclunks / Rclunks    as many Tclunks in one message; a fid that is not known is passed over
//     size[4] Tclunks tag[2] count[2] count*(fid[4])
//     size[4] Rclunks tag[2]
//   Tmultigetattr / Rmultigetattr    looks up many names of one directory, and makes a fid on each that is there
//     size[4] Tmultigetattr tag[2] dfid[4] nname[2] nname*(name[s]) nname*(newfid[4])
//     size[4] Rmultigetattr tag[2] nanswer[2] nanswer*(status[4] attr[153])
//       The answers are those of the names at the front: all, or as many as the message holds; the other names were not looked up.
//       status is 0 when newfid was made, else the errno that the name gave, and there is no attr.
//       newfid NOFID asks for the attributes alone.
//   Tconnect / Rconnect    opens a socket of the host by connecting to it; `type` is SOCK_STREAM 1, SOCK_DGRAM 2 or SOCK_SEQPACKET 5
//     size[4] Tconnect tag[2] fid[4] type[4]
//     size[4] Rconnect tag[2]
//       EPERM where the server's user has not allowed it, EAGAIN while as many wait there as may.
//   descriptors              Rlopen, Rlcreate and Rcreateattr of a regular file may carry the open descriptor by SCM_RIGHTS; Rlopen of
//                            a FIFO (ENXIO where the server's user has not allowed it) and Rconnect always do. These do not block.

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

export const P9_TWALKFIDS = 160;
export const P9_RWALKFIDS = 161;
export const P9_TCREATEATTR = 162;
export const P9_RCREATEATTR = 163;
export const P9_TTMPFILE = 164;
export const P9_RTMPFILE = 165;
export const P9_TRENAMEAT2 = 166;
export const P9_RRENAMEAT2 = 167;
export const P9_TALLOCATE = 168;
export const P9_RALLOCATE = 169;
export const P9_TSEEK = 170;
export const P9_RSEEK = 171;
export const P9_TCOPYRANGE = 172;
export const P9_RCOPYRANGE = 173;
export const P9_TXATTRREMOVE = 174;
export const P9_RXATTRREMOVE = 175;
export const P9_TCLUNKS = 176;
export const P9_RCLUNKS = 177;
export const P9_TMULTIGETATTR = 178;
export const P9_RMULTIGETATTR = 179;
export const P9_TCONNECT = 180;
export const P9_RCONNECT = 181;

export const P9_NOTAG = 0xffff;
export const P9_NOFID = 0xffffffff;
export const P9_NONUNAME = 0xffffffff;
export const P9_MAXWELEM = 16;

/** Fids in one Tclunks. */
export const P9_CLUNKS_MAX = 64;
/** Names in one Tmultigetattr. */
export const P9_NAMES_MAX = 64;

export const P9_LOCK_TYPE_RDLCK = 0;
export const P9_LOCK_TYPE_WRLCK = 1;
export const P9_LOCK_TYPE_UNLCK = 2;
export const P9_LOCK_SUCCESS = 0;
export const P9_LOCK_BLOCKED = 1;

export const P9_QTDIR = 0x80;
export const P9_QTSYMLINK = 0x02;
export const P9_QTFILE = 0x00;

export const P9_GETATTR_NLINK = 0x002;
export const P9_GETATTR_UID = 0x004;
export const P9_GETATTR_GID = 0x008;
export const P9_GETATTR_BLOCKS = 0x400;
export const P9_GETATTR_BASIC = 0x7ff;
export const P9_GETATTR_BTIME = 0x800;
export const P9_GETATTR_ALL = 0x3fff;
/**
 * Our extension's. In Tgetattr's mask: asks for the POSIX access control lists. In `valid`: behind these attributes follow access[s]
 * default[s], values of system.posix_acl_access and system.posix_acl_default, empty where the file has none. The extension's own
 * answers have them unasked, where the file system has lists.
 */
export const P9_GETATTR_ACLS = 0x8000;
/** The largest value of one of them. */
export const P9_ACL_MAX = 4096;

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

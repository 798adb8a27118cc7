// /proc/PID/net: the tables of a network that there is not (Linux: net/core, net/ipv4, net/ipv6, net/unix). Each has its head,
// as on Linux, and no lines; there is no interface either.

import { Text } from "../../vfs/text.ts";
import { KernfsDirectory } from "../kernfs/directory.ts";
import { KernfsFile } from "../kernfs/file.ts";
import { KernfsFilesystem } from "../kernfs/inode.ts";

/** How a table of an address family begins. */
const SOCKETS: string =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const SOCKETS6: string =
  "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

/** A table whose head is `first` and, in one line with it or in a second one, `rest`. */
@final
class Table extends KernfsFile {
  constructor(
    fs: KernfsFilesystem,
    private readonly first: string,
    private readonly rest: string,
  ) {
    super(fs, 0o444);
  }

  show(out: Text): i32 {
    out.text(this.first).text(this.rest);
    return 0;
  }
}

function table(net: KernfsDirectory, name: string, first: string, rest: string = ""): void {
  net.add(name, new Table(net.kernfs, first, rest));
}

function addDevices(net: KernfsDirectory): void {
  table(
    net,
    "dev",
    "Inter-|   Receive                                                |  Transmit\n",
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n",
  );
  table(net, "dev_mcast", "");
  table(net, "if_inet6", "");
  table(net, "igmp", "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n");
  table(net, "ptype", "Type Device      Function\n");
}

function addRoutes(net: KernfsDirectory): void {
  table(net, "arp", "IP address       HW type     Flags       HW address            Mask     Device\n");
  table(net, "ipv6_route", "");
  table(net, "route", "");
}

function addSockets(net: KernfsDirectory): void {
  table(net, "icmp", SOCKETS, " ref pointer drops             \n");
  table(net, "icmp6", SOCKETS6, " ref pointer drops\n");
  table(
    net,
    "netlink",
    "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n",
  );
  table(net, "packet", "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
  table(
    net,
    "protocols",
    "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em\n",
  );
  table(net, "raw", SOCKETS, " ref pointer drops\n");
  table(net, "raw6", SOCKETS6, " ref pointer drops\n");
  table(net, "sockstat", "sockets: used 0\n");
  table(net, "tcp", SOCKETS, "                                                     \n");
  table(net, "tcp6", SOCKETS6, "\n");
  table(
    net,
    "udp",
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    " ref pointer drops            \n",
  );
  table(net, "udp6", SOCKETS6, " ref pointer drops\n");
  table(net, "unix", "Num       RefCount Protocol Flags    Type St Inode Path\n");
}

export function makeNetDirectory(fs: KernfsFilesystem): KernfsDirectory {
  const net = new KernfsDirectory(fs, 0o555);
  addDevices(net);
  addRoutes(net);
  addSockets(net);
  return net;
}

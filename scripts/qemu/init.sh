#!/bin/busybox sh
# The guest's first process: mounts the gofer at 10.0.2.2 in several ways, does the exercise in each, and powers off.
# The kernel's command line says port= and readonly=, the ports of the two gofers.

/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for parameter in $(cat /proc/cmdline); do
  case $parameter in port=* | readonly=*) eval "$parameter" ;; esac
done
for module in $(cat /modules/order); do insmod "/modules/$module" || echo "FAIL module $module"; done
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
mkdir -p /a /b
ulimit -n 4096

attach() {
  mount -t 9p -o "trans=tcp,port=$1,version=9p2000.L,$2" 10.0.2.2 "$3"
}

# Programs as people use them: a tree is packed, unpacked, copied, compared and removed.
tools() {
  mkdir "$1/tools" && cd "$1/tools" || return 1
  tar -C / -cf modules.tar modules && mkdir out && tar -C out -xf modules.tar || return 1
  cp -a out copy && diff -r out copy || return 1
  (cd /modules && md5sum ./*) >sums && (cd copy/modules && md5sum -c -s ../../sums) || return 1
  [ "$(find . -type f | wc -l)" -gt 10 ] && df . >/dev/null && sync || return 1
  grep -q 10.0.2.2 /proc/mounts && rm -r out copy && cd / && rm -r "$1/tools"
}

run() {
  echo "MODE $1"
  cache=${1##*cache=}
  cache=${cache%%,*}
  if ! attach "$port" "$1" /a || ! attach "$port" msize=65536,cache=none /b; then
    echo "FAIL mount"
    return
  fi
  mkdir "/a/$2" || echo "FAIL directory"
  cp /bin/busybox "/a/$2/program"
  /exercise "/a/$2" "/b/$2" "$cache" || true
  if tools "/a/$2"; then echo "PASS tools"; else echo "FAIL tools"; fi
  cd /
  umount /b && umount /a && echo "PASS unmount" || echo "FAIL unmount"
}

run msize=131072,cache=none none
run msize=131072,cache=loose loose
run msize=131072,cache=mmap mmap
run msize=8192,cache=none,access=client,posixacl small

echo "MODE read-only"
attach "$readonly" msize=131072,cache=none /a || echo "FAIL mount"
[ "$(cat /a/file)" = hello ] && echo "PASS reading" || echo "FAIL reading"
(echo x >/a/file) 2>/a.err; grep -q "Read-only" /a.err && echo "PASS writing is refused" || echo "FAIL writing is refused"
mkdir /a/d 2>/a.err; grep -q "Read-only" /a.err && echo "PASS making is refused" || echo "FAIL making is refused"
rm -f /a/file 2>/a.err; grep -q "Read-only" /a.err && echo "PASS removing is refused" || echo "FAIL removing is refused"
[ "$(readlink /a/outward)" = /etc/shadow ] && echo "PASS links are text" || echo "FAIL links are text"
umount /a
echo "MODE end"
poweroff -f

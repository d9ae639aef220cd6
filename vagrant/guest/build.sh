#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# build.sh OUT: the guest of the lab and of the tests.
#   OUT/vmlinux     Debian's cloud kernel, downloaded and unpacked, never installed; decompressed, because an ELF kernel
#                   boots by PVH in half the time under emulation
#   OUT/workload    workload.c, static: runs in the guest, and checks images on the host
#   OUT/guest.ird   initramfs: busybox, the virtio modules, init, the workload
#   OUT/accel       "kvm" or "tcg": what domain.sh uses on this machine
# Each is made once; remove OUT to make all anew.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# = 1 ] || { echo "usage: build.sh OUT" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
export LC_ALL=C.UTF-8
exec 9> "$out/.lock"
flock 9         # two makes may want the same guest

u32() { od -A n -t u4 -j "$(($2))" -N 4 "$1" | tr -d ' '; }

# The compressed kernel lies in the bzImage where its header says (Documentation/x86/boot.rst: payload_offset).
unpack_kernel() { # unpack_kernel BZIMAGE OUT
	local setup at size tool
	setup=$(od -A n -t u1 -j $((0x1f1)) -N 1 "$1" | tr -d ' ')
	at=$(((setup + 1) * 512 + $(u32 "$1" 0x248)))
	size=$(u32 "$1" 0x24c)
	case $(od -A n -t x1 -j "$at" -N 4 "$1" | tr -d ' ') in
	02214c18) tool=lz4 size=$((size - 4));;         # behind LZ4 stands the unpacked size, not part of the stream
	fd377a58) tool=xz;;
	*) echo "build.sh: unknown compression of $1" >&2; return 1;;
	esac
	dd if="$1" bs=1M iflag=skip_bytes,count_bytes skip="$at" count="$size" status=none | $tool -dc > "$2.full"
	strip -o "$2" "$2.full"
	rm "$2.full"
}

fetch_kernel() {
	local pkg
	[ ! -s "$out/vmlinux" ] || [ ! -d "$out/kernel/lib/modules" ] || return 0
	rm -rf "$out/kernel"
	mkdir -p "$out/kernel"
	pkg=$("$here/../provision/packages" download linux-image-cloud-amd64 "$out/kernel")
	dpkg-deb -x "$pkg" "$out/kernel"
	rm "$pkg"
	[ -d "$out/kernel/lib/modules" ] || ln -s usr/lib "$out/kernel/lib"
	depmod -b "$out/kernel" "$(basename "$out"/kernel/lib/modules/*)"
	unpack_kernel "$(echo "$out"/kernel/boot/vmlinuz-*)" "$out/vmlinux.new"
	mv "$out/vmlinux.new" "$out/vmlinux"
}

build_workload() {
	[ "$out/workload" -nt "$here/workload.c" ] || gcc -std=c17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wshadow -Werror -static -pthread \
		-o "$out/workload" "$here/workload.c"
}

build_initramfs() {
	local dir kind file
	[ ! "$out/guest.ird" -nt "$out/workload" ] || [ ! "$out/guest.ird" -nt "$here/init" ] || [ ! "$out/guest.ird" -nt "$out/vmlinux" ] ||
		return 0
	dir=$(mktemp -d "$out/ird.XXXXXX")
	# shellcheck disable=SC2064  # the directory of now
	trap "rm -rf '$dir'" EXIT
	chmod 755 "$dir"
	mkdir -p "$dir"/{bin,dev,lib,proc,sys,www}
	install -m 755 "$(command -v busybox)" "$out/workload" "$dir/bin/"
	strip "$dir/bin/workload"
	install -m 755 "$here/init" "$dir/init"
	modprobe -d "$out/kernel" -S "$(basename "$out"/kernel/lib/modules/*)" -a -D virtio_pci virtio_blk virtio_net virtio_rng |
		while read -r kind file _; do
			if [ "$kind" = insmod ] && [ ! -e "$dir/lib/$(basename "$file")" ]; then
				cp "$file" "$dir/lib/"
				basename "$file" >> "$dir/lib/order"
			fi
		done
	(cd "$dir" && find . | cpio -o -H newc --quiet | gzip -6) > "$out/guest.ird.new"
	mv "$out/guest.ird.new" "$out/guest.ird"
	rm -rf "$dir"
	trap - EXIT
}

# /dev/kvm alone proves nothing: a probe guest has to boot by it in five seconds.
probe_kvm() {
	[ -s "$out/accel" ] && [ "$(cut -d' ' -f2 "$out/accel")" = "$(cat /proc/sys/kernel/random/boot_id)" ] && return 0
	local accel=tcg
	if [ -w /dev/kvm ] && timeout 5 qemu-system-x86_64 -accel kvm -M q35 -m 128 -nodefaults -no-reboot -display none \
		-serial file:"$out/probe.log" -kernel "$out/vmlinux" -initrd "$out/guest.ird" \
		-append "console=ttyS0 quiet panic=-1 guest.probe=yes" > /dev/null 2>&1 < /dev/null &&
		grep -q "guest: ready" "$out/probe.log"; then
		accel=kvm
	fi
	rm -f "$out/probe.log"
	echo "$accel $(cat /proc/sys/kernel/random/boot_id)" > "$out/accel"
}

fetch_kernel
build_workload
build_initramfs
probe_kvm

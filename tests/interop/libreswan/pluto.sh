# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# pluto.sh - Debian's libreswan as the far end, in the namespace of site b. Sourced after tests/netns/lib.sh.
#
# Its package conflicts with strongSwan's, so it is unpacked below $B/interop and never installed. Where the kernel has no ESP it can
# only do IKE: its IKE SA comes up, its child fails. Its state, log and control socket are below $T/pluto.
LSW=$B/interop/libreswan

# Unpacks it once; skips when the packages cannot be had.
pluto_requires() {
	local log
	log=$("$ROOT/vagrant/provision/packages" interop 2>&1) || { echo "skip: the libraries of libreswan cannot be had (${log##*$'\n'})"; exit 77; }
	requires certutil dpkg-deb
	if [ ! -x "$LSW/usr/libexec/ipsec/pluto" ]; then
		mkdir -p "$LSW/deb"
		"$ROOT/vagrant/provision/packages" download libreswan "$LSW/deb" > "$LSW/log" 2>&1 ||
			{ echo "skip: libreswan cannot be downloaded ($(tail -n 1 "$LSW/log"))"; exit 77; }
		dpkg-deb -x "$LSW"/deb/libreswan_*.deb "$LSW"
		rm -rf "$LSW/deb"
	fi
	! ldd "$LSW/usr/libexec/ipsec/pluto" | grep -q 'not found' ||
		{ echo "skip: libreswan needs $(ldd "$LSW/usr/libexec/ipsec/pluto" | awk '/not found/ { printf "%s ", $1 }')"; exit 77; }
}

# pluto_start [LINE...]: the daemon with the connection "site", and more lines of it. Its process id in $PLUTO.
pluto_start() {
	local d=$T/pluto
	rm -rf "$d"
	mkdir -p "$d/etc" "$d/run" "$d/nss"
	certutil -N -d "sql:$d/nss" --empty-password || exit 1
	cat > "$d/etc/ipsec.conf" <<-END
	version 2.0
	config setup
	    protostack=xfrm
	    uniqueids=no
	conn site
	    ikev2=insist
	    authby=secret
	    left=10.44.0.2
	    leftid=@b.test
	    leftsubnet=10.71.2.1/32
	    leftikeport=4500
	    right=10.44.0.1
	    rightid=@a.test
	    rightsubnet=10.71.1.1/32
	    rightikeport=4500
	    ike=aes_gcm256-sha2_384;dh20
	    esp=aes_gcm256
	    esn=no
	    encapsulation=yes
	    fragmentation=yes
	    leftupdown=/bin/true
	    retransmit-interval=500
	    retransmit-timeout=4
	    auto=add
	$(printf '    %s\n' "$@")
	END
	(umask 077; echo "@b.test @a.test : PSK \"$(cat "$T/psk")\"" > "$d/etc/ipsec.secrets")
	# It calls programs below the folder it was built for, so its tree is laid over that, in a mount namespace of its own.
	# shellcheck disable=SC2016
	spawn b "$d/out.log" unshare -m sh -c '
		mount -t tmpfs run /run && mkdir /run/pluto && mount --bind "$0/usr/libexec" /usr/libexec || exit 1
		d=$1
		exec /usr/libexec/ipsec/pluto --nofork --config "$d/etc/ipsec.conf" --secretsfile "$d/etc/ipsec.secrets" --ipsecdir "$d/etc" \
			--nssdir "$d/nss" --rundir "$d/run" --logfile "$d/pluto.log" --log-no-append --no-dnssec --use-xfrm' "$LSW" "$d"
	PLUTO=$PID
	must wait_for 20 test -S "$d/run/pluto.ctl"
	in_ns b "$LSW/usr/libexec/ipsec/addconn" --ctlsocket "$d/run/pluto.ctl" --config "$d/etc/ipsec.conf" site > "$d/add.log" 2>&1 ||
		{ cat "$d/add.log"; must false; }
}
pluto_stop() { stop "$PLUTO"; }
whack() { timeout 20 "$LSW/usr/libexec/ipsec/whack" --rundir "$T/pluto/run" "$@" >> "$T/pluto/whack.log" 2>&1; }

# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# swan.sh - Debian's strongSwan as the far end of a tunnel, in the namespace of site b. Sourced after tests/netns/lib.sh.
#
# charon-systemd with the kernel-libipsec plugin: ESP in user space, so it runs on any kernel that has TUN. It does UDP
# encapsulation always, and no extended sequence numbers. Its routes stand in table 220, its inner address on lo.
# What it must find: secrets of pki and psk in $T. Its state, log and control socket are below $T/swan.

swan_requires() {
	requires charon-systemd swanctl
	[ -e /usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so ] || { echo "skip: needs strongSwan's kernel-libipsec"; exit 77; }
}

swan_conf() {
	local d=$T/swan
	mkdir -p "$d/swanctl"/{x509,x509ca,private,pkcs8,ecdsa,rsa,pubkey}
	[ -s "$T/b.crt" ] && cp "$T/ca.crt" "$d/swanctl/x509ca/" && cp "$T/b.crt" "$d/swanctl/x509/" && cp "$T/b.key" "$d/swanctl/private/"
	# The order matters: the first of the kernel plugins that loads owns ESP.
	cat > "$d/strongswan.conf" <<-END
	charon-systemd {
	  load_modular = no
	  load = random nonce openssl aes sha1 sha2 hmac gcm kdf chapoly curve25519 pem pkcs1 pkcs8 pubkey x509 revocation constraints ${SWAN_KERNEL:-kernel-libipsec kernel-netlink} socket-default vici
	  user = root
	  install_virtual_ip = no
	  keep_alive = 5s
	  make_before_break = yes
	  retransmit_tries = 3
	  ${SWAN_FRAGMENT:+fragment_size = $SWAN_FRAGMENT}
	  ${SWAN_CHARON:-}
	  retransmit_timeout = 1.0
	  plugins {
	    vici { socket = unix://$d/vici.sock }
	    kernel-libipsec { allow_peer_ts = yes }
	  }
	  filelog {
	    main { path = $d/charon.log
	      default = 1
	      ike = 2
	      flush_line = yes
	      time_format = %H:%M:%S }
	  }
	  journal { default = -1 }
	}
	swanctl { socket = unix://$d/vici.sock
	  load = pem pkcs1 pkcs8 openssl x509 random nonce sha2 sha1 pubkey revocation }
	END
}

# swan_connection psk|cert [more lines of the connection]: the connection "site" with the child "net"; neither side of it starts by
# itself. $SWAN_IKE and $SWAN_ESP are its proposals, $SWAN_AUTH how it signs, $SWAN_LOCAL and $SWAN_REMOTE the addresses outside,
# $SWAN_LOCAL_TS and $SWAN_REMOTE_TS inside, $SWAN_CHILD more lines of the child, if not as usual. $SWAN_PPK, if there is
# one, is "NAME HEXADECIMAL" of a postquantum preshared key: strongSwan has it then, and as responder uses it; as initiator it needs
# ppk_id among the lines. At the start $SWAN_FRAGMENT is how large its IKE packets may be, $SWAN_CHARON more of its
# settings, $SWAN_KERNEL its plugins for ESP and routes. $SWAN_MOBIKE=yes lets its addresses change.
swan_connection() {
	local local_auth='auth = psk' remote_auth='auth = psk'
	[ "$1" = psk ] || local_auth='auth = '${SWAN_AUTH:-pubkey}'
	      certs = b.crt' remote_auth='auth = pubkey
	      cacerts = ca.crt'
	cat > "$T/swan/swanctl/swanctl.conf" <<-END
	connections {
	  site {
	    version = 2
	    local_addrs = ${SWAN_LOCAL:-10.44.0.2}
	    remote_addrs = ${SWAN_REMOTE:-10.44.0.1}
	    local_port = 4500
	    remote_port = 4500
	    proposals = ${SWAN_IKE:-aes256gcm16-prfsha384-ecp384}
	    encap = yes
	    mobike = ${SWAN_MOBIKE:-no}
	    dpd_delay = 2s
	    send_cert = always
	    ${2:-}
	    local {
	      $local_auth
	      id = b.test
	    }
	    remote {
	      $remote_auth
	      id = a.test
	    }
	    children {
	      net {
	        local_ts = ${SWAN_LOCAL_TS:-10.71.2.1/32}
	        remote_ts = ${SWAN_REMOTE_TS:-10.71.1.1/32}
	        esp_proposals = ${SWAN_ESP:-aes256gcm16}
	        mode = tunnel
	        ${SWAN_CHILD:-dpd_action = clear}
	      }
	    }
	  }
	}
	secrets {
	  ike-1 {
	    secret = "$(cat "$T/psk" 2>/dev/null)"
	    id-1 = b.test
	    id-2 = a.test
	  }
	  ${SWAN_PPK:+ppk-1 { secret = 0x${SWAN_PPK#* }
	    id-1 = ${SWAN_PPK% *}
	  \}}
	}
	END
}

# swanctl against this instance.
swan() {
	local command=$1; shift
	echo "b$ swanctl $command $*" >&2
	STRONGSWAN_CONF=$T/swan/strongswan.conf SWANCTL_DIR=$T/swan/swanctl swanctl "$command" --uri "unix://$T/swan/vici.sock" "$@"
}

# swan_start psk|cert [more]: a daemon with one connection. Its process id in $SWAN.
swan_start() {
	swan_conf
	swan_connection "$@"
	in_ns b ip addr replace 10.71.2.1/32 dev lo
	# A mount namespace of its own: files below /run belong to this instance alone.
	# shellcheck disable=SC2016
	spawn b "$T/swan/out.log" env STRONGSWAN_CONF="$T/swan/strongswan.conf" SWANCTL_DIR="$T/swan/swanctl" \
		unshare -m sh -c 'mount -t tmpfs run /run && exec charon-systemd'
	SWAN=$PID
	must wait_for 10 test -S "$T/swan/vici.sock"
	must swan --load-all > "$T/swan/load.log" 2>&1
}

swan_stop() {
	stop "$SWAN"
	rm -rf "$T/swan"
	in_ns b ip addr flush dev lo scope global
}

swan_established() { swan --list-sas 2>/dev/null | grep -q 'net: .*INSTALLED'; }

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deps.sh - who may include whom: a file its own folder and lower ranks; a foreign library only where it is wrapped.
set -u
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/lint/lib.sh
. tests/lint/lib.sh

# Folders of one rank are blind to each other. Only the root of a program crosses ranks.
rank_of() {
	case $1 in
	interconnect/base) rank=0 ;;
	interconnect/ike | interconnect/esp | interconnect/line | profiles) rank=1 ;;
	interconnect) rank=2 ;;
	netext | migrate) rank=3 ;;
	mesh) rank=4 ;;
	*) rank=99 ;;
	esac
}

is_root() {
	case $1 in
	interconnect/ixd.c | netext/ned.c | migrate/agentd.c | mesh/managerd.c | mesh/helperd.c | mesh/cli.c) return 0 ;;
	esac
	return 1
}

# wrapped_in HEADER: the files that may include it, as a pattern; nothing for a header of the C library or the kernel.
wrapped_in() {
	case $1 in
	event2/* | event.h) echo 'interconnect/base/loop.c|mesh/mesh_http.c|interconnect/line/dial.c' ;;
	intel-ipsec-mb.h) echo 'interconnect/base/crypt_mb.c' ;;
	openssl/*) echo 'interconnect/base/crypt*.c' ;;
	jansson.h) echo 'interconnect/base/json.c' ;;
	yaml.h) echo 'interconnect/base/conf.c' ;;
	libmnl/* | netlink/*) echo 'interconnect/base/nl.c' ;;
	sqlite3.h) echo 'interconnect/base/db.c' ;;
	libvirt/*) echo 'migrate/virt*.[ch]' ;;
	libnbd.h | libxml/*) echo 'migrate/*.c' ;;
	libsmartcols/*) echo 'mesh/cli*.c' ;;
	esac
}

check_own() {
	local file=$1 line=$2 header=$3 mine
	if [ ! -f "$header" ]; then
		echo "$file:$line: \"$header\" is not a path from the root of the tree"
		return
	fi
	[ "${file%/*}" = "${header%/*}" ] && return
	rank_of "${file%/*}"; mine=$rank
	rank_of "${header%/*}"
	is_root "$file" && [ "$rank" -lt 99 ] && return
	[ "$rank" -lt "$mine" ] || echo "$file:$line: may not see $header"
}

check_foreign() {
	local file=$1 line=$2 header=$3 pattern
	pattern=$(wrapped_in "$header")
	[ -z "$pattern" ] && return
	local IFS='|' one
	for one in $pattern; do
		# shellcheck disable=SC2254 # a pattern is meant
		case $file in $one) return ;; esac
	done
	echo "$file:$line: <$header> belongs into $pattern alone"
}

# All includes as "FILE LINE KIND HEADER".
# shellcheck disable=SC2046,SC2086 # names without blanks
includes=$(grep -nE '^[[:space:]]*#[[:space:]]*include' $(sources $PRODUCT) /dev/null |
	sed -nE 's/^([^:]*):([0-9]*):[^"<]*(["<])([^">]*)[">].*/\1 \2 \3 \4/p')

# What a header of ours brings in of a foreign library counts for who includes it.
declare -A brings
while read -r file line kind header; do
	case $file in *.h) [ "$kind" = '<' ] && [ -n "$(wrapped_in "$header")" ] && brings[$file]=$header ;; esac
done <<< "$includes"

bad=$(while read -r file line kind header; do
	if [ "$kind" = '<' ]; then
		check_foreign "$file" "$line" "$header"
	else
		check_own "$file" "$line" "$header"
		[ -z "${brings[$header]:-}" ] || check_foreign "$file" "$line" "${brings[$header]}"
	fi
done <<< "$includes")
[ -z "$bad" ] && exit 0
echo "$bad"
exit 1

# SPDX-License-Identifier: Apache-2.0
# lib.sh - what the lints share; sourced. Run from the root of the tree.
# shellcheck shell=bash

PRODUCT="interconnect netext migrate mesh profiles"

# sources FOLDER...: the C files below the folders that are there.
sources() {
	local folder
	for folder in "$@"; do
		[ ! -d "$folder" ] || find "$folder" -name '*.[ch]'
	done | sort
}

# code FILE: the file without comments and without what stands in quotes, line numbers kept.
code() {
	awk '{
		line = $0; out = ""
		gsub(/\\./, "", line)
		while (line != "") {
			if (inside) {
				end = index(line, "*/")
				if (!end) { line = ""; break }
				line = substr(line, end + 2); inside = 0
			} else if (match(line, /\/\*|\/\/|"[^"]*"/)) {
				found = substr(line, RSTART, 2)
				out = out substr(line, 1, RSTART - 1)
				if (found == "//") { line = ""; break }
				if (found == "/*") inside = 1; else out = out "\"\""
				line = substr(line, RSTART + (found == "/*" ? 2 : RLENGTH))
			} else { out = out line; line = "" }
		}
		print out
	}' "$1"
}

# allowed LINT KEY: the number that tests/lint/exceptions gives it; 0 for none.
allowed() {
	awk -v lint="$1" -v key="$2" '$1 == lint && $2 == key { n = $3 } END { print n + 0 }' tests/lint/exceptions
}

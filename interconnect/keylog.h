/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keylog.h - the keys of every SA in two files, so that a capture of the uplink can be read. Off unless somebody asks.
 *
 * Who has the files can read all that the tunnels of this run have carried or will carry: PPK, certificates and forward
 * secrecy do not help any more. So it is said in the log at the start and every hour, "appliance show" and "tunnel
 * show" say so too, the files are readable by their owner alone, and an appliance of a site, whose configuration comes
 * from its manager, has no key log at all.
 *
 * The files are in the formats that Wireshark keeps such tables in, a line for each SA and direction:
 *
 *	FILE.ikev2    ikev2_decryption_table: SPIs, SK_ei, SK_er, cipher, SK_ai, SK_ar, integrity
 *	FILE.esp      esp_sa: family, "*", "*" (addresses may change), SPI, cipher, key, integrity, its key
 *
 * A line is a comment where Wireshark 4.0 has no name for the cipher (ChaCha20-Poly1305): a line that it does not
 * understand ends the reading of the file.
 *
 * Ownership: a line is built, written at once and wiped; nothing is kept.   Threads: loop thread only.
 */
#ifndef KEYLOG_H
#define KEYLOG_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/loop.h"
#include "interconnect/ike/ike.h"

enum { KEYLOG_TEXT = 2048, KEYLOG_WARN_MS = 3600 * 1000 };

struct keylog;

/* The lines of L, each with its line feed, to BUF; their size. */
size_t keylog_text(const struct ike_keylog *l, char buf[KEYLOG_TEXT]);

/* Opens both files to append to, made with mode 0600 if they are not there. CW_E_FORBIDDEN for what somebody else can
 * read, or that is no regular file; WHY names it. Says so in the log, now and every KEYLOG_WARN_MS. */
CW_NODISCARD int keylog_new(struct cw_loop *l, const char *path, struct keylog **ret_log, struct cw_why *why);
void keylog_free(struct keylog *k);     /* NULL is fine */
/* A line that cannot be written (the disk is full) is lost, and that is said in the log. */
void keylog_write(struct keylog *k, const struct ike_keylog *l);

#endif

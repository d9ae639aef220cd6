/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signer.h - the process that has the long-term secrets, and does three things with them (ike_signer.h).
 *
 * It gets the names of the files from the data plane, which does not read them, reads them while it still has the right to, says
 * whether they are good, and gives its rights up (sandbox.h). Then it answers the IKE process, one question at a
 * time, and ends when either of the two does. Nothing that a stranger sent is looked at here beyond a fixed header, sizes
 * and a hash; no secret ever leaves. Names and not contents are handed over because so the data plane never
 * has a secret in its memory, which is the largest and the longest exposed.
 *
 * What is asked for is checked by ike_signer_local; how often is not: whoever has taken over the IKE process can prove to the
 * configured peers who we are as long as he has it, and not a moment longer.
 */
#ifndef SIGNER_H
#define SIGNER_H

#include "interconnect/base/err.h"
#include "interconnect/ike/ike_signer.h"
#include "interconnect/keys_wire.h"

/* ---- signer_load.c: the files ---- */
struct signer_secret {
	struct ike_secret s;            /* points into what follows */
	struct cw_key *key;
	uint8_t *psk, *ppk;             /* secret memory: IKE_PSK_MAX + 1, IKE_PPK_MAX bytes */
	char local_id[IKE_ID_MAX], remote_id[IKE_ID_MAX];
};

/* What M, a SECRET, names. WHY has the tunnel, the field and the file. RET_SECRET is filled in place; a copy of it is of no use. */
CW_NODISCARD int signer_load(const struct keys_msg *m, struct signer_secret *ret_secret, struct cw_why *why);
void signer_unload(struct signer_secret *s);    /* all zeros is fine */

/* ---- signer.c: the process ---- */
/* Serves until the data plane or the IKE process ends; takes over both descriptors. The exit status. */
int signer_main(int data_fd, int ike_fd);
/* An answer to M of SECRETS, N of them by the number of the tunnel; OUT holds what the answer points to. What is not to be
 * done is answered with a negative r. Pure. */
struct signer_answer {
	uint8_t auth[IKE_AUTH_DATA_MAX];
	struct ike_keys keys, mixed;
};
void signer_answer(const struct signer_secret *secrets, size_t n, const struct keys_msg *m, struct signer_answer *out,
		   struct keys_msg *ret_answer);

/* ---- signer_ask.c: the other end, in the IKE process ---- */
struct signer_ask {
	struct keys_wire *wire;
	uint16_t tunnel;
};
/* CTX is a struct signer_ask. Each waits for its answer. A signer that is gone or does not answer in time is the end: exit. */
extern const struct ike_signer signer_asked;

#endif

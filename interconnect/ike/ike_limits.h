/* SPDX-License-Identifier: Apache-2.0 */
/* ike_limits.h - every time, count and size that bounds IKE. */
#ifndef IKE_LIMITS_H
#define IKE_LIMITS_H

enum {
	/* Retransmission of a request: s2.1, s2.4. 0.5, 1, 2, 4, 4, 4 s: a silent peer is given up after 15.5 s. */
	IKE_RESEND_FIRST_MS = 500, IKE_RESEND_MAX_MS = 4000, IKE_RESEND_TRIES = 6,
	/* Between attempts to connect, doubling. */
	IKE_RETRY_MIN_MS = 1000, IKE_RETRY_MAX_MS = 30000,
	/* Who was not to call the peer calls it for so long after the process that had the SAs died. */
	IKE_RESUME_MS = 120 * 1000,
	/* A stranger's half-open SA waits so long for IKE_AUTH: longer than the initiator retransmits. */
	IKE_HALF_OPEN_MS = 16000,
	/* With more half-open SAs than this of one address, or so many of all, IKE_SA_INIT must bring a cookie: s2.6. With a
	 * cookie an address may have so many; and at the very most there are so many. */
	IKE_HALF_OPEN_FREE = 2, IKE_HALF_OPEN_ALL = 30, IKE_HALF_OPEN_BLOCK = 5, IKE_HALF_OPEN_MAX = 1024,
	/* SAs of one peer, the ended ones that only repeat their last answer among them. */
	IKE_SA_MAX = 16,
	/* How long an ended SA repeats its last answer. */
	IKE_LINGER_MS = 8000,
	/* An SA without child is of no use to us: the peer gets so long to end it itself. */
	IKE_CHILDLESS_MS = 5000,
	/* One that was agreed on without: until the child must be there, longer than its request is repeated. */
	IKE_CHILD_WAIT_MS = 20000,
	/* Two SAs that are both up for so long are one too many. */
	IKE_SETTLE_MS = 2000,
	/* SAs of one peer that were rekeyed and wait for their Delete; children of one IKE SA in whatever state. */
	IKE_REKEYED_MAX = 4, IKE_CSA_MAX = 8,
	/* What the peer replaced it deletes itself; if it has not after so long, longer than it retransmits, we do. */
	IKE_REPLACED_MS = 20000,
	/* TEMPORARY_FAILURE: again after so long, and as much by chance; so often, then a new pair of SAs. */
	IKE_AGAIN_MS = 1000, IKE_AGAIN_MAX = 20,
	/* A rekeying that could not even begin is tried again after so long. */
	IKE_REKEY_BROKEN_MS = 10000,
	/* By age: up to this part of it earlier, by chance, and who calls the peer as much earlier again. */
	IKE_JITTER_PARTS = 20,
	/* A message in fragments: so many, and so long until all are there, which is longer than a request is repeated. */
	IKE_FRAGMENTS_MAX = 64, IKE_FRAGMENTS_MS = 16000,
	/* The secret behind cookies is changed so often; the one before stays good for as long. */
	IKE_COOKIE_SECRET_MS = 60000,
	/* Updates in a row that each end at another address of the peer. */
	IKE_MOBIKE_ROUNDS_MAX = 4,
	/* Answers to an IKE_SA_INIT of ours that are not the final one (COOKIE, INVALID_KE_PAYLOAD). */
	IKE_INIT_ROUNDS_MAX = 4,
	/* Refusals to strangers without a cookie, all together, and requests and refusals of one address with: so many at once,
	 * then one each so many milliseconds. */
	IKE_STRANGER_BURST = 10, IKE_STRANGER_MS = 200,
	IKE_NONCE_SIZE = 32,
	IKE_IN_MAX = 16384,             /* largest message we read */
	IKE_OUT_MAX = 12288,            /* largest message we write: a certificate and a bit */
	IKE_PLD_MAX = 64, IKE_NOTIFY_MAX = 48, IKE_CERTS_MAX = 8, IKE_DELETES_MAX = 8, IKE_TS_MAX = 16,
	IKE_PROPOSALS_MAX = 32, IKE_TRANSFORMS_MAX = 255,
};

#endif

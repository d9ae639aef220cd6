/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys_wire.h - what the three processes of an appliance say to each other.
 *
 *	data plane   sockets, ESP, TUN or TAP; is what the administrator has started
 *	IKE          reads what strangers send; has no long-term key
 *	signer       has the long-term keys; reads what the IKE process asks for
 *
 * Messages are datagrams of socketpairs (SOCK_SEQPACKET), one whole message each: a type, and then the fields of its row in
 * keys_wire.c, in network order. A length stands before what has one, and its most is in the row. Each type goes one way
 * only; a message of another way, or with anything left over or missing, is malformed. There is one encoding of each
 * message. Both ends are the same program file, so there is no version.
 *
 * The IKE process may be the one that strangers have taken over. So the two others believe nothing of what comes from
 * it: here that it can be read, in keys.c and signer.c that it makes sense.
 */
#ifndef KEYS_WIRE_H
#define KEYS_WIRE_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/ike/ike_auth.h"

enum { KEYS_WIRE_MAX = 80 * 1024, KEYS_NONE = 0xffff, KEYS_TUNNELS_MAX = 1024, KEYS_PATHS_MAX = 8192, KEYS_CRL_MAX = 64 * 1024, KEYS_PATH_TEXT = 4352 };

/* Who says it to whom. */
enum keys_way {
	KEYS_DATA_TO_IKE, KEYS_IKE_TO_DATA, KEYS_IKE_TO_SIGNER, KEYS_SIGNER_TO_IKE, KEYS_DATA_TO_SIGNER, KEYS_SIGNER_TO_DATA, KEYS_WAYS
};

#define KEYS_TYPES(X) \
	/* configuration of the IKE process, in this order; RUN ends it */ \
	X(SETUP, DATA_TO_IKE) X(TUNNEL, DATA_TO_IKE) X(CERT, DATA_TO_IKE) X(CRL, DATA_TO_IKE) X(PATH, DATA_TO_IKE) X(RUN, DATA_TO_IKE) \
	/* the calls of ike.h */ \
	X(START, DATA_TO_IKE) X(RESUME, DATA_TO_IKE) X(STOP, DATA_TO_IKE) X(INPUT, DATA_TO_IKE) X(REKEY_CHILD, DATA_TO_IKE) \
	X(REKEY, DATA_TO_IKE) X(RENEW, DATA_TO_IKE) X(ALIVE, DATA_TO_IKE) X(MOVED, DATA_TO_IKE) X(PEER_AT, DATA_TO_IKE) \
	X(PING, DATA_TO_IKE) \
	/* the callbacks of it */ \
	X(READY, IKE_TO_DATA) X(SEND, IKE_TO_DATA) X(CHILD_UP, IKE_TO_DATA) X(CHILD_IDLE, IKE_TO_DATA) X(CHILD_DOWN, IKE_TO_DATA) \
	X(CHILD_ORPHAN, IKE_TO_DATA) X(CHILD_MOVED, IKE_TO_DATA) X(STATE, IKE_TO_DATA) X(INFO, IKE_TO_DATA) X(COUNT, IKE_TO_DATA) \
	X(KEYLOG, IKE_TO_DATA) X(STOPPED, IKE_TO_DATA) \
	/* the calls of ike_signer.h, and their answer */ \
	X(SIGN, IKE_TO_SIGNER) X(PSK_AUTH, IKE_TO_SIGNER) X(PPK, IKE_TO_SIGNER) X(ANSWER, SIGNER_TO_IKE) \
	/* the secrets, END behind the last; what the signer thinks of them */ \
	X(SECRET, DATA_TO_SIGNER) X(END, DATA_TO_SIGNER) X(VERDICT, SIGNER_TO_DATA)

enum keys_type {
#define KEYS_TYPE_ENUM(name, way) KEYS_##name,
	KEYS_TYPES(KEYS_TYPE_ENUM)
#undef KEYS_TYPE_ENUM
	KEYS_TYPE_N
};

/* The fields of all messages; each has those of its row. Text and bytes are borrowed: from the buffer that was read. */
struct keys_msg {
	enum keys_type type;
	uint16_t path, tunnel;          /* numbers */
	uint16_t n_paths, n_tunnels;
	uint8_t level;                  /* enum cw_log_level */
	uint8_t kind;                   /* CERT: enum keys_cert */
	uint8_t auth, esn, childless, state, stat;      /* of their enums */
	bool initiate, encap, ppk_required, keylog, initiator, ppk, present, child, esn_on, mobike, nat_local, nat_remote;
	uint64_t dpd_ms, rekey_ike_ms, rekey_child_ms, established_ms, rtt_ms, delta;
	uint32_t message_max, spi_in, spi_out, answers;
	uint64_t spi_i, spi_r;
	int32_t r, which;
	uint8_t aead, prf, esp_aead;
	uint32_t group, esp_group;
	struct cw_endpoint local, remote;
	struct cw_prefix local_ts, remote_ts;
	const char *name, *ike, *esp, *local_id, *remote_id, *ppk_id;
	const char *dir, *cert, *key, *secret_file, *ppk_file;
	const char *text, *object, *field;
	struct cw_span bytes, nonce, id, sk_p, d, pi, pr;
	struct cw_span key_in, key_out;
};

enum keys_cert { KEYS_CERT_OWN, KEYS_CERT_CA, KEYS_CERT_N };

const char *keys_wire_name(enum keys_type type);
/* Writes M to SIZE bytes at BUF. Returns how many; CW_E_LIMIT when they do not fit or a field is longer than its row says. */
CW_NODISCARD int keys_wire_build(const struct keys_msg *m, uint8_t *buf, size_t size);
/* Reads a message of WAY. CW_E_MALFORMED, CW_E_TRUNC, CW_E_EXTRA. Fields that the type has not are zero; texts are never NULL. */
CW_NODISCARD int keys_wire_parse(enum keys_way way, const uint8_t *buf, size_t size, struct keys_msg *ret_msg);

/* One end of a socketpair, and room for one message each way. */
struct keys_wire {
	int fd;                         /* owned; -1: none */
	uint8_t *in, *out;              /* secret memory */
	size_t in_size;                 /* of what was read last */
};

/* Takes over FD, also on failure. */
CW_NODISCARD int keys_wire_open(struct keys_wire *w, int fd);
void keys_wire_close(struct keys_wire *w);      /* all zeros is not fine, after keys_wire_open() and twice is */
/* Sends M. Waits for room, with DONTWAIT -EAGAIN; -EPIPE when nobody is there. */
CW_NODISCARD int keys_wire_send(struct keys_wire *w, const struct keys_msg *m, bool dontwait);
/* The next message of WAY: 0. -EAGAIN with DONTWAIT, CW_E_UNREACHABLE at the end. It lives until the next call. */
CW_NODISCARD int keys_wire_recv(struct keys_wire *w, enum keys_way way, bool dontwait, struct keys_msg *ret_msg);
/* Waits MS at most until there is something to read: 1, 0 when time is over. */
CW_NODISCARD int keys_wire_wait(const struct keys_wire *w, int ms);
/* Bytes that were sent and not read yet; the whole room when that cannot be told. */
size_t keys_wire_unread(const struct keys_wire *w);

#endif

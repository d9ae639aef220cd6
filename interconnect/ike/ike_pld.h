/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_pld.h - what the payloads of a message say.
 *
 * ike_pld_read() walks a chain by rows {type, name, shortest body, reader} and fills a struct
 * ike_in with spans that point into the message. It decides nothing: how often a payload
 * may stand in which message is ike_rules.c's business, and what it means the tasks'.
 */
#ifndef IKE_PLD_H
#define IKE_PLD_H

#include "interconnect/base/addr.h"
#include "interconnect/base/crypt.h"
#include "interconnect/ike/ike_limits.h"
#include "interconnect/ike/ike_msg.h"

struct ike_in_ke {
	unsigned group;
	struct cw_span data;
};

struct ike_in_id {
	uint8_t type;
	struct cw_span data;
	struct cw_span body;            /* with the type: what AUTH covers (s2.15) */
};

struct ike_in_auth {
	uint8_t method;
	struct cw_span data;
};

struct ike_in_notify {
	uint8_t protocol;
	uint16_t type;
	struct cw_span spi, data;
};

struct ike_in_delete {
	uint8_t protocol, spi_size;
	uint16_t n;
	struct cw_cur spis;
};

/* A range of addresses; selectors with other types are left out. */
struct ike_ts {
	uint8_t protocol;
	uint16_t port_first, port_last;
	struct cw_ip first, last;
};

struct ike_in_ts {
	struct ike_ts ts[IKE_TS_MAX];
	size_t n;
};

struct ike_in {
	uint8_t count[IKE_PT_N_KNOWN];  /* by type - IKE_PT_FIRST */
	size_t n_payloads;
	uint8_t critical;               /* type of a critical payload we do not know; 0: none */
	struct cw_span sa;              /* the proposals, checked by ike_prop_check() */
	struct ike_in_ke ke;
	struct ike_in_id idi, idr;
	struct cw_span cert[IKE_CERTS_MAX];     /* those of encoding 4 */
	size_t n_certs;
	struct ike_in_auth auth;
	struct cw_span nonce;
	struct ike_in_notify notify[IKE_NOTIFY_MAX];
	size_t n_notifies;
	struct ike_in_delete del[IKE_DELETES_MAX];
	size_t n_deletes;
	struct ike_in_ts tsi, tsr;
	struct cw_span sk;              /* IV, ciphertext, ICV */
	uint8_t sk_next;
	uint16_t frag_no, frag_total;   /* it is a fragment, SKF; 0: it is not */
};

/* Reads the chain of payloads in BODY that begins with type FIRST. 0, CW_E_TRUNC, CW_E_EXTRA, CW_E_MALFORMED,
 * CW_E_LIMIT. */
CW_NODISCARD int ike_pld_read(uint8_t first, struct cw_cur body, struct ike_in *ret_in);

static inline unsigned ike_pld_count(const struct ike_in *in, enum ike_pt type)
{
	return in->count[type - IKE_PT_FIRST];
}

/* The first notification of TYPE, or NULL. */
const struct ike_in_notify *ike_pld_notify(const struct ike_in *in, uint16_t type);
/* The first notification that is an error, or NULL. */
const struct ike_in_notify *ike_pld_error(const struct ike_in *in);
/* Its name, or "unknown notification". */
const char *ike_pld_notify_name(uint16_t type);
/* "SA", "KE", ...; "?" for others. */
const char *ike_pld_name(uint8_t type);

/* Writers of one payload each. */
void ike_pld_ke(struct ike_out *o, unsigned group, const void *data, size_t size);
void ike_pld_bytes(struct ike_out *o, enum ike_pt type, const void *data, size_t size);        /* nonce */
void ike_pld_id(struct ike_out *o, enum ike_pt type, uint8_t id_type, const void *data, size_t size);
void ike_pld_cert(struct ike_out *o, enum ike_pt type, const void *data, size_t size);         /* CERT, CERTREQ */
void ike_pld_auth(struct ike_out *o, uint8_t method, const void *data, size_t size);
void ike_pld_put_notify(struct ike_out *o, uint16_t type, const void *data, size_t size);
/* The same about an SA: REKEY_SA, CHILD_SA_NOT_FOUND. */
void ike_pld_put_notify_sa(struct ike_out *o, uint16_t type, uint8_t protocol, struct cw_span spi);
void ike_pld_delete_ike(struct ike_out *o);
void ike_pld_delete_esp(struct ike_out *o, const uint32_t *spis, size_t n);
void ike_pld_ts(struct ike_out *o, enum ike_pt type, const struct ike_ts *ts);

#endif

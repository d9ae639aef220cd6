/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_wire.h - numbers of IKEv2, each with the section of RFC 7296 that has it where no other is named.
 *
 *  header (s3.1)                                        payload (s3.2)
 *  +-------------------------------+ 0                  +------+-+---------+-----------------+
 *  | initiator's SPI               |                    | next |C| reserved| length (with it)|
 *  +-------------------------------+ 8                  +------+-+---------+-----------------+
 *  | responder's SPI               |                    | body ...                           |
 *  +------+-----+------+-----+-----+ 16                 +------------------------------------+
 *  | next | ver | exch | flags     |
 *  +------+-----+------+-----------+ 20                 SK (s3.14, RFC 5282): generic header,
 *  | message id                    |                    IV (8), ciphertext of { payloads, padding,
 *  +-------------------------------+ 24                 pad length }, ICV (16). Always the last
 *  | length of all                 |                    payload; its "next" names the first inside.
 *  +-------------------------------+ 28                 SKF (RFC 7383 s2.5): the same with fragment number (2)
 *                                                       and total (2) before the IV; only the first names a type.
 */
#ifndef IKE_WIRE_H
#define IKE_WIRE_H

enum {
	IKE_HEADER = 28, IKE_PLD_HEADER = 4, IKE_NEXT_AT = 16, IKE_VERSION = 0x20, IKE_CRITICAL = 0x80,
	IKE_FLAG_I = 0x08, IKE_FLAG_V = 0x10, IKE_FLAG_R = 0x20,
	IKE_SK_IV = 8, IKE_SK_SALT = 4, IKE_SKF_NUMBERS = 4,
	IKE_NONCE_MIN = 16, IKE_NONCE_MAX = 256,        /* s3.9 */
	IKE_COOKIE_MAX = 64,                            /* s2.6 */
	IKE_NATD_SIZE = 20,                             /* s2.23: SHA-1 */
	IKE_COOKIE2_MIN = 8, IKE_COOKIE2_MAX = 64,      /* RFC 4555 s4.2.5 */
};

enum ike_exchange { IKE_SA_INIT = 34, IKE_AUTH = 35, IKE_CREATE_CHILD_SA = 36, IKE_INFORMATIONAL = 37 };

/* Payload types we know: s3.2. What is below 33 belongs to IKEv1 and is as unknown as any other number. */
enum ike_pt {
	IKE_PT_NONE = 0, IKE_PT_SA = 33, IKE_PT_KE, IKE_PT_IDI, IKE_PT_IDR, IKE_PT_CERT, IKE_PT_CERTREQ, IKE_PT_AUTH,
	IKE_PT_NONCE, IKE_PT_N, IKE_PT_D, IKE_PT_V, IKE_PT_TSI, IKE_PT_TSR, IKE_PT_SK, IKE_PT_CP, IKE_PT_EAP,
	IKE_PT_SKF = 53 /* RFC 7383 */,
	IKE_PT_FIRST = IKE_PT_SA, IKE_PT_N_KNOWN = IKE_PT_EAP - IKE_PT_SA + 1,
};

enum { IKE_PROTO_IKE = 1, IKE_PROTO_AH = 2, IKE_PROTO_ESP = 3 };                        /* s3.3.1 */
enum { IKE_TT_ENCR = 1, IKE_TT_PRF, IKE_TT_INTEG, IKE_TT_DH, IKE_TT_ESN, IKE_TT_MAX };  /* s3.3.2 */
enum { IKE_ATTR_KEY_LENGTH = 14, IKE_ATTR_TV = 0x8000 };                                /* s3.3.5 */
enum { IKE_ENCR_AES_CBC = 12 /* RFC 3602 */, IKE_ENCR_AES_GCM_16 = 20 /* RFC 5282 */, IKE_ENCR_CHACHA20_POLY1305 = 28 /* RFC 7634 */ };
enum { IKE_PRF_HMAC_SHA2_256 = 5, IKE_PRF_HMAC_SHA2_384, IKE_PRF_HMAC_SHA2_512 };       /* RFC 4868 */
enum { IKE_INTEG_HMAC_SHA2_256_128 = 12, IKE_INTEG_HMAC_SHA2_384_192, IKE_INTEG_HMAC_SHA2_512_256 };  /* RFC 4868 */
enum { IKE_GROUP_MODP2048 = 14 /* RFC 3526 */, IKE_GROUP_P256 = 19, IKE_GROUP_P384 = 20 /* RFC 5903 */, IKE_GROUP_X25519 = 31 /* RFC 8031 */ };
enum { IKE_ID_IPV4 = 1, IKE_ID_FQDN = 2, IKE_ID_RFC822 = 3, IKE_ID_IPV6 = 5 };          /* s3.5 */
enum { IKE_CERT_X509 = 4 };                                                             /* s3.6 */
enum { IKE_METHOD_PSK = 2, IKE_METHOD_SIGNATURE = 14 /* RFC 7427 */ };                  /* s3.8 */
enum { IKE_PPK_ID_FIXED = 2 };                                                          /* RFC 8784 s5.1 */
enum { IKE_TS_IPV4 = 7, IKE_TS_IPV6 = 8 };                                              /* s3.13.1 */
enum { IKE_HASH_SHA2_256 = 2, IKE_HASH_SHA2_384, IKE_HASH_SHA2_512, IKE_HASH_IDENTITY };    /* RFC 7427 s7, RFC 8420 */

/* Notifications: s3.10.1. Below IKE_N_STATUS they are errors. */
#define IKE_NOTIFIES(X) \
	X(UNSUPPORTED_CRITICAL_PAYLOAD, 1) X(INVALID_IKE_SPI, 4) X(INVALID_MAJOR_VERSION, 5) X(INVALID_SYNTAX, 7) \
	X(INVALID_MESSAGE_ID, 9) X(INVALID_SPI, 11) X(NO_PROPOSAL_CHOSEN, 14) X(INVALID_KE_PAYLOAD, 17) \
	X(AUTHENTICATION_FAILED, 24) X(SINGLE_PAIR_REQUIRED, 34) X(NO_ADDITIONAL_SAS, 35) \
	X(INTERNAL_ADDRESS_FAILURE, 36) X(FAILED_CP_REQUIRED, 37) X(TS_UNACCEPTABLE, 38) X(INVALID_SELECTORS, 39) \
	X(UNACCEPTABLE_ADDRESSES, 40) X(UNEXPECTED_NAT_DETECTED, 41) /* RFC 4555 s4.1 */ \
	X(TEMPORARY_FAILURE, 43) X(CHILD_SA_NOT_FOUND, 44) \
	X(INITIAL_CONTACT, 16384) X(NAT_DETECTION_SOURCE_IP, 16388) X(NAT_DETECTION_DESTINATION_IP, 16389) \
	X(COOKIE, 16390) X(USE_TRANSPORT_MODE, 16391) X(REKEY_SA, 16393) X(SIGNATURE_HASH_ALGORITHMS, 16431) \
	X(MOBIKE_SUPPORTED, 16396) X(ADDITIONAL_IP4_ADDRESS, 16397) X(ADDITIONAL_IP6_ADDRESS, 16398) \
	X(NO_ADDITIONAL_ADDRESSES, 16399) X(UPDATE_SA_ADDRESSES, 16400) X(COOKIE2, 16401) \
	X(NO_NATS_ALLOWED, 16402) /* RFC 4555 s4.2 */ \
	X(CHILDLESS_IKEV2_SUPPORTED, 16418) /* RFC 6023 s3 */ \
	X(CAUSEWAY_PATH, 40961) /* private: ../PROTOCOL.md */ \
	X(FRAGMENTATION_SUPPORTED, 16430) /* RFC 7383 */ \
	X(USE_PPK, 16435) X(PPK_IDENTITY, 16436) X(NO_PPK_AUTH, 16437) /* RFC 8784 s3 */

enum ike_notify_type {
#define IKE_NOTIFY_ENUM(name, number) IKE_N_##name = (number),
	IKE_NOTIFIES(IKE_NOTIFY_ENUM)
#undef IKE_NOTIFY_ENUM
	IKE_N_STATUS = 16384
};

#endif

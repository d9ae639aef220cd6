/* SPDX-License-Identifier: Apache-2.0 */
/* ike_ppk.h - what the tests of postquantum preshared keys share: policies, and one pair of peers. */
#ifndef TEST_IKE_PPK_H
#define TEST_IKE_PPK_H

#include "tests/lib/ike_pair.h"

/* OTHER_ID: the same key by another name. OTHER_KEY: another, longer one by the same name; they differ behind octet 32. */
enum ppk_policy {
	PPK_NONE, PPK_OPTIONAL, PPK_REQUIRED, PPK_OTHER_ID, PPK_OTHER_ID_REQUIRED, PPK_OTHER_KEY, PPK_OTHER_KEY_REQUIRED,
	PPK_POLICIES
};

struct ppk_policy_row {
	struct ike_ppk ppk;
	const uint8_t *key;
	size_t size;
};

extern const struct ppk_policy_row ppk_policies[PPK_POLICIES];
extern const uint8_t ppk_key[IKE_PPK_MAX], ppk_other_key[IKE_PPK_MAX];
extern struct pair p;
extern struct pair_message m;

/* Teardown of a test: every block of secret memory that was taken was given back, which wipes it. */
int ppk_no_secret_left(void **state);

/* Starts P, which has its configurations, with these policies. */
void ppk_start(enum ppk_policy a, enum ppk_policy b);
/* A fresh P; the message of STEP (0 IKE_SA_INIT request ... 3 IKE_AUTH response) is the only one in the queue. */
void ppk_to_step(enum ppk_policy a, enum ppk_policy b, int step);

bool ppk_used(int side);
uint64_t ppk_rejected(int side);
/* Both up, both with the PPK or both without. */
void ppk_assert_joined(bool ppk);
void ppk_assert_nobody_up(void);
/* The message in the queue, the only one, says AUTHENTICATION_FAILED and nothing else. */
void ppk_assert_says_no(void);

/* The data of the notification of this type in message 0 of the queue (in M then); NULL if there is none. */
const uint8_t *ppk_notify_data(uint16_t type, size_t *ret_size);
/* It is there with SIZE bytes, these if DATA is not NULL. */
void ppk_assert_notify(uint16_t type, const void *data, size_t size);
void ppk_assert_no_notify(uint16_t type);
/* Takes notification TYPE out of message 0, which has it. */
void ppk_strip(uint16_t type);
/* Adds one at the end of message 0. */
void ppk_put_notify(uint16_t type, const void *data, size_t size);

#endif

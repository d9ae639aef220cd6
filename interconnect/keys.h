/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.h - IKE as the data plane sees it: the calls of ike.h by the number of a path, with two processes behind them.
 *
 *	data plane --- IKE process (keysd.h) --- signer (signer.h)
 *	    |                                        |
 *	    +------------- names of files -----------+
 *
 * The program starts itself again twice (keys_part()), and the three are joined by socketpairs (keys_wire.h). Everything here is
 * asynchronous but the start, which waits until the signer has read the secrets, and the end, which waits a moment for
 * the good-byes. Nothing waits for the IKE process: what a stranger sends is dropped while it does not keep up, what we ask is kept.
 *
 * If one of the two dies, or says what makes no sense, both are ended and begun anew, at once and, when that happens again and again, at
 * growing distance. ESP goes on meanwhile with the SAs it has; lost() is called for each path and says whether there are any. The new
 * process calls the peer of such a path, whoever usually calls, and makes new SAs; those before have no IKE SA any more, which is for
 * path_sa.c to deal with.
 *
 * What comes from the IKE process is believed as far as the configuration goes: a child within the selectors, with one of the suites,
 * of a path that exists. It can do what IKE can do with the peers that there are, and nothing else.
 *
 * Ownership: the configuration of the tunnels is borrowed and outlives the struct.   Threads: loop thread only.
 */
#ifndef KEYS_H
#define KEYS_H

#include "interconnect/base/addr.h"
#include "interconnect/base/err.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/stat.h"
#include "interconnect/ike/ike.h"
#include "interconnect/tun.h"

struct keys;

/* One struct ike. */
struct keys_path {
	uint16_t tunnel;                /* whose */
	struct cw_endpoint local, remote;
	uint32_t message_max;           /* bytes, as in struct ike_conf */
	int32_t which;                  /* as "path" in struct ike_conf */
};

struct keys_conf {
	const char *dir;                /* file names are relative to it; borrowed during the call only */
	const struct tun_conf *tunnels;
	size_t n_tunnels;
	const struct keys_path *paths;  /* copied */
	size_t n_paths;
};

/* As struct ike_ops, by the number of the path. */
struct keys_ops {
	void (*send)(void *ctx, size_t path, const struct cw_endpoint *local, const struct cw_endpoint *to, const void *msg, size_t size);
	int (*child_up)(void *ctx, size_t path, const struct ike_child *child);
	void (*child_idle)(void *ctx, size_t path, uint32_t spi_in);
	void (*child_down)(void *ctx, size_t path, uint32_t spi_in);
	void (*child_orphan)(void *ctx, size_t path, uint32_t spi_in);
	void (*child_moved)(void *ctx, size_t path, uint32_t spi_in, const struct cw_endpoint *local, const struct cw_endpoint *remote);
	void (*state)(void *ctx, size_t path, enum ike_state s, const char *why);
	void (*keylog)(void *ctx, size_t path, const struct ike_keylog *l);
	/* The process that had the IKE SAs of the path is gone. Is its ESP alive, and where is the peer? */
	bool (*lost)(void *ctx, size_t path, struct cw_endpoint *ret_remote);
	/* The counters of a tunnel, or with KEYS_NONE those of nobody. */
	struct cw_stat *(*stat)(void *ctx, size_t tunnel);
};

/* Are the files of the tunnels good? WHY names tunnel, field and file. The secret ones are read by a signer that ends with the call. */
CW_NODISCARD int keys_check(const char *dir, const struct tun_conf *tunnels, size_t n_tunnels, struct cw_why *why);

/* Begins both processes and waits until the signer has the secrets; refuses as keys_check(). */
CW_NODISCARD int keys_new(struct cw_loop *l, const struct keys_conf *conf, const struct keys_ops *ops, void *ctx, struct keys **ret_keys,
			  struct cw_why *why);
/* Ends both; NULL is fine. */
void keys_free(struct keys *k);
/* ike_start() for all paths. With KEYLOG fresh keys come by keylog(). */
void keys_start(struct keys *k, bool keylog);
/* ike_stop() for all paths; waits, half a second at most, until send() was called with the good-byes. */
void keys_stop(struct keys *k);

/* A message, without the marker, that came to LOCAL. Dropped and counted (ike.rejected) while the IKE process does not keep up. */
void keys_input(struct keys *k, const struct cw_endpoint *local, const struct cw_endpoint *from, const uint8_t *msg, size_t size);
void keys_rekey_child(struct keys *k, size_t path);
void keys_rekey(struct keys *k, size_t path);
/* As ike_moved() and ike_peer_at(). */
void keys_moved(struct keys *k, size_t path, const struct cw_endpoint *local, const struct cw_endpoint *remote);
void keys_peer_at(struct keys *k, size_t path, const struct cw_endpoint *remote);
/* As ike_check(), as far as is known here. */
bool keys_ping(struct keys *k, size_t path);
/* May be called for each packet. */
void keys_alive(struct keys *k, size_t path, uint64_t now_ms);
/* As the IKE process has told last. */
bool keys_info(const struct keys *k, size_t path, struct ike_info *ret_info);

/* The processes, as [{name, pid}, ...]: ours, those that are there of the two others. K may be NULL. */
struct cw_json *keys_json(const struct keys *k);

/* To be called first in main(), or nothing here begins a process (CW_E_STATE): is this one of the processes that keys_new() began? Then it has run, and *RET_STATUS is for exit(). */
bool keys_part(int argc, char **argv, int *ret_status);

#endif

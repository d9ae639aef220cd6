/* SPDX-License-Identifier: Apache-2.0 */
/* keys_impl.h - what keys*.c share; nobody else includes it. */
#ifndef KEYS_IMPL_H
#define KEYS_IMPL_H

#include <sys/stat.h>
#include <sys/types.h>

#include "interconnect/keys.h"
#include "interconnect/keys_wire.h"
#include "interconnect/tun_impl.h"

/* A message that waits for room in the socket. Nothing that we say is secret. */
struct keys_late {
	struct keys_late *next;
	size_t size;
	uint8_t bytes[];
};

/* One of the two processes. */
struct keys_proc {
	const char *name;
	pid_t pid;                      /* 0: none */
	struct keys_wire wire;
	struct cw_io *io;
	struct keys_late *first, **last;
	size_t late_bytes;
};

enum keys_part_id { KEYS_PART_IKE, KEYS_PART_SIGNER, KEYS_PARTS };

struct keys_path_now {
	struct keys_path conf;
	bool resume;                    /* its ESP outlived the process */
	struct cw_endpoint remote;      /* and goes there */
	uint64_t alive_ms;              /* last told */
	bool known;
	struct ike_info info;
};

struct keys_tunnel_now {
	struct tun_auth auth;
	struct ike_suites esp;
	struct stat crl;                /* of the file that was sent last */
};

struct keys {
	struct cw_loop *loop;
	const struct keys_ops *ops;
	void *ctx;
	char *dir;
	const struct tun_conf *tunnels;
	struct keys_tunnel_now *tunnels_now;
	size_t n_tunnels;
	struct keys_path_now *paths;
	size_t n_paths;
	struct keys_proc procs[KEYS_PARTS];
	struct cw_timer *restart;
	bool started, keylog, stopped, verdict;
	bool told;                      /* the IKE process that there is has the configuration */
	uint64_t born_ms, delay_ms, crl_ms;
};

/* ---- keys_proc.c: processes and what is said to them ---- */
/* Begins both, joined with each other and with us. On failure there is none. */
CW_NODISCARD int keys_proc_begin(struct keys_proc procs[KEYS_PARTS]);
/* Kills and buries it; none is fine. */
void keys_proc_end(struct keys_proc *p);
/* Says M, or keeps it until there is room. CW_E_LIMIT when there is too much of that. */
CW_NODISCARD int keys_proc_say(struct keys_proc *p, const struct keys_msg *m);
/* Says what was kept, as far as there is room. */
CW_NODISCARD int keys_proc_flush(struct keys_proc *p);

/* ---- keys_conf.c: what the processes are told at their start ---- */
CW_NODISCARD int keys_conf_secrets(struct keys_proc *p, const char *dir, const struct tun_conf *tunnels, size_t n);
/* All tunnels and paths, and which of them to start or to resume. */
CW_NODISCARD int keys_conf_send(struct keys *k);
/* The lists of revoked certificates whose files are others than when they were sent. */
CW_NODISCARD int keys_conf_crls(struct keys *k, uint64_t now_ms);

/* ---- keys_in.c: what the IKE process says ---- */
/* Does what M says. CW_E_MALFORMED when it makes no sense. */
CW_NODISCARD int keys_in(struct keys *k, const struct keys_msg *m);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_probe.h - hellos and size probes of one path: hello.h and plpmtu.h on their timer and inside of the SA; for path*.c and tun*.c.
 *
 * Only paths between appliances of ours have one ("paths" is configured). It lives from the first ESP SA of the path to the last;
 * in between it says whether the path may be used, and how large packets may be. While no hello of the peer was ever heard on any
 * path of the tunnel, the peer is of a kind that says none, and IKE alone judges.
 *
 * Threads: loop thread only.
 */
#ifndef PATH_PROBE_H
#define PATH_PROBE_H

#include "interconnect/base/base.h"
#include "interconnect/base/json.h"
#include "interconnect/hello.h"
#include "interconnect/plpmtu.h"

struct path;
struct path_probe;

CW_NODISCARD int path_probe_new(struct path *p, struct path_probe **ret_probe);
void path_probe_free(struct path_probe *pp);    /* NULL is fine */

/* The path has its first SA; it has none any more. */
void path_probe_start(struct path_probe *pp);
void path_probe_stop(struct path_probe *pp);
/* The inner packet PKT was authenticated on this path. True: it was a hello or a probe, and nobody else's business. */
bool path_probe_input(struct path_probe *pp, const uint8_t *pkt, size_t size);

enum path_probe_verdict { PATH_PROBE_WAIT, PATH_PROBE_DOWN, PATH_PROBE_UP };
/* What is to be believed of a path that has an SA; *RET_WHY is a word for people. */
enum path_probe_verdict path_probe_judge(const struct path_probe *pp, const char **ret_why);
/* Time of the newest sign of life, microseconds; 0: none. */
uint64_t path_probe_seen_us(const struct path_probe *pp);
/* Bytes of the largest outer packet that may be sent. */
size_t path_probe_mtu(const struct path_probe *pp);
/* Adds what is known to the JSON object of the path. */
void path_probe_json(const struct path_probe *pp, struct cw_json *o);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* dst_obj.h - a migration that arrives, as the dst files share it. */
#ifndef DST_OBJ_H
#define DST_OBJ_H

#include "migrate/dst.h"
#include "migrate/filter.h"
#include "migrate/offer.h"
#include "migrate/peer.h"

struct dst_file {
	char target[32], format[16], path[DOM_PATH_TEXT];
};

struct dst_stream;

struct dst {
	struct dst *next;
	struct agent *agent;
	struct job *job;                /* NULL until the offer is accepted */
	struct work *work;
	char id[STREAM_ID_TEXT], uuid[37], vm[64];
	struct offer *offer;            /* while it is prepared */
	struct dst_file files[DOM_DISKS_MAX];
	size_t n_files;
	char *xml;                      /* of the domain here */
	char token[STREAM_TOKEN_TEXT];  /* empty: no streams are taken (any more) */
	struct dst_stream *streams;
	unsigned n_tasks;               /* of the worker that have not ended */
	bool libvirt_taken;
	struct cw_timer *timer;         /* asks the source, or tries again */
	struct peer *peer;
	uint64_t heard_ms;              /* when the source last said something */
	uint64_t resumed_us;
};

struct dst *dst_find(struct agent *a, const char *id);
/* dst_stream.c */
void dst_streams_close(struct dst *d);

#endif

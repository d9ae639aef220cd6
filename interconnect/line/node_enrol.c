/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_enrol.c - the first contact: {name, token, key} to /node/v1/enrol, {cert, ca, site} back.
 *
 * The order on the disk: the key before anybody hears of it; certificate and CA before the token goes. So a node that
 * dies anywhere asks again with the same key and the same token, and the manager answers the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/crypt.h"
#include "interconnect/base/crypt_issue.h"
#include "interconnect/base/file.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/line/dial.h"
#include "interconnect/line/node_impl.h"

CW_LOG_MODULE(node);

enum { FIRST_MS = 200, LATER_MS = 2000, REFUSED_MS = 5000, ALONE_S = 10 * 365 * 86400 };

struct node_enrol {
	struct cw_loop *loop;
	char dir[NODE_PATH];
	struct node_seed seed;
	struct cw_tls *tls;
	struct dial *dial;
	struct cw_timer *timer;
	size_t next;                    /* endpoint */
	uint64_t wait_ms;
	void (*done)(void *ctx);
	void *ctx;
};

/* ---- the folder ---- */

static int64_t wall_s(void)
{
	struct timespec ts;

	cw_clock_wall(&ts);
	return ts.tv_sec;
}

int node_enrol_key(const char *dir, const struct node_seed *s)
{
	char key[NODE_PATH], cert[NODE_PATH], name[2 * NODE_NAME_MAX + 2];
	int r;

	node_path(dir, "node.key", key);
	node_path(dir, "node.crt", cert);
	if ((r = cw_impair("node.key.before")) < 0)
		return r;
	if (access(key, F_OK) < 0 && (r = cw_issue_key(key)) < 0)
		return r;
	if ((r = cw_impair("node.key.after")) < 0 || access(cert, F_OK) == 0)
		return r;
	snprintf(name, sizeof name, "%s.%s", s->name, s->site);
	return cw_issue_cert_alone(&(struct cw_issue){ key, name, NULL, NULL, wall_s(), ALONE_S }, cert);
}

int node_enrol_spki(const char *dir, char *buf, size_t size)
{
	uint8_t spki[CW_ISSUE_SPKI_MAX];
	char key[NODE_PATH];
	size_t n = 0;
	int r;

	if ((r = cw_issue_spki(node_path(dir, "node.key", key), spki, &n)) < 0)
		return r;
	if (size < 2 * n + 1)
		return CW_E_LIMIT;
	cw_hex_text(spki, n, buf);
	return 0;
}

static int take_file(const char *dir, const char *file, const struct cw_json *answer, const char *field)
{
	const char *text = cw_json_get_str(answer, field, "");
	char path[NODE_PATH];

	if (strlen(text) == 0 || strlen(text) > NODE_PEM_MAX)
		return CW_E_MALFORMED;
	return cw_file_replace(node_path(dir, file, path), 0644, text, strlen(text));
}

int node_enrol_take(const char *dir, const struct cw_json *answer)
{
	char path[NODE_PATH];
	struct cw_cert *ca = NULL;
	int r;

	if ((r = cw_impair("node.cert.before")) < 0 || (r = take_file(dir, "site.crt", answer, "ca")) < 0 ||
	    (r = take_file(dir, "node.crt", answer, "cert")) < 0 || (r = cw_impair("node.cert.after")) < 0)
		return r;
	r = cw_cert_load(node_path(dir, "site.crt", path), &ca);
	cw_cert_free(ca);
	return r;
}

/* ---- the contact ---- */

static void later(struct node_enrol *e, uint64_t ms)
{
	cw_tls_free(cw_steal(&e->tls));
	cw_timer_arm(e->timer, ms);
}

static void unreachable(struct node_enrol *e)
{
	e->next++;
	e->wait_ms = e->wait_ms ? CW_MIN(e->wait_ms * 2, (uint64_t)LATER_MS) : FIRST_MS;
	later(e, e->wait_ms);
}

static int finish(struct node_enrol *e, const struct cw_json *answer)
{
	int r;

	if ((r = node_enrol_take(e->dir, answer)) < 0)
		return r;
	cw_mem_wipe(e->seed.token, sizeof e->seed.token);
	if ((r = node_seed_save(e->dir, &e->seed)) < 0)
		return r;
	return cw_impair("node.seed.after");
}

static void on_answer(void *ctx, int r, int status, const struct cw_json *body)
{
	struct node_enrol *e = ctx;
	char text[CW_ENDPOINT_TEXT];

	dial_free(cw_steal(&e->dial));
	cw_endpoint_text(&e->seed.to[e->next % e->seed.n_to], text);
	if (r < 0) {
		if (r == CW_E_AUTH)
			cw_log_rl(ERROR, e->seed.name, r, "%s does not have the key of the invitation", text);
		unreachable(e);
	} else if (status != 200) {
		cw_log_rl(ERROR, e->seed.name, CW_E_FORBIDDEN, "the manager at %s does not let this node in: %s", text,
			  cw_json_get_str(body, "detail", "no reason given"));
		e->next++;
		later(e, REFUSED_MS);
	} else if ((r = finish(e, body)) < 0) {
		cw_log_rl(ERROR, e->seed.name, r, "cannot keep what the manager answered");
		later(e, LATER_MS);
	} else {
		cw_log(INFO, e->seed.name, "enrolled at site %s", e->seed.site);
		e->done(e->ctx);
	}
}

static int ask(struct node_enrol *e)
{
	char cert[NODE_PATH], key[NODE_PATH], spki[2 * CW_ISSUE_SPKI_MAX + 1];
	struct cw_json *body;
	int r;

	if ((r = node_seed_load(e->dir, &e->seed, NULL)) < 0 || (r = node_enrol_key(e->dir, &e->seed)) < 0 ||
	    (r = node_enrol_spki(e->dir, spki, sizeof spki)) < 0 ||
	    (r = cw_tls_new(node_path(e->dir, "node.crt", cert), node_path(e->dir, "node.key", key), &e->tls)) < 0)
		return r;
	body = cw_json_object();
	cw_json_set_str(body, "name", e->seed.name);
	cw_json_set_str(body, "token", e->seed.token);
	cw_json_set_str(body, "key", spki);
	return dial_post(e->loop, e->tls, &e->seed.to[e->next % e->seed.n_to], e->seed.pin, "/node/v1/enrol", body,
			 on_answer, e, &e->dial);
}

static void on_timer(void *ctx)
{
	struct node_enrol *e = ctx;
	int r = ask(e);

	if (r < 0) {
		cw_log_rl(ERROR, e->dir, r, "cannot ask the manager for a certificate");
		later(e, LATER_MS);
	}
}

int node_enrol_new(struct cw_loop *l, const char *dir, void (*done)(void *ctx), void *ctx,
		   struct node_enrol **ret_enrol)
{
	struct node_enrol *e = calloc(1, sizeof *e);
	int r;

	if (!e)
		return -ENOMEM;
	*e = (struct node_enrol){ .loop = l, .done = done, .ctx = ctx };
	snprintf(e->dir, sizeof e->dir, "%s", dir);
	if ((r = cw_timer_new(l, on_timer, e, &e->timer)) < 0) {
		free(e);
		return r;
	}
	cw_timer_arm(e->timer, 0);
	*ret_enrol = e;
	return 0;
}

void node_enrol_free(struct node_enrol *e)
{
	if (!e)
		return;
	dial_free(e->dial);
	cw_timer_free(e->timer);
	cw_tls_free(e->tls);
	cw_mem_wipe(&e->seed, sizeof e->seed);
	free(e);
}

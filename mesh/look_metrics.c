/* SPDX-License-Identifier: Apache-2.0 */
/* look_metrics.c - numbers as text. */
#include "mesh/look_metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mesh/mesh_event.h"
#include "mesh/mesh_http.h"
#include "mesh/mesh_job.h"
#include "mesh/mesh_pair.h"

static void head(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP causeway_%s %s\n# TYPE causeway_%s %s\n", name, help, name, type);
}

/* ---- counts by state ---- */

static void jobs(FILE *f, const struct manager *m)
{
	unsigned n[MESH_JOB_STATE_N] = { 0 };

	for (struct mesh_job *j = NULL; (j = mesh_job_next(m->jobs, j));)
		n[j->state]++;
	head(f, "jobs", "gauge", "Jobs that are kept, by state.");
	for (size_t i = 0; i < MESH_JOB_STATE_N; i++)
		fprintf(f, "causeway_jobs{state=\"%s\"} %u\n", mesh_job_state_name((enum mesh_job_state)i), n[i]);
}

static void pairings(FILE *f, const struct manager *m)
{
	static const char *const states[] = { "invited", "confirming", "paired", "revoked" };
	CW_AUTO(cw_json_cleanup) struct cw_json *list = mesh_pair_list(m->pair);
	const struct cw_json *items = cw_json_get(list, "items");

	head(f, "pairings", "gauge", "Pairings with other sites, by state.");
	for (size_t i = 0; i < CW_COUNT(states); i++) {
		unsigned n = 0;

		for (size_t k = 0; k < cw_json_len(items); k++)
			n += strcmp(cw_json_get_str(cw_json_at(items, k), "state", ""), states[i]) == 0;
		fprintf(f, "causeway_pairings{state=\"%s\"} %u\n", states[i], n);
	}
}

/* ---- the process ---- */

static unsigned long long resident_bytes(void)
{
	unsigned long long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (unsigned long long)sysconf(_SC_PAGESIZE);
}

static void process(FILE *f, const struct manager *m)
{
	head(f, "process_resident_bytes", "gauge", "Memory of the manager.");
	fprintf(f, "causeway_process_resident_bytes %llu\n", resident_bytes());
	head(f, "http_requests_total", "counter", "Requests, good and bad, by where they came in.");
	fprintf(f, "causeway_http_requests_total{listener=\"socket\"} %llu\n", (unsigned long long)mesh_http_count(m->local));
	fprintf(f, "causeway_http_requests_total{listener=\"tls\"} %llu\n", (unsigned long long)mesh_http_count(m->tls));
	head(f, "events_total", "counter", "Events that there were.");
	fprintf(f, "causeway_events_total %lld\n", (long long)mesh_events_last(m->events));
}

char *look_metrics(struct manager *m)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int failed;

	if (!f)
		return NULL;
	jobs(f, m);
	pairings(f, m);
	process(f, m);
	look_nodes(f, m);
	failed = ferror(f);
	if (fclose(f) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}

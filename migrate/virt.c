/* SPDX-License-Identifier: Apache-2.0 */
/* virt.c - one connection to libvirt, and the calls on VMs. */
#include "migrate/virt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "interconnect/base/log.h"
#include "migrate/virt_conn.h"
#include "migrate/xml.h"

CW_LOG_MODULE(virt);

enum { KILL_WAIT_MS = 300 };

struct virt {
	char *uri;
	pthread_mutex_t lock;           /* of all below */
	virConnectPtr conn;
	bool owner_known;
	unsigned uid, gid;
};

static const char *const power_names[] = { "none", "off", "running", "paused" };
_Static_assert(CW_COUNT(power_names) == VIRT_POWER_N, "a name for each");

const char *virt_power_name(enum virt_power p)
{
	return power_names[p];
}

static void swallow(void *ctx, virErrorPtr e)
{
	(void)ctx;
	(void)e;
}

void virt_quiet(void)
{
	virSetErrorFunc(NULL, swallow);
}

int virt_error(struct cw_why *why)
{
	static const struct {
		int libvirt, code;
	} rows[] = {
		{ VIR_ERR_NO_DOMAIN, CW_E_NOT_FOUND }, { VIR_ERR_NO_CONNECT, CW_E_UNREACHABLE },
		{ VIR_ERR_SYSTEM_ERROR, CW_E_UNREACHABLE }, { VIR_ERR_RPC, CW_E_UNREACHABLE },
		{ VIR_ERR_NO_MEMORY, -ENOMEM },
	};
	const virError *e = virGetLastError();
	int r = CW_E_LIBRARY;

	for (size_t i = 0; e && i < CW_COUNT(rows); i++)
		if (rows[i].libvirt == e->code)
			r = rows[i].code;
	return cw_why_set(why, r, NULL, "libvirt", "%s", e && e->message ? e->message : "no reason given");
}

int virt_new(const char *uri, struct virt **ret_virt)
{
	struct virt *v = calloc(1, sizeof *v);

	if (!v || !(v->uri = strdup(uri))) {
		free(v);
		return -ENOMEM;
	}
	pthread_mutex_init(&v->lock, NULL);
	virt_quiet();
	*ret_virt = v;
	return 0;
}

void virt_free(struct virt *v)
{
	if (!v)
		return;
	if (v->conn)
		virConnectClose(v->conn);
	pthread_mutex_destroy(&v->lock);
	free(v->uri);
	free(v);
}

static void conn_cleanup(virConnectPtr *c)
{
	if (*c)
		virConnectClose(*c);
}

static void domain_cleanup(virDomainPtr *d)
{
	if (*d)
		virDomainFree(*d);
}

/* A reference to the connection, which is opened anew when its daemon went away. */
static int conn_get(struct virt *v, virConnectPtr *ret_conn)
{
	int r = 0;

	pthread_mutex_lock(&v->lock);
	if (v->conn && virConnectIsAlive(v->conn) != 1) {
		virConnectClose(v->conn);
		v->conn = NULL;
	}
	if (!v->conn)
		v->conn = virConnectOpen(v->uri);
	if (v->conn && virConnectRef(v->conn) == 0)
		*ret_conn = v->conn;
	else
		r = CW_E_UNREACHABLE;
	pthread_mutex_unlock(&v->lock);
	return r;
}

static int domain_get(struct virt *v, const char *key, virDomainPtr *ret_domain)
{
	CW_AUTO(conn_cleanup) virConnectPtr c = NULL;
	virDomainPtr d;
	int r;

	if ((r = conn_get(v, &c)) < 0)
		return r;
	d = virDomainLookupByUUIDString(c, key);
	if (!d)
		d = virDomainLookupByName(c, key);
	if (!d)
		return virt_error(NULL);
	*ret_domain = d;
	return 0;
}

int virt_version(struct virt *v, char *out, size_t size)
{
	CW_AUTO(conn_cleanup) virConnectPtr c = NULL;
	unsigned long n;
	int r;

	if ((r = conn_get(v, &c)) < 0)
		return r;
	if (virConnectGetLibVersion(c, &n) < 0)
		return virt_error(NULL);
	snprintf(out, size, "%lu.%lu.%lu", n / 1000000, n / 1000 % 1000, n % 1000);
	return 0;
}

void virt_socket(const char *uri, char *out, size_t size)
{
	const char *given = strstr(uri, "socket=");
	const char *monolithic = "/run/libvirt/libvirt-sock", *modular = "/run/libvirt/virtqemud-sock";

	if (given)
		snprintf(out, size, "%.*s", (int)strcspn(given + 7, "&"), given + 7);
	else
		snprintf(out, size, "%s",
			 access(monolithic, F_OK) < 0 && access(modular, F_OK) == 0 ? modular : monolithic);
}

/* The label "+64055:+64055" that libvirt gives to QEMU's files. */
static bool owner_parse(const char *caps, unsigned *ret_uid, unsigned *ret_gid)
{
	CW_AUTO(xml_cleanup) struct xml *doc = NULL;
	const struct xml_node *host;

	if (xml_parse(caps, strlen(caps), &doc) < 0)
		return false;
	host = xml_first(xml_root(doc), "host");
	for (const struct xml_node *s = xml_first(host, "secmodel"); s; s = xml_next(s, "secmodel"))
		if (strcmp(xml_text(xml_first(s, "model"), ""), "dac") == 0 &&
		    sscanf(xml_text(xml_first(s, "baselabel"), ""), "+%u:+%u", ret_uid, ret_gid) == 2)
			return true;
	return false;
}

void virt_qemu_owner(struct virt *v, unsigned *ret_uid, unsigned *ret_gid)
{
	CW_AUTO(conn_cleanup) virConnectPtr c = NULL;
	CW_AUTO(cw_free_cleanup) char *caps = NULL;
	unsigned uid = 0, gid = 0;
	bool known;

	pthread_mutex_lock(&v->lock);
	*ret_uid = v->uid;
	*ret_gid = v->gid;
	known = v->owner_known;
	pthread_mutex_unlock(&v->lock);
	if (known || conn_get(v, &c) < 0 || !(caps = virConnectGetCapabilities(c)))
		return;
	if (!owner_parse(caps, &uid, &gid))
		uid = gid = 0;
	pthread_mutex_lock(&v->lock);
	*ret_uid = v->uid = uid;
	*ret_gid = v->gid = gid;
	v->owner_known = true;
	pthread_mutex_unlock(&v->lock);
}

static enum virt_power power_of(int state)
{
	if (state == VIR_DOMAIN_SHUTOFF || state == VIR_DOMAIN_CRASHED || state == VIR_DOMAIN_NOSTATE)
		return VIRT_OFF;
	return state == VIR_DOMAIN_PAUSED || state == VIR_DOMAIN_PMSUSPENDED ? VIRT_PAUSED : VIRT_RUNNING;
}

static int state_read(virDomainPtr d, struct virt_state *ret_state)
{
	struct virt_state s = { 0 };
	virDomainJobInfo job;
	int state, reason;

	if (virDomainGetState(d, &state, &reason, 0) < 0)
		return virt_error(NULL);
	s.power = power_of(state);
	s.migrated_away = state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_MIGRATION;
	s.persistent = virDomainIsPersistent(d) == 1;
	if (s.power != VIRT_OFF && virDomainGetJobInfo(d, &job) == 0)
		s.busy = job.type == VIR_DOMAIN_JOB_BOUNDED || job.type == VIR_DOMAIN_JOB_UNBOUNDED;
	*ret_state = s;
	return 0;
}

int virt_state(struct virt *v, const char *uuid, struct virt_state *ret_state)
{
	CW_AUTO(domain_cleanup) virDomainPtr d = NULL;
	int r = domain_get(v, uuid, &d);

	if (r == 0)
		r = state_read(d, ret_state);
	if (r != CW_E_NOT_FOUND)
		return r;
	*ret_state = (struct virt_state){ .power = VIRT_NONE };
	return 0;
}

static void list_add(struct cw_json *list, virDomainPtr d)
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "";
	struct virt_state s;
	virDomainInfo info;
	struct cw_json *j;

	if (state_read(d, &s) < 0 || virDomainGetInfo(d, &info) < 0 || virDomainGetUUIDString(d, uuid) < 0)
		return;
	j = cw_json_object();
	cw_json_set_str(j, "name", virDomainGetName(d));
	cw_json_set_str(j, "uuid", uuid);
	cw_json_set_str(j, "power", virt_power_name(s.power));
	cw_json_set_int(j, "memory_bytes", (int64_t)(info.maxMem * 1024ULL));
	cw_json_set_int(j, "vcpus", info.nrVirtCpu);
	cw_json_add(list, j);
}

int virt_list(struct virt *v, struct cw_json **ret_array)
{
	CW_AUTO(conn_cleanup) virConnectPtr c = NULL;
	struct cw_json *list;
	virDomainPtr *all;
	int n, r;

	if ((r = conn_get(v, &c)) < 0)
		return r;
	n = virConnectListAllDomains(c, &all, 0);
	if (n < 0)
		return virt_error(NULL);
	list = cw_json_array();
	for (int i = 0; i < n; i++) {
		list_add(list, all[i]);
		virDomainFree(all[i]);
	}
	free(all);
	*ret_array = list;
	return 0;
}

int virt_find(struct virt *v, const char *key, struct virt_vm *ret_vm)
{
	CW_AUTO(domain_cleanup) virDomainPtr d = NULL;
	struct virt_vm vm = { 0 };
	virDomainInfo info;
	int on = 0, r;

	if ((r = domain_get(v, key, &d)) < 0 || (r = state_read(d, &vm.state)) < 0)
		return r;
	if (virDomainGetInfo(d, &info) < 0 || virDomainGetUUIDString(d, vm.uuid) < 0)
		return virt_error(NULL);
	if (vm.state.persistent && virDomainGetAutostart(d, &on) < 0)
		return virt_error(NULL);
	snprintf(vm.name, sizeof vm.name, "%s", virDomainGetName(d));
	vm.autostart = on;
	vm.memory_bytes = info.maxMem * 1024ULL;
	vm.vcpus = info.nrVirtCpu;
	vm.xml = virDomainGetXMLDesc(d, VIR_DOMAIN_XML_MIGRATABLE);
	vm.definition = virDomainGetXMLDesc(d, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
	if (!vm.xml || !vm.definition) {
		virt_vm_fini(&vm);
		return virt_error(NULL);
	}
	*ret_vm = vm;
	return 0;
}

void virt_vm_fini(struct virt_vm *vm)
{
	free(cw_steal(&vm->xml));
	free(cw_steal(&vm->definition));
}

int virt_block(struct virt *v, const char *uuid, const char *target, uint64_t *ret_capacity, uint64_t *ret_allocation)
{
	CW_AUTO(domain_cleanup) virDomainPtr d = NULL;
	virDomainBlockInfo info;
	int r;

	if ((r = domain_get(v, uuid, &d)) < 0)
		return r;
	if (virDomainGetBlockInfo(d, target, &info, 0) < 0)
		return virt_error(NULL);
	*ret_capacity = info.capacity;
	*ret_allocation = info.allocation;
	return 0;
}

static int job_stats(struct virt *v, const char *uuid, unsigned flags, virTypedParameterPtr *ret_params, int *ret_n)
{
	CW_AUTO(domain_cleanup) virDomainPtr d = NULL;
	int type, r;

	if ((r = domain_get(v, uuid, &d)) < 0)
		return r;
	return virDomainGetJobStats(d, &type, ret_params, ret_n, flags) < 0 ? virt_error(NULL) : 0;
}

static uint64_t param(virTypedParameterPtr p, int n, const char *name)
{
	unsigned long long value = 0;

	return virTypedParamsGetULLong(p, n, name, &value) == 1 ? value : 0;
}

/* What is done of TOTAL: all but what remains. Pages of zeros are never "processed", so that figure does not get there. */
static uint64_t done_of(uint64_t total, uint64_t remaining)
{
	return remaining < total ? total - remaining : 0;
}

int virt_progress(struct virt *v, const char *uuid, struct virt_progress *ret_progress)
{
	virTypedParameterPtr p = NULL;
	int n = 0, r = job_stats(v, uuid, 0, &p, &n);

	if (r < 0)
		return r;
	*ret_progress = (struct virt_progress){
		.memory_total_bytes = param(p, n, VIR_DOMAIN_JOB_MEMORY_TOTAL),
		.disk_total_bytes = param(p, n, VIR_DOMAIN_JOB_DISK_TOTAL),
	};
	ret_progress->memory_done_bytes = done_of(ret_progress->memory_total_bytes, param(p, n, VIR_DOMAIN_JOB_MEMORY_REMAINING));
	ret_progress->disk_done_bytes = done_of(ret_progress->disk_total_bytes, param(p, n, VIR_DOMAIN_JOB_DISK_REMAINING));
	virTypedParamsFree(p, n);
	return 0;
}

int virt_downtime(struct virt *v, const char *uuid, uint64_t *ret_ms)
{
	virTypedParameterPtr p = NULL;
	int n = 0, r = job_stats(v, uuid, VIR_DOMAIN_JOB_STATS_COMPLETED | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED, &p, &n);

	if (r < 0)
		return r;
	*ret_ms = param(p, n, VIR_DOMAIN_JOB_DOWNTIME);
	virTypedParamsFree(p, n);
	return 0;
}

static int act(struct virt *v, const char *uuid, int (*call)(virDomainPtr d))
{
	CW_AUTO(domain_cleanup) virDomainPtr d = NULL;
	struct cw_why why = { 0 };
	int r = domain_get(v, uuid, &d);

	if (r < 0)
		return r;
	if (call(d) == 0)
		return 0;
	r = virt_error(&why);                   /* before any other call of libvirt, which forgets it */
	cw_log(WARN, virDomainGetName(d), "libvirt: %s", why.rule);
	return r;
}

int virt_resume(struct virt *v, const char *uuid)
{
	return act(v, uuid, virDomainResume);
}

int virt_abort_job(struct virt *v, const char *uuid)
{
	return act(v, uuid, virDomainAbortJob);
}

int virt_destroy(struct virt *v, const char *uuid)
{
	struct virt_state s;
	int r;

	if ((r = virt_state(v, uuid, &s)) < 0)
		return r;
	if (s.power == VIRT_NONE || s.power == VIRT_OFF)
		return 0;
	r = act(v, uuid, virDomainDestroy);
	if (virt_state(v, uuid, &s) == 0 && (s.power == VIRT_NONE || s.power == VIRT_OFF))
		return 0;                       /* it went by itself meanwhile */
	return r < 0 ? r : CW_E_STATE;
}

/* Does the process PID have UUID among its arguments? */
static bool is_emulator(pid_t pid, const char *uuid)
{
	char path[64], args[64 * 1024];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, args, sizeof args);
	close(fd);
	return n > 0 && memmem(args, (size_t)n, uuid, strlen(uuid));
}

static bool emulator_pid(const char *name, const char *uuid, pid_t *ret_pid)
{
	char path[160];
	FILE *f;
	int pid = 0;

	snprintf(path, sizeof path, "/run/libvirt/qemu/%.63s.pid", name);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fscanf(f, "%d", &pid) != 1)
		pid = 0;
	fclose(f);
	*ret_pid = pid;
	return pid > 1 && is_emulator(pid, uuid);
}

/* A killed emulator that still gives its memory back runs no guest any more, so the wait is short. */
static bool kill_and_wait(pid_t pid, const char *uuid)
{
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	bool sent;

	if (p.fd < 0)
		return false;
	sent = is_emulator(pid, uuid) && syscall(SYS_pidfd_send_signal, p.fd, SIGKILL, NULL, 0) == 0;
	if (sent)
		(void)poll(&p, 1, KILL_WAIT_MS);
	close(p.fd);
	return sent;
}

int virt_kill(struct virt *v, const char *uuid)
{
	CW_AUTO(domain_cleanup) virDomainPtr d = NULL;
	int r = domain_get(v, uuid, &d);
	pid_t pid;

	if (r == CW_E_NOT_FOUND)
		return 0;
	if (r == 0 && emulator_pid(virDomainGetName(d), uuid, &pid) && kill_and_wait(pid, uuid))
		return 0;
	return virt_destroy(v, uuid);
}

int virt_set_autostart(struct virt *v, const char *uuid, bool on)
{
	CW_AUTO(domain_cleanup) virDomainPtr d = NULL;
	int r;

	if ((r = domain_get(v, uuid, &d)) < 0)
		return r;
	return virDomainSetAutostart(d, on) < 0 ? virt_error(NULL) : 0;
}

int virt_define(struct virt *v, const char *xml, struct cw_why *why)
{
	CW_AUTO(conn_cleanup) virConnectPtr c = NULL;
	CW_AUTO(domain_cleanup) virDomainPtr d = NULL;
	int r;

	if ((r = conn_get(v, &c)) < 0)
		return r;
	d = virDomainDefineXML(c, xml);
	return d ? 0 : virt_error(why);
}

int virt_undefine(struct virt *v, const char *uuid)
{
	enum { FLAGS = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
		       VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_KEEP_NVRAM };
	CW_AUTO(domain_cleanup) virDomainPtr d = NULL;
	int r = domain_get(v, uuid, &d);

	if (r < 0)
		return r == CW_E_NOT_FOUND ? 0 : r;
	if (virDomainIsPersistent(d) == 0)
		return 0;
	return virDomainUndefineFlags(d, FLAGS) < 0 ? virt_error(NULL) : 0;
}

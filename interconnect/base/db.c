/* SPDX-License-Identifier: Apache-2.0 */
/* db.c - SQLite: durable rows behind prepared statements. */
#include "interconnect/base/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interconnect/base/err.h"
#include "interconnect/base/file.h"
#include "interconnect/base/log.h"

CW_LOG_MODULE(db);

enum { DB_BUSY_MS = 5000 };

struct cw_db {
	sqlite3 *h;
};

struct cw_stmt {
	sqlite3_stmt *h;
	int r;                          /* first failed bind */
	bool stepped;
};

static const struct code_row {
	int rc, r;
} code_rows[] = {
	{ SQLITE_OK, 0 },
	{ SQLITE_ROW, 0 },
	{ SQLITE_DONE, 0 },
	{ SQLITE_NOMEM, -ENOMEM },
	{ SQLITE_FULL, -ENOSPC },
	{ SQLITE_BUSY, -EBUSY },
	{ SQLITE_READONLY, -EROFS },
	{ SQLITE_CANTOPEN, -EACCES },
	{ SQLITE_IOERR, -EIO },
	{ SQLITE_CONSTRAINT, CW_E_CONFLICT },
	{ SQLITE_CORRUPT, CW_E_MALFORMED },
	{ SQLITE_NOTADB, CW_E_MALFORMED },
};

/* SQLite's result code as ours. */
static int code_of(int rc)
{
	for (size_t i = 0; i < CW_COUNT(code_rows); i++)
		if (code_rows[i].rc == (rc & 0xff))
			return code_rows[i].r;
	return CW_E_LIBRARY;
}

int cw_db_run(struct cw_db *d, const char *sql)
{
	int r = code_of(sqlite3_exec(d->h, sql, NULL, NULL, NULL));

	if (r < 0)
		cw_log_r(DEBUG, NULL, r, "%s", sqlite3_errmsg(d->h));
	return r;
}

static int version_get(struct cw_db *d, int64_t *ret_version)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(d, "PRAGMA user_version", &st)) < 0 || (r = cw_stmt_step(st)) < 0)
		return r;
	*ret_version = cw_stmt_int(st, 0);
	return 0;
}

/* Inside of a transaction: the next step and its number. 1 when there was nothing to do. */
static int step_apply(struct cw_db *d, const char *const *steps, size_t n)
{
	int64_t version = 0;
	char pragma[64];
	int r;

	if ((r = version_get(d, &version)) < 0)
		return r;
	if (version < 0 || (uint64_t)version > n)
		return CW_E_UNSUPPORTED;
	if ((uint64_t)version == n)
		return 1;
	snprintf(pragma, sizeof pragma, "PRAGMA user_version = %lld", (long long)version + 1);
	if ((r = cw_db_run(d, steps[version])) < 0)
		return r;
	return cw_db_run(d, pragma);
}

/* SQLite has rolled back on its own where the failure was grave. */
static void roll_back(struct cw_db *d)
{
	int r = sqlite3_get_autocommit(d->h) ? 0 : cw_db_run(d, "ROLLBACK");

	if (r < 0)
		cw_log_r(WARN, NULL, r, "a schema step could not be rolled back");
}

/* The version is read anew under each lock: another process may bring the same file forward. */
static int schema_apply(struct cw_db *d, const char *const *steps, size_t n)
{
	int r = 0, end;

	while (r == 0) {
		if ((r = cw_db_run(d, "BEGIN IMMEDIATE")) < 0)
			return r;
		r = step_apply(d, steps, n);
		if (r >= 0 && (end = cw_db_run(d, "COMMIT")) < 0)
			r = end;
		if (r < 0)
			roll_back(d);
	}
	return r < 0 ? r : 0;
}

/* Makes the file with its mode before SQLite would make it with another. */
static int file_make(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	close(fd);
	/* The name of a new file is on the disk only when its folder is. */
	return cw_file_sync_folder(path);
}

/* SQLite answers with the mode it could get, without an error. */
static int wal_set(struct cw_db *d)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(d, "PRAGMA journal_mode = WAL", &st)) < 0 || (r = cw_stmt_step(st)) < 0)
		return r;
	return strcmp(cw_stmt_str(st, 0), "wal") == 0 ? 0 : CW_E_UNSUPPORTED;
}

static int db_setup(struct cw_db *d)
{
	int r;

	if ((r = code_of(sqlite3_busy_timeout(d->h, DB_BUSY_MS))) < 0 || (r = wal_set(d)) < 0 ||
	    (r = cw_db_run(d, "PRAGMA synchronous = FULL")) < 0)
		return r;
	return cw_db_run(d, "PRAGMA foreign_keys = ON");
}

int cw_db_open(const char *path, const char *const *steps, size_t n, struct cw_db **ret_db)
{
	struct cw_db *d;
	int r;

	if ((r = file_make(path)) < 0)
		return r;
	if (!(d = calloc(1, sizeof *d)))
		return -ENOMEM;
	r = code_of(sqlite3_open_v2(path, &d->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
				    NULL));
	if (r < 0 || (r = db_setup(d)) < 0 || (r = schema_apply(d, steps, n)) < 0) {
		cw_db_close(d);
		return r;
	}
	*ret_db = d;
	return 0;
}

void cw_db_close(struct cw_db *d)
{
	if (!d)
		return;
	sqlite3_close_v2(d->h);
	free(d);
}

const char *cw_db_error(const struct cw_db *d)
{
	return sqlite3_errmsg(d->h);
}

int64_t cw_db_changes(const struct cw_db *d)
{
	return sqlite3_changes64(d->h);
}

int cw_db_prepare(struct cw_db *d, const char *sql, struct cw_stmt **ret_stmt)
{
	struct cw_stmt *s = calloc(1, sizeof *s);
	int r;

	if (!s)
		return -ENOMEM;
	if ((r = code_of(sqlite3_prepare_v2(d->h, sql, -1, &s->h, NULL))) < 0) {
		cw_log_r(ERROR, NULL, r, "%s", sqlite3_errmsg(d->h));
		free(s);
		return r;
	}
	*ret_stmt = s;
	return 0;
}

void cw_stmt_free(struct cw_stmt *s)
{
	if (!s)
		return;
	sqlite3_finalize(s->h);
	free(s);
}

void cw_stmt_cleanup(struct cw_stmt **s)
{
	cw_stmt_free(cw_steal(s));
}

/* A finished statement takes new parameters from its beginning. */
static void rewind_stmt(struct cw_stmt *s)
{
	if (s->stepped)
		sqlite3_reset(s->h);
	s->stepped = false;
}

static void bind_result(struct cw_stmt *s, int rc)
{
	if (s->r == 0)
		s->r = rc == SQLITE_RANGE ? -EINVAL : code_of(rc);
}

void cw_stmt_bind_str(struct cw_stmt *s, int i, const char *text)
{
	rewind_stmt(s);
	bind_result(s, text ? sqlite3_bind_text(s->h, i, text, -1, SQLITE_TRANSIENT) : sqlite3_bind_null(s->h, i));
}

void cw_stmt_bind_int(struct cw_stmt *s, int i, int64_t v)
{
	rewind_stmt(s);
	bind_result(s, sqlite3_bind_int64(s->h, i, v));
}

int cw_stmt_step(struct cw_stmt *s)
{
	int rc, r = s->r;

	if (r < 0) {
		s->r = 0;
		rewind_stmt(s);
		return r;
	}
	rc = sqlite3_step(s->h);
	s->stepped = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW)
		return 1;
	sqlite3_reset(s->h);
	sqlite3_clear_bindings(s->h);   /* a parameter that the next run forgets is NULL, not the one of this run */
	return code_of(rc);
}

const char *cw_stmt_str(struct cw_stmt *s, int i)
{
	const unsigned char *text = sqlite3_column_text(s->h, i);

	return text ? (const char *)text : "";
}

int64_t cw_stmt_int(struct cw_stmt *s, int i)
{
	return sqlite3_column_int64(s->h, i);
}

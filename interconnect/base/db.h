/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db.h - SQLite: one file, prepared statements only, numbered schema steps.
 *
 * Opened with journal_mode=WAL and synchronous=FULL: when cw_db_run() of a commit has
 * returned 0, the rows are on the disk. SQLite stands only in db.c.
 */
#ifndef CW_DB_H
#define CW_DB_H

#include "interconnect/base/base.h"

struct cw_db;
struct cw_stmt;

/* Opens PATH (made with mode 0600 when it is not there) and brings it to schema n: STEPS[i] leads from version i to i + 1, each in
 * a transaction. CW_E_UNSUPPORTED when the file is newer than N steps. */
CW_NODISCARD int cw_db_open(const char *path, const char *const *steps, size_t n, struct cw_db **ret_db);
void cw_db_close(struct cw_db *d);
/* Text of the last failure on D; static until the next call. */
const char *cw_db_error(const struct cw_db *d);

CW_NODISCARD int cw_db_prepare(struct cw_db *d, const char *sql, struct cw_stmt **ret_stmt);
void cw_stmt_free(struct cw_stmt *s);
void cw_stmt_cleanup(struct cw_stmt **s);
/* Binds parameter I, from 1. Text is copied. A failure is kept and reported by the next step. */
void cw_stmt_bind_str(struct cw_stmt *s, int i, const char *text);      /* NULL binds NULL */
void cw_stmt_bind_int(struct cw_stmt *s, int i, int64_t v);
/* 1: a row is there; 0: no more; negative: failed. After 0 the statement may be bound and stepped again. */
CW_NODISCARD int cw_stmt_step(struct cw_stmt *s);
/* Column I, from 0, of the present row. Text is never NULL and lives until the next step. */
const char *cw_stmt_str(struct cw_stmt *s, int i);
int64_t cw_stmt_int(struct cw_stmt *s, int i);

/* One statement without parameters or result ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"). */
CW_NODISCARD int cw_db_run(struct cw_db *d, const char *sql);
/* How many rows the last statement changed. */
int64_t cw_db_changes(const struct cw_db *d);

#endif

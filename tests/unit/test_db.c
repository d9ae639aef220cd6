/* SPDX-License-Identifier: Apache-2.0 */
/* test_db.c - rows that survive a kill, schema steps that happen once, refusals that are told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interconnect/base/db.h"
#include "interconnect/base/err.h"
#include "interconnect/base/log.h"

static const char *const steps[] = {
	"CREATE TABLE vm (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL CHECK (epoch > 0)); CREATE TABLE old (x)",
	"ALTER TABLE vm ADD COLUMN note TEXT; DROP TABLE old",
	"CREATE TABLE disk (vm TEXT NOT NULL REFERENCES vm (name), size INTEGER)",
};

static char dir[64], path[80];

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static int begin(void **state)
{
	(void)state;
	cw_log_set_sink(quiet);
	snprintf(dir, sizeof dir, "/tmp/cw-test-db-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/db", dir);
	return 0;
}

static int end(void **state)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal" };
	char name[100];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(tails); i++) {
		snprintf(name, sizeof name, "%s%s", path, tails[i]);
		unlink(name);
	}
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static struct cw_db *open_at(size_t n_steps)
{
	struct cw_db *d = NULL;

	assert_int_equal(cw_db_open(path, steps, n_steps, &d), 0);
	return d;
}

static int insert(struct cw_db *d, const char *name, int64_t epoch)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r = cw_db_prepare(d, "INSERT INTO vm (name, epoch) VALUES (?, ?)", &st);

	if (r < 0)
		return r;
	cw_stmt_bind_str(st, 1, name);
	cw_stmt_bind_int(st, 2, epoch);
	return cw_stmt_step(st);
}

static int64_t query_int(struct cw_db *d, const char *sql)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;

	assert_int_equal(cw_db_prepare(d, sql, &st), 0);
	assert_int_equal(cw_stmt_step(st), 1);
	return cw_stmt_int(st, 0);
}

static void a_new_file_is_private_and_durable(void **state)
{
	struct cw_db *d;
	struct stat st;
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *mode = NULL;

	(void)state;
	umask(0);
	d = open_at(3);
	umask(022);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(query_int(d, "PRAGMA user_version"), 3);
	assert_int_equal(query_int(d, "PRAGMA synchronous"), 2);
	assert_int_equal(query_int(d, "PRAGMA foreign_keys"), 1);
	assert_int_equal(cw_db_prepare(d, "PRAGMA journal_mode", &mode), 0);
	assert_int_equal(cw_stmt_step(mode), 1);
	assert_string_equal(cw_stmt_str(mode, 0), "wal");
	cw_stmt_free(cw_steal(&mode));
	cw_db_close(d);
	cw_db_close(NULL);
}

static void steps_happen_once_each_and_in_order(void **state)
{
	struct cw_db *d = open_at(1);

	(void)state;
	assert_int_equal(insert(d, "web1", 1), 0);
	assert_int_equal(query_int(d, "SELECT count(*) FROM old"), 0);
	cw_db_close(d);
	for (int i = 0; i < 2; i++) {
		d = open_at(3);
		assert_int_equal(query_int(d, "SELECT count(*) FROM vm WHERE note IS NULL"), 1);
		assert_int_equal(query_int(d, "PRAGMA user_version"), 3);
		cw_db_close(d);
	}
}

static void a_newer_file_is_left_alone(void **state)
{
	struct cw_db *d = open_at(3), *older = NULL;

	(void)state;
	cw_db_close(d);
	assert_int_equal(cw_db_open(path, steps, 2, &older), CW_E_UNSUPPORTED);
	assert_null(older);
	cw_db_close(open_at(3));
}

static void a_step_that_fails_leaves_the_version_before_it(void **state)
{
	static const char *const broken[] = { "CREATE TABLE a (x)",
		"CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)" };
	struct cw_db *d = NULL;

	(void)state;
	assert_int_equal(cw_db_open(path, broken, 2, &d), CW_E_LIBRARY);
	assert_null(d);
	assert_int_equal(cw_db_open(path, broken, 1, &d), 0);
	assert_int_equal(query_int(d, "PRAGMA user_version"), 1);
	assert_int_equal(query_int(d, "SELECT count(*) FROM sqlite_master WHERE name = 'b'"), 0);
	cw_db_close(d);
}

static void what_is_no_database_is_refused(void **state)
{
	struct cw_db *d = NULL;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char link[100];

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(fd, "this is not a database, whatever its name says\n", 47), 47);
	close(fd);
	assert_int_equal(cw_db_open(path, steps, 3, &d), CW_E_MALFORMED);
	assert_int_equal(cw_db_open("/nonexistent/db", steps, 3, &d), -ENOENT);
	assert_true(cw_db_open("/", steps, 3, &d) < 0);
	assert_true(cw_db_open("/dev/null", steps, 3, &d) < 0);
	snprintf(link, sizeof link, "%s/link", dir);
	assert_int_equal(symlink("db2", link), 0);
	assert_true(cw_db_open(link, steps, 3, &d) < 0);
	assert_int_equal(unlink(link), 0);
	assert_null(d);
}

static void values_come_back(void **state)
{
	static const char *const texts[] = { "", "plain", "it's; DROP TABLE vm --", "\xc3\xa9\xe2\x82\xac",
		"\n\t\x01" };
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *in = NULL, *out = NULL;
	struct cw_db *d = open_at(3);
	char copy[64];

	(void)state;
	assert_int_equal(cw_db_prepare(d, "INSERT INTO vm VALUES (?, ?, ?)", &in), 0);
	assert_int_equal(cw_db_prepare(d, "SELECT name, epoch, note FROM vm WHERE name = ?", &out), 0);
	for (size_t i = 0; i < CW_COUNT(texts); i++) {
		snprintf(copy, sizeof copy, "%s", texts[i]);
		cw_stmt_bind_str(in, 1, copy);
		cw_stmt_bind_int(in, 2, i == 0 ? INT64_MAX : (int64_t)i);
		cw_stmt_bind_str(in, 3, NULL);
		memset(copy, 'z', 10);          /* it was copied */
		assert_int_equal(cw_stmt_step(in), 0);
		assert_int_equal(cw_db_changes(d), 1);
		cw_stmt_bind_str(out, 1, texts[i]);
		assert_int_equal(cw_stmt_step(out), 1);
		assert_string_equal(cw_stmt_str(out, 0), texts[i]);
		assert_true(cw_stmt_int(out, 1) == (i == 0 ? INT64_MAX : (int64_t)i));
		assert_string_equal(cw_stmt_str(out, 2), "");
		assert_int_equal(cw_stmt_int(out, 2), 0);
		if (i % 2)                      /* a statement may be used again before its end and after it */
			assert_int_equal(cw_stmt_step(out), 0);
	}
	cw_stmt_free(cw_steal(&in));
	cw_stmt_free(cw_steal(&out));
	cw_db_close(d);
}

static void a_forgotten_parameter_is_null(void **state)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	struct cw_db *d = open_at(3);

	(void)state;
	assert_int_equal(cw_db_prepare(d, "INSERT INTO vm (name, epoch) VALUES (?, ?)", &st), 0);
	cw_stmt_bind_str(st, 1, "a");
	cw_stmt_bind_int(st, 2, 1);
	assert_int_equal(cw_stmt_step(st), 0);
	cw_stmt_bind_str(st, 1, "b");
	assert_int_equal(cw_stmt_step(st), CW_E_CONFLICT);      /* not the epoch of "a" */
	assert_int_equal(query_int(d, "SELECT count(*) FROM vm"), 1);
	cw_stmt_free(cw_steal(&st));
	cw_db_close(d);
}

static void refusals_are_told_apart_and_do_not_stick(void **state)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	struct cw_db *d = open_at(3);

	(void)state;
	assert_int_equal(insert(d, "a", 1), 0);
	assert_int_equal(insert(d, "a", 2), CW_E_CONFLICT);
	assert_non_null(strstr(cw_db_error(d), "UNIQUE"));
	assert_int_equal(insert(d, "b", 0), CW_E_CONFLICT);
	assert_int_equal(cw_db_run(d, "INSERT INTO disk VALUES ('nobody', 1)"), CW_E_CONFLICT);
	assert_int_equal(cw_db_run(d, "SELEC 1"), CW_E_LIBRARY);
	assert_int_equal(cw_db_prepare(d, "SELECT * FROM nope", &st), CW_E_LIBRARY);
	assert_null(st);
	assert_int_equal(cw_db_prepare(d, "SELECT ?", &st), 0);
	cw_stmt_bind_int(st, 7, 1);
	cw_stmt_bind_int(st, 1, 5);
	assert_int_equal(cw_stmt_step(st), -EINVAL);            /* kept until the step, told once */
	cw_stmt_bind_int(st, 1, 5);
	assert_int_equal(cw_stmt_step(st), 1);
	assert_int_equal(cw_stmt_int(st, 0), 5);
	cw_stmt_free(cw_steal(&st));
	cw_db_close(d);
}

/* A child that writes, commits or not, and is killed; what is there afterwards? */
static int64_t rows_after_kill(bool commit)
{
	int status = 0;
	struct cw_db *d;
	int64_t n;
	pid_t pid = fork();

	if (pid == 0) {
		d = open_at(3);
		if (cw_db_run(d, "BEGIN IMMEDIATE") < 0 || insert(d, commit ? "yes" : "no", 1) < 0 ||
		    (commit && cw_db_run(d, "COMMIT") < 0))
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	d = open_at(3);
	n = query_int(d, "SELECT count(*) FROM vm");
	cw_db_close(d);
	return n;
}

static void a_commit_survives_a_kill_and_nothing_else_does(void **state)
{
	(void)state;
	assert_int_equal(rows_after_kill(false), 0);
	assert_int_equal(rows_after_kill(true), 1);
	assert_int_equal(rows_after_kill(false), 1);
}

static void a_rollback_takes_everything_back(void **state)
{
	struct cw_db *d = open_at(3);

	(void)state;
	assert_int_equal(cw_db_run(d, "BEGIN IMMEDIATE"), 0);
	assert_int_equal(insert(d, "a", 1), 0);
	assert_int_equal(insert(d, "b", 1), 0);
	assert_int_equal(cw_db_run(d, "ROLLBACK"), 0);
	assert_int_equal(query_int(d, "SELECT count(*) FROM vm"), 0);
	assert_true(cw_db_run(d, "COMMIT") < 0);                /* there is nothing to commit */
	cw_db_close(d);
}

/* Several processes open the same new file at once: the steps still happen once each. */
static void many_may_open_at_once(void **state)
{
	enum { N = 6 };
	pid_t pids[N];
	int status;
	struct cw_db *d;

	(void)state;
	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			char name[8];

			snprintf(name, sizeof name, "vm%d", i);
			_exit(cw_db_open(path, steps, 3, &d) < 0 ? 1 : insert(d, name, 1) < 0 ? 2 : 0);
		}
	}
	for (int i = 0; i < N; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	d = open_at(3);
	assert_int_equal(query_int(d, "SELECT count(*) FROM vm"), N);
	cw_db_close(d);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_new_file_is_private_and_durable),
		T(steps_happen_once_each_and_in_order),
		T(a_newer_file_is_left_alone),
		T(a_step_that_fails_leaves_the_version_before_it),
		T(what_is_no_database_is_refused),
		T(values_come_back),
		T(a_forgotten_parameter_is_null),
		T(refusals_are_told_apart_and_do_not_stick),
		T(a_commit_survives_a_kill_and_nothing_else_does),
		T(a_rollback_takes_everything_back),
		T(many_may_open_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

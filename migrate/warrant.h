/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warrant.h - leave to move a VM: who decides that it changes its owner.
 *
 * An agent without a manager decides by itself, by the chain in its own database. An agent that is a node of a site asks: the
 * decision is on the disk of the site's manager, and the chain here is a copy of what it said. Its records are signed, and
 * travel from the source's manager through both agents to the target's manager.
 *
 *   prepare   before the offer goes: the record PREPARED
 *   release   at the hold point: RELEASED, or word that it was given up
 *   abort     word that it was given up, or RELEASED when that was first
 *   arrived   the target's: what it got goes to its manager
 *
 * Once a release may have been asked for (job plan, warrant.asking, on the disk before it), the agent decides nothing by itself any
 * more, whatever happens: it asks until there is an answer. Before that it gives up alone and tells its manager afterwards;
 * that, and arrivals, are told until they are heard, across restarts: the job's plan says what is owed.
 *
 * Kill points of a debug build: "warrant.asking.before" and ".after" the write that comes before the question, "warrant.told.before"
 * the write that something was heard.
 *
 * plan.warrant (only of jobs that began with a manager): {asking, told, records}: see PROTOCOL.md.
 *
 * Loop thread only.
 */
#ifndef WARRANT_H
#define WARRANT_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "migrate/agent.h"
#include "migrate/own_sig.h"

struct warrant;

struct warrant_answer {
	enum job_decision decision;             /* JOB_UNDECIDED: prepared; JOB_ABORTED; JOB_RELEASED */
	bool has_record;                        /* given up before it was prepared: there is none */
	struct own_sig record;                  /* of the decision; without signature when there is no manager, or nothing was written */
	struct cw_json *records;                /* all that came with it, borrowed; NULL: no manager */
};

/* CB is called once: at once when there is no manager, otherwise later, and not after warrant_free(). ANSWER is NULL unless R is 0. */
typedef void warrant_cb(void *ctx, int r, const struct warrant_answer *answer, const struct cw_why *why);

/* True when this agent has a manager to ask. */
bool warrant_has_manager(const struct agent *a);
/* What PREPARED would be, of a VM that is to go to site TO; asked once. */
CW_NODISCARD int warrant_look(struct agent *a, const char *uuid, const char *to, warrant_cb *cb, void *ctx, struct warrant **ret_w);
/* PREPARED of job J, asked until somebody answers, yes or no, for 15 s at most. */
CW_NODISCARD int warrant_prepare(struct agent *a, struct job *j, warrant_cb *cb, void *ctx, struct warrant **ret_w);
/* Asked for ever: CB gets decisions only. */
CW_NODISCARD int warrant_release(struct agent *a, struct job *j, warrant_cb *cb, void *ctx, struct warrant **ret_w);
CW_NODISCARD int warrant_abort(struct agent *a, struct job *j, warrant_cb *cb, void *ctx, struct warrant **ret_w);
/* May be called from CB. */
void warrant_free(struct warrant *w);
bool warrant_is_abort(const struct warrant *w);
/* Why there is no answer yet, "" when nothing went wrong. */
const char *warrant_trouble(const struct warrant *w);

/* The plan of a job that begins with a manager. */
void warrant_begin(struct job *j);
bool warrant_of(const struct job *j);
/* True when a release may have been asked for. */
bool warrant_is_asked(const struct job *j);
/* On the disk when it returns 0. */
CW_NODISCARD int warrant_mark_asked(struct job *j);
/* Keeps RECORDS (may be NULL) in the plan; not on the disk yet. */
void warrant_keep(struct job *j, const struct cw_json *records);
/* They, as they go to the target: a new reference, or NULL. */
struct cw_json *warrant_records(const struct job *j);

/* Is S (no signature in it: there is none) the record EXPECTED, signed by SITE? Without a CA for that site nothing is asked for.
 * CW_E_AUTH. */
CW_NODISCARD int warrant_check(const struct agent *a, const char *site, const struct own *expected, const struct own_sig *s,
			       struct cw_why *why);
/* The last of RECORDS of VM UUID; all zeros when there is none that is well formed. */
void warrant_last(const struct cw_json *records, const char *uuid, struct own_sig *ret_s);

/* Tells the manager what is owed to it, at once and later; goes on for ever. */
CW_NODISCARD int warrant_start(struct agent *a);
void warrant_poke(struct agent *a);             /* something new is owed */
/* After node_free(): no answer comes any more. Frees questions that are open, too. */
void warrant_stop(struct agent *a);

#endif

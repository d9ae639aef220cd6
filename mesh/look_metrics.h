/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look_metrics.h - the state of the site as numbers, in the text format of Prometheus (version 0.0.4).
 *
 * Names begin with "causeway_"; what only grows ends in "_total". They are a public contract (API.md).
 */
#ifndef LOOK_METRICS_H
#define LOOK_METRICS_H

#include <stdio.h>

#include "mesh/manager.h"

/* Heap text; free() it. NULL without memory. */
char *look_metrics(struct manager *m);
/* The part of appliances and agents. look_nodes.c */
void look_nodes(FILE *f, const struct manager *m);

#endif

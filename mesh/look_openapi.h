/* SPDX-License-Identifier: Apache-2.0 */
/* look_openapi.h - the routes for people and tools as an OpenAPI 3.1 document. */
#ifndef LOOK_OPENAPI_H
#define LOOK_OPENAPI_H

#include "interconnect/base/json.h"

/* Made of the route tables: a route with help is in it. */
struct cw_json *look_openapi(void);

#endif

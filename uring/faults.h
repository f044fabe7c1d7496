/*
 * Plans of faults: what the variable WEFT_FAULT asks to go wrong, for as long as the process lives.
 * The grammar is in weft-faults(7). Errors of system calls go to the fault points of
 * runtime/base/fault.h; errors and short transfers of operations are met where operations begin,
 * before any engine, and so are the same for all; what is to be missing, and the sizes of the
 * queues, are the configuration of each engine.
 */
#ifndef WEFT_URING_FAULTS_H
#define WEFT_URING_FAULTS_H

#include "uring/engine.h"

extern _Atomic bool weft__faults_armed; /* the plan names operations */

/*
 * Takes the plan of @text with the seed of @seed (NULL or "": 1), and enters into @config what
 * concerns engines. Plans of a process are the first one: later calls only enter that into @config.
 * NULL or "" is no plan. -EINVAL with @out_text, which names the word that is wrong.
 */
int weft__faults_read(const char *text, const char *seed, struct weft__engine_config *config,
                      char *out_text, size_t text_bytes);

/* Whether this process has a plan. */
bool weft__faults_planned(void);

/* What the plan has for an operation that begins: 0, maybe with @request made shorter, or the
 * negative errno with which it ends. */
int weft__faults_meet(struct weft__request *request);

/* -EIO for "EIO"; 0: there is no such error. */
int weft__faults_error(const char *name);

/* As if no plan had been read; for tests. */
void weft__faults_forget(void);

#endif

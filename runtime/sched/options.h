/* The options of a runtime: the program's, checked, with the environment over them. */
#ifndef WEFT_SCHED_OPTIONS_H
#define WEFT_SCHED_OPTIONS_H

#include "runtime/sched/runtime.h"

/* 0, or -EINVAL with *out_text saying which option or variable is wrong and what it may be. */
int weft__options_resolve(const weft_runtime_options *given, struct weft__options *out_options,
                          char *out_text, size_t text_bytes);

#endif

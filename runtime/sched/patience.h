/* What the scheduler knows of a simulated program that gets nowhere; see runtime/sim/patience.h. */
#ifndef WEFT_SCHED_PATIENCE_H
#define WEFT_SCHED_PATIENCE_H

#include "runtime/sim/patience.h"

extern const struct weft__patience_ops weft__patience_ops;

#endif

/* The policies that come with weft. */
#ifndef WEFT_POLICY_NAMED_H
#define WEFT_POLICY_NAMED_H

#include <weft/policy.h>

/* Has no calls: the scheduler's own. */
extern const weft_policy weft__policy_default;

extern const weft_policy weft__policy_sharded;
extern const weft_policy weft__policy_global;
extern const weft_policy weft__policy_deadline;

/* One of these by its name, or NULL. */
const weft_policy *weft__named_find(const char *name);

/* What is wrong with a policy, as a sentence; NULL: nothing. */
const char *weft__named_fault(const weft_policy *policy);

#endif

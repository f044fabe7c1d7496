#include "runtime/policy/named.h"

#include <string.h>

#include "runtime/base/compiler.h"

const weft_policy weft__policy_default = { .size = sizeof(weft_policy), .name = "default" };

const weft_policy *weft__named_find(const char *name)
{
    static const weft_policy *const all[] = { &weft__policy_default, &weft__policy_sharded,
                                              &weft__policy_global, &weft__policy_deadline };

    for (size_t i = 0; i < WEFT__COUNT(all); i++)
        if (strcmp(name, all[i]->name) == 0)
            return all[i];
    return NULL;
}

const char *weft__named_fault(const weft_policy *policy)
{
    if (policy->size != sizeof(*policy))
        return "the policy has a wrong size; set its member size to sizeof(weft_policy)";
    if ((policy->put == NULL) != (policy->pick == NULL))
        return "a policy needs both put and pick";
    if (policy->put == NULL && (policy->place != NULL || policy->steal != NULL ||
                                policy->wake != NULL || policy->start != NULL))
        return "a policy that has place, steal, wake or start needs put and pick";
    return NULL;
}

/* Which engines this machine has, for tests of what is the ring's alone. */
#ifndef WEFT_TESTS_SUPPORT_ENGINES_H
#define WEFT_TESTS_SUPPORT_ENGINES_H

#include <stdbool.h>

/* Whether a runtime that starts now gets a ring: WEFT_ENGINE may say otherwise, or the machine. */
bool engines_use_ring(void);

/* Why there is no ring, whatever WEFT_ENGINE says; NULL: there is one. */
const char *engines_refusal(void);

/* Runs @run with the ring where there is one, then with the compat engine: runtimes that it starts
 * have that. Where WEFT_ENGINE says which, with that one alone. */
void engines_each(void (*run)(void));

/* Skips past a notice that the compat engine is used, at the start of what a program said. */
const char *engines_skip_notice(const char *said);

#endif

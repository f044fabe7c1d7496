/* Bodies of tasks that many tests need, and how they are started. */
#ifndef WEFT_TESTS_SUPPORT_BODIES_H
#define WEFT_TESTS_SUPPORT_BODIES_H

#include <weft.h>

extern const weft_scope_options run_all;

int end_well(void *argument);
int return_value(void *argument);   /* argument: const int * */
int end_on_message(void *argument); /* ends with the int that it takes out of a const weft_chan * */

weft_task start_return(weft_scope scope, int value);

/* Returns when the task waits for the message. */
weft_task start_end_on_message(weft_scope scope, weft_chan chan);

#endif

/* Bodies of tasks that many tests need, and how they are started. */
#ifndef WEFT_TESTS_SUPPORT_BODIES_H
#define WEFT_TESTS_SUPPORT_BODIES_H

#include <weft.h>

extern const weft_scope_options run_all;

int end_well(void *argument);
int return_value(void *argument);   /* argument: const int * */
int end_on_message(void *argument); /* ends with the int that it takes out of a const weft_chan * */

/* Of loops and forks: all goes well. */
int loop_well(size_t begin, size_t end, void *argument);
int tile_well(weft_range rows, weft_range columns, void *argument);
int reduce_well(size_t begin, size_t end, const void *input, void *partial);
int scan_well(size_t begin, size_t end, void *argument, void *sum, int writes);
int each_well(void *message, void *argument);
int run_well(uint32_t worker, void *argument);
int fork_well(weft_strand *strand, void *argument);
int none_before(const void *a, const void *b, const void *context);

weft_task start_return(weft_scope scope, int value);

/* Returns when the task waits for the message. */
weft_task start_end_on_message(weft_scope scope, weft_chan chan);

#endif

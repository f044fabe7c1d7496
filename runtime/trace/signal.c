/* Dumps at a signal, for a program that answers to nothing else any more. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <weft/dump.h>

#include "runtime/base/sys.h"
#include "runtime/task/record.h"

/* Two signals at once: the second dump is refused, as its tables are in use; nobody misses it. */
static void dump(int number)
{
    (void)number;
    (void)weft_dump(STDERR_FILENO);
}

/* One dump is not interrupted by the next, and calls that the signal interrupts begin anew. */
int weft_dump_on(int signal)
{
    struct sigaction action = { .sa_handler = dump, .sa_flags = SA_RESTART };

    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    (void)sigemptyset(&action.sa_mask);
    return weft__sys_sigaction(signal, &action, NULL);
}

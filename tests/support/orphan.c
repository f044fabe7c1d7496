#include "tests/support/orphan.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/support/unit.h"

void orphan_ends(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(unit_broken);
}

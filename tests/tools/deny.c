/*
 * Runs a program under a seccomp filter that forbids some system calls, as containers do:
 *     deny io_uring|numa EPERM|ENOSYS|kill [...] -- PROGRAM [ARGUMENT...]
 * Exit status: the program's; 77 when no filter can be set here; 99 for wrong usage.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SKIPPED = 77, BROKEN = 99, MOST = 64 };

static const unsigned rings[] = { SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
                                  0 };
static const unsigned numa[] = { SYS_get_mempolicy, SYS_set_mempolicy, SYS_mbind, 0 };

static struct sock_filter filter[MOST];
static unsigned short used;

static void add(unsigned short code, unsigned char if_true, unsigned char if_false, unsigned value)
{
    filter[used++] = (struct sock_filter){ code, if_true, if_false, value };
}

static void forbid(const unsigned *calls, unsigned action)
{
    for (; *calls != 0; calls++) {
        add(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, *calls);
        add(BPF_RET | BPF_K, 0, 0, action);
    }
}

/* Returns whether it understood. */
static int take_rule(const char *what, const char *how)
{
    const unsigned *calls = strcmp(what, "io_uring") == 0 ? rings
                            : strcmp(what, "numa") == 0   ? numa
                                                          : NULL;
    unsigned action = strcmp(how, "EPERM") == 0    ? SECCOMP_RET_ERRNO | EPERM
                      : strcmp(how, "ENOSYS") == 0 ? SECCOMP_RET_ERRNO | ENOSYS
                      : strcmp(how, "kill") == 0   ? SECCOMP_RET_KILL_PROCESS
                                                   : 0;

    if (calls == NULL || action == 0 || used > MOST / 2)
        return 0;
    forbid(calls, action);
    return 1;
}

int main(int argc, char **argv)
{
    int at = 1;

    add(BPF_LD | BPF_W | BPF_ABS, 0, 0, (unsigned)offsetof(struct seccomp_data, nr));
    for (; at + 1 < argc && strcmp(argv[at], "--") != 0; at += 2)
        if (!take_rule(argv[at], argv[at + 1]))
            return BROKEN;
    if (at + 1 >= argc)
        return BROKEN;
    add(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);

    const struct sock_fprog program = { used, filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
        perror("seccomp");
        return SKIPPED;
    }
    (void)execvp(argv[at + 1], argv + at + 1);
    perror(argv[at + 1]);
    return BROKEN;
}

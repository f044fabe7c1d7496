/* Programs that fork, each run as a process of its own: before weft was used, and from a task. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>

#include "runtime/base/atomic.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { forks = 20 };

static _Atomic bool over;

static int return_in_child(void *argument)
{
    int status = 0;
    pid_t child = fork();

    (void)argument;
    if (child == 0)
        return 0;
    (void)waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -EPROTO;
}

static void test_a_child_that_returns_from_its_task_ends_with_a_sentence(void)
{
    static char said[4096];
    int status = rig_respawn("return", said, sizeof(said));

    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == SIGABRT);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "task main returned in the child of a fork"));
}

static void *print_on(void *argument)
{
    (void)argument;
    while (!weft__load_relaxed(&over))
        (void)weft_eprintf("%s", "");
    return NULL;
}

/* Prints, also from a thread, before the process becomes a daemon's, which uses weft only then. */
static int fork_then_start(void)
{
    pthread_t thread;
    int status = 0;

    if (pthread_create(&thread, NULL, print_on, NULL) != 0)
        return unit_broken;
    for (int i = 0; i < forks && status == 0; i++) {
        pid_t child = fork();
        if (child == 0) {
            (void)alarm(20);
            weft_runtime runtime = weft_eprintf("%s", "") == 0 ? weft_start(NULL, NULL) : -EPROTO;
            _exit(runtime > 0 && weft_stop(runtime, WEFT_NEVER) == 0 ? 0 : 1);
        }
        (void)waitpid(child, &status, 0);
    }
    weft__store_relaxed(&over, true);
    (void)pthread_join(thread, NULL);
    return status == 0 ? 0 : 1;
}

static void test_a_process_that_has_only_printed_may_fork_and_start(void)
{
    if (WEFT__TSAN) /* which starts no threads in the child of a process with threads */
        return;
    if (WEFT__ASAN) /* whose allocator may be locked for ever there by a thread of the parent */
        return;
    static char said[4096];
    int status = rig_respawn("daemon", said, sizeof(said));

    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CU_ASSERT_EQUAL(said[0], '\0');
}

static int be(int argc, char **argv)
{
    return strcmp(argv[2], "return") == 0 ? weft_main(argc, argv, return_in_child, NULL)
                                          : fork_then_start();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_a_process_that_has_only_printed_may_fork_and_start),
        UNIT_TEST(test_a_child_that_returns_from_its_task_ends_with_a_sentence),
    };

    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return be(argc, argv);
    return unit_run(argc, argv, "fork_start", tests, WEFT__COUNT(tests));
}

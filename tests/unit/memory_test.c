/*
 * Memory with a node: blocks with and without jemalloc (whichever this program was linked with),
 * mapped slabs, and a process whose NUMA calls are refused.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "numa/mallocx.h"
#include "numa/memory.h"
#include "numa/topology.h"
#include "runtime/base/compiler.h"
#include "runtime/base/fault.h"
#include "tests/support/orphan.h"
#include "tests/support/unit.h"

#if defined(__has_include)
#if __has_include(<jemalloc/jemalloc.h>)
#include <jemalloc/jemalloc.h>
_Static_assert(WEFT__MALLOCX_ZERO == MALLOCX_ZERO, "as in jemalloc's header");
_Static_assert(WEFT__MALLOCX_LOG_ALIGN(6) == MALLOCX_LG_ALIGN(6), "as in jemalloc's header");
_Static_assert(WEFT__MALLOCX_TCACHE_NONE == MALLOCX_TCACHE_NONE, "as in jemalloc's header");
_Static_assert(WEFT__MALLOCX_ARENA(0) == MALLOCX_ARENA(0), "as in jemalloc's header");
_Static_assert(WEFT__MALLOCX_ARENA(77) == MALLOCX_ARENA(77), "as in jemalloc's header");
#endif
#endif

static const char refused_variable[] = "WEFT_TEST_NUMA_REFUSED";

static const size_t sizes[] = { 1, 15, 16, 63, 64, 65, 200, 4096, 40000, 300000, 5u << 20 };

static bool is_zero(const unsigned char *block, size_t bytes)
{
    return bytes == 0 || (block[0] == 0 && memcmp(block, block + 1, bytes - 1) == 0);
}

static bool is_aligned(const void *block, size_t bytes)
{
    size_t align = bytes < WEFT__CACHE_LINE ? (bytes < 16 ? 8 : 16) : WEFT__CACHE_LINE;
    return (uintptr_t)block % align == 0;
}

/* Freed blocks are dirty, so a later one that is not cleaned shows. */
static void test_alloc_gives_zeroed_aligned_blocks(void)
{
    for (int node = WEFT__NODE_LOCAL; node < 3; node++) {
        for (size_t i = 0; i < 4 * WEFT__COUNT(sizes); i++) {
            size_t bytes = sizes[i % WEFT__COUNT(sizes)];
            unsigned char *block = weft__memory_alloc(node, bytes);
            bool ok = block != NULL && is_zero(block, bytes) && is_aligned(block, bytes);
            if (!ok)
                (void)fprintf(stderr, "node %d, %zu bytes: %p\n", node, bytes, (void *)block);
            CU_ASSERT_TRUE_FATAL(ok);
            memset(block, 0xA5, bytes);
            weft__memory_free(block, bytes);
        }
    }
}

static void test_alloc_at_the_edges(void)
{
    void *block = weft__memory_alloc(WEFT__NODE_LOCAL, 0);

    CU_ASSERT_PTR_NOT_NULL(block);
    weft__memory_free(block, 0);
    weft__memory_free(NULL, 100);
    block = weft__memory_alloc(WEFT__TOPOLOGY_NODES_MAX, 100);
    CU_ASSERT_PTR_NOT_NULL(block);
    weft__memory_free(block, 100);
#if !WEFT__ASAN && !WEFT__TSAN /* they end the program instead */
    CU_ASSERT_PTR_NULL(weft__memory_alloc(WEFT__NODE_LOCAL, SIZE_MAX));
    CU_ASSERT_PTR_NULL(weft__memory_alloc(1, SIZE_MAX / 2));
#endif
    weft__fault_arm(WEFT__FAULT_ALLOC, 1, -ENOMEM);
    CU_ASSERT_PTR_NULL(weft__memory_alloc(WEFT__NODE_LOCAL, 8));
    CU_ASSERT_PTR_NULL((weft__fault_arm(WEFT__FAULT_ALLOC, 1, -ENOMEM), weft__memory_alloc(0, 8)));
}

static void test_facts_say_what_was_linked(void)
{
    const struct weft__memory_facts *facts = weft__memory_facts();

    CU_ASSERT_EQUAL(facts->jemalloc, mallocx != NULL);
    CU_ASSERT_STRING_EQUAL(weft__memory_allocator(), facts->allocator);
    const char *wanted = facts->jemalloc ? "jemalloc " : "malloc";
    CU_ASSERT_EQUAL(strncmp(facts->allocator, wanted, strlen(wanted)), 0);
    CU_ASSERT_EQUAL(facts->policy_calls, facts->policy_error == 0);
    (void)fprintf(stderr, "allocator: %s\n", facts->allocator);
}

static void test_look_finds_policy_calls_refused(void)
{
    struct weft__memory_facts facts;

    weft__fault_arm(WEFT__FAULT_MEMPOLICY, 1, -EPERM);
    weft__memory_look(&facts);
    CU_ASSERT_FALSE(facts.policy_calls);
    CU_ASSERT_EQUAL(facts.policy_error, -EPERM);
    weft__memory_look(&facts);
    CU_ASSERT_EQUAL(facts.policy_calls, weft__memory_facts()->policy_calls);
}

static unsigned arena_of_block(void *block)
{
    unsigned arena = UINT32_MAX;
    size_t arena_bytes = sizeof(arena);

    (void)mallctl("arenas.lookup", &arena, &arena_bytes, &block, sizeof(block));
    return arena;
}

static void test_each_node_has_one_arena(void)
{
    if (mallocx == NULL)
        return; /* the plain heap has no arenas; the program with jemalloc looks */
    for (size_t i = 0; i < WEFT__COUNT(sizes); i++) {
        void *local = weft__memory_alloc(WEFT__NODE_LOCAL, sizes[i]);
        void *first = weft__memory_alloc(0, sizes[i]);
        void *again = weft__memory_alloc(0, sizes[i]);
        void *second = weft__memory_alloc(1, sizes[i]);
        CU_ASSERT_EQUAL(arena_of_block(first), arena_of_block(again));
        CU_ASSERT_NOT_EQUAL(arena_of_block(first), arena_of_block(second));
        CU_ASSERT_NOT_EQUAL(arena_of_block(first), arena_of_block(local));
        CU_ASSERT_NOT_EQUAL(arena_of_block(second), arena_of_block(local));
        weft__memory_free(local, sizes[i]);
        weft__memory_free(first, sizes[i]);
        weft__memory_free(again, sizes[i]);
        weft__memory_free(second, sizes[i]);
    }
}

/* A cache that took the freed block would hand it out as a local one. */
static void test_freed_block_of_another_node_goes_home(void)
{
    enum { blocks = 32, bytes = 96 };
    void *remote[blocks];
    void *local[blocks];

    if (mallocx == NULL)
        return;
    for (int i = 0; i < blocks; i++)
        remote[i] = weft__memory_alloc(1, bytes);
    unsigned home = arena_of_block(remote[0]);
    for (int i = 0; i < blocks; i++)
        weft__memory_free(remote[i], bytes);
    for (int i = 0; i < blocks; i++) {
        local[i] = weft__memory_alloc(WEFT__NODE_LOCAL, bytes);
        CU_ASSERT_NOT_EQUAL(arena_of_block(local[i]), home);
    }
    for (int i = 0; i < blocks; i++)
        weft__memory_free(local[i], bytes);
}

struct binding {
    int rc;
    bool local_is_node;
    bool plain_is_node;
    void *lent_block; /* of the starting thread */
    void *cached;     /* kept, so that the compiler does not leave the allocation out */
};

/* Has blocks of another arena in its cache before it is bound. */
static void *bind_and_look(void *argument)
{
    struct binding *binding = argument;

    binding->cached = malloc(96);
    free(binding->cached);
    binding->rc = weft__memory_bind_thread(1);
    weft__memory_free(binding->lent_block, 96);
    if (mallocx == NULL)
        return NULL;
    void *named = weft__memory_alloc(1, 96);
    void *local = weft__memory_alloc(WEFT__NODE_LOCAL, 96);
    void *plain = malloc(96);
    binding->local_is_node = arena_of_block(local) == arena_of_block(named);
    binding->plain_is_node = arena_of_block(plain) == arena_of_block(named);
    free(plain);
    weft__memory_free(local, 96);
    weft__memory_free(named, 96);
    return NULL;
}

static void test_bind_thread_makes_local_the_node(void)
{
    struct binding binding = { .rc = 1, .lent_block = weft__memory_alloc(0, 96) };
    pthread_t thread;

    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, bind_and_look, &binding), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    if (mallocx == NULL) {
        CU_ASSERT_EQUAL(binding.rc, -EOPNOTSUPP);
        return;
    }
    CU_ASSERT_EQUAL(binding.rc, 0);
    CU_ASSERT_TRUE(binding.local_is_node);
    CU_ASSERT_TRUE(binding.plain_is_node);
}

/* The policy of the page at @address; -1 when the kernel does not say. */
static int policy_at(void *address, unsigned long *nodes, unsigned long node_bits)
{
    int mode = -1;
    long rc = syscall(SYS_get_mempolicy, &mode, nodes, node_bits, address, 2UL /* MPOL_F_ADDR */);
    return rc < 0 ? -1 : mode;
}

/* Whether the mapping at @address has the two-letter flag @flag in smaps. */
static bool has_flag(const void *address, const char *flag)
{
    char wanted[32];
    char line[512];
    bool here = false;
    bool found = false;
    FILE *file = fopen("/proc/self/smaps", "r");

    (void)snprintf(wanted, sizeof(wanted), "%lx-", (unsigned long)(uintptr_t)address);
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, wanted, strlen(wanted)) == 0)
            here = true;
        if (here && strncmp(line, "VmFlags:", strlen("VmFlags:")) == 0) {
            found = strstr(line, flag) != NULL;
            break;
        }
    }
    if (file != NULL)
        (void)fclose(file);
    return found;
}

static void test_map_asks_for_the_node_and_touches_nothing(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned long nodes[WEFT__TOPOLOGY_NODES_MAX / 64 + 1] = { 0 };
    unsigned char resident[3] = { 1, 1, 1 };
    unsigned char *slab = weft__memory_map(0, 2 * page + 1);

    CU_ASSERT_PTR_NOT_NULL_FATAL(slab);
    CU_ASSERT_EQUAL(mincore(slab, 3 * page, resident), 0);
    CU_ASSERT_EQUAL((resident[0] | resident[1] | resident[2]) & 1, 0);
    CU_ASSERT_TRUE(has_flag(slab, " nh"));
    if (weft__memory_facts()->policy_calls) {
        CU_ASSERT_EQUAL(policy_at(slab, nodes, 8 * sizeof(nodes)), MPOL_PREFERRED);
        CU_ASSERT_EQUAL(nodes[0], 1);
    }
    CU_ASSERT_TRUE(is_zero(slab, 3 * page));
    memset(slab, 1, 3 * page);
    weft__memory_unmap(slab, 2 * page + 1);
    CU_ASSERT_EQUAL(mincore(slab + 2 * page, page, resident), -1); /* all three pages are gone */
}

static void test_map_without_its_wishes_is_still_a_map(void)
{
    static const struct {
        const char *label;
        int node_id;
        enum weft__fault_point point;
    } map_rows[] = {
        { "first touch", WEFT__NODE_LOCAL, WEFT__FAULT_COUNT },
        { "no such node", 999, WEFT__FAULT_COUNT },
        { "no such node can be", 1 << 20, WEFT__FAULT_COUNT },
        { "mbind refused", 0, WEFT__FAULT_MEMPOLICY },
        { "madvise refused", 0, WEFT__FAULT_MADVISE },
    };

    (void)weft__memory_facts();
    for (size_t i = 0; i < WEFT__COUNT(map_rows); i++) {
        if (map_rows[i].point != WEFT__FAULT_COUNT)
            weft__fault_arm(map_rows[i].point, 1, -EPERM);
        unsigned char *slab = weft__memory_map(map_rows[i].node_id, 100);
        if (map_rows[i].point != WEFT__FAULT_COUNT)
            weft__fault_arm(map_rows[i].point, 0, 0);
        bool ok = slab != NULL;
        if (ok)
            slab[99] = 1;
        else
            (void)fprintf(stderr, "row %zu (%s): no memory\n", i, map_rows[i].label);
        CU_ASSERT_TRUE(ok);
        weft__memory_unmap(slab, 100);
    }
}

static void test_map_refuses_what_can_not_be(void)
{
    CU_ASSERT_PTR_NULL(weft__memory_map(0, 0));
    CU_ASSERT_PTR_NULL(weft__memory_map(0, SIZE_MAX));
    CU_ASSERT_PTR_NULL(weft__memory_map(0, SIZE_MAX - 5000));
    weft__fault_arm(WEFT__FAULT_MMAP, 1, -ENOMEM);
    CU_ASSERT_PTR_NULL(weft__memory_map(0, 100));
    weft__memory_unmap(NULL, 100);
}

/* From here on this process and its children are refused what containers refuse. */
static bool refuse_numa_calls(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_get_mempolicy, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_set_mempolicy, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mbind, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { (unsigned short)WEFT__COUNT(filter), filter };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* What the refused process does; returns its exit status. */
static int live_refused(void)
{
    const struct weft__memory_facts *facts = weft__memory_facts();
    char *slab = weft__memory_map(0, 10000);
    char *block = weft__memory_alloc(0, 1000);
    bool ok = !facts->policy_calls && facts->policy_error == -EPERM && slab != NULL &&
              block != NULL;

    if (ok)
        slab[9999] = block[999] = 1;
    weft__memory_free(block, 1000);
    weft__memory_unmap(slab, 10000);
    return ok ? 0 : 1;
}

/* The child starts anew under the filter: libnuma looks at the machine when it is loaded. */
static void become_refused(int output)
{
    char self[] = "/proc/self/exe";
    char *arguments[] = { self, NULL };

    (void)setenv(refused_variable, "1", 1);
    if (dup2(output, STDERR_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 && refuse_numa_calls())
        (void)execv(self, arguments);
    _exit(unit_skip);
}

static void test_refused_numa_calls_are_one_silent_flat_node(void)
{
    char said[256] = "";
    int status = -1;
    int ends[2];

    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    pid_t parent = getpid();
    pid_t child = fork();
    CU_ASSERT_TRUE_FATAL(child >= 0);
    if (child == 0) {
        orphan_ends(parent);
        become_refused(ends[1]);
    }
    (void)close(ends[1]);
    ssize_t length = read(ends[0], said, sizeof(said) - 1);
    (void)close(ends[0]);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == unit_skip) {
        (void)fprintf(stderr, "no seccomp filters here: not tried\n");
        return;
    }
    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CU_ASSERT_EQUAL(length, 0);
    if (length > 0)
        (void)fprintf(stderr, "the refused process said: %s\n", said);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_alloc_gives_zeroed_aligned_blocks),
        UNIT_TEST(test_alloc_at_the_edges),
        UNIT_TEST(test_facts_say_what_was_linked),
        UNIT_TEST(test_look_finds_policy_calls_refused),
        UNIT_TEST(test_each_node_has_one_arena),
        UNIT_TEST(test_freed_block_of_another_node_goes_home),
        UNIT_TEST(test_bind_thread_makes_local_the_node),
        UNIT_TEST(test_map_asks_for_the_node_and_touches_nothing),
        UNIT_TEST(test_map_without_its_wishes_is_still_a_map),
        UNIT_TEST(test_map_refuses_what_can_not_be),
        UNIT_TEST(test_refused_numa_calls_are_one_silent_flat_node),
    };

    if (getenv(refused_variable) != NULL)
        return live_refused();
    return unit_run(argc, argv, "memory", tests, WEFT__COUNT(tests));
}

/* Plans of faults: what is one and what is none, which calls it hits, what requests become. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <weft.h>

#include "runtime/base/compiler.h"
#include "runtime/base/fault.h"
#include "tests/support/unit.h"
#include "uring/faults.h"

enum { calls = 1000 };

static char text[160];

static int read_plan(const char *plan, const char *seed)
{
    struct weft__engine_config config = { 0 };

    weft__faults_forget();
    text[0] = '\0';
    return weft__faults_read(plan, seed, &config, text, sizeof(text));
}

static void test_plans_that_are_none_name_the_word(void)
{
    static const struct {
        const char *plan, *word;
    } rows[] = {
        { "recv", "\"recv\" is not NAME:WHAT" },
        { "recv:", "\"recv:\" is not NAME:WHAT" },
        { "recv:EIO:1:2", "\"recv:EIO:1:2\" is not NAME:WHAT" },
        { ",", "\"\" is not NAME:WHAT" },
        { "recv:EIO,recvv:EIO", "\"recvv\" is no operation" },
        { "recv:shrt:1/10", "\"shrt\" is neither \"short\" nor" },
        { "recv:-EIO", "\"-EIO\" is neither" },
        { "fsync:short", "\"fsync\" moves no bytes" },
        { "recv:EIO:0", "\"0\" must be a call's number" },
        { "recv:EIO:1/0", "\"1/0\" must be a call's number" },
        { "recv:EIO:often", "\"often\" must be a call's number" },
        { "recv:EIO:2/3", "\"2/3\" must be a call's number" },
        { "recv:EIO:-1", "\"-1\" must be a call's number" },
        { "call.mmapp:EIO", "\"call.mmapp\" is no system call" },
        { "call.mmap:short", "\"short\" is no name of an error" },
        { "call.mmap:EIO:x", "\"x\" must be a call's number" },
        { "call.mmap:EIO,call.mmap:ENOMEM", "\"call.mmap\" is named twice" },
        { "without:MSGRING", "\"MSGRING\" is no operation, and no feature" },
        { "without:recv:3", "\"3\" has no place" },
        { "sq:3", "\"3\" must be a power of two" },
        { "cq:2", "\"2\" must be a power of two" },
        { "cq:65536", "\"65536\" must be a power of two" },
        { "sq:8:1", "\"8\" must be a power of two" },
        { "ops:0", "\"0\" must be a number" },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        CU_ASSERT_EQUAL(read_plan(rows[i].plan, NULL), -EINVAL);
        bool named = strncmp(text, "WEFT_FAULT: ", 12) == 0 && strstr(text, rows[i].word) != NULL &&
                     strstr(text, "weft-faults(7)") != NULL;
        if (!named)
            fprintf(stderr, "%s: %s\n", rows[i].plan, text);
        CU_ASSERT_TRUE(named);
        CU_ASSERT_FALSE(weft__faults_armed);
        CU_ASSERT_EQUAL(weft__fault_armed, 0);
    }
    CU_ASSERT_EQUAL(read_plan("recv:EIO", "x"), -EINVAL);
    CU_ASSERT_STRING_EQUAL(text, "WEFT_SEED is \"x\"; it must be a number");
    char many[40 * 9] = "";
    for (int i = 0; i < 33; i++)
        memcpy(many + i * 9, "recv:EIO,", 9);
    CU_ASSERT_EQUAL(read_plan(many, NULL), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "is one too many"));
    CU_ASSERT_EQUAL(read_plan("", NULL) + read_plan(NULL, "x"), 0);
}

/* Which of the first calls fail, by @plan: marks them. */
static uint32_t mark(const char *plan, const char *seed, bool hit[calls])
{
    struct weft__request request = { .opcode = WEFT__OP_RECV, .bytes = 8 };
    uint32_t count = 0;

    CU_ASSERT_EQUAL(read_plan(plan, seed), 0);
    for (int i = 0; i < calls; i++) {
        struct weft__request given = request;
        int rc = plan[0] == 'c' ? weft__fault(WEFT__FAULT_MMAP) : weft__faults_meet(&given);
        hit[i] = rc != 0;
        CU_ASSERT_TRUE(rc == 0 || rc == -ENOMEM);
        count += hit[i];
    }
    return count;
}

static uint32_t mark_when(const char *form, const char *when, const char *seed, bool hit[calls])
{
    char plan[64];

    (void)snprintf(plan, sizeof(plan), "%s%s", form, when);
    return mark(plan, seed, hit);
}

static void test_calls_that_are_hit(void)
{
    static const char *const forms[] = { "recv:ENOMEM", "call.mmap:ENOMEM" };
    static bool hit[calls], again[calls];

    for (size_t i = 0; i < WEFT__COUNT(forms); i++) {
        CU_ASSERT_EQUAL(mark_when(forms[i], "", NULL, hit), calls);
        CU_ASSERT_EQUAL(mark_when(forms[i], ":3", NULL, hit), 1);
        CU_ASSERT_TRUE(hit[2]);
        CU_ASSERT_EQUAL(mark_when(forms[i], ":3+", NULL, hit), calls - 2);
        CU_ASSERT_TRUE(!hit[1] && hit[2]);
        uint32_t count = mark_when(forms[i], ":1/10", "7", hit);
        CU_ASSERT_TRUE(count > calls / 20 && count < calls / 5);
        CU_ASSERT_EQUAL(mark_when(forms[i], ":1/10", "7", again), count);
        CU_ASSERT_EQUAL(memcmp(hit, again, sizeof(hit)), 0);
        (void)mark_when(forms[i], ":1/10", "8", again);
        CU_ASSERT_NOT_EQUAL(memcmp(hit, again, sizeof(hit)), 0);
    }
}

/* Shorter, but something; pages stay whole; parts that are empty don't count. */
static void test_short_requests(void)
{
    struct iovec parts[] = { { NULL, 0 }, { text, 1 }, { text, 2 }, { text, 3 } };
    struct msghdr message = { .msg_iov = parts };

    CU_ASSERT_EQUAL(read_plan("recv:short,write:short,readv:short,sendmsg:short", NULL), 0);
    for (uint32_t bytes = 1; bytes < 200; bytes++) {
        struct weft__request request = { .opcode = WEFT__OP_RECV, .bytes = bytes };
        CU_ASSERT_EQUAL(weft__faults_meet(&request), 0);
        CU_ASSERT_TRUE(request.bytes >= 1 && (request.bytes < bytes || bytes == 1));
        request = (struct weft__request){ .opcode = WEFT__OP_WRITE, .bytes = bytes * 4096 };
        CU_ASSERT_EQUAL(weft__faults_meet(&request), 0);
        CU_ASSERT_TRUE(request.bytes % 4096 == 0 && request.bytes > 0);
        CU_ASSERT_TRUE(request.bytes < bytes * 4096 || bytes == 1);
        request = (struct weft__request){ .opcode = WEFT__OP_READV, .address = parts, .bytes = 4 };
        CU_ASSERT_EQUAL(weft__faults_meet(&request), 0);
        CU_ASSERT_TRUE(request.bytes == 2 || request.bytes == 3);
        message.msg_iovlen = 2;
        request = (struct weft__request){ .opcode = WEFT__OP_SENDMSG, .address = &message };
        CU_ASSERT_EQUAL(weft__faults_meet(&request), 0);
        CU_ASSERT_EQUAL(message.msg_iovlen, 2);
        request = (struct weft__request){ .opcode = WEFT__OP_SEND, .bytes = bytes };
        CU_ASSERT_EQUAL(weft__faults_meet(&request), 0);
        CU_ASSERT_EQUAL(request.bytes, bytes);
    }
}

static void test_what_engines_are_told(void)
{
    struct weft__engine_config config = { .sq_entries = 256, .op_entries = 99 };

    weft__faults_forget();
    CU_ASSERT_EQUAL(weft__faults_read("without:MSG_RING,without:ftruncate,sq:4,cq:8,recv:EIO", NULL,
                                      &config, text, sizeof(text)),
                    0);
    CU_ASSERT_EQUAL(config.hidden_features, 1u << WEFT__FEATURE_MSG_RING);
    CU_ASSERT_EQUAL(config.hidden_ops, 1ull << WEFT__OP_FTRUNCATE);
    CU_ASSERT_EQUAL(config.sq_entries, 4);
    CU_ASSERT_EQUAL(config.cq_entries, 8);
    CU_ASSERT_EQUAL(config.op_entries, 99);
    config = (struct weft__engine_config){ 0 };
    CU_ASSERT_EQUAL(weft__faults_read("cq:16", NULL, &config, text, sizeof(text)), 0);
    CU_ASSERT_EQUAL(config.cq_entries, 8); /* the first plan counts */
}

/* A start says what is wrong with the variable. */
static void test_start_refuses_a_bad_plan(void)
{
    weft_error error = WEFT_ERROR_INIT;

    weft__faults_forget();
    (void)setenv("WEFT_FAULT", "recvv:EIO", 1);
    CU_ASSERT_EQUAL(weft_start(NULL, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "WEFT_FAULT: \"recvv\" is no operation"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "see weft-faults(7)")); /* not cut off */
    (void)unsetenv("WEFT_FAULT");
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_plans_that_are_none_name_the_word),
        UNIT_TEST(test_calls_that_are_hit),
        UNIT_TEST(test_short_requests),
        UNIT_TEST(test_what_engines_are_told),
        UNIT_TEST(test_start_refuses_a_bad_plan),
    };
    (void)unsetenv("WEFT_FAULT"); /* else the plan is not this test's */
    int status = unit_run(argc, argv, "faults", tests, WEFT__COUNT(tests));
    weft__faults_forget();
    return status;
}

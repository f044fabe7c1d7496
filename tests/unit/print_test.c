/* Printing: whole texts, however small and slow the pipe; the order of each task; turns; errors. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/lock.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { tasks = 50, lines = 20, longest = 6000, pipe_bytes = 4096, sip = 700 };

/* The lengths of the lines of a task: short, around the 512 bytes that need no memory, longer than
 * the pipe. */
static size_t length_of(int task, int line)
{
    static const size_t lengths[] = { 20, 511, 512, 513, 100, longest - 1, 4096, 37 };
    return lengths[(task + line) % (int)WEFT__COUNT(lengths)];
}

static int (*print)(const char *format, ...) = weft_printf;

static int print_lines(void *argument)
{
    int number = *(const int *)argument;

    for (int line = 0; line < lines; line++) {
        size_t length = length_of(number, line);
        char *text = malloc(longest + 1);
        if (text == NULL)
            return -ENOMEM;
        int head = snprintf(text, longest, "%d %d ", number, line);
        memset(text + head, 'a' + number % 26, length - (size_t)head);
        text[length - 1] = '\n';
        text[length] = '\0';
        EXPECT_EQ(print("%s", text), (int)length);
        free(text);
    }
    return 0;
}

static void *print_from_thread(void *argument)
{
    EXPECT_EQ(print_lines(argument), 0);
    return NULL;
}

/* ---- the other end of the pipe ---- */

struct reader {
    int from;
    int next[tasks + 1]; /* the line that each must print next */
    int whole;
};

static void check_line(struct reader *reader, const char *line, size_t length)
{
    int number = -1;
    int index = -1;
    int head = 0;

    if (!EXPECT(sscanf(line, "%d %d %n", &number, &index, &head) == 2) ||
        !EXPECT(number >= 0 && number <= tasks))
        return;
    EXPECT_EQ(index, reader->next[number]++);
    EXPECT_EQ(length, length_of(number, index));
    for (size_t i = (size_t)head; i + 1 < length; i++)
        if (!EXPECT_EQ(line[i], 'a' + number % 26))
            return;
    reader->whole++;
}

static void *read_slowly(void *argument)
{
    static char line[longest + 1];
    struct reader *reader = argument;
    size_t length = 0;
    char block[sip];
    ssize_t count;

    while ((count = read(reader->from, block, sizeof(block))) > 0) {
        for (ssize_t i = 0; i < count; i++) {
            if (!EXPECT(length < longest))
                return NULL;
            line[length++] = block[i];
            if (block[i] != '\n')
                continue;
            line[length] = '\0';
            check_line(reader, line, length);
            length = 0;
        }
        weft__lock_backoff(UINT32_MAX);
    }
    EXPECT_EQ(length, 0);
    return NULL;
}

/* A thread outside and fifty tasks print at once. */
static int print_many(void *argument)
{
    static int numbers[tasks + 1];
    pthread_t thread;
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i <= tasks; i++)
        numbers[i] = i;
    EXPECT_EQ(pthread_create(&thread, NULL, print_from_thread, &numbers[tasks]), 0);
    for (int i = 0; i < tasks; i++)
        (void)weft_go(scope, print_lines, &numbers[i]);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    return 0;
}

/* Prints many lines while @stream is a small pipe that is read slowly. */
static void run_with_pipe(int stream, struct reader *reader, uint32_t workers)
{
    pthread_t thread;
    int ends[2];

    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    (void)fcntl(ends[1], F_SETPIPE_SZ, pipe_bytes);
    (void)fflush(NULL);
    int before = dup(stream);
    (void)dup2(ends[1], stream);
    (void)close(ends[1]);
    *reader = (struct reader){ .from = ends[0] };
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, read_slowly, reader), 0);
    rig_run(workers, print_many);
    (void)dup2(before, stream);
    (void)close(before);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    (void)close(ends[0]);
}

static void test_texts_come_whole_through_a_small_slow_pipe(void)
{
    static struct reader reader;

    for (uint32_t workers = 1; workers <= 4; workers *= 2) {
        print = weft_printf;
        run_with_pipe(STDOUT_FILENO, &reader, workers);
        CU_ASSERT_EQUAL(reader.whole, (tasks + 1) * lines);
        print = weft_eprintf;
        run_with_pipe(STDERR_FILENO, &reader, workers);
        CU_ASSERT_EQUAL(reader.whole, (tasks + 1) * lines);
        expect_assert();
    }
}

/* ---- turns ---- */

static _Atomic bool had_its_turn;

static int print_until_the_other_has(void *argument)
{
    (void)argument;
    while (!weft__load_relaxed(&had_its_turn))
        EXPECT_EQ(weft_printf("%s", ""), 0);
    return 0;
}

static void *print_in_a_thread_too(void *argument)
{
    (void)print_until_the_other_has(argument);
    return NULL;
}

static int print_once(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_printf("%s", ""), 0);
    weft__store_relaxed(&had_its_turn, true);
    return 0;
}

/* One task that prints but once among tasks and a thread that print all the time, before it even
 * starts. */
static int print_among_many(void *argument)
{
    pthread_t thread;
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    weft__store_relaxed(&had_its_turn, false);
    EXPECT_EQ(pthread_create(&thread, NULL, print_in_a_thread_too, NULL), 0);
    for (int i = 0; i < 4; i++)
        (void)weft_go(scope, print_until_the_other_has, NULL);
    (void)weft_go(scope, print_once, NULL);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    return 0;
}

static void test_who_prints_all_the_time_lets_others_print(void)
{
    for (uint32_t workers = 1; workers <= 4; workers *= 2)
        rig_run(workers, print_among_many);
    expect_assert();
}

/* ---- standard output and error in one file, which stands in one place ---- */

enum { chatters = 8, chats = 300 };

static int chat(void *argument)
{
    int number = *(const int *)argument;

    for (int i = 0; i < chats; i++)
        EXPECT(((number + i) % 2 == 0 ? weft_printf : weft_eprintf)("%d says %d\n", number, i) > 0);
    return 0;
}

static int chat_all(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < chatters; i++)
        EXPECT(weft_spawn(
                   scope, chat, &i,
                   &WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(i), .place = weft_place_spread())) > 0);
    return weft_scope_close(scope);
}

/* Notices of the runtime aside. */
static int count_chats(int fd)
{
    char line[512];
    int count = 0;
    FILE *file = fdopen(fd, "r");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    rewind(file);
    while (fgets(line, sizeof(line), file) != NULL)
        count += strstr(line, " says ") != NULL;
    (void)fclose(file);
    return count;
}

static void test_output_and_error_in_one_file_lose_no_line(void)
{
    char path[] = "/tmp/weft-print-XXXXXX";
    int fd = mkstemp(path), before[2] = { dup(STDOUT_FILENO), dup(STDERR_FILENO) };

    CU_ASSERT_TRUE_FATAL(fd >= 0);
    (void)unlink(path);
    (void)fflush(NULL);
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    rig_each(chat_all);
    (void)dup2(before[0], STDOUT_FILENO);
    (void)dup2(before[1], STDERR_FILENO);
    CU_ASSERT_EQUAL(count_chats(fd), 3 * chatters * chats);
    (void)close(before[0]);
    (void)close(before[1]);
}

static int errors[3];

static int print_into_nothing(void *argument)
{
    (void)argument;
    errors[0] = weft_printf("nobody reads this\n");
    errors[1] = weft_printf("nor this\n"); /* the gate is free again */
    return 0;
}

static void test_print_errors_are_those_of_write(void)
{
    int ends[2];

    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    (void)close(ends[0]);
    (void)fflush(NULL);
    int before = dup(STDOUT_FILENO);
    (void)dup2(ends[1], STDOUT_FILENO);
    (void)close(ends[1]);
    rig_run(2, print_into_nothing);
    (void)close(STDOUT_FILENO);
    errors[2] = weft_printf("there is no standard output\n");
    (void)dup2(before, STDOUT_FILENO);
    (void)close(before);
    CU_ASSERT_EQUAL(errors[0], -EPIPE);
    CU_ASSERT_EQUAL(errors[1], -EPIPE);
    CU_ASSERT_EQUAL(errors[2], -EBADF);
}

static void test_print_returns_the_bytes(void)
{
    CU_ASSERT_EQUAL(weft_printf("%s", ""), 0);
    CU_ASSERT_EQUAL(weft_eprintf("%s", ""), 0);
    CU_ASSERT_EQUAL(weft_printf("%d %s\n", 7, "bytes"), 8);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_texts_come_whole_through_a_small_slow_pipe),
        UNIT_TEST(test_who_prints_all_the_time_lets_others_print),
        UNIT_TEST(test_output_and_error_in_one_file_lose_no_line),
        UNIT_TEST(test_print_errors_are_those_of_write),
        UNIT_TEST(test_print_returns_the_bytes),
    };
    return unit_run(argc, argv, "print", tests, WEFT__COUNT(tests));
}

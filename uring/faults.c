/*
 * REJECTED an engine between the scheduler and the real one, which answers for it: a second table
 *   of functions, records and a list of its own, for what the caller can't tell from an operation
 *   that is not begun at all.
 */
#include "uring/faults.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "runtime/base/compiler.h"
#include "runtime/base/fault.h"
#include "runtime/base/lock.h"
#include "uring/op.h"
#include "uring/probe.h"

enum {
    rules_max = 32,
    word_max = 32,
    errno_max = 134,
    entries_max = 32768,
    page = 4096,
    is_short = 1 /* in place of an error */
};

/* Of operations. */
struct rule {
    enum weft__opcode opcode;
    int error; /* negative errno, or is_short */
    struct weft__fault_when when;
    _Atomic uint32_t calls;
};

/* What one word of a plan is taken apart into: "NAME:WHAT:WHEN". */
struct words {
    char part[3][word_max];
    int count;
};

struct plan {
    struct rule rules[rules_max];
    uint32_t rule_count;
    int call_errors[WEFT__FAULT_COUNT]; /* 0: none */
    struct weft__fault_when call_when[WEFT__FAULT_COUNT];
    struct weft__engine_config engine; /* 0: as it is */
    uint64_t seed;
};

/* Where a complaint goes. */
struct complaint {
    char *text;
    size_t bytes;
};

_Atomic bool weft__faults_armed;

static struct weft__lock lock; /* guards the two below; taken with no other held */
static struct plan plan;       /* (i) once it is known */
static bool known;

static int complain(const struct complaint *to, const char *word, const char *what)
{
    (void)snprintf(to->text, to->bytes, "WEFT_FAULT: \"%.40s\" %s; see weft-faults(7)", word, what);
    return -EINVAL;
}

/* Takes the next word, up to a comma, apart. */
static int take_word(const char **text, struct words *words, const struct complaint *to)
{
    size_t length = strcspn(*text, ",");
    const char *end = *text + length;
    char whole[64];

    (void)snprintf(whole, sizeof(whole), "%.*s", (int)(length < 60 ? length : 60), *text);
    *words = (struct words){ .count = 0 };
    for (const char *from = *text; from <= end;) {
        size_t bytes = strcspn(from, ":,");
        if (words->count == 3 || bytes >= word_max || bytes == 0)
            return complain(to, whole, "is not NAME:WHAT or NAME:WHAT:WHEN");
        memcpy(words->part[words->count++], from, bytes);
        from += bytes + 1;
    }
    *text = *end == ',' ? end + 1 : end;
    return 0;
}

/* A number from 1 to @most that is all of @text; 0: it is none. */
static uint32_t number_of(const char *text, uint32_t most)
{
    char *end = NULL;
    unsigned long number = isdigit((unsigned char)*text) ? strtoul(text, &end, 10) : 0;

    return number <= most && end != NULL && *end == '\0' ? (uint32_t)number : 0;
}

/* "3": the third alone; "3+": from then on; "1/10": one in ten; "": each. */
static bool read_when(char *text, struct weft__fault_when *when)
{
    size_t length = strlen(text);

    when->first = 1;
    when->last = UINT32_MAX;
    when->one_in = 1;
    if (length == 0)
        return true;
    if (strncmp(text, "1/", 2) == 0) {
        when->one_in = number_of(text + 2, INT32_MAX);
        return when->one_in != 0;
    }
    bool on = text[length - 1] == '+';
    if (on)
        text[length - 1] = '\0';
    when->first = number_of(text, INT32_MAX);
    when->last = on ? UINT32_MAX : when->first;
    return when->first != 0;
}

int weft__faults_error(const char *name)
{
    for (int code = 1; code < errno_max; code++) {
        const char *known_name = strerrorname_np(code);
        if (known_name != NULL && strcmp(known_name, name) == 0)
            return -code;
    }
    return 0;
}

static int point_of(const char *name)
{
    for (int point = 0; point < WEFT__FAULT_COUNT; point++)
        if (strcasecmp(weft__fault_name((enum weft__fault_point)point), name) == 0)
            return point;
    return -1;
}

static int feature_of(const char *name)
{
    for (int feature = 0; feature < WEFT__FEATURE_COUNT; feature++)
        if (strcmp(weft__probe_feature_name((enum weft__feature)feature), name) == 0)
            return feature;
    return -1;
}

static bool moves_bytes(enum weft__opcode opcode)
{
    return opcode == WEFT__OP_READ || opcode == WEFT__OP_WRITE || opcode == WEFT__OP_RECV ||
           opcode == WEFT__OP_SEND || opcode == WEFT__OP_READV || opcode == WEFT__OP_WRITEV ||
           opcode == WEFT__OP_RECVMSG || opcode == WEFT__OP_SENDMSG;
}

static int add_rule(struct plan *made, int opcode, struct words *words, const struct complaint *to)
{
    struct rule *rule = &made->rules[made->rule_count];

    if (made->rule_count == rules_max)
        return complain(to, words->part[0],
                        "is one too many: a plan has at most 32 for operations");
    rule->opcode = (enum weft__opcode)opcode;
    rule->error = strcmp(words->part[1], "short") == 0 ? is_short
                                                       : weft__faults_error(words->part[1]);
    if (rule->error == 0)
        return complain(to, words->part[1], "is neither \"short\" nor the name of an error");
    if (rule->error == is_short && !moves_bytes(rule->opcode))
        return complain(to, words->part[0], "moves no bytes, and can't be short");
    if (!read_when(words->part[2], &rule->when))
        return complain(to, words->part[2], "must be a call's number N, N+ or 1/N");
    rule->when.seed = made->seed + made->rule_count++;
    return 0;
}

static int add_call(struct plan *made, struct words *words, const struct complaint *to)
{
    int point = point_of(words->part[0] + 5);

    if (point < 0)
        return complain(to, words->part[0], "is no system call that can be made to fail");
    if (made->call_errors[point] != 0)
        return complain(to, words->part[0], "is named twice");
    made->call_errors[point] = weft__faults_error(words->part[1]);
    if (made->call_errors[point] == 0)
        return complain(to, words->part[1], "is no name of an error, such as ENOMEM");
    if (!read_when(words->part[2], &made->call_when[point]))
        return complain(to, words->part[2], "must be a call's number N, N+ or 1/N");
    made->call_when[point].seed = made->seed + rules_max + (uint64_t)point;
    return 0;
}

static int add_missing(struct plan *made, const struct words *words, const struct complaint *to)
{
    int feature = feature_of(words->part[1]), opcode = weft__op_named(words->part[1]);

    if (words->part[2][0] != '\0')
        return complain(to, words->part[2], "has no place after \"without\"");
    if (feature < 0 && opcode < 0)
        return complain(to, words->part[1], "is no operation, and no feature such as MSG_RING");
    if (feature >= 0)
        made->engine.hidden_features |= 1u << feature;
    else
        made->engine.hidden_ops |= 1ull << opcode;
    return 0;
}

/* Whether @words are one of the sizes; -EINVAL: with a wrong number. */
static int add_size(struct plan *made, const struct words *words, const struct complaint *to)
{
    struct weft__engine_config *engine = &made->engine;
    const struct {
        const char *name;
        uint32_t *size;
        uint32_t low, high;
        bool power;
    } sizes[] = {
        { "sq", &engine->sq_entries, 1, entries_max, true },
        { "cq", &engine->cq_entries, 4, entries_max, true },
        { "ops", &engine->op_entries, 1, WEFT__ENGINE_OPS_MAX, false },
    };

    for (size_t i = 0; i < WEFT__COUNT(sizes); i++) {
        if (strcmp(words->part[0], sizes[i].name) != 0)
            continue;
        uint32_t number = number_of(words->part[1], sizes[i].high);
        if (number < sizes[i].low || words->part[2][0] != '\0' ||
            (sizes[i].power && (number & (number - 1)) != 0))
            return complain(to, words->part[1],
                            sizes[i].power
                                ? "must be a power of two, for cq at least 4, at most 32768"
                                : "must be a number up to 1048576");
        *sizes[i].size = number;
        return 1;
    }
    return 0;
}

static int add_word(struct plan *made, struct words *words, const struct complaint *to)
{
    const char *name = words->part[0];

    if (words->count < 2)
        return complain(to, name, "is not NAME:WHAT or NAME:WHAT:WHEN");
    int rc = add_size(made, words, to);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (strcmp(name, "without") == 0)
        return add_missing(made, words, to);
    if (strncmp(name, "call.", 5) == 0)
        return add_call(made, words, to);
    int opcode = weft__op_named(name);
    if (opcode < 0)
        return complain(to, name, "is no operation, no call.NAME, none of without, sq, cq, ops");
    return add_rule(made, opcode, words, to);
}

static int read_seed(const char *text, uint64_t *out_seed, const struct complaint *to)
{
    char *end = NULL;

    *out_seed = 1;
    if (text == NULL || text[0] == '\0')
        return 0;
    *out_seed = strtoull(text, &end, 10);
    if (isdigit((unsigned char)text[0]) && *end == '\0')
        return 0;
    (void)snprintf(to->text, to->bytes, "WEFT_SEED is \"%.40s\"; it must be a number", text);
    return -EINVAL;
}

static int parse(const char *text, const char *seed, struct plan *made, const struct complaint *to)
{
    struct words words;
    int rc = read_seed(seed, &made->seed, to);

    while (rc == 0 && *text != '\0') {
        rc = take_word(&text, &words, to);
        if (rc == 0)
            rc = add_word(made, &words, to);
    }
    return rc;
}

static void arm_locked(void)
{
    for (int point = 0; point < WEFT__FAULT_COUNT; point++)
        if (plan.call_errors[point] != 0)
            weft__fault_plan((enum weft__fault_point)point, plan.call_errors[point],
                             &plan.call_when[point]);
    weft__store_release(&weft__faults_armed,
                        plan.rule_count != 0); /* pairs with weft__faults_meet */
}

static void enter(uint32_t planned, uint32_t *size)
{
    if (planned != 0)
        *size = planned;
}

static void configure_locked(struct weft__engine_config *config)
{
    config->hidden_features |= plan.engine.hidden_features;
    config->hidden_ops |= plan.engine.hidden_ops;
    enter(plan.engine.sq_entries, &config->sq_entries);
    enter(plan.engine.cq_entries, &config->cq_entries);
    enter(plan.engine.op_entries, &config->op_entries);
}

int weft__faults_read(const char *text, const char *seed, struct weft__engine_config *config,
                      char *out_text, size_t text_bytes)
{
    const struct complaint to = { out_text, text_bytes };
    int rc = 0;

    if (text == NULL || text[0] == '\0')
        return 0;
    weft__lock_acquire(&lock); /* pairs with the release below */
    if (!known) {
        memset(&plan, 0, sizeof(plan));
        rc = parse(text, seed, &plan, &to);
        known = rc == 0;
        if (known)
            arm_locked();
    }
    if (known)
        configure_locked(config);
    weft__lock_release(&lock); /* pairs with the acquire above */
    return rc;
}

bool weft__faults_planned(void)
{
    weft__lock_acquire(&lock); /* pairs with the release below */
    bool planned = known;
    weft__lock_release(&lock); /* pairs with the acquire above */
    return planned;
}

void weft__faults_forget(void)
{
    weft__lock_acquire(&lock); /* pairs with the release below */
    known = false;
    weft__store_relaxed(&weft__faults_armed, false);
    for (int point = 0; point < WEFT__FAULT_COUNT; point++)
        weft__fault_plan((enum weft__fault_point)point, 0, NULL);
    weft__lock_release(&lock); /* pairs with the acquire above */
}

/* Fewer of @count, but at least @least; all the same for the same call. */
static uint32_t fewer(uint32_t count, uint32_t least, uint32_t call)
{
    return count <= least ? count : least + call * 2654435761u % (count - least);
}

/* How many parts are needed to have one that is not empty: none at all would look like an end. */
static uint32_t least_parts(const struct iovec *parts, size_t count)
{
    uint32_t least = 0;

    while (least + 1 < count && parts[least].iov_len == 0)
        least++;
    return least + 1;
}

/* Pages stay whole, because a file may be open with O_DIRECT. The header of a message is weft's own
 * (runtime/io/stream.c) and is made anew for each. */
static void shorten(struct weft__request *request, uint32_t call)
{
    struct msghdr *message = (struct msghdr *)(uintptr_t)request->address;
    uint32_t unit = request->bytes % page == 0 ? page : 1;

    switch ((unsigned)request->opcode) {
    case WEFT__OP_READ:
    case WEFT__OP_WRITE: request->bytes = unit * fewer(request->bytes / unit, 1, call); break;
    case WEFT__OP_RECV:
    case WEFT__OP_SEND: request->bytes = fewer(request->bytes, 1, call); break;
    case WEFT__OP_READV:
    case WEFT__OP_WRITEV:
        request->bytes = fewer(request->bytes, least_parts(request->address, request->bytes), call);
        break;
    default:
        message->msg_iovlen = fewer((uint32_t)message->msg_iovlen,
                                    least_parts(message->msg_iov, message->msg_iovlen), call);
    }
}

int weft__faults_meet(struct weft__request *request)
{
    if (!weft__load_acquire(&weft__faults_armed)) /* pairs with arm_locked */
        return 0;
    for (uint32_t i = 0; i < plan.rule_count; i++) {
        struct rule *rule = &plan.rules[i];
        if (rule->opcode != request->opcode)
            continue;
        uint32_t call = weft__add_relaxed(&rule->calls, 1) + 1;
        if (!weft__fault_due(&rule->when, call))
            continue;
        if (rule->error != is_short)
            return rule->error;
        shorten(request, call);
    }
    return 0;
}

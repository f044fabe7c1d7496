/*
 * Channels of one type. WEFT_CHAN(job), at file scope, makes the type job_chan and functions whose
 * messages the compiler checks:
 *
 *     typedef struct job { int number; } job;
 *     WEFT_CHAN(job);
 *
 *     job one;
 *     job_chan jobs = job_chan_create(16);
 *     int rc = job_chan_put(jobs, (job){ 7 }, WEFT_NEVER);
 *     while ((rc = job_chan_next(jobs, &one, WEFT_NEVER)) > 0) ...
 *     job_chan_release(jobs);
 *
 * They do what the calls of weft_chan(3) do that end alike: create takes the depth alone; put and
 * try_put take the message itself, put_many a pointer to the first; take, next, fetch, try_take and
 * take_many take a pointer to room for messages; close and release are the same. Cases for
 * weft_select are made by job_chan_case_put and job_chan_case_take, from pointers to a message and
 * to room for one. For all else there is the handle, in the member chan: weft_chan_bind(jobs.chan,
 * producer).
 *
 * A type of more than one word gets a name: WEFT_CHAN_NAMED(point_chan, struct point) or
 * WEFT_CHAN_NAMED(text_chan, const char *). A pointer to a function needs a typedef. An array does
 * not compile: it goes into a struct.
 */
#ifndef WEFT_CHAN_TYPED_H
#define WEFT_CHAN_TYPED_H

#include <weft/chan.h>
#include <weft/select.h>

/* Makes the type type_chan, and its functions. */
#define WEFT_CHAN(type) WEFT_CHAN_NAMED(type##_chan, type)

#define WEFT__TYPED static inline __attribute__((unused))
#define WEFT__TYPED_USED static inline __attribute__((unused, warn_unused_result))

/* Makes the type name, and its functions. */
#define WEFT_CHAN_NAMED(name, type)                                                               \
    typedef type name##_message; /* so that a const before a pointer is the pointer's */          \
    typedef name##_message name##_by_value(void); /* does not compile for an array */             \
    typedef struct name {                                                                         \
        weft_chan chan;                                                                           \
    } name;                                                                                       \
    WEFT__TYPED name name##_create(size_t depth)                                                  \
    {                                                                                             \
        name made = { weft_chan_create(sizeof(type), depth) };                                    \
        return made;                                                                              \
    }                                                                                             \
    WEFT__TYPED_USED int name##_put(name self, type message, weft_deadline until)                 \
    {                                                                                             \
        return weft_chan_put(self.chan, &message, until);                                         \
    }                                                                                             \
    WEFT__TYPED_USED int name##_take(name self, type *out_message, weft_deadline until)           \
    {                                                                                             \
        return weft_chan_take(self.chan, out_message, until);                                     \
    }                                                                                             \
    WEFT__TYPED_USED int name##_next(name self, type *out_message, weft_deadline until)           \
    {                                                                                             \
        return weft_chan_next(self.chan, out_message, until);                                     \
    }                                                                                             \
    WEFT__TYPED_USED int name##_fetch(name self, type *out_message, weft_deadline until)          \
    {                                                                                             \
        return weft_chan_fetch(self.chan, out_message, until);                                    \
    }                                                                                             \
    WEFT__TYPED_USED int name##_try_put(name self, type message)                                  \
    {                                                                                             \
        return weft_chan_try_put(self.chan, &message);                                            \
    }                                                                                             \
    WEFT__TYPED_USED int name##_try_take(name self, type *out_message)                            \
    {                                                                                             \
        return weft_chan_try_take(self.chan, out_message);                                        \
    }                                                                                             \
    WEFT__TYPED_USED ssize_t name##_put_many(name self, const name##_message *messages,          \
                                             size_t count, weft_deadline until)                   \
    {                                                                                             \
        return weft_chan_put_many(self.chan, messages, count, until);                             \
    }                                                                                             \
    WEFT__TYPED_USED ssize_t name##_take_many(name self, type *out_messages, size_t least,        \
                                              size_t most, weft_deadline until)                   \
    {                                                                                             \
        return weft_chan_take_many(self.chan, out_messages, least, most, until);                  \
    }                                                                                             \
    WEFT__TYPED weft_case name##_case_put(name self, const name##_message *message)               \
    {                                                                                             \
        return WEFT_CASE_PUT(self.chan, message);                                                 \
    }                                                                                             \
    WEFT__TYPED weft_case name##_case_take(name self, type *out_message)                          \
    {                                                                                             \
        return WEFT_CASE_TAKE(self.chan, out_message);                                            \
    }                                                                                             \
    WEFT__TYPED int name##_close(name self, int error)                                            \
    {                                                                                             \
        return weft_chan_close(self.chan, error);                                                 \
    }                                                                                             \
    WEFT__TYPED int name##_release(name self)                                                     \
    {                                                                                             \
        return weft_chan_release(self.chan);                                                      \
    }                                                                                             \
    struct name

#endif

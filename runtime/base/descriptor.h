/*
 * Which descriptor numbers are weft's, and whose: each handle of a file or folder, and what weft
 * opens for itself. Invariant: a number has one owner at most, and only its owner closes it. So no
 * number is behind two handles, and no close reaches the file that gets the number next.
 *
 * ORDERING OWNER: an entry says whose the number is for as long as it is open.
 *   closer                                   who gets the number next
 *   C1 entry: owner -> -owner                N1 the kernel hands the number out, after C2
 *   C2 close(2)                              N2 adopt: 0 -> new owner; waits while it is negative,
 *   C3 entry: -owner -> 0, if it is still       refuses while it is positive; then looks whether
 *      that                                     the number is open at all
 *                                            N3 own: whatever it is -> new owner
 * Forbidden: C2 closes what N1 handed out; C3 takes the number from its new owner.
 * Because:   C2 is done only by who succeeded in C1, once, before N1; the entry that C3 compares
 *            names the old owner. What N3 finds there is old: the kernel has just handed the number
 *            out, so it was closed, by C2 or behind weft's back, and its former owner has lost it.
 * Without:   two handles name one number; the close of one lets the other reach a stranger's file.
 * Tested by: tests/unit/descriptor_test.c
 *
 * BOUND table: 8 bytes for each number, in chunks of 4,096 that are mapped when a number in them is
 * first owned, and never unmapped; the limit on open descriptors bounds the numbers. When there is
 * no memory for one: -ENOMEM.
 */
#ifndef WEFT_BASE_DESCRIPTOR_H
#define WEFT_BASE_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

/* The owner of what weft has opened for itself; others are handles, all different. */
#define WEFT__DESCRIPTOR_INTERNAL INT64_MAX

/*
 * N2. Makes @owner (> 0) the owner of a number that the program has opened. -EBADF when it is not
 * open, -EEXIST when it is owned, -ENOMEM. Waits for a close of the number that is under way.
 */
int weft__descriptor_adopt(int number, int64_t owner);

/* N3. The same for a number that the caller has just got from the kernel. 0 or -ENOMEM. */
int weft__descriptor_own(int number, int64_t owner);

/* C1 to C3. The result of close(2); -EBADF when the number is not @owner's any more. */
int weft__descriptor_close(int number, int64_t owner);

/* The same for what weft has opened for itself. Without memory for the note the program can adopt
 * it, which is then the program's mistake alone. */
void weft__descriptor_keep(int number);
void weft__descriptor_close_kept(int number);

/* C1 and C3 around a close that somebody else does. begin: false when it is not @owner's. */
bool weft__descriptor_begin_close(int number, int64_t owner);
void weft__descriptor_end_close(int number, int64_t owner);

/* Whether @owner still has the number. */
bool weft__descriptor_is_owned(int number, int64_t owner);

#endif

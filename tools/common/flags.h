/* Flags of a command line, by getopt_long, with errors in words of our own. */
#ifndef WEFT_TOOLS_COMMON_FLAGS_H
#define WEFT_TOOLS_COMMON_FLAGS_H

#include <getopt.h>
#include <stdint.h>

/*
 * The next flag of @part ("tour"), whose name is argv[0]. Call weft__flags_begin first.
 * @flags: long ones alone; --help is among them with the value 'h', and then -h is too
 * Returns the flag's value, with optarg; -1 at the end, where optind is the first word that is no
 * flag; '?' when there is no such flag or it is used wrongly: standard error has been told.
 */
int weft__flags_next(const char *part, int argc, char **argv, const struct option *flags);

/* Before the first one: the command may have used getopt before. */
void weft__flags_begin(void);

/* Reads a whole number from @min to @max. Otherwise says what @flag ("--seconds") takes, and
 * returns 0; @min is 1 or more. */
uint64_t weft__flags_number(const char *part, const char *flag, const char *text, uint64_t min,
                            uint64_t max);

#endif

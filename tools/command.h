/* What the parts of the weft command share: their entries and the exit codes. */
#ifndef WEFT_TOOLS_COMMAND_H
#define WEFT_TOOLS_COMMAND_H

enum weft_exit {
    WEFT_EXIT_OK = 0,
    WEFT_EXIT_WRONG = 1, /* it ran, and a result is wrong */
    WEFT_EXIT_USAGE = 2  /* the command line asks for what does not exist */
};

/* Each gets its own name as argv[0] and its arguments behind it, and returns the exit code. */
int weft_tool_bench(int argc, char **argv);
int weft_tool_doctor(int argc, char **argv);
int weft_tool_topo(int argc, char **argv);
int weft_tool_tour(int argc, char **argv);

#endif

#include "tools/doctor/findings.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "tools/common/quote.h"

enum { COLUMNS = 100, NAME_COLUMNS = 18, INDENT = 11 + NAME_COLUMNS };

static const char *const state_words[] = {
    [WEFT__FINDING_OK] = "ok",
    [WEFT__FINDING_NOTE] = "note",
    [WEFT__FINDING_PROBLEM] = "PROBLEM",
};

static const char *const state_names[] = {
    [WEFT__FINDING_OK] = "ok",
    [WEFT__FINDING_NOTE] = "note",
    [WEFT__FINDING_PROBLEM] = "problem",
};

struct weft__finding *weft__findings_add(struct weft__findings *findings, const char *section,
                                         const char *name, enum weft__finding_state state,
                                         const char *format, ...)
{
    static struct weft__finding dropped;
    bool room = findings->count < WEFT__FINDINGS_MOST;
    struct weft__finding *finding = room ? &findings->items[findings->count] : &dropped;
    va_list arguments;

    findings->count += room ? 1 : 0;
    *finding = (struct weft__finding){ .section = section, .name = name, .state = state };
    va_start(arguments, format);
    (void)vsnprintf(finding->text, sizeof(finding->text), format, arguments);
    va_end(arguments);
    return finding;
}

void weft__findings_knob(struct weft__finding *finding, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(finding->knob, sizeof(finding->knob), format, arguments);
    va_end(arguments);
}

size_t weft__findings_count(const struct weft__findings *findings, enum weft__finding_state state)
{
    size_t count = 0;

    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i].state == state ? 1 : 0;
    return count;
}

/* Breaks lines between words; the first one goes on at column @column. */
static void print_wrapped(FILE *out, const char *text, size_t column)
{
    const char *before = "";

    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (before[0] != '\0' && column + 1 + length > COLUMNS) {
            (void)fprintf(out, "\n%*s", INDENT, "");
            column = INDENT;
            before = "";
        }
        (void)fprintf(out, "%s%.*s", before, (int)length, text);
        column += strlen(before) + length;
        text += length;
        text += *text == ' ' ? 1 : 0;
        before = " ";
    }
    (void)fputc('\n', out);
}

static void print_finding(FILE *out, const struct weft__finding *finding)
{
    (void)fprintf(out, "  %-8s %-*s", state_words[finding->state], NAME_COLUMNS, finding->name);
    print_wrapped(out, finding->text, INDENT);
    if (finding->knob[0] == '\0')
        return;
    (void)fprintf(out, "%*sTo change it: ", INDENT, "");
    print_wrapped(out, finding->knob, INDENT + sizeof("To change it: ") - 1);
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

void weft__findings_print_text(FILE *out, const struct weft__findings *findings)
{
    size_t problems = weft__findings_count(findings, WEFT__FINDING_PROBLEM);
    size_t notes = weft__findings_count(findings, WEFT__FINDING_NOTE);
    const char *section = "";

    for (size_t i = 0; i < findings->count; i++) {
        const struct weft__finding *finding = &findings->items[i];
        if (strcmp(section, finding->section) != 0)
            (void)fprintf(out, "%s%s\n", i == 0 ? "" : "\n", finding->section);
        section = finding->section;
        print_finding(out, finding);
    }
    if (problems == 0 && notes == 0)
        (void)fprintf(out, "\nNothing is wrong.\n");
    else if (problems == 0)
        (void)fprintf(out, "\nNothing is wrong; %zu note%s.\n", notes, plural(notes));
    else
        (void)fprintf(out, "\n%zu problem%s, %zu note%s.\n", problems, plural(problems), notes,
                      plural(notes));
}

static void write_finding(FILE *out, const struct weft__finding *finding)
{
    (void)fputs("{\"section\":", out);
    weft__quote_json(out, finding->section);
    (void)fputs(",\"name\":", out);
    weft__quote_json(out, finding->name);
    (void)fprintf(out, ",\"state\":\"%s\",\"text\":", state_names[finding->state]);
    weft__quote_json(out, finding->text);
    (void)fputs(",\"knob\":", out);
    if (finding->knob[0] != '\0')
        weft__quote_json(out, finding->knob);
    else
        (void)fputs("null", out);
    (void)fputc('}', out);
}

void weft__findings_print_json(FILE *out, const struct weft__findings *findings)
{
    (void)fputs("{\"tool\":\"weft doctor\",\"version\":", out);
    weft__quote_json(out, weft_version());
    (void)fprintf(out, ",\"problems\":%zu,\"notes\":%zu,\"findings\":[",
                  weft__findings_count(findings, WEFT__FINDING_PROBLEM),
                  weft__findings_count(findings, WEFT__FINDING_NOTE));
    for (size_t i = 0; i < findings->count; i++) {
        (void)fputs(i == 0 ? "" : ",", out);
        write_finding(out, &findings->items[i]);
    }
    (void)fputs("]}\n", out);
}

# Takes a docstring apart: doc_text, doc_argument[1 .. doc_arguments], doc_said[argument],
# doc_key[key]. Members of a struct may be described by @member in the comment above it.

BEGIN {
    keys = split("Returns:RETURN VALUE,Errors:ERRORS,Ownership:OWNERSHIP,Context:CONTEXT," \
        "Suspends:SUSPENDS,Cancel:CANCELLATION,Ordering:MEMORY ORDER,Cost:COST,Node:NODE," \
        "Since:HISTORY,Source:SOURCE", key_order, ",")
    for (k = 1; k <= keys; k++) {
        split(key_order[k], pair, ":")
        key_order[k] = pair[1]
        key_title[pair[1]] = pair[2]
    }
}

function read_doc(text,    count, lines, i, line, into) {
    doc_text = ""
    doc_arguments = 0
    split("", doc_said)
    split("", doc_key)
    split("", arguments)
    count = split(text, lines, "\n")
    for (i = 1; i <= count; i++) {
        line = lines[i]
        if (match(line, /^@[A-Za-z0-9_]+:/)) {
            into = "@"
            doc_argument[++doc_arguments] = substr(line, 2, RLENGTH - 2)
            arguments[doc_argument[doc_arguments]] = 1
            line = substr(line, RLENGTH + 1)
        } else if (match(line, /^[A-Z][a-z]+:( |$)/) &&
                   (substr(line, 1, index(line, ":") - 1) in key_title))
            into = ":"
        if (into == "@")
            doc_said[doc_argument[doc_arguments]] = doc_said[doc_argument[doc_arguments]] " " line
        else if (into == ":")
            read_keys(line)
        else if (i > 1 || line !~ /^[A-Za-z0-9_]+ - /)
            doc_text = doc_text line "\n"
    }
}

# A line of keys may have several, with two blanks or more between them.
function read_keys(line,    rest) {
    while (match(line, /(^|  +)[A-Z][a-z]+:( |$)/)) {
        rest = substr(line, RSTART, RLENGTH)
        gsub(/[ :]/, "", rest)
        if (!(rest in key_title))
            break
        doc_key[doc_last] = doc_key[doc_last] " " substr(line, 1, RSTART - 1)
        doc_last = rest
        line = substr(line, RSTART + RLENGTH)
    }
    doc_key[doc_last] = doc_key[doc_last] " " line
}

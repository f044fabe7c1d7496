# Text into roff: what must be escaped, what is set in bold or italics, and lines that are filled.
# output is the file that is written now; current the page, arguments the names of the call's own.

# A paragraph begins by itself behind a heading.
function put(line) {
    if (line == ".PP" && last_line ~ /^\.(SH|SS|PP)/)
        return
    print line > output
    last_line = line
}

# Text as it is; hyphens that begin a word or stand alone are minus signs.
function escape(text,    out, before) {
    gsub(/\\/, "\\e", text)
    gsub(/\^/, "\\(ha", text)
    gsub(/~/, "\\(ti", text)
    gsub(/`/, "\\(ga", text)
    while (match(text, /-/)) {
        before = RSTART == 1 ? " " : substr(text, RSTART - 1, 1)
        out = out substr(text, 1, RSTART - 1) (before ~ /[A-Za-z0-9]/ ? "-" : "\\-")
        text = substr(text, RSTART + 1)
    }
    return out text
}

function bold(text) {
    return "\\fB" text "\\fP"
}

function italic(text) {
    return "\\fI" text "\\fP"
}

# Prose: escaped, with names set as what they are.
function prose(text,    out, word, before) {
    while (match(text, /[-@]?[A-Za-z_][A-Za-z0-9_]*/)) {
        word = substr(text, RSTART, RLENGTH)
        before = substr(text, 1, RSTART - 1)
        text = substr(text, RSTART + RLENGTH)
        if (word ~ /^-/ && (word !~ /^-E[A-Z0-9]+$/ || before ~ /[A-Za-z0-9]$/)) {
            before = before "-"
            word = substr(word, 2)
        }
        out = out escape(before " ")
        out = substr(out, 1, length(out) - 1)
        if (match(text, /^(-[a-z]+)+\([1-9]\)/)) {
            word = word substr(text, 1, RLENGTH - 3)
            text = substr(text, RLENGTH - 2)
        }
        if (word !~ /^@/ && match(text, /^(\(\)|\([1-9]\))/)) {
            out = out reference(word, substr(text, 2, RLENGTH - 2))
            text = substr(text, RLENGTH + 1)
        } else
            out = out (text ~ /^\(/ && (word in is_call) ? called(word) : named(word))
    }
    return out escape(text)
}

# A word with () or with the section of its page behind it
function reference(name, section) {
    if (section == "" && (name in page_of))
        return named(name)
    if (section != "")
        note_reference(name "(" section ")")
    gsub(/-/, "\\-", name)
    return bold(name) "(" section ")"
}

function named(word) {
    if (word ~ /^-E/)
        return bold("\\" word)
    if (word ~ /^@/)
        return substr(word, 2) in arguments ? italic(substr(word, 2)) : escape(word)
    if (word ~ /^WEFT_[A-Z0-9_]+$/)
        return bold(word)
    if (word in is_call)
        return call_named(word)
    if ((word in arguments) && word ~ /_/)
        return italic(word)
    return word ~ /^weft_[a-z0-9_]+$/ ? italic(word) : escape(word)
}

function call_named(word) {
    if (page_of[word] == current)
        return bold(word) "()"
    note_reference(word "(3)")
    return bold(word) "(3)"
}

# A call with its arguments behind it
function called(word) {
    if (page_of[word] != current)
        note_reference(word "(3)")
    return bold(word)
}

function note_reference(page) {
    if (!((current, page) in referred)) {
        referred[current, page] = 1
        references[current] = references[current] page "\n"
    }
}

# A paragraph in short lines; none begins with what roff takes for a request.
function fill(text,    count, words, i, line) {
    count = split(text, words, /[ \n]+/)
    for (i = 1; i <= count; i++) {
        if (words[i] == "")
            continue
        if (line != "" && length(line) + length(words[i]) > 90) {
            put(guarded_line(line))
            line = ""
        }
        line = line (line == "" ? "" : " ") words[i]
    }
    if (line != "")
        put(guarded_line(line))
}

function guarded_line(line) {
    return line ~ /^[.']/ ? "\\&" line : line
}

# Lines of code, which keep their breaks.
function put_code(text,    count, lines, i) {
    gsub(/'/, "\\(aq", text)
    put(".EX")
    count = split(text, lines, "\n")
    for (i = 1; i <= count; i++)
        put(guarded_line(lines[i]))
    put(".EE")
}

# A comment's paragraphs: a blank line parts them, deeper lines are code, "- " begins a point.
function put_text(text,    count, lines, i, block, kind, was) {
    count = split(text, lines, "\n")
    for (i = 1; i <= count + 1; i++) {
        kind = lines[i] !~ /^  / || block ~ /^- / ? "prose" : "code"
        if (i > count || lines[i] ~ /^ *$/)
            kind = ""
        if (kind != was || lines[i] ~ /^- /) {
            put_block(was, block)
            block = ""
        }
        if (kind != "")
            block = block (block == "" ? "" : "\n") lines[i]
        was = kind
    }
}

function put_block(kind, block) {
    if (block == "")
        return
    if (kind == "code") {
        put(".PP")
        put(".RS 4")
        put_code(escape(outdented(block)))
        put(".RE")
    } else if (block ~ /^- /) {
        put(".IP \\(bu 2")
        fill(prose(substr(block, 3)))
    } else {
        put(".PP")
        fill(prose(block))
    }
}

# Without the blanks that all its lines begin with
function outdented(block) {
    while (block ~ /^ / && block !~ /\n[^ ]/) {
        sub(/^ /, "", block)
        gsub(/\n /, "\n", block)
    }
    return block
}

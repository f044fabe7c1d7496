# Reads public headers into items, in their order: what stands in one header, each with its comment.
# The house style is all it knows: a declaration begins in column 0, and the comment right above it
# is its own; a comment with a blank line below it is a note on the whole header.
#
#   pages, page_name[p], page_intro[p]             one page for each header; weft.h is the first
#   items, item_page[i], item_kind[i]              note, type, macro or call
#   item_name[i], item_code[i], item_comment[i]    code as in the header, without its attributes

FNR == 1 {
    page_name[++pages] = page_of_file(FILENAME)
    comment = code = ""
    inside = guarded = in_cplusplus = 0
}

{ read_line($0) }

function page_of_file(path) {
    sub(/.*\//, "", path)
    sub(/\.h$/, "", path)
    return path == "weft" ? path : "weft_" path
}

function read_line(line) {
    if (inside || (code == "" && line ~ /^\/\*/))
        read_comment(line)
    else if (in_cplusplus)
        in_cplusplus = (line !~ /^#(else|endif)/)
    else if (line ~ /^#if(def| defined).*__cplusplus/)
        in_cplusplus = 1
    else if (code != "")
        read_code(line)
    else if (line ~ /^#ifndef WEFT(_[A-Z0-9_]+)?_H$/)
        begin_body()
    else if (line ~ /^$/)
        end_note()
    else if (line ~ /^#define/ || line !~ /^(#|WEFT_BEGIN$|WEFT_END$)/)
        read_code(line)
}

function read_comment(line) {
    inside = (line !~ /\*\//)
    comment = comment line "\n"
    if (!inside)
        comment = bare_comment(comment)
    if (comment ~ /^clang-format o/)
        comment = ""
}

# The guard ends the comment on the whole header.
function begin_body() {
    page_intro[pages] = comment
    comment = ""
}

function end_note() {
    if (comment != "")
        add("note", "", "")
}

function read_code(line) {
    code = code line "\n"
    if (code ~ /^#define/) {
        if (line !~ /\\$/)
            add_macro()
    } else if (code ~ /^static inline/) {
        if (line ~ /[}]$/ && braces(code) == 0)
            add_call()
    } else if (line ~ /;[^;]*$/ && braces(code) == 0) {
        if (code ~ /^WEFT_API/)
            add_call()
        else
            add_type()
    }
}

function braces(text) {
    gsub(/\/\*[^*]*\*\//, "", text)
    return gsub(/[{]/, "", text) - gsub(/[}]/, "", text)
}

function add(kind, name, text) {
    items++
    item_page[items] = pages
    item_kind[items] = kind
    item_name[items] = name
    item_code[items] = text
    item_comment[items] = comment
    comment = code = ""
}

# Left out are macros that make the headers work, not programs: guards, attributes, private ones.
function add_macro(    name, text) {
    text = code
    sub(/^#define /, "", text)
    match(text, /^[A-Za-z0-9_]+(\([^)]*\))?/)
    name = substr(text, 1, RLENGTH)
    if (name ~ /^WEFT_(API|MUST_USE|PRINTF|BEGIN|END)(\(|$)|^WEFT__|_H$/) {
        comment = code = ""
        return
    }
    text = substr(text, RLENGTH + 1)
    if (comment == "" && match(text, /\/\*[^\n]*\*\/\n*$/)) {
        comment = bare_comment(substr(text, RSTART, RLENGTH))
        text = substr(text, 1, RSTART - 1)
    }
    gsub(/\\\n/, "", text)
    text = one_line(text)
    if (comment ~ ("^" word_of(name) " - "))
        add("call", word_of(name), name)
    else
        add("macro", name, text ~ /^[{(]/ || name ~ /\(/ ? "" : text)
}

function word_of(text) {
    sub(/[^A-Za-z0-9_].*/, "", text)
    return text
}

function add_call(    text, name) {
    text = code
    sub(/\n?[{].*/, "", text)
    text = one_line(text)
    sub(/;$/, "", text)
    sub(/^static inline /, "", text)
    gsub(/WEFT_(API|MUST_USE) /, "", text)
    sub(/WEFT_PRINTF\([^)]*\) /, "", text)
    match(text, /weft_[a-z0-9_]+ ?\(/)
    name = word_of(substr(text, RSTART, RLENGTH))
    if (name ~ /^weft__/)
        comment = code = ""
    else
        add("call", name, text)
}

# typedefs, structs, unions and enums; what is forward declared alone needs no description
function add_type(    text, name) {
    text = code
    if (match(text, /\(\*weft_[a-z0-9_]+/))
        name = substr(text, RSTART + 2, RLENGTH - 2)
    else if (match(text, /[}][ \n]*weft_[a-z0-9_]+/) || match(text, /weft_[a-z0-9_]+;[^;]*$/))
        name = substr(text, RSTART)
    else
        name = text
    sub(/^[^w]*/, "", name)
    name = code ~ /^enum [{]/ ? "" : word_of(name)
    if (name ~ /^weft__/ || (code ~ /^(struct|union)/ && code !~ /[{]/))
        comment = code = ""
    else
        add("type", name, text)
}

function one_line(text) {
    gsub(/[ \n]+/, " ", text)
    gsub(/^ | $/, "", text)
    return text
}

# The words of a comment without its frame; indents stay.
function bare_comment(text) {
    sub(/^[ ]*\/\*[ \n]?/, "", text)
    sub(/[ ]*\*\/[ \n]*$/, "", text)
    gsub(/\n[ ]*\*[ ]?$/, "", text)
    gsub(/\n[ ]*\*[ ]?/, "\n", text)
    sub(/^ ?\* ?/, "", text)
    sub(/^\n+/, "", text)
    return text
}

# Writes a page for each header and a link for each call and type, below folder (-v folder=DIR
# -v version=0.1.0); weft.3 is the index. The list of the pages goes to standard output.

END {
    count_names()
    for (page = 1; page <= pages; page++)
        write_page(page)
    for (i = 1; i <= items; i++)
        write_link(item_name[i], item_page[i])
}

# page_of[name]: where a call or a type is described
function count_names(    i) {
    for (i = 1; i <= pages; i++)
        is_page[page_name[i]] = 1
    for (i = 1; i <= items; i++) {
        if (item_kind[i] !~ /^(call|type)$/ || item_name[i] == "")
            continue
        page_of[item_name[i]] = item_page[i]
        if (item_kind[i] == "call")
            is_call[item_name[i]] = 1
    }
}

function begin_page(name) {
    output = folder "/man3/" name ".3"
    print "man3/" name ".3"
}

function write_link(name, page) {
    if (!(name in page_of) || (name in is_page))
        return
    begin_page(name)
    put(".so man3/" page_name[page] ".3")
    close(output)
}

function write_page(page) {
    current = page
    split("", arguments)
    begin_page(page_name[page])
    put(".\\\" made from the docstrings of the header by tools/man; change them there")
    put(".TH " page_name[page] " 3 \"\" \"weft " version "\" \"weft manual\"")
    put(".nh")
    put(".nr HY 0")
    put(".ad l")
    put_name(page)
    put_synopsis(page)
    put(".SH DESCRIPTION")
    put_intro(page_intro[page])
    put_items(page, "note", "")
    if (page_name[page] == "weft")
        put_index()
    put_items(page, "type", "TYPES")
    put_macros(page)
    put_items(page, "call", "CALLS")
    put_see_also(page)
    close(output)
}

# ---- head ----------------------------------------------------------------------------------------

# One line for the header and one for each call, which is what apropos(1) reads.
function put_name(page,    i) {
    put(".SH NAME")
    put(page_name[page] " \\- " escape(as_summary(page_intro[page])))
    for (i = 1; i <= items; i++)
        if (item_page[i] == page && item_kind[i] == "call" && item_name[i] != page_name[page]) {
            put(".br")
            put(item_name[i] " \\- " escape(summary_of(i)))
        }
}

# The first sentence, without its full stop, as a phrase
function as_summary(text) {
    gsub(/\n/, " ", text)
    sub(/\. .*/, "", text)
    sub(/\.? *$/, "", text)
    sub(/^weft: /, "", text)
    if (text ~ /^[A-Z][a-z ]/)
        text = tolower(substr(text, 1, 1)) substr(text, 2)
    return text
}

function summary_of(i,    text) {
    text = item_comment[i]
    sub(/\n.*/, "", text)
    sub(/^[A-Za-z0-9_]+ - /, "", text)
    return text == "" ? "a call of <weft.h>" : text
}

function put_synopsis(page,    i) {
    put(".SH SYNOPSIS")
    put(".nf")
    put(bold("#include <weft.h>"))
    for (i = 1; i <= items; i++)
        if (item_page[i] == page && item_kind[i] == "call") {
            put(".PP")
            put_prototype(item_code[i])
        }
    put(".fi")
}

# A prototype in lines of at most 70 columns: code in bold, the arguments' names in italics.
function put_prototype(text,    head, count, parts, i, line, length_now, indent, part) {
    head = match(text, /\(/) ? substr(text, 1, RSTART) : text
    count = split_arguments(substr(text, length(head) + 1), parts)
    indent = length(head) > 36 ? 8 : length(head)
    line = bold(escape(head))
    length_now = length(head)
    for (i = 1; i <= count; i++) {
        part = parts[i] (i < count ? "," : "")
        if (length_now + length(part) + 2 > 70 && i > 1) {
            put(line)
            line = sprintf("%" indent "s", "")
            length_now = indent
        } else if (i > 1) {
            line = line " "
            length_now++
        }
        line = line parameter(part)
        length_now += length(part)
    }
    put(line (count > 0 && text !~ /^[A-Z]/ ? bold(";") : ""))
}

# The parameters, the last with the closing parenthesis
function split_arguments(text, parts,    count, i, depth, letter, part) {
    for (i = 1; i <= length(text); i++) {
        letter = substr(text, i, 1)
        depth += (letter == "(") - (letter == ")")
        if (letter == "," && depth == 0) {
            parts[++count] = part
            part = ""
        } else if (part != "" || letter != " ")
            part = part letter
    }
    if (part != "")
        parts[++count] = part
    return count + 0
}

function parameter(text,    name) {
    if (!match(text, /[A-Za-z_][A-Za-z0-9_]*(\[[^]]*\])*[,)]*$/) || text ~ /^void\)$/)
        return bold(escape(text))
    name = substr(text, RSTART)
    text = substr(text, 1, RSTART - 1)
    match(name, /^[A-Za-z0-9_]+/)
    return bold(escape(text)) italic(substr(name, 1, RLENGTH)) bold(substr(name, RLENGTH + 1))
}

# ---- what a header declares ----------------------------------------------------------------------

function put_items(page, kind, heading,    i) {
    for (i = 1; i <= items; i++) {
        if (item_page[i] != page || item_kind[i] != kind)
            continue
        if (heading != "")
            put(".SH " heading)
        heading = ""
        if (kind == "note")
            put_note(item_comment[i])
        else if (kind == "type")
            put_type(i)
        else
            put_call(i)
    }
}

# Each paragraph behind the first may have a title, as a note may.
function put_intro(text,    count, paragraphs, i) {
    count = split(text, paragraphs, /\n\n+/)
    put_text(paragraphs[1])
    for (i = 2; i <= count; i++)
        put_note(paragraphs[i])
}

# A note that begins with one word and a full stop has a title.
function put_note(text) {
    if (match(text, /^[A-Z][a-z]+\. /)) {
        put(".SS " substr(text, 1, RLENGTH - 2))
        text = substr(text, RLENGTH + 1)
    }
    put_text(text)
}

# typedefs that follow one another share the first one's comment.
function put_type(i,    code, doc) {
    code = item_code[i]
    if (code !~ /[{]/) {
        if (item_comment[i] != "" && item_comment[i] !~ /^[A-Z][a-z]+\. /)
            put(".SS " item_name[i])
        put_note(item_comment[i])
        put(".PP")
        put_code(escape(one_line(code)))
        return
    }
    read_doc(item_comment[i])
    put(".SS " (item_name[i] == "" ? "Constants" : item_name[i]))
    put_text(doc_text)
    put_members(code, code ~ /^(typedef )?enum/ ? "^[^,/]*,?" : "^[}]?[^;{}]*[;{]?")
    put(".PD")
}

# Members with their comments: one behind a member is its own, one on lines above it too.
function put_members(code, member_pattern,    member, said, above, gap) {
    sub(/^[^{]*[{]/, "", code)
    sub(/[}][^}]*$/, "", code)
    for (;;) {
        match(code, /^[ \n]*/)
        gap = substr(code, 1, RLENGTH)
        code = substr(code, RLENGTH + 1)
        if (member != "" && (code !~ /^\/\*/ || gap ~ /\n/)) {
            put_member(member, above)
            member = above = ""
        }
        if (code ~ /^\/\*/) {
            said = one_line(bare_comment(take_to(code, "*/")))
            code = substr(code, index(code, "*/") + 2)
            if (member != "") {
                put_member(member, above said)
                member = above = ""
            } else
                above = above said " "
            continue
        }
        if (code == "")
            return
        match(code, member_pattern)
        member = one_line(substr(code, 1, RLENGTH))
        code = substr(code, RLENGTH + 1)
    }
}

function take_to(text, mark) {
    return substr(text, 1, index(text, mark) + length(mark) - 1)
}

function put_member(member, said,    name, start) {
    sub(/ ?[,;]$/, "", member)
    if (member ~ /weft__|^[a-z0-9_]+ opaque/)
        return
    start = match(member, /[A-Za-z_][A-Za-z0-9_]*(\[[^]]*\])*( = .*)?$/)
    if (match(member, /\(\*[a-z0-9_]+\)\(/))
        start = RSTART + 2
    name = word_of(substr(member, start))
    said = one_line(said " " doc_said[name])
    put_tagged(start == 0 || member ~ /^[}]/ || name ~ /^WEFT_/ ? bold(escape(member)) : \
        bold(escape(substr(member, 1, start - 1))) italic(name) \
        bold(escape(substr(member, start + length(name)))), said)
    put(".PD 0")
}

function put_tagged(tag, said) {
    if (said == "") {
        put(".PP")
        put(tag)
        return
    }
    put(".TP 22")
    put(tag)
    fill(prose(said))
}

# The same with code in what is said: all behind the first paragraph keeps its lines.
function put_tagged_text(tag, said,    rest) {
    rest = match(said, /\n  /) ? substr(said, RSTART + 1) : ""
    put_tagged(tag, rest == "" ? said : substr(said, 1, RSTART))
    if (rest == "")
        return
    put(".RS 22")
    put_text(rest)
    put(".RE")
}

# Macros with a comment, or with a meaning that their name gives them; the others as they are.
function put_macros(page,    i, plain, said, count) {
    for (i = 1; i <= items; i++) {
        if (item_page[i] != page || item_kind[i] != "macro")
            continue
        if (count++ == 0)
            put(".SH CONSTANTS AND MACROS")
        take_arguments(item_name[i])
        said = item_comment[i] != "" ? item_comment[i] : by_name(item_name[i])
        if (said != "")
            put_tagged_text(bold(escape(item_name[i])), said)
        else {
            put(".PP")
            put(bold("#define " item_name[i]) " " escape(item_code[i]))
        }
        put(".PD 0")
    }
    put(".PD")
}

# The arguments of a macro, for @argument in its comment
function take_arguments(name,    count, names) {
    split("", arguments)
    count = split(substr(name, index(name, "(")), names, /[^A-Za-z0-9_]+/)
    for (; count > 0; count--)
        arguments[names[count]] = 1
}

function by_name(name,    type) {
    type = word_of(name)
    if (name ~ /_INIT$/)
        sub(/_INIT$/, "", type)
    type = tolower(type)
    if (!(type in page_of))
        return ""
    if (name ~ /_INIT$/)
        return "initialiser of a variable of type " type ": its size, and the defaults"
    if (name ~ /\(\.\.\.\)$/)
        return "in C: an expression of type " type \
            ", with the defaults but for the members that are named, as in .member = value"
    return ""
}

# ---- calls ---------------------------------------------------------------------------------------

function put_call(i,    k, said) {
    read_doc(item_comment[i])
    put(".SS " item_name[i])
    put(".nf")
    put_prototype(item_code[i])
    put(".fi")
    put_text(as_sentence(summary_of(i)) "\n" doc_text)
    for (k = 1; k <= doc_arguments; k++) {
        put_key(italic(doc_argument[k]), doc_said[doc_argument[k]])
        put(".PD 0")
    }
    put(".PD")
    for (k = 1; k <= keys; k++) {
        said = one_line(doc_key[key_order[k]])
        if (said == "" || key_order[k] == "Source")
            continue
        if (key_order[k] == "Since")
            said = "since weft " said "; source: " one_line(doc_key["Source"])
        put_key(key_title[key_order[k]], said)
        put(".PD 0")
    }
    put(".PD")
}

function as_sentence(text) {
    return toupper(substr(text, 1, 1)) substr(text, 2) (text ~ /[.!?]$/ ? "" : ".")
}

function put_key(tag, said) {
    put(".TP 14")
    put(tag)
    fill(prose(one_line(said)))
}

# ---- tail ----------------------------------------------------------------------------------------

function put_index(    p, i) {
    for (p = 2; p <= pages; p++) {
        put(".SS " page_name[p] "(3)")
        fill(prose(as_sentence(as_summary(page_intro[p]))))
        for (i = 1; i <= items; i++)
            if (item_page[i] == p && item_kind[i] == "call") {
                put_tagged(bold(item_name[i]), summary_of(i))
                put(".PD 0")
            }
        put(".PD")
    }
}

# The overviews, and every page that the text names
function put_see_also(page,    count, names, i, j, held) {
    count = split(references[page] "weft(7)\nweft-cancellation(7)\nweft-errors(7)" \
        (page_name[page] == "weft" ? "" : "\nweft(3)"), names, "\n")
    put(".SH SEE ALSO")
    for (i = 2; i <= count; i++) {
        held = names[i]
        for (j = i - 1; j >= 1 && comes_before(held, names[j]); j--)
            names[j + 1] = names[j]
        names[j + 1] = held
    }
    for (i = 1; i <= count; i++) {
        gsub(/-/, "\\-", names[i])
        put(".BR " substr(names[i], 1, index(names[i], "(") - 1) " " \
            substr(names[i], index(names[i], "(")) (i < count ? " ," : ""))
    }
}

function comes_before(left, right,    a, b) {
    a = substr(left, index(left, "("))
    b = substr(right, index(right, "("))
    return a == b ? left < right : a < b
}

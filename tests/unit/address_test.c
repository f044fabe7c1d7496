/* Addresses as text, there and back, and what is none. */
#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <weft.h>

#include "runtime/base/compiler.h"
#include "tests/support/unit.h"

static weft_address made(const void *kernel, size_t bytes)
{
    weft_address address = { .bytes = (uint32_t)bytes };

    memcpy(address.words, kernel, bytes);
    return address;
}

static void test_text_and_back(void)
{
    static const char *const rows[][2] = {
        { "127.0.0.1:80", "127.0.0.1:80" },
        { "0.0.0.0:0", "0.0.0.0:0" },
        { "255.255.255.255:65535", "255.255.255.255:65535" },
        { "1.2.3.4:0080", "1.2.3.4:80" },
        { "[::1]:80", "[::1]:80" },
        { "[::]:0", "[::]:0" },
        { "[2001:DB8:0:0:0:0:0:1]:65535", "[2001:db8::1]:65535" },
        { "[::ffff:1.2.3.4]:5", "[::ffff:1.2.3.4]:5" },
        { "[fe80::1%2]:443", "[fe80::1%2]:443" },
        { "[fe80::1%4294967295]:443", "[fe80::1%4294967295]:443" },
        { "unix:/run/some.socket", "unix:/run/some.socket" },
        { "unix:relative", "unix:relative" },
        { "unix:[::1]:80", "unix:[::1]:80" },
        { "unix:@plain", "unix:@plain" },
    };
    char text[WEFT_ADDRESS_TEXT];

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        weft_address address;
        CU_ASSERT_EQUAL(weft_address_parse(rows[i][0], &address), 0);
        CU_ASSERT_EQUAL(weft_address_text(&address, text), 0);
        CU_ASSERT_STRING_EQUAL(text, rows[i][1]);
    }
}

static void test_parse_makes_what_the_kernel_takes(void)
{
    weft_address address;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un path;

    CU_ASSERT_EQUAL(weft_address_parse("1.2.3.4:258", &address), 0);
    CU_ASSERT_EQUAL(address.bytes, sizeof(v4));
    memcpy(&v4, address.words, sizeof(v4));
    CU_ASSERT_EQUAL(v4.sin_family, AF_INET);
    CU_ASSERT_EQUAL(ntohl(v4.sin_addr.s_addr), 0x01020304);
    CU_ASSERT_EQUAL(ntohs(v4.sin_port), 258);
    CU_ASSERT_EQUAL(weft_address_parse("[::7%9]:258", &address), 0);
    CU_ASSERT_EQUAL(address.bytes, sizeof(v6));
    memcpy(&v6, address.words, sizeof(v6));
    CU_ASSERT_EQUAL(v6.sin6_family, AF_INET6);
    CU_ASSERT_EQUAL(v6.sin6_addr.s6_addr[15], 7);
    CU_ASSERT_EQUAL(v6.sin6_scope_id, 9);
    CU_ASSERT_EQUAL(ntohs(v6.sin6_port), 258);
    CU_ASSERT_EQUAL(weft_address_parse("unix:abc", &address), 0);
    CU_ASSERT_EQUAL(address.bytes, offsetof(struct sockaddr_un, sun_path) + 4);
    memset(&path, 0, sizeof(path));
    memcpy(&path, address.words, address.bytes);
    CU_ASSERT_EQUAL(path.sun_family, AF_UNIX);
    CU_ASSERT_STRING_EQUAL(path.sun_path, "abc");
}

static void test_what_is_no_address_is_refused(void)
{
    static const char *const rows[] = {
        "",
        ":",
        ":80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:80 ",
        "127.0.0.1: 80",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1:65536",
        "127.0.0.1:99999999999999999999",
        "127.0.0.1:0x50",
        "127.1:80",
        "256.0.0.1:80",
        "localhost:80",
        "127.0.0.1.:80",
        "::1:80",
        "127.0.0.1111111111111111:80",
        "[::1]",
        "[::1]80",
        "[::1]:",
        "[::1:80",
        "[]:80",
        "[127.0.0.1]:80",
        "[:::1]:80",
        "[::1]:65536",
        "[::1]:8x",
        "[fe80::1%]:1",
        "[fe80::1%lo]:1",
        "[fe80::1%4294967296]:1",
        "[1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444:5555]:1",
        "[::1]]:80",
        "unix:",
        "unix",
        "Unix:/x"
    };
    weft_address address;

    memset(&address, 7, sizeof(address));
    weft_address before = address;
    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        int rc = weft_address_parse(rows[i], &address);
        if (rc != -EINVAL)
            (void)fprintf(stderr, "\"%s\": %d\n", rows[i], rc);
        CU_ASSERT_EQUAL(rc, -EINVAL);
    }
    CU_ASSERT_EQUAL(memcmp(&address, &before, sizeof(address)), 0);
}

static void test_a_path_has_at_most_107_bytes(void)
{
    char text[200] = "unix:";
    char back[WEFT_ADDRESS_TEXT];
    weft_address address;

    memset(text + 5, 'p', 107);
    CU_ASSERT_EQUAL(weft_address_parse(text, &address), 0);
    CU_ASSERT_EQUAL(weft_address_text(&address, back), 0);
    CU_ASSERT_STRING_EQUAL(back, text);
    text[5 + 107] = 'p';
    CU_ASSERT_EQUAL(weft_address_parse(text, &address), -ENAMETOOLONG);
}

static void test_text_of_what_is_none_is_refused(void)
{
    static const struct sockaddr_un unnamed = { .sun_family = AF_UNIX };
    static const struct sockaddr_un hidden = { .sun_family = AF_UNIX, .sun_path = "\0abstract" };
    static const struct sockaddr_in v4 = { .sin_family = AF_INET };
    static const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    static const struct sockaddr other = { .sa_family = AF_PACKET };
    struct sockaddr_un full = { .sun_family = AF_UNIX };
    char wanted[WEFT_ADDRESS_TEXT] = "unix:";
    char text[WEFT_ADDRESS_TEXT] = "before";
    weft_address address = { 0 };

    CU_ASSERT_EQUAL(weft_address_text(&address, text), -EINVAL);
    address.bytes = sizeof(address.words) + 1;
    CU_ASSERT_EQUAL(weft_address_text(&address, text), -EINVAL);
    address = made(&v4, sizeof(v4) - 1);
    CU_ASSERT_EQUAL(weft_address_text(&address, text), -EINVAL);
    address = made(&v6, sizeof(v6) - 1);
    CU_ASSERT_EQUAL(weft_address_text(&address, text), -EINVAL);
    address = made(&unnamed, sizeof(unnamed));
    address.bytes++;
    CU_ASSERT_EQUAL(weft_address_text(&address, text), -EINVAL);
    address = made(&other, sizeof(other));
    CU_ASSERT_EQUAL(weft_address_text(&address, text), -EAFNOSUPPORT);
    CU_ASSERT_STRING_EQUAL(text, "before");
    address = made(&unnamed, sizeof(sa_family_t));
    CU_ASSERT_EQUAL(weft_address_text(&address, text), 0);
    CU_ASSERT_STRING_EQUAL(text, "unix:");
    address = made(&hidden, sizeof(sa_family_t) + 9);
    CU_ASSERT_EQUAL(weft_address_text(&address, text), 0);
    CU_ASSERT_STRING_EQUAL(text, "unix:");
    memset(full.sun_path, 'f', sizeof(full.sun_path)); /* the kernel may end it with no NUL */
    memset(wanted + 5, 'f', sizeof(full.sun_path));
    address = made(&full, sizeof(full));
    CU_ASSERT_EQUAL(weft_address_text(&address, text), 0);
    CU_ASSERT_STRING_EQUAL(text, wanted);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_text_and_back),
        UNIT_TEST(test_parse_makes_what_the_kernel_takes),
        UNIT_TEST(test_what_is_no_address_is_refused),
        UNIT_TEST(test_a_path_has_at_most_107_bytes),
        UNIT_TEST(test_text_of_what_is_none_is_refused),
    };

    return unit_run(argc, argv, "address", tests, WEFT__COUNT(tests));
}

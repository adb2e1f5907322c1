#include <fmt/format.h>
#include <gtest/gtest.h>

#include "codec/http1/http1.h"

namespace selvage::codec::http1 {
namespace {

using Role = Parser::Role;

TEST(HttpParser, TakesARequestApart) {
    Parser parser(Role::requests, {});
    ASSERT_TRUE(
        parser.feed("\r\nPOST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX:  y z "
                    "\r\nEmpty:\r\n\r\nhello"));
    ASSERT_TRUE(parser.complete());
    const Head& head = *parser.head();
    EXPECT_EQ(head.method, "POST");
    EXPECT_EQ(head.target, "/a?b=c");
    EXPECT_EQ(head.minor_version, 1);
    EXPECT_TRUE(head.keep_alive);
    using Fields = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(head.fields,
              (Fields{{"Host", "h"}, {"Content-Length", "5"}, {"X", "y z"}, {"Empty", ""}}));
    EXPECT_EQ(parser.take_body(), "hello");
}

// A whole conversation, in pieces of every size: the way bytes arrive must not matter.
TEST(HttpParser, GivesTheSameForAllCutsOfTheBytes) {
    const std::string bytes =
        "POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
        "PUT /2 HTTP/1.1\nTransfer-Encoding: "
        "chunked\r\n\r\n4;ext=\"x\"\r\ndefg\r\n00a\r\n0123456789\r\n0\r\nX: t\r\n\r\n"
        "\r\nGET /3 HTTP/1.0\r\n\r\n";
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        Parser parser(Role::requests, {});
        std::string seen;
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            ASSERT_TRUE(parser.feed(bytes.substr(at, piece)));
            while (parser.complete()) {
                seen += parser.head()->target + "=" + parser.take_body() + ";";
                ASSERT_TRUE(parser.next());
            }
        }
        EXPECT_EQ(seen, "/1=abc;/2=defg0123456789;/3=;") << "pieces of " << piece;
        EXPECT_FALSE(parser.begun());
    }
}

TEST(HttpParser, RefusesEveryShapeWithTwoReadings) {
    struct Row {
        const char* name;
        std::string bytes;
        Errc want = Errc::malformed;
    };
    const std::string post = "POST / HTTP/1.1\r\n";
    const Row rows[] = {
        {"length and chunked", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {"two lengths", post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n"},
        {"a list of lengths", post + "Content-Length: 3, 3\r\n\r\n"},
        {"signed length", post + "Content-Length: +3\r\n\r\n"},
        {"negative length", post + "Content-Length: -3\r\n\r\n"},
        {"hex length", post + "Content-Length: 0x3\r\n\r\n"},
        {"empty length", post + "Content-Length:\r\n\r\n"},
        {"overflowing length", post + "Content-Length: 99999999999999999999\r\n\r\n"},
        {"another coding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n"},
        {"chunked twice",
         post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {"blank before the colon", post + "Content-Length : 3\r\n\r\n"},
        {"folded field", post + "X: a\r\n b\r\n\r\n"},
        {"first field folded", post + " X: a\r\n\r\n"},
        {"no colon", post + "X\r\n\r\n"},
        {"no name", post + ": a\r\n\r\n"},
        {"NUL in a value", post + std::string("X: a\0b\r\n\r\n", 10)},
        {"CR in a value", post + "X: a\rb\r\n\r\n"},
        {"two hosts", post + "Host: a\r\nHost: b\r\n\r\n"},
        {"blank in the target", "GET /a b HTTP/1.1\r\n\r\n"},
        {"tab in the target", "GET /a\tb HTTP/1.1\r\n\r\n"},
        {"no version", "GET /\r\n\r\n"},
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n"},
        {"lower-case version", "GET / http/1.1\r\n\r\n"},
        {"bad method", "G@T / HTTP/1.1\r\n\r\n"},
        {"chunk without size", post + "Transfer-Encoding: chunked\r\n\r\n\r\n"},
        {"chunk size with 0x", post + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n"},
        {"chunk size too long",
         post + "Transfer-Encoding: chunked\r\n\r\n0000000000000003\r\nabc\r\n"},
        {"chunk longer than its size", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n"},
        {"chunk line with bare LF", post + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n"},
        {"chunk end with bare LF", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n"},
        {"LF in a chunk extension", post + "Transfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n"},
        {"bad trailer", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n"},
        {"endless chunk line",
         post + "Transfer-Encoding: chunked\r\n\r\n3;" + std::string(5000, 'x')},
        {"body over the bound", post + "Content-Length: 101\r\n\r\n", Errc::message_too_large},
        {"chunk over the bound", post + "Transfer-Encoding: chunked\r\n\r\n65\r\n",
         Errc::message_too_large},
        {"long request line", "GET /" + std::string(70'000, 'x'), Errc::quota_exceeded},
    };
    for (const auto& row : rows) {
        Parser parser(Role::requests, {.head_bytes_max = 65536, .body_bytes_max = 100});
        const auto result = parser.feed(row.bytes);
        ASSERT_FALSE(result) << row.name;
        EXPECT_EQ(result.error().code, row.want) << row.name << ": " << result.error().detail;
        EXPECT_EQ(parser.feed("GET / HTTP/1.1\r\n\r\n").error().code, row.want)
            << row.name << " must stay refused";
    }
}

TEST(HttpParser, BoundsTheNumberOfFields) {
    std::string bytes = "GET / HTTP/1.1\r\n";
    for (int i = 0; i < 300; ++i)
        bytes += "a:\r\n";
    Parser parser(Role::requests, {});
    EXPECT_EQ(parser.feed(bytes + "\r\n").error().code, Errc::quota_exceeded);
}

TEST(HttpParser, TakesEqualLengthsTwice) {
    Parser parser(Role::requests, {});
    ASSERT_TRUE(parser.feed("POST / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\nx"));
    EXPECT_EQ(parser.take_body(), "x");
}

TEST(HttpParser, ReadsConnectionFields) {
    struct Row {
        const char* bytes;
        bool keep_alive;
        bool upgrade;
    };
    const Row rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", true, false},
        {"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", false, false},
        {"GET / HTTP/1.0\r\n\r\n", false, false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, false},
        {"GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n", true,
         true},
        {"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", true, false},
        {"GET / HTTP/1.1\r\nConnection: Upgrade\r\n\r\n", true, false},
    };
    for (const auto& row : rows) {
        Parser parser(Role::requests, {});
        ASSERT_TRUE(parser.feed(row.bytes));
        ASSERT_NE(parser.head(), nullptr);
        EXPECT_EQ(parser.head()->keep_alive, row.keep_alive) << row.bytes;
        EXPECT_EQ(parser.head()->upgrade, row.upgrade) << row.bytes;
    }
}

TEST(HttpParser, KeepsTheBytesBehindAnUpgrade) {
    Parser parser(Role::requests, {});
    ASSERT_TRUE(parser.feed(
        "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi"));
    ASSERT_TRUE(parser.complete());
    EXPECT_EQ(parser.take_rest(), "\x81\x02hi");
}

TEST(HttpParser, EndsAnAnswerWithoutLengthWithTheConnection) {
    Parser parser(Role::responses, {});
    ASSERT_TRUE(parser.feed("HTTP/1.1 200 OK\r\n\r\nab"));
    ASSERT_TRUE(parser.feed("c"));
    EXPECT_FALSE(parser.complete());
    ASSERT_TRUE(parser.finish());
    EXPECT_TRUE(parser.complete());
    EXPECT_EQ(parser.take_body(), "abc");
    EXPECT_FALSE(parser.head()->keep_alive);
}

TEST(HttpParser, TellsACutMessageFromAnEnd) {
    for (const char* bytes : {"HT", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
                              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"}) {
        Parser parser(Role::responses, {});
        ASSERT_TRUE(parser.feed(bytes));
        EXPECT_EQ(parser.finish().error().code, Errc::malformed) << bytes;
    }
    Parser parser(Role::responses, {});
    EXPECT_TRUE(parser.finish());
    EXPECT_FALSE(parser.complete());
}

TEST(HttpParser, KnowsWhichAnswersHaveNoBody) {
    Parser parser(Role::responses, {});
    parser.expect_no_body();
    ASSERT_TRUE(parser.feed(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
        "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"));
    std::string seen;
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(parser.complete());
        seen += fmt::format("{}:{};", parser.head()->status, parser.take_body());
        ASSERT_TRUE(parser.next());
    }
    EXPECT_EQ(seen, "100:;200:;204:;200:ab;");
}

TEST(HttpParser, RefusesBadStatusLines) {
    for (const char* bytes : {"HTTP/1.1\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
                              "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n",
                              "HTTP/2 200\r\n\r\n", "ICY 200 OK\r\n\r\n"}) {
        Parser parser(Role::responses, {});
        EXPECT_EQ(parser.feed(bytes).error().code, Errc::malformed) << bytes;
    }
}

}  // namespace
}  // namespace selvage::codec::http1

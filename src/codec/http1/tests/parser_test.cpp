#include <gtest/gtest.h>

#include "codec/http1/http1.h"

namespace selvage::codec::http1 {
namespace {

using Role = Parser::Role;

TEST(HttpParser, TakesARequestApart) {
    Parser parser(Role::requests, {});
    ASSERT_TRUE(parser.feed("POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX:  y z \r\n\r\nhello"));
    ASSERT_TRUE(parser.complete());
    const Head& head = *parser.head();
    EXPECT_EQ(head.method, "POST");
    EXPECT_EQ(head.target, "/a?b=c");
    EXPECT_EQ(head.minor_version, 1);
    EXPECT_TRUE(head.keep_alive);
    EXPECT_EQ(head.fields.back(), (std::pair<std::string, std::string>("X", "y z")));
    EXPECT_EQ(parser.take_body(), "hello");
}

}  // namespace
}  // namespace selvage::codec::http1

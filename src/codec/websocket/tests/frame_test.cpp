#include "codec/websocket/frame.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/random.h"

namespace selvage::codec::websocket {
namespace {

struct Got {
    std::string data;
    std::vector<Control> controls;
    bool failed = false;
};

// Feeds `wire` in pieces of `step` bytes.
Got feed(Role reader_role, std::string wire, std::size_t step) {
    FrameReader reader(reader_role);
    Got got;
    for (std::size_t at = 0; at < wire.size(); at += step) {
        std::string piece = wire.substr(at, step);
        const auto read = reader.read(std::as_writable_bytes(std::span(piece)), got.controls);
        if (!read) {
            got.failed = true;
            return got;
        }
        got.data += piece.substr(0, *read);
    }
    return got;
}

TEST(WebSocketFrame, RoundTripsInPiecesOfEverySize) {
    SeededRandom random(1);
    for (const std::size_t size : {0u, 1u, 125u, 126u, 65535u, 65536u, 70000u}) {
        std::string payload(size, '\0');
        random.fill(std::as_writable_bytes(std::span(payload)));
        for (const Role sender : {Role::client, Role::server}) {
            std::string wire;
            write_frame(Opcode::binary, payload, sender, {1, 2, 3, 4}, wire);
            write_frame(Opcode::ping, "p", sender, {9, 8, 7, 6}, wire);
            write_frame(Opcode::binary, "end", sender, {0, 0, 0, 1}, wire);
            const Role reader = sender == Role::client ? Role::server : Role::client;
            for (const std::size_t step : {std::size_t{1}, std::size_t{7}, wire.size()}) {
                const Got got = feed(reader, wire, step);
                ASSERT_FALSE(got.failed);
                EXPECT_EQ(got.data, payload + "end");
                EXPECT_EQ(got.controls, (std::vector<Control>{{Opcode::ping, "p"}}));
            }
        }
    }
}

TEST(WebSocketFrame, KnowsTheExampleOfTheRfc) {
    // RFC 6455 section 5.7: a masked "Hello".
    const Got got = feed(Role::server, std::string("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11), 3);
    EXPECT_EQ(got.data, "Hello");
}

TEST(WebSocketFrame, JoinsFragmentsAroundAControlFrame) {
    const std::string wire = std::string("\x02\x01"  "a", 3) + std::string("\x89\x00", 2) + std::string("\x80\x01" "b", 3);
    const Got got = feed(Role::client, wire, 1);
    EXPECT_EQ(got.data, "ab");
    ASSERT_EQ(got.controls.size(), 1u);
}

struct Row {
    const char* name;
    const char* hex;
};
constexpr Row kBad[] = {
    {"reserved bit", "c200"},          {"mask from a server", "828000000000"}, {"unknown opcode", "8300"},
    {"fragmented ping", "0900"},       {"long ping", "897e0080"},              {"continuation first", "8000"},
    {"message inside another", "02008200"}, {"length over 63 bits", "827fffffffffffffffff"},
};

TEST(WebSocketFrame, RefusesWhatTheRfcForbids) {
    for (const auto& row : kBad) EXPECT_TRUE(feed(Role::client, from_hex(row.hex).value(), 1).failed) << row.name;
    EXPECT_TRUE(feed(Role::server, from_hex("8200").value(), 1).failed) << "unmasked from a client";
}

}  // namespace
}  // namespace selvage::codec::websocket

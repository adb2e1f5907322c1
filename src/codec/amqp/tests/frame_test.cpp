#include "codec/amqp/frame.h"

#include <gtest/gtest.h>

#include "codec/amqp/wire.h"

namespace selvage::codec::amqp {
namespace {

using namespace std::string_literals;

std::string frame(std::uint16_t channel, std::uint64_t code, std::uint32_t fields, const std::string& items, const std::string& payload = "") {
    std::string body;
    Writer writer(body);
    writer.descriptor(code);
    writer.list(fields, items);
    body += payload;
    const auto size = body.size() + 8;
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift);
    bytes += "\2\0"s;
    bytes += static_cast<char>(channel >> 8);
    bytes += static_cast<char>(channel);
    return bytes + body;
}
std::string attach(std::string_view name, std::uint32_t handle) {
    std::string items;
    Writer writer(items);
    writer.text(name);
    writer.uint(handle);
    writer.boolean(false);
    return frame(0, 0x12, 3, items);
}
std::string transfer(std::uint32_t handle, std::uint32_t format, const std::string& payload) {
    std::string items;
    Writer writer(items);
    writer.uint(handle);
    writer.uint(1);
    writer.binary("tag");
    writer.uint(format);
    return frame(3, 0x14, 4, items, payload);
}

TEST(AmqpFrame, SplitsAtEveryByte) {
    const std::string bytes = attach("l", 1) + "\0\0\0\x08\2\0\0\0"s + transfer(9, 0x80013700, "payload");
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        FrameReader reader;
        std::vector<std::string> seen;
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            const std::string part = bytes.substr(at, step);
            reader.feed(part);
            for (;;) {
                const auto one = reader.next();
                ASSERT_TRUE(one) << one.error().detail;
                if (!*one) break;
                seen.push_back(std::to_string(static_cast<int>((*one)->kind)) + ":" + std::to_string((*one)->channel) + ":" +
                               std::to_string((*one)->handle) + ":" + std::to_string((*one)->message_format) + ":" + std::string((*one)->payload));
            }
            reader.keep();
        }
        EXPECT_EQ(seen, (std::vector<std::string>{"18:0:1:0:", "0:0:0:0:", "20:3:9:2147563264:payload"})) << "step " << step;
    }
}

TEST(AmqpFrame, RefusesWhatTheEngineShouldNotSee) {
    std::string nested;
    Writer(nested).null();
    for (int i = 0; i < 50; ++i) {
        const std::string inner = std::exchange(nested, {});
        Writer(nested).list(1, inner);
    }
    const struct {
        const char* name;
        std::string bytes;
    } rows[] = {
        {"too small", "\0\0\0\7\2\0\0\0"s},
        {"too large", "\0\1\0\1\2\0\0\0"s},
        {"offset into the header", "\0\0\0\x08\1\0\0\0"s},
        {"offset behind the end", "\0\0\0\x08\3\0\0\0"s},
        {"a SASL frame", "\0\0\0\x08\2\1\0\0"s},
        {"no performative", "\0\0\0\x09\2\0\0\0\x40"s},
        {"an unknown performative", frame(0, 0x19, 0, "")},
        {"nested too deep", frame(0, 0x10, 1, nested)},
        {"a bad list", frame(0, 0x10, 2, "\x40")},
        {"payload behind a begin", frame(0, 0x11, 0, "", "x")},
        {"attach without a name", frame(0, 0x12, 2, "\x40\x43")},
        {"attach without a handle", frame(0, 0x12, 1, "\xa1\1n")},
        {"attach with a NUL", attach("a\0b"s, 1)},
        {"transfer without a handle", frame(0, 0x14, 0, "")},
        {"a long performative", attach(std::string(9000, 'n'), 1)},
    };
    for (const auto& row : rows) {
        FrameReader reader;
        reader.feed(row.bytes);
        EXPECT_FALSE(reader.next()) << row.name;
    }
    FrameReader small;
    small.set_frame_bytes_max(16);
    const std::string bytes = attach("name", 1);
    small.feed(bytes);
    EXPECT_FALSE(small.next());
}

class Handles : public ::testing::Test {
public:
    PeerHandles peer{false};
    Handles() {
        peer.set_limits({.sessions_max = 2, .links_max = 2});
        EXPECT_TRUE(take(Performative::open, 0));
        EXPECT_TRUE(take(Performative::begin, 0));
    }
    Result<> take(Performative kind, std::uint16_t channel, std::optional<std::uint32_t> handle = {}) {
        Frame frame;
        frame.kind = kind;
        frame.channel = channel;
        frame.handle = handle.value_or(0);
        frame.has_handle = handle.has_value();
        frame.has_delivery_id = kind == Performative::transfer;
        return peer.take(frame);
    }
    Result<> transfer(bool has_delivery_id, bool more) {
        Frame frame;
        frame.kind = Performative::transfer;
        frame.has_handle = true;
        frame.has_delivery_id = has_delivery_id;
        frame.more = more;
        return peer.take(frame);
    }
};

TEST_F(Handles, AreUsedOnceAtATime) {
    EXPECT_TRUE(take(Performative::attach, 0, 5));
    EXPECT_FALSE(take(Performative::attach, 0, 5));
    EXPECT_TRUE(take(Performative::transfer, 0, 5));
    EXPECT_TRUE(take(Performative::detach, 0, 5));
    EXPECT_FALSE(take(Performative::transfer, 0, 5));
    EXPECT_TRUE(take(Performative::attach, 0, 5));
    EXPECT_TRUE(take(Performative::end, 0));
    EXPECT_FALSE(take(Performative::flow, 0));
    EXPECT_TRUE(take(Performative::begin, 0));
    EXPECT_FALSE(take(Performative::flow, 0, 5)) << "links end with their session";
}

TEST_F(Handles, NameADeliveryInItsFirstTransfer) {
    EXPECT_TRUE(take(Performative::attach, 0, 0));
    EXPECT_FALSE(transfer(false, false));
    EXPECT_TRUE(transfer(true, true));
    EXPECT_TRUE(transfer(false, true));
    EXPECT_TRUE(transfer(false, false));
    EXPECT_FALSE(transfer(false, false)) << "the last one ended it";
    EXPECT_TRUE(transfer(true, true));
    EXPECT_TRUE(take(Performative::detach, 0, 0));
    EXPECT_TRUE(take(Performative::attach, 0, 0));
    EXPECT_FALSE(transfer(false, false)) << "another link";
}

TEST(AmqpFrame, ReadsWhatMakesADelivery) {
    const struct {
        const char* name;
        std::string fields;     // behind the handle
        std::uint32_t count;
        bool has_delivery_id;
        bool more;
    } rows[] = {
        {"handle alone", "", 1, false, false},
        {"an id", "\x43", 2, true, false},
        {"an id of another type", "\x53\x74", 2, false, false},
        {"null for an id", "\x40", 2, false, false},
        {"more", "\x52\x01\x40\x43\x42\x41", 6, true, true},
        {"more, aborted", "\x52\x01\x40\x43\x42\x41\x40\x40\x40\x41", 10, true, false},
        {"more of another type", "\x52\x01\x40\x43\x42\x43", 6, true, false},
    };
    for (const auto& row : rows) {
        FrameReader reader;
        const std::string bytes = frame(0, 0x14, row.count, "\x43" + row.fields);
        reader.feed(bytes);
        const auto read = reader.next();
        ASSERT_TRUE(read && *read) << row.name;
        EXPECT_EQ((*read)->has_delivery_id, row.has_delivery_id) << row.name;
        EXPECT_EQ((*read)->more, row.more) << row.name;
    }
}

TEST_F(Handles, AreBounded) {
    EXPECT_TRUE(take(Performative::begin, 1));
    EXPECT_EQ(take(Performative::begin, 2).error().code, Errc::quota_exceeded);
    EXPECT_FALSE(take(Performative::begin, 1));
    EXPECT_TRUE(take(Performative::attach, 0, 1));
    EXPECT_TRUE(take(Performative::attach, 1, 1));
    EXPECT_EQ(take(Performative::attach, 1, 2).error().code, Errc::quota_exceeded);
}

TEST_F(Handles, KnowTheOrderOfAConnection) {
    EXPECT_FALSE(take(Performative::open, 0));
    Frame answer;
    answer.kind = Performative::begin;
    answer.channel = 1;
    answer.answers_begin = true;
    EXPECT_FALSE(peer.take(answer));
    EXPECT_TRUE(take(Performative::close, 0));
    EXPECT_FALSE(take(Performative::begin, 1));
    PeerHandles fresh(false);
    Frame begin;
    begin.kind = Performative::begin;
    EXPECT_FALSE(fresh.take(begin));
}

}  // namespace
}  // namespace selvage::codec::amqp

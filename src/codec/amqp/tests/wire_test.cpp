#include "codec/amqp/wire.h"

#include <gtest/gtest.h>

#include <limits>

namespace selvage::codec::amqp {
namespace {

std::string written(const Value& value) {
    std::string bytes;
    Writer(bytes).value(value);
    return bytes;
}

TEST(AmqpWire, ReadsBackEveryScalarWithItsType) {
    Uuid uuid;
    for (std::size_t i = 0; i < 16; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(i * 17);
    const Value values[] = {
        std::monostate{}, true, false, std::uint8_t{200}, std::uint16_t{60000}, std::uint32_t{0}, std::uint32_t{255},
        std::uint32_t{256}, std::numeric_limits<std::uint32_t>::max(), std::uint64_t{0}, std::uint64_t{255}, std::uint64_t{256},
        std::numeric_limits<std::uint64_t>::max(), std::int8_t{-7}, std::int16_t{-700}, std::int32_t{-128}, std::int32_t{-129},
        std::int32_t{127}, std::int32_t{128}, std::int64_t{-1}, std::int64_t{128}, std::numeric_limits<std::int64_t>::min(), 1.5f,
        -2.25, Timestamp{-5}, uuid, Binary{std::string("\0x", 2)}, Binary{std::string(300, 'b')}, std::string("text"),
        std::string(70'000, 't'), Symbol{"s"}, Symbol{std::string(256, 's')}};
    for (const Value& value : values) {
        const std::string bytes = written(value);
        Reader reader(bytes);
        EXPECT_EQ(reader.value(), value) << "type " << value.index();
        EXPECT_TRUE(reader.at_end());
        EXPECT_FALSE(reader.failed());
        EXPECT_TRUE(Reader(bytes).check());
        for (std::size_t cut = 0; cut < std::min<std::size_t>(bytes.size(), 20); ++cut) {
            Reader shorter(std::string_view(bytes).substr(0, cut));
            shorter.value();
            EXPECT_TRUE(shorter.failed()) << "type " << value.index() << " cut at " << cut;
            EXPECT_FALSE(Reader(std::string_view(bytes).substr(0, cut)).check());
        }
    }
}

TEST(AmqpWire, SkipsWhatItDoesNotTakeOver) {
    std::string bytes;
    Writer writer(bytes);
    std::string items;
    Writer(items).uint(7);
    writer.list(1, items);
    writer.map(0, {});
    writer.descriptor(0x1234);
    writer.list(1, items);
    const std::string_view names[] = {"a", "bc"};
    writer.symbols(names, 2);
    writer.text("after");
    Reader reader(bytes);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(reader.value(), Value{Opaque{}});
    EXPECT_EQ(reader.value(), Value{std::string("after")});
    EXPECT_TRUE(reader.at_end());
}

TEST(AmqpWire, RefusesWhatIsNotWellFormedAllTheWayDown) {
    using namespace std::string_literals;
    const std::string bad[] = {
        ""s, "\x3f"s, "\xc0\x03\x02\x43"s, "\xc0\x02\x01\x50"s, "\xc0\x03\x01\x43\x43"s, "\xc1\x03\x01\x43"s, "\x00"s, "\x00\x53\x10"s,
        "\xe0\x02\x02\x50"s, "\xf0\x00\x00\x00\x05\xff\xff\xff\xff\x40"s, "\xa1\x05hell"s, "\xb1\xff\xff\xff\xff"s};
    for (const std::string& bytes : bad) EXPECT_FALSE(Reader(bytes).check()) << testing::PrintToString(bytes);
    EXPECT_TRUE(Reader("\xe0\x04\x02\x50\x01\x02"s).check());
    EXPECT_TRUE(Reader("\x45"s).check());
}

TEST(AmqpWire, BoundsDepthAndCount) {
    std::string bytes;
    Writer(bytes).null();
    for (int i = 0; i < kDepthMax; ++i) {
        const std::string inner = std::exchange(bytes, {});
        Writer(bytes).list(1, inner);
    }
    EXPECT_TRUE(Reader(bytes).check());
    const std::string inner = std::exchange(bytes, {});
    Writer(bytes).list(1, inner);
    EXPECT_FALSE(Reader(bytes).check());
    const std::string described(100'000, '\0');
    EXPECT_FALSE(Reader(described).check());
    Reader skipping(described);
    skipping.skip();
    EXPECT_TRUE(skipping.failed());
    std::string many;
    Writer(many).list(kItemsMax, std::string(kItemsMax, '\x40'));
    EXPECT_FALSE(Reader(many).check());
}

TEST(AmqpWire, TurnsUuidsIntoTextAndBack) {
    const auto uuid = parse_uuid("6BA7b810-9dad-11d1-80b4-00c04fd430c8");
    ASSERT_TRUE(uuid);
    EXPECT_EQ(to_text(*uuid), "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    for (const char* text : {"", "6ba7b810-9dad-11d1-80b4-00c04fd430c", "6ba7b810x9dad-11d1-80b4-00c04fd430c8",
                             "6ba7b810-9dad-11d1-80b4-00c04fd430cg", "6ba7b810-9dad-11d1-80b4-00c04f-430c8"})
        EXPECT_FALSE(parse_uuid(text)) << text;
}

TEST(AmqpWire, TakesAnyIntegerThatFits) {
    EXPECT_EQ(as_integer(std::uint8_t{5}), 5);
    EXPECT_EQ(as_integer(std::int64_t{-5}), -5);
    EXPECT_EQ(as_integer(std::uint64_t{1} << 63), std::nullopt);
    EXPECT_EQ(as_integer(true), std::nullopt);
    EXPECT_EQ(as_integer(std::string("5")), std::nullopt);
}

}  // namespace
}  // namespace selvage::codec::amqp

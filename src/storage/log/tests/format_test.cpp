#include "storage/log/segment/format.h"

#include <gtest/gtest.h>

namespace selvage::storage::segment {
namespace {

std::string framed(Kind kind, std::string_view body, std::uint64_t position, std::uint32_t salt) {
    std::string out;
    const std::size_t at = begin_frame(out, kind);
    out += body;
    end_frame(out, at, position, salt);
    return out;
}

TEST(SegmentFormat, ARecordIsValidOnlyAtItsPlaceInItsSegment) {
    const std::string record = framed(Kind::data, "body", 4711, 99);
    const std::string bytes = record + "what follows";
    const auto frame = read_frame(bytes, 4711, 99);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->kind, Kind::data);
    EXPECT_EQ(frame->body, "body");
    EXPECT_EQ(frame->bytes, record.size());
    EXPECT_FALSE(read_frame(record, 4712, 99));
    EXPECT_FALSE(read_frame(record, 4711, 98));
}

TEST(SegmentFormat, AnyChangedBitOrMissingByteIsNoticed) {
    const std::string record = framed(Kind::data, "some body", 8, 1);
    for (std::size_t i = 0; i < record.size(); ++i) {
        EXPECT_FALSE(read_frame(std::string_view(record).substr(0, i), 8, 1));
        for (int bit = 0; bit < 8; ++bit) {
            std::string damaged = record;
            damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
            EXPECT_FALSE(read_frame(damaged, 8, 1)) << "byte " << i << " bit " << bit;
        }
    }
}

TEST(SegmentFormat, ZerosAreNoRecord) { EXPECT_FALSE(read_frame(std::string(100, '\0'), 0, 0)); }

TEST(SegmentFormat, HeadersReadBackAsTheyWereWritten) {
    Header header{.number = 77, .created = 1'700'000'000'000, .next_id = 9, .queues = {}};
    header.queues.push_back({1, "a", 5, 3, 0, 0, 1'700'000'000'001});
    header.queues.push_back({8, std::string(300, 'n'), 1ull << 60, 0, 86'400'000, 1ull << 40, -5});
    std::string body;
    put_header(body, header);
    Header read;
    ASSERT_TRUE(read_header(body, read));
    EXPECT_EQ(read.number, header.number);
    EXPECT_EQ(read.created, header.created);
    EXPECT_EQ(read.next_id, header.next_id);
    EXPECT_EQ(read.queues, header.queues);
    for (std::size_t i = 0; i < body.size(); ++i) EXPECT_FALSE(read_header(std::string_view(body).substr(0, i), read));
    EXPECT_FALSE(read_header(body + "x", read));
}

TEST(SegmentFormat, DataReadsBackWithAnyTimes) {
    struct Row {
        Millis enqueued, expires;
    };
    constexpr Millis kLowest = std::numeric_limits<Millis>::min();
    for (const Row& row : {Row{0, 0}, Row{1'700'000'000'000, 1'700'000'007'200}, Row{5, 3}, Row{5, kNever}, Row{-1, kNever - 1},
                           Row{kLowest, -1}, Row{0, kLowest + 1}}) {
        std::string body;
        put_data_start(body, row.enqueued, 2);
        put_data_target(body, {3, 1ull << 50, row.expires}, row.enqueued);
        put_data_target(body, {4, 0, kNever}, row.enqueued);
        body += "payload";
        Data data;
        ASSERT_TRUE(read_data(body, data));
        EXPECT_EQ(data.enqueued, row.enqueued);
        ASSERT_EQ(data.targets.size(), 2u);
        EXPECT_EQ(data.targets[0].queue, 3u);
        EXPECT_EQ(data.targets[0].delta, 1ull << 50);
        EXPECT_EQ(data.targets[0].expires, row.expires);
        EXPECT_EQ(data.targets[1].expires, kNever);
        EXPECT_EQ(data.payload, "payload");
    }
}

TEST(SegmentFormat, CountsThatPromiseMoreThanIsThereAreRefused) {
    std::string body;
    put_varint(body, 0);
    put_varint(body, 1ull << 40);
    Data data;
    EXPECT_FALSE(read_data(body, data));
    std::vector<Cursor> cursors;
    EXPECT_FALSE(read_cursors(std::string_view(body).substr(1), cursors));
    Seal seal;
    EXPECT_FALSE(read_seal(body, seal));
}

TEST(SegmentFormat, SealsReadBackAndNeedOrder) {
    Seal seal{.enqueued_max = 12, .spans = {{1, 0, 5, 100, kNever}, {2, 7, 8, 20, 13}}};
    std::string body;
    put_seal(body, seal);
    Seal read;
    ASSERT_TRUE(read_seal(body, read));
    EXPECT_EQ(read.enqueued_max, 12);
    EXPECT_EQ(read.spans, seal.spans);
    std::swap(seal.spans[0], seal.spans[1]);
    body.clear();
    put_seal(body, seal);
    EXPECT_FALSE(read_seal(body, read));
}

}  // namespace
}  // namespace selvage::storage::segment
